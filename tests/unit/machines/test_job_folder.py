"""What travels with a job: the code, the settings, and nothing that lies beside them."""

import pytest

from ftm_ray.errors import ConfigError
from ftm_ray.machines import job_folder
from ftm_ray.machines.job_folder import PRICES, SETTINGS


def test_code_and_settings_travel_and_nothing_else(tmp_path):
    settings = tmp_path / "mine.toml"
    settings.write_text("workers = 3\n")
    with job_folder.job_folder(settings) as folder:
        assert sorted(path.name for path in folder.iterdir()) == ["ftm_ray", "jobs", SETTINGS]
        assert (folder / "jobs/run_quarter.py").is_file()
        assert (folder / "ftm_ray/machines/cluster_template.yaml").is_file()
        assert not list(folder.rglob("__pycache__"))
        assert (folder / SETTINGS).read_text() == "workers = 3\n"
    assert not folder.exists()


def test_prices_travel_too_under_the_name_that_the_job_is_given(tmp_path):
    prices = tmp_path / "what-we-pay.toml"
    prices.write_text("[nodes]\ngpu_spot = 0.4\n")
    with job_folder.job_folder(None, prices) as folder:
        assert (folder / PRICES).read_text() == prices.read_text()
        assert not (folder / SETTINGS).exists()


def test_too_much_to_send_names_the_largest_file(monkeypatch):
    monkeypatch.setattr(job_folder, "_MOST_BYTES", 1 << 20)
    with (
        pytest.raises(ConfigError, match=r"at most 1 are sent with a job; the largest file is ftm_ray/"),
        job_folder.job_folder(None),
    ):
        pass


def test_an_installed_package_without_jobs_says_that_a_checkout_is_needed(monkeypatch, tmp_path):
    monkeypatch.setattr(job_folder, "_JOBS", tmp_path / "jobs")
    with pytest.raises(ConfigError, match="jobs are sent from a checkout"), job_folder.job_folder(None):
        pass
