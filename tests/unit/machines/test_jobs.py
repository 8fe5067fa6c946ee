"""What is known of a job without a cluster: its name, its exit code, and which part of its log is new.

With a cluster: tests/integration/test_submit.py.
"""

import pytest
from ray.dashboard.modules.job.pydantic_models import JobDetails
from ray.job_submission import JobStatus

from ftm_ray.errors import RetryableError
from ftm_ray.machines.jobs import Job, _is_attempt, _Seen, exit_code


def ended(status: JobStatus, code: int | None = None, message: str | None = None) -> JobDetails:
    return JobDetails(
        type="SUBMISSION", submission_id="ftm-2023Q1-1", status=status, entrypoint="", driver_exit_code=code,
        message=message,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("quarters", "name"),
    [(("2023Q1",), "ftm-2023Q1"), (("2023Q1", "2023Q2", "2023Q3"), "ftm-2023Q1-2023Q3")],
)
def test_a_job_is_named_by_its_first_and_last_quarter(quarters, name):
    assert Job(quarters, "/lake", "true").name == name


def test_attempts_of_several_quarters_are_not_those_of_the_first():
    assert _is_attempt("ftm-2023Q1-12", "ftm-2023Q1")
    assert not _is_attempt("ftm-2023Q1-2023Q3-1", "ftm-2023Q1")
    assert not _is_attempt("raysubmit_1", "ftm-2023Q1")


@pytest.mark.parametrize(
    ("status", "code", "shown"),
    [
        (JobStatus.SUCCEEDED, 0, 0),
        (JobStatus.FAILED, 3, 3),
        (JobStatus.FAILED, -9, 137),
        (JobStatus.STOPPED, None, 143),
    ],
)
def test_a_job_ends_with_the_code_of_its_command(status, code, shown):
    assert exit_code(ended(status, code)) == shown


def test_a_job_whose_command_never_began_says_why():
    with pytest.raises(RetryableError, match="ftm-2023Q1-1 ended before its command did: no room on the disk"):
        exit_code(ended(JobStatus.FAILED, message="no room\non the disk"))


def test_a_log_that_begins_anew_after_a_lost_connection_is_not_shown_twice():
    shown = []
    seen = _Seen(shown.append)
    seen.begin()
    seen.take("one\n")
    seen.take("two\n")
    seen.begin()
    seen.take("one\ntw")
    seen.take("o\nthree\n")
    assert "".join(shown) == "one\ntwo\nthree\n"
