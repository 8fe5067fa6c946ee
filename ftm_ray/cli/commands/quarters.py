"""`ftm run-quarters`: several quarters, one after the other."""

from typing import TYPE_CHECKING, Any

import click

from ftm_ray.cli.commands.run import run
from ftm_ray.cli.options import json_option, options_of, print_json, quarters_callback, root_option

if TYPE_CHECKING:
    from ftm_ray.run.quarters import QuarterResult


@click.command("run-quarters", short_help="Run several quarters, one after the other.")
@click.argument("quarters", callback=quarters_callback)
@root_option
@click.option("--lineage", is_flag=True, help="Link each quarter to the one before it (`ftm lineage`).")
@json_option
@click.pass_context
def run_quarters(context: click.Context, quarters: tuple[str, ...], root: str, as_json: bool, **options: Any) -> None:
    """Run QUARTERS (2023Q1..2024Q4, or 2023Q1,2023Q3) in order, each as `ftm run` does and with its flags.

    A quarter that fails does not stop the others. A model that is served stays up between them, and goes at the end.
    Ends with a table, and with the highest exit code of the quarters; the same command does what is left. With
    --lineage, a quarter behind one that failed is published but not linked, and the table says so.

    \b
      ftm run-quarters 2023Q1..2024Q4 --root lake
      ftm run-quarters 2023Q1..2024Q4 --root lake --lineage
    """
    from ftm_ray.cli.launch.quarters import launch_quarters
    from ftm_ray.cli.screens.quarters import result_row, show_quarters

    def show(results: "list[QuarterResult]") -> None:
        if as_json:
            print_json([result_row(result) for result in results])
        else:
            show_quarters(results)

    context.exit(launch_quarters(root, quarters, options, show))


run_quarters.params += options_of(run, without={"root", "as_json"})
