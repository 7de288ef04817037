"""``latentia plot``: one picture of a saved model and some data."""

import inspect
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from latentia.cli import hidden_markov, switching
from latentia.cli.errors import Refusal, warnings_as_sentences

KINDS = (
    *("pairs", "density", "contours", "classification", "uncertainty", "parallel", "profile"),
    *("membership", "lines", "responses", "states", "probabilities", "transitions", "dwell"),
    *("residuals", "forecast", "loadings", "survival", "mosaic", "patterns", "holes"),
    *("densities", "overimputation", "climb"),
)
FIRST = ("pairs", "states", "loadings", "survival", "mosaic", "patterns", "classification")
"""What is drawn where no kind is named: the first that the model has; of regressions lines."""

STEPS = ("states", "probabilities")
"""Those that say along their axis when a step was."""

COLUMNS = ("states", "residuals", "forecast")
"""Those of sequences that name columns."""

ENDINGS = (".svg", ".png", ".pdf")


class Rows(NamedTuple):
    """What is drawn beside the model.

    Attributes
    ----------
    given : tuple
        The arguments that plots of rows begin with.
    told : dict of str to Any
        What tells sequences apart.
    placed : dict of str to Any
        When the steps were, for plots along time.
    columns : list of str, optional
        Of sequences.
    """

    given: tuple[Any, ...]
    told: dict[str, Any]
    placed: dict[str, Any]
    columns: list[str] | None


def plot(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A file that --save wrote.")],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="A file, or the name of a built-in data set, for plots that show rows.",
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"{', '.join(KINDS[:-1])} or {KINDS[-1]}; by default pairs, or what the model "
            "has in their place.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="A .svg, .png or .pdf file.")] = Path(
        "plot.svg"
    ),
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="The columns that stand for the model's, in its order."
        ),
    ] = None,
    id_: hidden_markov.Id = None,
    time: hidden_markov.Time = None,
) -> None:
    """Draw a saved model, with some data where the plot shows rows."""
    import latentia
    from latentia.cli.outputs import check_output
    from latentia.cli.values import one_of
    from latentia.extras import require

    if kind is not None:
        one_of("--kind", kind, KINDS)
    others: dict[str, Path | None] = {"the model": model, "the data": Path(data) if data else None}
    check_output("--out", out, ENDINGS, others)
    require("matplotlib", extra="plot")
    with warnings_as_sentences():
        estimator = latentia.load(model)
        steps = hasattr(estimator, "transmat_")
        if (id_ or time) and not steps:
            raise Refusal(
                f"got --id or --time, but {model} holds a {type(estimator).__name__}, whose rows "
                "are no steps; leave them out"
            )
        chosen, draw, rows_too = _drawer(estimator, model, kind)
        try:
            if rows_too is None or (data is None and not rows_too):
                display = draw()
            elif data is None:
                raise Refusal(f"got no DATA for the plot {chosen!r}, which shows rows; name them")
            else:
                rows = _rows(estimator, model, data, columns, (id_, time))
                named: dict[str, Any] = {} if chosen not in STEPS else rows.placed
                if rows.columns is not None and chosen in COLUMNS:
                    named = {**named, "columns": rows.columns}
                display = draw(*rows.given, **rows.told, **named)
        except (TypeError, ValueError) as error:
            raise Refusal(str(error)) from error
        _write(display.figure_, out)
    print(f"Wrote {out}: {chosen} of {model}.")


def _drawer(estimator: Any, model: Path, kind: str | None) -> tuple[str, Any, bool | None]:
    """The kind of plot, what draws it, and whether it has to have rows; None if it takes none."""
    plots = getattr(estimator, "plot", None)
    has = [name for name in KINDS if callable(getattr(plots, name, None))]
    first = ("lines",) if hasattr(estimator, "lines") else FIRST
    chosen = next((name for name in first if name in has), None) if kind is None else kind
    if chosen not in has or chosen is None:
        advice = f"it has {', '.join(has)}" if has else "latentia summary says what it is"
        what = "which has no plots" if kind is None else f"which has no plot {kind!r}"
        raise Refusal(f"{model} holds a {type(estimator).__name__}, {what}; {advice}")
    draw = getattr(plots, chosen)
    rows = inspect.signature(draw).parameters.get("X")
    return chosen, draw, None if rows is None else rows.default is rows.empty


def _rows(
    estimator: Any,
    model: Path,
    data: str,
    columns: str | None,
    named: tuple[str | None, str | None],
) -> Rows:
    """Read what the plot draws beside the model."""
    from latentia.cli.predict import matched
    from latentia.cli.regression import read_columns, response_columns

    if hasattr(estimator, "transition_coefficients_"):
        read, told = switching.columns_of(estimator, data, columns, *named)
        return Rows((read,), told, {}, None)
    if hasattr(estimator, "transmat_"):
        read, ragged, at, _ = hidden_markov.read_for(estimator, data, columns, *named)
        names = hidden_markov.names_of(named[0], ragged)
        placed = {"at": at, "axis": named[1] or "step", "names": names}
        return Rows((ragged.x, ragged.sizes), {}, placed, list(read.columns))
    if not hasattr(estimator, "coefficients_") or not hasattr(estimator, "lines"):
        return Rows((matched(estimator, model, data, columns),), {}, {}, None)
    names = [str(name) for name in estimator.feature_names_in_]
    others = [name for name in estimator._setting.beside if isinstance(name, str)]
    formula = estimator._setting.design.formula
    if formula is None:
        raise Refusal(f"{model} holds regressions without a formula, which Python draws")
    read = read_columns(data, names, [*others, *response_columns(formula)])
    return Rows((read.values,), {}, {}, None)


def _write(figure: Any, out: Path) -> None:
    """The picture, whole or not at all."""
    import io

    from latentia.data.files import write_atomically

    made = io.BytesIO()
    figure.savefig(made, format=out.suffix[1:].lower(), dpi=150, bbox_inches="tight")
    write_atomically(out, made.getvalue())
