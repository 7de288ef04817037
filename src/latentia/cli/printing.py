"""Results on standard output: drawn on a terminal, plain text elsewhere."""

import sys
from dataclasses import replace
from typing import Any

_GAP = 2
# What a table of candidates can do without where the terminal is narrow, the first to go first.
_DISPENSABLE = ("ICL", "AIC", "BIC", "free", "E-steps", "log-lik.")


def show(*parts: Any) -> None:
    """Print texts and summaries.

    Parameters
    ----------
    *parts : str or Summary
        Each begins on a new line; a summary is set off by an empty one.
    """
    if not sys.stdout.isatty():
        for part in parts:
            print(part if isinstance(part, str) else f"\n{part}\n")
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for part in parts:
        if isinstance(part, str):
            console.print(Text(part))
        else:
            console.print("", fitted(part, console.width))


def fitted(summary: Any, width: int) -> Any:
    """Leave out of a summary's tables what does not fit the width of the terminal.

    Parameters
    ----------
    summary : Summary
        What is to be shown.
    width : int
        Columns of text.

    Returns
    -------
    Summary
        The same, where it fits or nothing can be left out.
    """
    return replace(summary, tables=tuple(narrowed(table, width) for table in summary.tables))


def narrowed(table: Any, width: int) -> Any:
    """Leave columns out of a table until it fits.

    Parameters
    ----------
    table : Table
        What is to be shown. Its third column is what candidates are compared by and stays.
    width : int
        Columns of text.

    Returns
    -------
    Table
        The same, where it fits or nothing can be left out.
    """
    for name in _DISPENSABLE:
        if _width(table) <= width:
            break
        if name in table.columns[3:]:
            at = 3 + table.columns[3:].index(name)
            table = replace(
                table,
                columns=_without(table.columns, at),
                rows=tuple(_without(row, at) for row in table.rows),
                align="".join(_without(table.align, at)),
            )
    return table


def _width(table: Any) -> int:
    cells = zip(table.columns, *table.rows, strict=True)
    return sum(max(map(len, column)) + _GAP for column in cells)


def _without(cells: Any, at: int) -> tuple[str, ...]:
    return (*cells[:at], *cells[at + 1 :])
