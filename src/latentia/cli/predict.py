"""``latentia predict``: which component each row of some data belongs to."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from latentia.cli import hidden_markov, hidden_markov_mixture, switching
from latentia.cli.errors import Refusal, warnings_as_sentences


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A file that --save wrote.")],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A file, or the name of a built-in data set.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A .csv, .tsv, .parquet, .arrow or .npy file; else CSV is printed."
        ),
    ] = None,
    proba: Annotated[
        bool,
        typer.Option("--proba", help="Add each component's probability and the log-density."),
    ] = False,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="The columns that stand for the model's, in its order."
        ),
    ] = None,
    id_: hidden_markov.Id = None,
    time: hidden_markov.Time = None,
) -> None:
    """Write the component, class or state of each row, numbered from 0 as in the summary.

    Columns are found by the names the model was fitted on, whatever their order.
    """
    import latentia
    from latentia.cli.inputs import counted
    from latentia.cli.outputs import check_table, write_csv, write_table
    from latentia.cli.regression import predictions

    check_table("--out", out, {"the model": model, "the data": Path(data)})
    with warnings_as_sentences():
        estimator = latentia.load(model)
        if not hasattr(estimator, "predict"):
            raise Refusal(
                f"{model} holds {type(estimator).__name__}, whose rows have no components; "
                "latentia summary says what it is, and latentia impute fills tables"
            )
        steps = hasattr(estimator, "transmat_")
        if (id_ or time) and not steps:
            raise Refusal(
                f"got --id or --time, but {model} holds a {type(estimator).__name__}, whose rows "
                "are no steps; leave them out"
            )
        if hasattr(estimator, "transition_coefficients_"):
            names, arrays = switching.states(estimator, data, columns, id_, time, proba)
        elif hasattr(estimator, "predict_clusters"):
            told = (estimator, data, columns, id_, time, proba)
            names, arrays = hidden_markov_mixture.clusters_and_states(*told)
        elif steps:
            names, arrays = hidden_markov.states(estimator, data, columns, id_, time, proba)
        elif hasattr(estimator, "coefficients_"):
            names, arrays = predictions(estimator, data, columns, proba)
        else:
            values = matched(estimator, model, data, columns)
            names, arrays = memberships(estimator, values, proba)
    if out is None:
        write_csv(sys.stdout, names, arrays)
    else:
        write_table(out, names, arrays)
        print(f"Wrote {out}: {counted(len(arrays[0]), 'row')}, columns {', '.join(names)}.")


def matched(estimator: Any, model: Path, data: str, columns: str | None) -> Any:
    """Read the columns that a model was fitted on, in its order.

    Parameters
    ----------
    estimator : estimator
        A fitted one.
    model : Path
        Where it came from.
    data : str
        What to read.
    columns : str, optional
        The columns to take instead of those of the model's names.

    Returns
    -------
    ndarray of shape (n, D)
        The values.

    Raises
    ------
    Refusal
        The data do not have the columns that the model needs.
    DataError
        The data cannot be used.
    """
    from latentia.cli.inputs import counted, listed, read_input
    from latentia.data.errors import DataError
    from latentia.data.listing import data_files, is_several

    known = getattr(estimator, "feature_names_in_", None)
    names = None if known is None else [str(name) for name in known]
    by_name = False
    try:
        first = data_files(data)[0] if is_several(data) else Path(data)
        nameless = first.suffix.lower() == ".npy"
        by_name = columns is None and names is not None and not nameless
        family = getattr(estimator, "family_", None)
        tags = estimator.__sklearn_tags__().input_tags
        missing = tags.allow_nan if family is None else family.takes_missing
        asked = names if by_name else columns
        answers = hasattr(estimator, "categories_")
        read = read_input(data, asked, allow_missing=missing, answers=answers)
    except DataError as error:
        if names and by_name and any(f"no column {name!r}" in str(error) for name in names):
            raise Refusal(
                f"{error} ({model} was fitted on {listed(names)}; "
                "--columns says which columns stand for these)"
            ) from None
        raise
    wanted, found = estimator.n_features_in_, read.values.shape[1]
    if found != wanted:
        of = f" ({listed(names)})" if names else ""
        raise Refusal(
            f"{data} gives {counted(found, 'column')} ({listed(read.columns)}) "
            f"where {model} was fitted on {wanted}{of}; name as many, in that order, with --columns"
        )
    return read.values


def memberships(estimator: Any, values: Any, proba: bool) -> tuple[list[str], list[Any]]:
    """Return the columns to write and what they are called.

    Parameters
    ----------
    estimator : estimator
        A fitted one.
    values : ndarray of shape (n, D)
        The rows.
    proba : bool
        Whether to add probabilities and log-densities.

    Returns
    -------
    names : list of str
        ``component``, then ``p0``, ``p1``, ... and ``log_density``; of a classifier ``class``,
        then ``p_`` with the name of each class.
    arrays : list of ndarray of shape (n,)
        The columns.
    """
    from sklearn.base import is_classifier

    classes = estimator.classes_ if is_classifier(estimator) else None
    names, arrays = ["component" if classes is None else "class"], [estimator.predict(values)]
    if not proba:
        return names, arrays
    shares = estimator.predict_proba(values)
    each = range(shares.shape[1]) if classes is None else (f"_{name}" for name in classes)
    names += [*(f"p{one}" for one in each), "log_density"]
    return names, [*arrays, *shares.T, estimator.score_samples(values)]
