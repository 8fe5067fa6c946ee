"""Nothing is published below the limits, and the message says what to do."""

import pytest
from invented import bare_row, done_row, firm, part_table, run_files, topic_vector, write_store

from ftm_ray.config import RunConfig
from ftm_ray.errors import QualityError
from ftm_ray.gates import check_parts

URL = "http://127.0.0.1:9/v1"


def run_of(lake, statuses):
    """A run over one batch whose firms have these statuses."""
    firms = [firm(f"F{number:02d}", [["Freight cost more."] * 3]) for number in range(len(statuses))]
    run = run_files(lake, write_store(lake, [firms]), RunConfig())
    rows = [
        done_row(one, [0, 0, 0], [topic_vector(0)]) if status == "done" else bare_row(one, status, f"was {status}")
        for one, status in zip(firms, statuses, strict=True)
    ]
    run.lake.write_table(run.part_path(run.manifest.batches[0]), part_table(rows))
    return run


def test_one_failed_firm_in_fifty_passes(lake):
    check_parts(run_of(lake, ["done"] * 49 + ["failed"]), RunConfig())


def test_two_failed_firms_in_fifty_do_not(lake):
    with pytest.raises(QualityError, match="2 of 50 firms"):
        check_parts(run_of(lake, ["done"] * 48 + ["failed"] * 2), RunConfig())


def test_a_quarter_without_any_firm_with_topics_is_not_published(lake):
    with pytest.raises(QualityError, match="was skipped"):
        check_parts(run_of(lake, ["skipped"] * 3), RunConfig())


def test_keyword_names_do_not_pass_where_an_llm_was_asked(lake):
    run = run_of(lake, ["done"] * 3)
    check_parts(run, RunConfig())
    with pytest.raises(QualityError, match="named 0 of 3 topics"):
        check_parts(run, RunConfig.model_validate({"llm": {"endpoint": URL}}))
