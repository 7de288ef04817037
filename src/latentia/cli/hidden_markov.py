"""``latentia fit hmm``: hidden Markov models, and what the command line reads as sequences."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from latentia.cli import options
from latentia.cli.errors import Refusal
from latentia.cli.inputs import Input, read_input
from latentia.cli.letters import Letters, coded, takes_letters
from latentia.cli.outputs import check_output
from latentia.cli.values import one_of, split_components

if TYPE_CHECKING:
    from latentia.data.sequences import Ragged

Id = Annotated[
    str | None,
    typer.Option("--id", metavar="COLUMN", help="Which sequence a row belongs to; one if absent."),
]
Time = Annotated[
    str | None,
    typer.Option("--time", metavar="COLUMN", help="What orders the steps; rows as they stand."),
]


class Sequences(NamedTuple):
    """What was read of a file of steps.

    Attributes
    ----------
    read : Input
        The columns that are modelled, in the order of the file.
    ragged : Ragged
        The same in sequences.
    at : array of shape (n,) or None
        When each step of these was, where a column says so.
    letters : dict of str to list of str
        What codes stand for, in columns of texts.
    """

    read: Input
    ragged: "Ragged"
    at: Any
    letters: Letters


def hidden_markov(
    ctx: typer.Context,
    data: options.Data,
    states: Annotated[
        str, typer.Option("--states", metavar="K", help="How many: 3, or 1:4, or 1,2,5.")
    ] = "2",
    family: Annotated[
        str,
        typer.Option(metavar="NAME", help="What states make, as `latentia fit mixture` has it."),
    ] = "gaussian",
    id_: Id = None,
    time: Time = None,
    start: Annotated[
        str, typer.Option(metavar="KIND", help="free, or stationary: as the transitions leave it.")
    ] = "free",
    transitions: Annotated[
        str, typer.Option(metavar="KIND", help="all, left-right, bakis, or cyclic.")
    ] = "all",
    criterion: options.Criterion = "bic",
    columns: options.Columns = None,
    report: options.Report = None,
    save: options.Save = None,
    standard_errors: options.StandardErrors = True,
    quiet: options.Quiet = False,
    allow_unconverged: options.AllowUnconverged = False,
    starts: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Starts of each; many where they cost little."),
    ] = None,
    tol: options.Tol = 1e-5,
    max_iter: options.MaxIter = 1000,
    seed: options.Seed = 0,
) -> None:
    """Fit hidden Markov models and keep the best."""
    numbers = split_components(states, "--states")
    one_of("--start", start, ("free", "stationary"))
    one_of("--transitions", transitions, ("all", "left-right", "bakis", "cyclic"))
    chosen = options.criterion_of(criterion)
    others: dict[str, Path | None] = {"the data": Path(data)}
    check_output("--save", save, (".safetensors",), others)
    check_output("--report", report, (".html", ".htm"), {**others, "the model": save})

    from latentia import HiddenMarkov
    from latentia.cli.families import specifications
    from latentia.cli.sequences import Asked, fit_sequences

    if report is not None:
        from latentia.extras import require

        require("matplotlib", extra="plot")
        require("jinja2", extra="plot")
    known = read_sequences(data, columns, id_, time, texts=takes_letters(family))
    _require_steps(data, known.ragged, numbers)
    kinds = specifications(family, known.read.columns)
    grid: dict[str, Any] = {"n_states": numbers} | ({"family": kinds} if len(kinds) > 1 else {})
    candidate = HiddenMarkov(
        kinds[0],
        start=start,
        transitions=None if transitions == "all" else transitions,
        tol=tol,
        max_iter=max_iter,
        n_init=starts,
        random_state=seed,
    )
    files = (report, save, ctx.obj.command())
    asked = Asked(
        data, columns, id_, time, chosen, *files, quiet, allow_unconverged, standard_errors
    )
    fit_sequences(candidate, grid, asked, known)


def _require_steps(data: str, ragged: "Ragged", numbers: list[int]) -> None:
    """Refuse more states than there are steps."""
    import numpy as np

    from latentia.cli.inputs import counted

    n = int((~np.isnan(ragged.x).all(axis=1)).sum())
    if max(numbers) > n:
        raise Refusal(
            f"got --states {max(numbers)} for {counted(n, 'step')} of {data}; ask for fewer states"
        )


def write_report(
    outcome: Any,
    known: Sequences,
    named: tuple[str | None, str | None],
    command: str,
    path: Path,
    written: list[str],
) -> None:
    """Write the report on a model of sequences, and add a line for it.

    Parameters
    ----------
    outcome : Outcome
        What came out of the fit.
    known : Sequences
        What it was fitted to.
    named : (str or None, str or None)
        The columns that say whose a step is, and when it was.
    command : str
        What to type to do the same again.
    path : Path
        Where to.
    written : list of str
        Gets a line.
    """
    from latentia import report

    (id_, time), (read, ragged, at, _) = named, known
    report.write_report(
        path,
        estimator=outcome.estimator,
        X=ragged.x,
        columns=list(read.columns),
        source=read.source,
        selection=outcome.selection,
        command=command,
        standard_errors=outcome.standard_errors,
        steps=report.Steps(ragged.sizes, at, time or "step", names_of(id_, ragged)),
    )
    written.append(f"Report: {path}")


def names_of(id_: str | None, ragged: "Ragged") -> list[str] | None:
    """Return what the sequences are called, such as "subject 3"; None without ``--id``.

    Parameters
    ----------
    id_ : str, optional
        The column that told them apart.
    ragged : Ragged
        The sequences.
    """
    if id_ is None or ragged.names is None:
        return None
    each = (f"{one:g}" if isinstance(one, float) else str(one) for one in ragged.names)
    return [f"{id_} {one}" for one in each]


def states(
    estimator: Any, data: str, columns: str | None, id_: str | None, time: str | None, proba: bool
) -> tuple[list[str], list[Any]]:
    """Return the state of each row and, if asked for, all probabilities, with their names.

    Parameters
    ----------
    estimator : estimator
        A fitted hidden Markov model.
    data, columns, id_, time
        As in `read_sequences`.
    proba : bool

    Raises
    ------
    Refusal, DataError
        The data cannot be used, or do not have the columns of the fit.
    """
    import numpy as np

    ragged = read_for(estimator, data, columns, id_, time).ragged
    names, found = ["state"], [estimator.predict(ragged.x, ragged.sizes)]
    if proba:
        shares = estimator.predict_proba(ragged.x, ragged.sizes)
        names += [f"p{k}" for k in range(shares.shape[1])]
        found += list(shares.T)
    if ragged.order is None:
        return names, found
    back = np.argsort(ragged.order)
    return names, [column[back] for column in found]


def read_for(
    estimator: Any, data: str, columns: str | None, id_: str | None, time: str | None
) -> Sequences:
    """Read the sequences that a fitted model is asked about, its columns by their names.

    Parameters
    ----------
    estimator : estimator
        A fitted hidden Markov model.
    data, columns, id_, time
        As in `read_sequences`.

    Raises
    ------
    Refusal, DataError
        The data cannot be used, or do not have the columns of the fit.
    """
    from latentia.cli.inputs import counted, listed

    known = getattr(estimator, "feature_names_in_", None)
    asked = ",".join(known) if columns is None and known is not None else columns
    if Path(data).suffix.lower() == ".npy":
        asked = columns
    letters = getattr(estimator, "letters_", None)
    made = read_sequences(data, asked, id_, time, texts=bool(letters), letters=letters)
    if made.ragged.x.shape[1] != estimator.n_features_in_:
        raise Refusal(
            f"{data} gives {counted(made.ragged.x.shape[1], 'column')} "
            f"({listed(made.read.columns)}) where the model was fitted on "
            f"{estimator.n_features_in_}; name as many with --columns"
        )
    return made


def names_of_columns(read: Input) -> Any:
    """The names of the columns, as estimators keep them.

    Parameters
    ----------
    read : Input
    """
    import numpy as np

    return np.array(read.columns, dtype=object)


def read_sequences(
    data: str,
    columns: str | None,
    id_: str | None,
    time: str | None,
    *,
    texts: bool = False,
    letters: Letters | None = None,
) -> Sequences:
    """Read steps and bring them into sequences.

    Parameters
    ----------
    data : str
        A file, or the name of a built-in data set.
    columns : str, optional
        As written after ``--columns``.
    id_, time : str, optional
        The columns that say whose a step is, and when it was.
    texts : bool, default False
        Take columns of texts as codes.
    letters : dict of str to list of str, optional
        What codes stand for, if that is known.

    Returns
    -------
    Sequences
        Without these columns.

    Raises
    ------
    Refusal
        There is no such column, or none beside.
    DataError
        The file cannot be used.
    """
    from latentia.cli.values import split_columns
    from latentia.data.sequences import in_sequences

    asked = None if columns is None else [*split_columns(columns), *filter(None, [time])]
    read = read_input(data, asked, allow_missing=True, answers=texts)
    labels, times = _labels(read, data, id_), None
    if time is not None:
        if time not in read.columns:
            raise Refusal(f"got --time {time}, expected a column of numbers of {data}")
        times = read.values[:, read.columns.index(time)]
        if any(isinstance(cell, str) for cell in times):
            raise Refusal(f"got --time {time}, which holds texts; expected a column of numbers")
        times = times.astype(float)
    kept = [j for j, name in enumerate(read.columns) if name not in (id_, time)]
    if not kept:
        raise Refusal(f"{data} has no columns of numbers beside those of --id and --time")
    skipped = tuple(name for name in read.skipped if name != id_)
    names = tuple(read.columns[j] for j in kept)
    values, found = read.values[:, kept], {}
    if texts:
        values, found = coded(values, names, data, letters)
    own = read._replace(values=values, columns=names, skipped=skipped)
    ragged = in_sequences(own.values, labels, times)
    at = times if times is None or ragged.order is None else times[ragged.order]
    return Sequences(own, ragged, at, found)


def _labels(read: Input, data: str, id_: str | None) -> Any:
    """Whose each row is."""
    if id_ is None:
        return None
    if read.path is None:
        from latentia import datasets

        known = datasets.load(data)
        if id_ not in known.columns:
            raise Refusal(f"got --id {id_}, expected one of {', '.join(known.columns)}")
        return known.values[:, known.columns.index(id_)]
    if not read.path.is_file():
        raise Refusal(f"{data} is not one file, which --id needs; put its rows into one")
    from latentia.data.tables import read_labels

    labels = read_labels(read.path, id_)
    if len(labels) != len(read.values):
        raise Refusal(f"{data} has rows of no numbers; take them out, or name --columns")
    return labels
