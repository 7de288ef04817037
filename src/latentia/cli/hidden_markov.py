"""``latentia fit hmm``: hidden Markov models, and what the command line reads as sequences."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentia.cli import options
from latentia.cli.errors import UNCONVERGED, Refusal, say, warnings_as_sentences
from latentia.cli.inputs import Input, one_of, read_input, split_components
from latentia.cli.outputs import check_output

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


def hidden_markov(
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
        str, typer.Option(metavar="KIND", help="all, left-right, or cyclic.")
    ] = "all",
    criterion: options.Criterion = "bic",
    columns: options.Columns = None,
    save: options.Save = None,
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
    numbers = split_components(states)
    one_of("--start", start, ("free", "stationary"))
    one_of("--transitions", transitions, ("all", "left-right", "cyclic"))
    chosen = options.criterion_of(criterion)
    check_output("--save", save, (".safetensors",), {"the data": Path(data)})

    from latentia import HiddenMarkov, select
    from latentia.cli.printing import show
    from latentia.cli.progress import working
    from latentia.report.sweep import summarise_selection

    read, ragged = read_sequences(data, columns, id_, time)
    candidate = HiddenMarkov(
        family,
        start=start,
        transitions=None if transitions == "all" else transitions,
        tol=tol,
        max_iter=max_iter,
        n_init=starts,
        random_state=seed,
    )
    written: list[str] = []
    with warnings_as_sentences():
        try:
            with working("fitting", quiet):
                swept = select(
                    candidate,
                    ragged.x,
                    {"n_states": numbers},
                    criterion=chosen,
                    lengths=ragged.sizes,
                )
        except ValueError as error:
            raise Refusal(str(error)) from error
        made = swept.best_estimator
        vars(made)["feature_names_in_"] = _names(read)
        if save is not None:
            made.save(save)
            written.append(f"Model: {save}")
        table = [summarise_selection(swept)] if len(numbers) > 1 else []
        show(*read.described(), *table, made.summary(), *written)
    if not made.converged_:
        what = "the model stopped before it converged; raise --max-iter"
        say(what if allow_unconverged else f"{what}, or accept it with --allow-unconverged")
        raise typer.Exit(0 if allow_unconverged else UNCONVERGED)


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

    from latentia.cli.inputs import counted, listed

    known = getattr(estimator, "feature_names_in_", None)
    asked = ",".join(known) if columns is None and known is not None else columns
    if Path(data).suffix.lower() == ".npy":
        asked = columns
    read, ragged = read_sequences(data, asked, id_, time)
    if ragged.x.shape[1] != estimator.n_features_in_:
        raise Refusal(
            f"{data} gives {counted(ragged.x.shape[1], 'column')} ({listed(read.columns)}) where "
            f"the model was fitted on {estimator.n_features_in_}; name as many with --columns"
        )
    names, found = ["state"], [estimator.predict(ragged.x, ragged.sizes)]
    if proba:
        shares = estimator.predict_proba(ragged.x, ragged.sizes)
        names += [f"p{k}" for k in range(shares.shape[1])]
        found += list(shares.T)
    if ragged.order is None:
        return names, found
    back = np.argsort(ragged.order)
    return names, [column[back] for column in found]


def _names(read: Input) -> Any:
    import numpy as np

    return np.array(read.columns, dtype=object)


def read_sequences(
    data: str, columns: str | None, id_: str | None, time: str | None
) -> "tuple[Input, Ragged]":
    """Read steps and bring them into sequences.

    Parameters
    ----------
    data : str
        A file, or the name of a built-in data set.
    columns : str, optional
        As written after ``--columns``.
    id_, time : str, optional
        The columns that say whose a step is, and when it was.

    Returns
    -------
    read : Input
        Without these columns, in the order of the file.
    ragged : Ragged

    Raises
    ------
    Refusal
        There is no such column, or none beside.
    DataError
        The file cannot be used.
    """
    from latentia.cli.inputs import split_columns
    from latentia.data.sequences import in_sequences

    asked = None if columns is None else [*split_columns(columns), *filter(None, [time])]
    read = read_input(data, asked, allow_missing=True)
    labels, times = _labels(read, data, id_), None
    if time is not None:
        if time not in read.columns:
            raise Refusal(f"got --time {time}, expected a column of numbers of {data}")
        times = read.values[:, read.columns.index(time)]
    kept = [j for j, name in enumerate(read.columns) if name not in (id_, time)]
    if not kept:
        raise Refusal(f"{data} has no columns of numbers beside those of --id and --time")
    skipped = tuple(name for name in read.skipped if name != id_)
    names = tuple(read.columns[j] for j in kept)
    own = read._replace(values=read.values[:, kept], columns=names, skipped=skipped)
    return own, in_sequences(own.values, labels, times)


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
