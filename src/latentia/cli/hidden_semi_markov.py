"""``latentia fit hsmm``: hidden states that last by laws of their own."""

from typing import Annotated

import typer

from latentia.cli import hidden_markov, options
from latentia.cli.outputs import check_outputs
from latentia.cli.values import one_of, split_components, split_names

DURATIONS = ("geometric", "poisson", "negative-binomial", "gamma", "weibull", "log-normal", "free")


def hidden_semi_markov(
    ctx: typer.Context,
    data: options.Data,
    states: Annotated[
        str, typer.Option("--states", metavar="K", help="How many: 3, or 2:4, or 2,3,5.")
    ] = "2",
    family: Annotated[
        str,
        typer.Option(metavar="NAME", help="What states make, as `latentia fit mixture` has it."),
    ] = "gaussian",
    durations: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Some of geometric, poisson, negative-binomial, gamma, weibull, log-normal, free.",
        ),
    ] = "negative-binomial",
    max_duration: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Steps that states last at most.")
    ] = None,
    transitions: Annotated[
        str, typer.Option(metavar="KIND", help="all, or cyclic: each state to the next one.")
    ] = "all",
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
    """Fit hidden states that last by laws of their own, and keep the best."""
    numbers = split_components(states, "--states", 2)
    laws = split_names("--durations", durations, DURATIONS)
    one_of("--transitions", transitions, ("all", "cyclic"))
    chosen = options.criterion_of(criterion)
    check_outputs(data, report, save)

    from latentia import HiddenSemiMarkov
    from latentia.cli.sequences import Asked, fit_sequences

    candidate = HiddenSemiMarkov(
        family,
        max_duration=max_duration,
        tol=tol,
        max_iter=max_iter,
        n_init=starts,
        random_state=seed,
        transitions=None if transitions == "all" else transitions,
    )
    grid = {"n_states": numbers, "durations": [name.replace("-", "_") for name in laws]}
    files = (report, save, ctx.obj.command())
    asked = Asked(data, columns, id_, time, chosen, *files, quiet, allow_unconverged)
    fit_sequences(candidate, grid, asked)
