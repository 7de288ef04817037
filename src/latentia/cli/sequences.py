"""What the commands that fit models of sequences have in common."""

from pathlib import Path
from typing import Any, NamedTuple

import typer

from latentia.cli.errors import UNCONVERGED, Refusal, say, warnings_as_sentences


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
    quiet, allow_unconverged : bool
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


def fit_sequences(candidate: Any, grid: dict[str, list[Any]], asked: Asked) -> None:
    """Fit every combination of the grid to the sequences, show the best, and end.

    Parameters
    ----------
    candidate : estimator
        With all settings but those of the grid.
    grid : dict of str to list
    asked : Asked

    Raises
    ------
    Refusal, DataError
        The data cannot be used, or every start of every candidate collapsed.
    """
    import numpy as np

    from latentia import select
    from latentia.cli.fitting import Outcome
    from latentia.cli.hidden_markov import read_sequences, write_report
    from latentia.cli.letters import takes_letters
    from latentia.cli.printing import show
    from latentia.cli.progress import working
    from latentia.report.sweep import summarise_selection

    texts = takes_letters(getattr(candidate, "family", None))
    known = read_sequences(asked.data, asked.columns, asked.id_, asked.time, texts=texts)
    read, ragged, _, letters = known
    written: list[str] = []
    with warnings_as_sentences():
        try:
            with working("fitting", asked.quiet):
                swept = select(
                    candidate, ragged.x, grid, criterion=asked.criterion, lengths=ragged.sizes
                )
        except ValueError as error:
            raise Refusal(str(error)) from error
        made = swept.best_estimator
        vars(made)["feature_names_in_"] = np.array(read.columns, dtype=object)
        if letters:
            vars(made)["letters_"] = letters
        if asked.save is not None:
            made.save(asked.save)
            written.append(f"Model: {asked.save}")
        several = max(len(values) for values in grid.values()) > 1
        if asked.report is not None:
            outcome = Outcome(made, swept if several else None, False, True)
            named = (asked.id_, asked.time)
            write_report(outcome, known, named, asked.command, asked.report, written)
        table = [summarise_selection(swept)] if several else []
        show(*read.described(), *table, made.summary(), *written)
    if not made.converged_:
        what = "the model stopped before it converged; raise --max-iter"
        allowed = asked.allow_unconverged
        say(what if allowed else f"{what}, or accept it with --allow-unconverged")
        raise typer.Exit(0 if allowed else UNCONVERGED)
