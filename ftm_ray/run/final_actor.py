"""The actor of the last step: `ThemePublisher` in a process of its own, which tells what it asked of S3."""

from ftm_ray.config import RunConfig
from ftm_ray.lake.runs import RunFiles
from ftm_ray.lake.s3_traffic import taken
from ftm_ray.run.loading import loading
from ftm_ray.run.reduce import ThemePublisher, Workers
from ftm_ray.run.reduce_report import ReduceReport


class FinalActor(ThemePublisher):
    """Publishes, and tells what it asked of S3 for that."""

    def __init__(self, config: RunConfig, api_key: str, device: str, workers: Workers) -> None:
        with loading():
            super().__init__(config, api_key, device, workers)

    def publish(self, run: RunFiles) -> ReduceReport:
        """Publish everything but run.json."""
        report = super().publish(run)
        report.traffic.add(taken())
        return report
