"""``latentia fit regression``: mixtures of regressions by formula."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from latentia.cli import options
from latentia.cli.errors import Refusal, warnings_as_sentences
from latentia.cli.inputs import counted, listed, read_input
from latentia.cli.outputs import check_outputs
from latentia.cli.values import one_of, split_components, split_names

FAMILIES = ("gaussian", "poisson", "binomial", "gamma")


class Columns(NamedTuple):
    """Columns of data that were read by name, numbers and text.

    Attributes
    ----------
    values : dict of str to ndarray of shape (n,)
    columns : tuple of str
        Those that a model's designs need, in its order.
    source : str
        What the data were called on the command line.
    path : Path or None
        The file, or None for a built-in data set.
    """

    values: dict[str, Any]
    columns: tuple[str, ...]
    source: str
    path: Path | None

    def __len__(self) -> int:
        return len(next(iter(self.values.values())))

    def described(self) -> list[str]:
        """What was read, in a sentence."""
        built_in = "" if self.path else " (built-in data set)"
        return [
            f"Read {self.source}{built_in}: {counted(len(self), 'row')}, "
            f"{counted(len(self.values), 'column')} ({listed(tuple(self.values))})."
        ]


def regression(
    ctx: typer.Context,
    data: options.Data,
    formula: Annotated[
        str, typer.Option(metavar="FORMULA", help="Such as 'y ~ x + I(x**2)'; text is a factor.")
    ],
    components: options.Components = "1:4",
    family: Annotated[
        str, typer.Option(metavar="NAME", help="gaussian, poisson, binomial or gamma.")
    ] = "gaussian",
    concomitant: Annotated[
        str | None,
        typer.Option(metavar="FORMULA", help="Covariates of the weights, such as '~ z'."),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Subjects: their rows share a component."),
    ] = None,
    offset: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Added to the linear predictor.")
    ] = None,
    trials: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Trials of a binomial response.")
    ] = None,
    shared_dispersion: Annotated[
        bool, typer.Option("--shared-dispersion", help="One variance, or shape, for all.")
    ] = False,
    criterion: options.Criterion = "bic",
    report: options.Report = None,
    save: options.Save = None,
    standard_errors: options.StandardErrors = True,
    quiet: options.Quiet = False,
    allow_unconverged: options.AllowUnconverged = False,
    starts: options.Starts = 10,
    tol: options.Tol = 1e-5,
    max_iter: options.MaxIter = 1000,
    accelerate: options.Accelerate = "auto",
    seed: options.Seed = 0,
    jobs: options.Jobs = None,
) -> None:
    """Fit mixtures of regressions and keep the best."""
    numbers, chosen = split_components(components), options.criterion_of(criterion)
    kind = one_of("--family", family, FAMILIES)
    check_outputs(data, report, save)

    from latentia import MixtureRegression
    from latentia.cli.fitting import Outcome, Request, deliver, fit, write_model, write_report
    from latentia.engine.accelerate import ACCELERATORS
    from latentia.regression.formula import FormulaError
    from latentia.regression.reading import formulas

    split_names("--accelerate", accelerate, tuple(ACCELERATORS))
    estimator = MixtureRegression(
        formula,
        family=kind,
        concomitant=concomitant,
        shared_dispersion=shared_dispersion,
        random_state=seed,
    )
    try:
        own, beside = formulas(estimator)
    except FormulaError as error:
        raise Refusal(str(error)) from error
    assert own is not None
    needed = [*own.columns, *(() if beside is None else beside.columns)]
    told = {"groups": groups, "offset": offset, "trials": trials}
    told = {name: column for name, column in told.items() if column is not None}
    read = read_columns(data, needed, [*response_columns(own), *told.values()])
    request = Request(
        data=read,
        estimator=estimator,
        climb={"tol": tol, "max_iter": max_iter, "accelerate": accelerate, "starts": starts},
        grid={"n_components": numbers},
        criterion=chosen,
        jobs=jobs,
        quiet=quiet,
        standard_errors=standard_errors,
        told=told,
    )

    def write(outcome: Outcome, written: list[str]) -> None:
        if save is not None:
            write_model(outcome, save, written)
        if report is not None:
            write_report(outcome, read, ctx.obj.command(), report, written, **told)

    with warnings_as_sentences():
        outcome = fit(request)
        status = deliver(outcome, read, write, allow_unconverged)
    raise typer.Exit(status)


def predictions(
    estimator: Any, data: str, columns: str | None, proba: bool
) -> tuple[list[str], list[Any]]:
    """What ``latentia predict`` writes of a mixture of regressions.

    Parameters
    ----------
    estimator : MixtureRegression
        Fitted by formula, or on columns of these names.
    data : str
        What to read.
    columns : str, optional
        As written after ``--columns``, which a formula has no use for.
    proba : bool
        Whether to add the component of each row, from its response, and its probabilities.

    Returns
    -------
    names : list of str
        ``prediction`` and ``mean0``, ``mean1``, ...; then ``component``, ``p0``, ``p1``, ... and
        ``log_density``.
    arrays : list of ndarray of shape (n,)

    Raises
    ------
    Refusal
        Columns are named, or the model was fitted without a formula.
    """
    formula = estimator._setting.design.formula
    if formula is None:
        raise Refusal("the model has no formula that says which columns it needs; use it in Python")
    if columns is not None:
        raise Refusal("got --columns for a model that finds its columns by formula; leave it out")
    others = [name for name in estimator._setting.beside if isinstance(name, str)]
    if proba:
        others += response_columns(formula)
    read = read_columns(data, [str(name) for name in estimator.feature_names_in_], others).values
    each = estimator.predict_by_component(read)
    names = ["prediction", *(f"mean{k}" for k in range(each.shape[1]))]
    arrays = [estimator.predict(read), *each.T]
    if proba:
        shares = estimator.predict_memberships(read)
        names += ["component", *(f"p{k}" for k in range(shares.shape[1])), "log_density"]
        arrays += [shares.argmax(axis=1), *shares.T, estimator.log_likelihood(read)]
    return names, arrays


def response_columns(formula: Any) -> tuple[str, ...]:
    """The columns on the left of a formula."""
    from latentia.regression.data import columns_in

    return columns_in(formula.response)


def read_columns(data: str, designs: Sequence[str], others: Sequence[str] = ()) -> Columns:
    """Read columns by name, as numbers where they hold numbers and as text where not.

    Parameters
    ----------
    data : str
        A file, or the name of a built-in data set.
    designs : sequence of str
        The columns that a model's designs need.
    others : sequence of str
        Columns that are needed besides.

    Returns
    -------
    Columns

    Raises
    ------
    Refusal, DataError
        The data cannot be used, or a column is not there.
    """
    from latentia.data.columns import named_columns
    from latentia.data.tables import read_labels

    wanted = list(dict.fromkeys([*designs, *others]))
    read = read_input(data, allow_missing=True)
    named_columns(wanted, [*read.columns, *read.skipped], data)
    values: dict[str, Any] = {}
    for name in wanted:
        if name in read.columns:
            values[name] = read.values[:, read.columns.index(name)]
        elif read.path is None or not read.path.is_file():
            raise Refusal(f"column {name!r} of {data} holds text, which is read from one file only")
        else:
            values[name] = read_labels(read.path, name)
    if len({len(column) for column in values.values()}) > 1:
        raise Refusal(f"{data} has rows of no numbers; take them out")
    return Columns(values, tuple(dict.fromkeys(designs)), data, read.path)
