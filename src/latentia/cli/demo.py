"""``latentia demo``: Old Faithful, from the data to the report."""

import io
from pathlib import Path
from typing import Annotated, Any

import typer

from latentia.cli.errors import Refusal, warnings_as_sentences

_DATA = "faithful"
_FILES = ("report.html", "faithful.png", "faithful.safetensors")


def demo(
    ctx: typer.Context,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where to write; made where there is none.")
    ] = Path("latentia-demo"),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Fit the eruptions of Old Faithful; write a report, a picture and the model."""
    from latentia import GaussianMixture
    from latentia.cli.fit import COVARIANCES
    from latentia.cli.fitting import Outcome, Request, deliver, fit, write_model, write_report
    from latentia.cli.inputs import read_input
    from latentia.cli.outputs import check_output
    from latentia.extras import require

    for module in ("matplotlib", "jinja2"):
        require(module, extra="plot")

    try:
        out.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise Refusal(f"--out {out} is no folder; give the name of one, or of a new one") from None
    except OSError as error:
        raise Refusal(
            f"--out {out} cannot be made ({error.strerror}); give a folder in another place"
        ) from None
    report, picture, model = (out / name for name in _FILES)
    for path in (report, picture, model):
        check_output("--out", path, (path.suffix,), {})
    read = read_input(_DATA)
    request = Request(
        data=read,
        estimator=GaussianMixture(random_state=0),
        climb={"starts": 10},
        grid={"n_components": list(range(1, 10)), "covariance_type": list(COVARIANCES)},
        criterion="bic",
        jobs=None,
        quiet=quiet,
    )

    def write(outcome: Outcome, written: list[str]) -> None:
        write_model(outcome, model, written)
        draw(outcome.estimator, read.values, read.columns, picture)
        written.append(f"Picture: {picture}")
        write_report(outcome, read, ctx.obj.command(), report, written)

    with warnings_as_sentences():
        status = deliver(fit(request), read, write)
    raise typer.Exit(status)


def draw(estimator: Any, values: Any, columns: tuple[str, ...], path: Path) -> None:
    """Draw a fitted mixture on its data, as a PNG.

    Parameters
    ----------
    estimator : estimator
        A fitted one.
    values : ndarray of shape (n, D)
        The rows.
    columns : tuple of str
        The names of the D columns.
    path : Path
        The file to write, whole or not at all.
    """
    from latentia.data.files import write_atomically
    from latentia.extras import require

    figure = require("matplotlib.figure", extra="plot").Figure(
        figsize=(7.0, 5.2), layout="constrained"
    )
    from latentia.report.displays import PairsDisplay

    PairsDisplay.from_estimator(estimator, values, columns=columns, figure=figure)
    payload = io.BytesIO()
    figure.savefig(payload, format="png", dpi=160)
    write_atomically(path, payload.getvalue())
