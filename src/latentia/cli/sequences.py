"""What the commands that fit models of sequences have in common."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from latentia.cli.errors import Refusal, say, warnings_as_sentences

if TYPE_CHECKING:
    from latentia.cli.fitting import Outcome
    from latentia.cli.hidden_markov import Sequences


class Asked(NamedTuple):
    """What was typed, whatever the model.

    Attributes
    ----------
    data, columns, id_, time
        As in `latentia.cli.hidden_markov.read_sequences`.
    criterion : str
    report, save : Path or None
    command : str
        What to type to do the same again.
    quiet, allow_unconverged, standard_errors : bool
    """

    data: str
    columns: str | None
    id_: str | None
    time: str | None
    criterion: str
    report: Path | None
    save: Path | None
    command: str
    quiet: bool
    allow_unconverged: bool
    standard_errors: bool = True


def fit_sequences(
    candidate: Any, grid: dict[str, list[Any]], asked: Asked, known: "Sequences | None" = None
) -> None:
    """Fit every combination of the grid to the sequences, show the best, and end.

    Parameters
    ----------
    candidate : estimator
        With all settings but those of the grid.
    grid : dict of str to list
    asked : Asked
    known : Sequences, optional
        What the data hold, where that was read already.

    Raises
    ------
    Refusal, DataError
        The data cannot be used, or every start of every candidate collapsed.
    typer.Exit
        With the exit status, at the end.
    """
    from latentia.cli.fitting import Outcome, deliver, write_model
    from latentia.cli.hidden_markov import names_of_columns, read_sequences, write_report
    from latentia.cli.letters import takes_letters

    if known is None:
        texts = takes_letters(getattr(candidate, "family", None))
        known = read_sequences(asked.data, asked.columns, asked.id_, asked.time, texts=texts)
    read, ragged, _, letters = known

    def write(outcome: Outcome, written: list[str]) -> None:
        if asked.save is not None:
            write_model(outcome, asked.save, written)
        if asked.report is not None:
            named = (asked.id_, asked.time)
            write_report(outcome, known, named, asked.command, asked.report, written)

    with warnings_as_sentences():
        try:
            told = {"criterion": asked.criterion, "lengths": ragged.sizes}
            selection, interrupted = swept(candidate, ragged.x, grid, asked.quiet, told)
        except ValueError as error:
            raise Refusal(str(error)) from error
        made = selection.best_estimator
        vars(made)["feature_names_in_"] = names_of_columns(read)
        if letters:
            vars(made)["letters_"] = letters
        several = len(selection.candidates) > 1
        outcome = Outcome(made, selection if several else None, interrupted)
        outcome = with_errors(outcome, asked.standard_errors, asked.quiet)
        status = deliver(outcome, read, write, asked.allow_unconverged)
    raise typer.Exit(status)


def swept(
    candidate: Any, x: Any, grid: dict[str, list[Any]], quiet: bool, told: dict[str, Any]
) -> tuple[Any, bool]:
    """Fit every combination, or those before Ctrl-C, of which the best is fitted again, alone.

    Parameters
    ----------
    candidate : estimator
    x : array of shape (n, d)
    grid : dict of str to list
    quiet : bool
    told : dict
        The ``criterion``, and what `fit` takes besides the data.

    Returns
    -------
    selection : Selection
    interrupted : bool

    Raises
    ------
    KeyboardInterrupt
        If it came before anything was done.
    """
    from math import prod

    from latentia import select
    from latentia.cli.progress import watched_sweep
    from latentia.engine import Status

    done: list[Any] = []
    n_candidates = prod(len(values) for values in grid.values())
    try:
        with watched_sweep(n_candidates, quiet) as watch:

            def watched(n_done: int, total: int, one: Any) -> None:
                if one.status is Status.INTERRUPTED and total > 1:  # the engine caught Ctrl-C
                    raise KeyboardInterrupt
                done.append(one)
                watch(n_done, total, one)

            found = select(candidate, x, grid, callback=watched, **told)
        return found, found.best_estimator.fit_.status is Status.INTERRUPTED
    except KeyboardInterrupt:
        usable = [one for one in done if one.status is Status.CONVERGED and not one.note]
        if not usable:
            raise
    best = min(usable, key=lambda one: getattr(one, told["criterion"]))
    say(f"interrupted after {len(done)} of {n_candidates} candidates; fitting the best again")
    alone = {name: [value] for name, value in best.settings.items()}
    return select(candidate, x, alone, **told), True


def with_errors(outcome: "Outcome", wanted: bool, quiet: bool) -> "Outcome":
    """Standard errors, unless Ctrl-C was pressed: then nothing that takes long follows.

    Parameters
    ----------
    outcome : Outcome
        What came out of the fit.
    wanted, quiet : bool

    Returns
    -------
    Outcome
        It says whether they are there.
    """
    from latentia.cli.progress import working

    if not wanted:
        return outcome
    if outcome.interrupted:
        say("standard errors are left out after the interrupt")
        return outcome
    try:
        with working("computing standard errors", quiet):
            outcome.estimator.standard_errors()
    except KeyboardInterrupt:
        say("interrupted while computing standard errors, which are left out")
        return outcome._replace(interrupted=True)
    return outcome._replace(standard_errors=True)
