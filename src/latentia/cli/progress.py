"""How far a fit or a sweep is, on standard error: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SECONDS_BETWEEN_LINES = 2.0

Watch = Callable[[int, int, Any], None]
"""Told of a candidate: how many are done, of how many, and which it was."""


def climb_callbacks(quiet: bool) -> tuple[Any, ...]:
    """Return what the engine is to tell of every step of a single fit.

    Parameters
    ----------
    quiet : bool
        Whether to show nothing.

    Returns
    -------
    tuple of Callback
        A bar, lines, or nothing.
    """
    from latentia.engine.callbacks import Bar, Lines

    if quiet:
        return ()
    return (Bar(),) if sys.stderr.isatty() else (Lines(SECONDS_BETWEEN_LINES),)


@contextmanager
def watched_sweep(total: int, quiet: bool) -> Iterator[Watch]:
    """Show how many candidates are done.

    Parameters
    ----------
    total : int
        How many there are.
    quiet : bool
        Whether to show nothing.

    Yields
    ------
    Watch
        To be called after each candidate.
    """
    if quiet:
        yield lambda done, total, candidate: None
    elif sys.stderr.isatty():
        with _bar(total) as watch:
            yield watch
    else:
        yield _Lines()


@contextmanager
def working(what: str, quiet: bool) -> Iterator[None]:
    """Show on a terminal that something is being done of which the length is not known.

    Parameters
    ----------
    what : str
        What is being done.
    quiet : bool
        Whether to show nothing.
    """
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


def told(candidate: Any) -> str:
    """Say in a few words which candidate it was and how it ended.

    Parameters
    ----------
    candidate : Candidate
        One line of a sweep.

    Returns
    -------
    str
        The settings, BIC where there is one, and how it ended unless that was well.
    """
    from latentia.engine import Status
    from latentia.report.formatting import status_word
    from latentia.report.sweep import settings_words

    told = [f"BIC {candidate.bic:.2f}"] if candidate.bic == candidate.bic else []
    if candidate.status is not Status.CONVERGED:
        told.append(status_word(candidate.status))
    return f"{settings_words(candidate.settings)}: {', '.join(told)}"


class _Lines:
    """A plain line every few seconds, and one at the end."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, done: int, total: int, candidate: Any) -> None:
        if done == total or time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            print(f"{done}/{total} {told(candidate)}", file=sys.stderr, flush=True)


@contextmanager
def _bar(total: int) -> Iterator[Watch]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    progress = Progress(
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        console=Console(stderr=True),
        transient=True,
    )
    with progress:
        task = progress.add_task("", total=total)

        def watch(done: int, total: int, candidate: Any) -> None:
            progress.update(task, completed=done, total=total, description=told(candidate))

        yield watch
