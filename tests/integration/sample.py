"""The sample quarter in a lake of its own, and what a test wants to know of a lake."""

import hashlib
import json
from pathlib import Path

import ftm_ray
from ftm_ray.config import LlmSettings
from ftm_ray.lake.storage import Lake
from ftm_ray.sources.files.source import FilesSettings, FilesSource
from ftm_ray.sources.prefetch import prefetch_quarter

SAMPLE = Path(ftm_ray.__file__).parent / "sample_calls"
QUARTER = "2024Q1"
NO_LLM = LlmSettings(endpoint="none")

#: The files of half of the firms, for tests to which it matters that there are several, but not which.
HALF = "part_a_*.jsonl"


def prefetch_sample(root: Path, links: bool = True, files: str = "*.jsonl", quarter: str = QUARTER) -> Lake:
    """Bring the sample calls of one quarter into a lake of its own, or into one that has another quarter already."""
    lake = Lake(str(root))
    settings = FilesSettings((str(SAMPLE / files),), links=str(SAMPLE / "links.csv") if links else None)
    prefetch_quarter(lake, quarter, FilesSource(settings), lambda *_: None)
    return lake


def published_bytes(lake: Lake) -> dict[str, str]:
    """Digest of every published file, by its path under ROOT."""
    root = Path(lake.root)
    files = [path for folder in ("processed", "sentiment-ready") for path in sorted((root / folder).rglob("*.parquet"))]
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def parts(lake: Lake) -> dict[str, int]:
    """When each part file was written."""
    found = sorted(Path(lake.root).glob("intermediate/firm-topics/*/*/*.parquet"))
    return {path.name: path.stat().st_mtime_ns for path in found}


def record(lake: Lake) -> dict:
    files = list(Path(lake.root).glob("runs/*/*/run.json"))
    assert len(files) == 1
    return json.loads(files[0].read_text())
