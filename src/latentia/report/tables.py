"""The records that a summary is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import rendering


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes
    ----------
    title : str
    columns : tuple of str
    rows : tuple of tuple of str
    align : str
        A letter a column: "l" for words, "r" for numbers, whose decimal points are aligned.
    marked : frozenset of int
        Rows that stand out, such as the winner of a sweep.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: str
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Summary:
    """What there is to say: ``str`` gives plain text; rich and notebooks show it their way.

    Attributes
    ----------
    title : str
    facts : tuple of (str, str)
        Labels and values.
    tables : tuple of Table
    notes : tuple of str
        Sentences.

    Examples
    --------
    >>> print(Summary("A mixture", (("rows", "272"), ("log-likelihood", "-1130.264")), (), ()))
    A mixture
    =========
    rows            272
    log-likelihood  -1130.264
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        return rendering.as_text(self)

    def __rich__(self) -> Any:
        return rendering.as_rich(self)

    def _repr_html_(self) -> str:
        return rendering.as_html(self)
