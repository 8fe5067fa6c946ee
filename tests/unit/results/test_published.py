"""Only what is wholly published is read."""

import pytest
from invented import QUARTER

from ftm_ray.errors import SourceError
from ftm_ray.lake.runs import published_record


def test_a_publication_that_was_stopped_is_not_taken_for_whole(published):
    published.lake.delete_file(published.lake.run_file(QUARTER, published.run_id))
    with pytest.raises(SourceError, match="not finished"):
        published_record(published.lake, QUARTER)
