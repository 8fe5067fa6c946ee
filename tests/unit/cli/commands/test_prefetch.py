"""`ftm prefetch`: each source takes its own options only."""

import pytest
from command import ftm, one_error_line
from standin import QUARTER

from ftm_ray.cli.main import cli


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--as-of", "2023-01-01"], "--as-of is for --from wrds"),
        (["--schema", "links=crsp"], "--schema is for --from wrds"),
        ([], "say --path FILE, folder or glob, or --from wrds"),
    ],
)
def test_options_of_wrds_are_not_taken_with_files(tmp_path, options, message):
    result = ftm("prefetch", QUARTER, "--root", tmp_path, *options)
    assert result.exit_code == 2
    assert message in one_error_line(result)


def test_no_credentials_can_be_given_as_arguments():
    options = {option for parameter in cli.commands["prefetch"].params for option in parameter.opts}
    assert not [option for option in options if "user" in option or "pass" in option]
