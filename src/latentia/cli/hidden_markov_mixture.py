"""``latentia fit hmm-mixture``: sequences of several kinds, each a hidden Markov model."""

from typing import Annotated, Any

import typer

from latentia.cli import hidden_markov, options
from latentia.cli.outputs import check_outputs
from latentia.cli.values import split_components


def hidden_markov_mixture(
    ctx: typer.Context,
    data: options.Data,
    clusters: Annotated[
        str, typer.Option("--clusters", metavar="G", help="How many: 3, or 1:4, or 1,2,5.")
    ] = "1:3",
    states: Annotated[
        str, typer.Option("--states", metavar="K", help="Of each: 3, or 1:4, or 1,2,5.")
    ] = "2",
    family: Annotated[
        str,
        typer.Option(metavar="NAME", help="What states make, as `latentia fit mixture` has it."),
    ] = "gaussian",
    id_: hidden_markov.Id = None,
    time: hidden_markov.Time = None,
    criterion: options.Criterion = "bic",
    columns: options.Columns = None,
    report: options.Report = None,
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
    """Fit mixtures of hidden Markov models, which cluster sequences, and keep the best."""
    grid = {
        "n_clusters": split_components(clusters, "--clusters"),
        "n_states": split_components(states, "--states"),
    }
    chosen = options.criterion_of(criterion)
    check_outputs(data, report, save)

    from latentia import HiddenMarkovMixture
    from latentia.cli.sequences import Asked, fit_sequences

    candidate = HiddenMarkovMixture(
        family, tol=tol, max_iter=max_iter, n_init=starts, random_state=seed
    )
    files = (report, save, ctx.obj.command())
    asked = Asked(data, columns, id_, time, chosen, *files, quiet, allow_unconverged)
    fit_sequences(candidate, grid, asked)


def clusters_and_states(
    estimator: Any, data: str, columns: str | None, id_: str | None, time: str | None, proba: bool
) -> tuple[list[str], list[Any]]:
    """What ``latentia predict`` writes of a mixture of hidden Markov models.

    Parameters
    ----------
    estimator : HiddenMarkovMixture
        Fitted.
    data, columns, id_, time, proba
        As in `latentia.cli.hidden_markov.states`.

    Returns
    -------
    names : list of str
        ``cluster`` and ``state``, of the path that is likeliest; then ``p0``, ``p1``, ...
    arrays : list of ndarray of shape (n,)
    """
    names, found = hidden_markov.states(estimator, data, columns, id_, time, proba)
    return ["cluster", *names], [found[0] // estimator.n_states, *found]
