"""What the program has stands in its documentation: every column, every setting, every command."""

import re
import tomllib
from pathlib import Path

import click
import pytest

from ftm_ray.cli.main import main
from ftm_ray.config import RunConfig, Settings
from ftm_ray.results.search.hits import HITS
from ftm_ray.schemas.events import EVENT_STUDY, GIVEN_SENTIMENT
from ftm_ray.schemas.history import HISTORY
from ftm_ray.schemas.parts import FIRM_TOPICS
from ftm_ray.schemas.published import PUBLISHED
from ftm_ray.schemas.sentiment import SCORED_TEXTS, SENTIMENT_READY, SENTIMENT_TABLES
from ftm_ray.schemas.store import COVERAGE, PREFETCH
from ftm_ray.schemas.vectors import sentence_vectors_schema
from ftm_ray.schemas.wrds import WRDS_CALLS, WRDS_TURNS

DOCS = Path(__file__).parents[2] / "docs"
PROJECT = DOCS.parent
README = PROJECT / "README.md"
CONTRIBUTING = PROJECT / "CONTRIBUTING.md"
TABLES = [
    *PUBLISHED.values(),
    SENTIMENT_READY,
    PREFETCH,
    COVERAGE,
    WRDS_CALLS,
    WRDS_TURNS,
    FIRM_TOPICS,
    *EVENT_STUDY.values(),
    GIVEN_SENTIMENT,
    SCORED_TEXTS,
    *SENTIMENT_TABLES.values(),
    *HISTORY.values(),
    sentence_vectors_schema(384),
]


def test_every_column_is_described():
    text = (DOCS / "data-contracts.md").read_text(encoding="utf-8")
    missing = {name for table in TABLES for name in table.names if name not in text}
    assert not missing


def test_every_column_of_a_hit_is_described():
    text = (DOCS / "search.md").read_text(encoding="utf-8")
    assert not {name for name in HITS.names if name not in text}


def settings_of(model: type[Settings], prefix: str = ""):
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Settings):
            yield from settings_of(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


@pytest.mark.parametrize(("key", "field"), list(settings_of(RunConfig)), ids=lambda value: str(value)[:30])
def test_every_setting_is_described_with_its_default(key, field):
    lines = (DOCS / "configuration.md").read_text(encoding="utf-8").splitlines()
    row = next((line for line in lines if line.startswith(f"| `{key}` |")), None)
    assert row is not None, f"{key} is missing in docs/configuration.md"
    shown = "null" if field.default is None else str(field.default).lower()
    assert f"| `{shown}` |".lower() in row.lower()


def test_every_command_is_in_the_readme_or_the_docs():
    text = README.read_text(encoding="utf-8") + "".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.md"))
    context = click.Context(main)
    missing = [name for name in main.list_commands(context) if f"ftm {name}" not in text]
    assert not missing


def test_no_link_between_documents_is_broken():
    for path in [README, CONTRIBUTING, *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (path.parent / target).exists(), f"{path.name} links to {target}"


@pytest.mark.parametrize("path", [README, CONTRIBUTING, *sorted(DOCS.glob("*.md"))], ids=lambda path: path.stem)
def test_every_file_that_a_document_names_exists(path):
    """Decisions (docs/adr) are left out: they tell of the files of their day."""
    named = re.findall(r"(?<![\w/.-])(?:ftm_ray|tests|jobs|cluster|docs)/[\w./*-]*", path.read_text(encoding="utf-8"))
    missing = [name for name in named if not list(PROJECT.glob(name.rstrip("./")))]
    assert not missing


def test_the_table_of_folders_has_the_floors_that_import_linter_holds():
    lines = (DOCS / "architecture.md").read_text(encoding="utf-8").splitlines()
    shown = [match[1] for line in lines if (match := re.match(r"\| `(\w+)(?:/|\.py)` \|", line))]
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = next(c["layers"] for c in settings["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    assert shown == [folder for layer in layers for folder in re.findall(r"\w+", layer)]
