"""The commands of ``latentia`` and what they have in common."""

from typing import Annotated

import typer

from latentia import __version__
from latentia.cli import datasets, demo, fit, forecast, impute, models, plot, predict, summary
from latentia.cli.group import Commands

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.callback(invoke_without_command=True)
def latentia(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Fit latent-variable models by expectation-maximization."""
    if version:
        print(f"latentia {__version__}")
    elif ctx.invoked_subcommand is None:
        print(ctx.get_help(), end="")
        raise typer.Exit(2)


app.add_typer(fit.app, name="fit")
app.command("predict")(predict.predict)
app.command("forecast")(forecast.forecast)
app.command("impute")(impute.impute)
app.command("plot")(plot.plot)
app.command("summary")(summary.summary)
app.command("models")(models.models)
app.command("datasets")(datasets.datasets)
app.command("demo")(demo.demo)
