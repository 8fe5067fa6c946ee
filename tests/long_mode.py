"""Whether tests shall try many inputs (`make fuzz`), or some that are the same each time (`make test`)."""

import os

#: Broken inputs of each test that makes them; 0 = the short mode.
FUZZ_INPUTS = int(os.environ.get("FTM_FUZZ_INPUTS", "0"))
