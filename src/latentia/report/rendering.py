"""A summary as plain text, for rich, and as HTML."""

from __future__ import annotations

from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any
from unicodedata import combining, east_asian_width

from latentia.extras import require

from .formatting import FIGURE_SPACE, POINT_SPACE, on_the_point, shorten, true_minus

if TYPE_CHECKING:
    from .summary import Summary, Table

WIDTH = 88
"""Columns of text that notes are wrapped to."""

LONGEST_NAME = 44
"""Letters of a name that a text table shows before it is cut in its middle."""


def as_text(summary: Summary) -> str:
    """A summary as a statistician's console shows it."""
    lines = [summary.title, "=" * len(summary.title)]
    widest = max((len(label) for label, _ in summary.facts), default=0)
    for label, value in summary.facts:
        folded = wrap(value, max(WIDTH - widest - 2, 20)) or [""]
        lines.append(f"{label:<{widest}}  {folded[0]}")
        lines += [" " * (widest + 2) + line for line in folded[1:]]
    for table in summary.tables:
        lines += ["", table.title, *_text_table(table)]
    if summary.notes:
        lines.append("")
        for note in summary.notes:
            lines += wrap(note, WIDTH, initial_indent="- ", subsequent_indent="  ")
    return "\n".join(line.rstrip() for line in lines)


def _text_table(table: Table) -> list[str]:
    rows = [[cell and shorten(cell, LONGEST_NAME) for cell in row] for row in table.rows]
    columns = _aligned(table, rows, " ", " ")
    widths = [
        max([cell_width(head), *map(cell_width, cells)])
        for head, cells in zip(table.columns, columns, strict=True)
    ]
    mark = "* " if table.marked else ""
    blank = " " * len(mark)

    def line(cells: list[str]) -> str:
        return "  ".join(
            _filled(cell, width, align)
            for cell, width, align in zip(cells, widths, table.align, strict=True)
        )

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1) + len(mark))
    body = [
        (mark if i in table.marked else blank) + line([cells[i] for cells in columns])
        for i in range(len(rows))
    ]
    return [rule, blank + line(list(table.columns)), rule, *body, rule]


def cell_width(text: str) -> int:
    """Columns that a text takes on a terminal: two for each wide letter of East Asia.

    Examples
    --------
    >>> cell_width("weight"), cell_width("体重")
    (6, 4)
    """
    wide = sum(east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(bool(combining(c)) for c in text)


def _filled(cell: str, width: int, align: str) -> str:
    blank = " " * (width - cell_width(cell))
    return cell + blank if align == "l" else blank + cell


def _aligned(table: Table, rows: list[list[str]], blank: str, point: str) -> list[list[str]]:
    """The table's columns with decimal points above one another where numbers are."""
    columns = [[row[j] for row in rows] for j in range(len(table.columns))]
    return [
        on_the_point(cells, blank, point) if align == "r" else cells
        for cells, align in zip(columns, table.align, strict=True)
    ]


def as_rich(summary: Summary) -> Any:
    """A summary as a rich renderable; names are never read as rich's markup."""
    console = require("rich.console", extra="cli")
    text = require("rich.text", extra="cli").Text
    tables = require("rich.table", extra="cli")
    simple = require("rich.box", extra="cli").SIMPLE_HEAD
    parts: list[Any] = [text(summary.title, style="bold")]
    grid = tables.Table.grid(padding=(0, 2))
    for label, value in summary.facts:
        grid.add_row(text(label, style="dim"), text(value))
    parts.append(grid)
    for table in summary.tables:
        drawn = tables.Table(
            title=text(table.title, style="bold"),
            title_justify="left",
            box=simple,
            padding=(0, 1, 0, 0),
            pad_edge=False,
        )
        for head, align in zip(table.columns, table.align, strict=True):
            left = align == "l"
            drawn.add_column(
                text(head), justify="left" if left else "right", no_wrap=not left, overflow="fold"
            )
        columns = _aligned(table, [list(row) for row in table.rows], " ", " ")
        for i in range(len(table.rows)):
            style = "bold" if i in table.marked else None
            drawn.add_row(*(text(cells[i]) for cells in columns), style=style)
        parts.append(drawn)
    parts += [text(f"• {note}") for note in summary.notes]
    return console.Group(*parts)


def as_html(summary: Summary) -> str:
    """A summary as a fragment of HTML for notebooks; every name is escaped."""
    facts = "".join(
        f"<tr><th style='text-align:left;font-weight:normal;color:#666'>{escape(label)}</th>"
        f"<td style='text-align:left'>{escape(value)}</td></tr>"
        for label, value in summary.facts
    )
    tables = "".join(
        f"<p style='margin:1em 0 .2em'><b>{escape(table.title)}</b></p>{html_table(table)}"
        for table in summary.tables
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in summary.notes)
    return (
        f"<div class='latentia-summary'><p><b>{escape(summary.title)}</b></p>"
        f"<table>{facts}</table>{tables}" + (f"<ul>{notes}</ul>" if notes else "") + "</div>"
    )


def html_table(table: Table) -> str:
    """One table as HTML, its decimal points aligned; the marked rows are bold."""
    columns = _aligned(table, [list(row) for row in table.rows], FIGURE_SPACE, POINT_SPACE)
    sides = ["left" if align == "l" else "right" for align in table.align]
    head = "".join(
        f"<th style='text-align:{side}' scope='col'>{escape(name)}</th>"
        for name, side in zip(table.columns, sides, strict=True)
    )
    rows: list[str] = []
    for i in range(len(table.rows)):
        weight = ";font-weight:bold" if i in table.marked else ""
        cells = "".join(
            f"<td style='text-align:{side};font-variant-numeric:tabular-nums{weight}'>"
            f"{escape(_signed(cells[i], side))}</td>"
            for cells, side in zip(columns, sides, strict=True)
        )
        best = " class='best'" if weight else ""
        rows.append(f"<tr{best}>{cells}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _signed(text: str, side: str) -> str:
    """With a true minus sign, where the cell is a number."""
    return true_minus(text) if side == "right" else text
