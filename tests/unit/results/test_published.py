"""Only what is wholly published is read."""

import pytest
from invented import QUARTER

from ftm_ray.errors import DamagedError, SourceError
from ftm_ray.lake.runs import published_record


def test_a_publication_that_was_stopped_is_not_taken_for_whole(published):
    published.lake.delete_file(published.lake.run_file(QUARTER, published.run_id))
    with pytest.raises(SourceError, match="not finished"):
        published_record(published.lake, QUARTER)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("config.embed.model", lambda record: record["config"]["embed"].pop("model")),
        ("prefetch.digest", lambda record: record.update(prefetch={})),
        ("counts.n_done", lambda record: record["counts"].update(n_done="all")),
        ("files", lambda record: next(iter(record["files"].values())).pop("sha256")),
    ],
)
def test_a_record_without_what_readers_need_is_named_with_what_it_lacks(published, name, damage):
    path = published.lake.run_file(QUARTER, published.run_id)
    record = published.lake.read_json(path)
    damage(record)
    published.lake.write_json(path, record)
    with pytest.raises(DamagedError, match=f"{name}.* missing or of another type"):
        published_record(published.lake, QUARTER)
