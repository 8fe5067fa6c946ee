"""What a job is asked for as, and ROOT as it is told to a cluster. With a cluster: tests/integration/test_submit.py."""

import pytest

from ftm_ray.cli.launch.submit import cluster_address, job_of, root_of_job


def test_one_quarter_and_several_have_a_job_file_each():
    one = job_of(("2023Q1",), "s3://bucket/ftm?sse=aws:kms", ["--llm", "serve"], ["--config", "run.toml"])
    several = job_of(("2023Q1", "2023Q3"), "/lake", [], [])
    assert one.entrypoint == (
        "python jobs/run_quarter.py 2023Q1 --root 's3://bucket/ftm?sse=aws:kms' --llm serve --config run.toml"
    )
    assert several.entrypoint == "python jobs/run_quarters.py 2023Q1,2023Q3 --root /lake"
    assert several.metadata == {"ftm_root": "/lake", "ftm_quarters": "2023Q1,2023Q3"}


def test_a_folder_is_told_whole_and_a_bucket_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert root_of_job("lake/") == str(tmp_path / "lake")
    assert root_of_job("s3://bucket/ftm/") == "s3://bucket/ftm"


@pytest.mark.parametrize(
    ("flag", "variable", "chosen"),
    [
        ("http://head:8265/", "http://other:8265", "http://head:8265"),
        (None, "http://other:8265", "http://other:8265"),
        (None, None, "http://127.0.0.1:8265"),
    ],
)
def test_the_flag_goes_before_rays_variable_also_for_rays_own_client(flag, variable, chosen, monkeypatch):
    from ray.dashboard.utils import get_address_for_submission_client

    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", variable or "")
    assert cluster_address(flag) == chosen
    assert get_address_for_submission_client(chosen).rstrip("/") == chosen
