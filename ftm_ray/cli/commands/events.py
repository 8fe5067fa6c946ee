"""`ftm events`: an event study of the calls behind the themes. It does not start Ray."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ftm_ray.cli.options import Options, json_option, open_lake, print_json, quarters_callback, root_option
from ftm_ray.errors import ConfigError, SourceError

if TYPE_CHECKING:
    import pyarrow as pa

    from ftm_ray.results.event_study import StudyRequest

_FILE = click.Path(path_type=Path, dir_okay=False)


def _windows(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    found = []
    for value in values:
        match = re.fullmatch(r"([+-]?\d+),([+-]?\d+)", value.strip())
        if match is None:
            raise ConfigError(f"'{value}' is no window; write first and last day, such as -1,+1")
        found.append((int(match[1]), int(match[2])))
    return tuple(dict.fromkeys(found))


def _weights(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> dict[str, float] | None:
    """analyst=49,cfo=30 as numbers by speaker group."""
    from ftm_ray.sentiment.aggregates import SPEAKER_GROUPS

    if value is None:
        return None
    matches = [re.fullmatch(r"\s*(\w+)=(\d+(?:\.\d+)?)\s*", part) for part in value.split(",")]
    weights = {match[1]: float(match[2]) for match in matches if match}
    if len(weights) < len(matches) or set(weights) - set(SPEAKER_GROUPS) or not sum(weights.values()):
        groups = ", ".join(SPEAKER_GROUPS)
        raise ConfigError(f"'{value}' are no speaker weights; write such as analyst=49,cfo=30 with any of {groups}")
    return weights


def _name(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[\w.-]*\w", value):
        raise ConfigError(f"'{value}' is no name of a study; use letters, digits, '-', '_' and '.'")
    return value


@click.command(short_help="Study the returns around the calls of themes.")
@root_option
@click.option("--quarters", required=True, callback=quarters_callback, help="Such as 2023Q1..2024Q4, or 2023Q1,2023Q3.")
@click.option("--returns", required=True, type=_FILE, help="Daily returns, CSV or Parquet (docs/event-study.md).")
@click.option("--factors", multiple=True, type=_FILE, help="Daily factors; may be given again, as for momentum.")
@click.option("--sentiment", type=_FILE, help="Sentiment per theme, firm and call. [default: as published, if it is]")
@click.option(
    "--tone", type=click.Choice(["model", "words"]), default="model", show_default=True,
    help="What measures sentiment: the model, or the word list.",
)  # fmt: skip
@click.option(
    "--speaker-weights", callback=_weights, metavar="GROUP=N,...",
    help="Weights of analyst, ceo, cfo, executive, other. [default: sentences count alike]",
)  # fmt: skip
@click.option("--model", default="market", show_default=True, help="market-adjusted, market, ff3, carhart or ff5.")
@click.option(
    "--window", "windows", multiple=True, default=("-1,+1",), show_default=True, callback=_windows,
    help="First and last trading day from day 0; may be given again.",
)  # fmt: skip
@click.option("--estper", type=click.IntRange(min=2), default=110, show_default=True, help="Days of estimation.")
@click.option("--gap", type=click.IntRange(min=0), default=5, show_default=True, help="Days between it and the window.")
@click.option("--min-est", type=click.IntRange(min=2), default=70, show_default=True, help="Fewest days estimated on.")
@click.option("--hold", type=click.IntRange(min=1), default=63, show_default=True, help="Longest holding, in days.")
@click.option("--name", callback=_name, help="Name of the study under ROOT/events. [default: the model]")
@click.option("--csv", "csv_file", type=_FILE, help="Write the table of means as CSV.")
@click.option("--latex", "latex_file", type=_FILE, help="Write the table of means as LaTeX.")
@click.option("--plot", "plot_file", type=_FILE, help="Draw the mean CAR path into an HTML page.")
@click.option("--plot-group", default="all", show_default=True, help="Whose path: all, or a theme.")
@json_option
def events(**options: object) -> None:
    """Study the returns around the calls that speak of themes: CARs, tests, regressions, portfolios.

    Every call is in the output, the unused ones with a reason. An earlier study of the same name is replaced.

    \b
      ftm events --root lake --quarters 2023Q1..2024Q4 --returns crsp.parquet --model market
      ftm events --root lake --quarters 2023Q1 --returns crsp.csv --factors F-F_Research_Data_5_Factors_2x3_daily.csv \\
        --model ff5 --window -1,+1 --window 0,+5 --latex table.tex
    """
    from ftm_ray.cli.screens.events import show_study
    from ftm_ray.results.event_study import make_study
    from ftm_ray.results.study_files import write_study

    root, name = str(options["root"]), str(options["name"] or options["model"])
    request = _request(options)
    study = make_study(root, request)
    folder = write_study(open_lake(root), name, request.record() | {"name": name}, study)
    _write_wanted(options, study.tables)
    if options["as_json"]:
        print_json({"folder": folder} | {name: study.tables[name].to_pylist() for name in ("event_means", "events")})
    else:
        show_study(study, folder)


def _request(options: Options) -> "StudyRequest":
    from ftm_ray.events.sentiment import ToneSettings
    from ftm_ray.events.study import StudySettings
    from ftm_ray.results.event_study import StudyRequest

    names = ("model", "windows", "estper", "gap", "min_est", "hold")
    settings = StudySettings(**{name: options[name] for name in names})
    return StudyRequest(
        quarters=options["quarters"],
        returns=options["returns"],
        factors=options["factors"],
        sentiment=options["sentiment"],
        settings=settings,
        tone=ToneSettings(options["tone"], options["speaker_weights"]),
    )


def _write_wanted(options: Options, tables: "dict[str, pa.Table]") -> None:
    """The files that flags ask for."""
    from ftm_ray.events.paper_tables import means_csv, means_latex
    from ftm_ray.results.event_plot import write_path_plot

    for path, text in ((options["csv_file"], means_csv), (options["latex_file"], means_latex)):
        if path is not None:
            try:
                path.write_text(text(tables["event_means"]), encoding="utf-8")
            except OSError as error:
                raise SourceError(f"cannot write {path}: {error.strerror or error}") from error
    if options["plot_file"] is not None:
        write_path_plot(options["plot_file"], tables["event_paths"], options["plot_group"])
