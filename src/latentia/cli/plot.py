"""``latentia plot``: one picture of a saved model and some data."""

from pathlib import Path
from typing import Annotated, Any

import typer

from latentia.cli.errors import Refusal, warnings_as_sentences

KINDS = (
    *("pairs", "density", "contours", "classification", "uncertainty"),
    *("parallel", "profile", "membership", "lines", "responses", "climb"),
)
OF_THE_FIT = ("profile", "responses", "climb")
"""Those that draw what the model says, and no rows."""

ENDINGS = (".svg", ".png", ".pdf")


def plot(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A file that --save wrote.")],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A file, or the name of a built-in data set.")
    ],
    kind: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="pairs, density, contours, classification, uncertainty, parallel, profile, "
            "membership, lines, responses, or climb.",
        ),
    ] = "pairs",
    out: Annotated[Path, typer.Option(metavar="FILE", help="A .svg, .png or .pdf file.")] = Path(
        "plot.svg"
    ),
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="The columns that stand for the model's, in its order."
        ),
    ] = None,
) -> None:
    """Draw a saved model with some data."""
    import latentia
    from latentia.cli.outputs import check_output
    from latentia.cli.values import one_of
    from latentia.extras import require

    one_of("--kind", kind, KINDS)
    check_output("--out", out, ENDINGS, {"the model": model, "the data": Path(data)})
    require("matplotlib", extra="plot")
    with warnings_as_sentences():
        estimator = latentia.load(model)
        drawer = getattr(getattr(estimator, "plot", None), kind, None)
        if drawer is None or hasattr(estimator, "transmat_"):
            raise Refusal(
                f"{model} holds a {type(estimator).__name__}, which has no plot {kind!r} here; "
                "--report of latentia fit draws what it has"
            )
        try:
            display = drawer(*_rows(estimator, model, data, columns, kind))
        except (TypeError, ValueError) as error:
            raise Refusal(str(error)) from error
        _write(display.figure_, out)
    print(f"Wrote {out}: {kind} of {model}.")


def _rows(
    estimator: Any, model: Path, data: str, columns: str | None, kind: str
) -> tuple[Any, ...]:
    """What the plot draws beside the model, if it draws any."""
    from latentia.cli.predict import matched
    from latentia.cli.regression import read_columns, response_columns

    if kind in OF_THE_FIT:
        return ()
    if not hasattr(estimator, "coefficients_"):
        return (matched(estimator, model, data, columns),)
    names = [str(name) for name in estimator.feature_names_in_]
    others = [name for name in estimator._setting.beside if isinstance(name, str)]
    formula = estimator._setting.design.formula
    if formula is None:
        raise Refusal(f"{model} holds regressions without a formula, which Python draws")
    return (read_columns(data, names, [*others, *response_columns(formula)]).values,)


def _write(figure: Any, out: Path) -> None:
    """The picture, whole or not at all."""
    import io

    from latentia.data.files import write_atomically

    made = io.BytesIO()
    figure.savefig(made, format=out.suffix[1:].lower(), dpi=150, bbox_inches="tight")
    write_atomically(out, made.getvalue())
