"""``latentia fit discriminant``: densities of classes that are known."""

from typing import Annotated, Any

import typer

from latentia.cli import options
from latentia.cli.errors import UNCONVERGED, Refusal, say, warnings_as_sentences
from latentia.cli.inputs import Input, read_input
from latentia.cli.outputs import check_outputs
from latentia.cli.values import one_of, split_components, split_names

TYPES = {"mclustda": "MclustDA", "edda": "EDDA"}
"""As they are written, and what `MixtureDiscriminant` calls them."""


def discriminant(
    ctx: typer.Context,
    data: options.Data,
    labels: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The classes; a built-in data set may have its own."),
    ] = None,
    type_: Annotated[
        str,
        typer.Option("--type", metavar="NAME", help="mclustda, a mixture a class, or edda."),
    ] = "mclustda",
    components: Annotated[
        str, typer.Option(metavar="K", help="How many each class tries: 3, or 1:5, or 1,2.")
    ] = "1:5",
    covariance: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Some of mclust's names; by default all fourteen."),
    ] = None,
    columns: options.Columns = None,
    report: options.Report = None,
    save: options.Save = None,
    quiet: options.Quiet = False,
    allow_unconverged: options.AllowUnconverged = False,
    starts: options.Starts = 1,
    tol: options.Tol = 1e-5,
    max_iter: options.MaxIter = 1000,
    reg_covar: options.RegCovar = 1e-6,
    accelerate: options.Accelerate = "auto",
    seed: options.Seed = 0,
) -> None:
    """Fit densities of known classes."""
    kind = one_of("--type", type_, tuple(TYPES))
    numbers = split_components(components)
    check_outputs(data, report, save)

    from latentia import EM, MixtureDiscriminant
    from latentia.cli.printing import show
    from latentia.cli.progress import working
    from latentia.engine.accelerate import ACCELERATORS
    from latentia.families.covariance import PATTERNS

    split_names("--accelerate", accelerate, tuple(ACCELERATORS))
    names = None if covariance is None else split_names("--covariance", covariance, tuple(PATTERNS))
    read, classes = read_classified(data, columns, labels)
    made = MixtureDiscriminant(
        TYPES[kind],
        covariance_types=names,
        n_components=tuple(numbers),
        reg_covar=reg_covar,
        random_state=seed,
        em=EM(tol=tol, max_iter=max_iter, accelerate=accelerate, starts=starts),
    )
    with warnings_as_sentences():
        try:
            with working("fitting", quiet):
                made.fit(read.values, classes)
        except ValueError as error:
            raise Refusal(str(error)) from error
        vars(made)["feature_names_in_"] = _names(read)
        written = []
        if save is not None:
            made.save(save)
            written.append(f"Model: {save}")
        if report is not None:
            from latentia.report import write_report

            write_report(
                report,
                estimator=made,
                X=read.values,
                columns=list(read.columns),
                source=read.source,
                command=ctx.obj.command(),
                y=classes,
            )
            written.append(f"Report: {report}")
        show(*read.described(), made.summary(), *written)
    if not made.converged_:
        what = "a mixture stopped before it converged; raise --max-iter"
        say(what if allow_unconverged else f"{what}, or accept it with --allow-unconverged")
        raise typer.Exit(0 if allow_unconverged else UNCONVERGED)


def _names(read: Input) -> Any:
    import numpy as np

    return np.array(read.columns, dtype=object)


def read_classified(data: str, columns: str | None, labels: str | None) -> tuple[Input, Any]:
    """Read rows and their classes.

    Parameters
    ----------
    data : str
        A file, or the name of a built-in data set.
    columns : str, optional
        As written after ``--columns``.
    labels : str, optional
        The column of the classes.

    Returns
    -------
    read : Input
        Without that column.
    classes : ndarray of shape (n,)

    Raises
    ------
    Refusal
        There are no classes, or no other columns.
    DataError
        The file cannot be used.
    """
    from latentia import datasets
    from latentia.data.tables import read_labels

    read = read_input(data, columns)
    if read.path is None:
        known = datasets.load(data)
        if known.labels is None:
            raise Refusal(f"{data} has no classes; give data that have, and --labels COLUMN")
        return read, known.labels
    if labels is None:
        raise Refusal(f"got no --labels, expected the column of {data} that holds the classes")
    if not read.path.is_file():
        raise Refusal(f"{data} is not one file, which --labels needs; put its rows into one")
    classes = read_labels(read.path, labels)
    kept = [j for j, name in enumerate(read.columns) if name != labels]
    if not kept:
        raise Refusal(f"{data} has no columns of numbers beside {labels}")
    skipped = tuple(name for name in read.skipped if name != labels)
    names = tuple(read.columns[j] for j in kept)
    if len(classes) != len(read.values):
        raise Refusal(f"{data} has rows of no numbers; take them out, or name --columns")
    return read._replace(values=read.values[:, kept], columns=names, skipped=skipped), classes
