"""Codes by the letters or words that they stand for, where a fitted model knows them."""

from __future__ import annotations

import re
from typing import Any

from .formatting import one_line

_CODE = re.compile(r"^(probability\[.*?, )(.*), (\d+)\]$")


def letters_of(estimator: Any) -> dict[str, list[str]]:
    """What the codes of each column stand for; nothing of columns of numbers."""
    return getattr(estimator, "letters_", {})


def lettered(estimator: Any, name: str) -> str:
    """A parameter's name with a letter in place of its code.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> known = SimpleNamespace(letters_={"answer": ["no", "yes"]})
    >>> lettered(known, "probability[0, answer, 1]"), lettered(known, "start[0]")
    ('probability[0, answer, yes]', 'start[0]')
    """
    found = _CODE.match(name)
    told = letters_of(estimator).get(found[2]) if found else None
    if found is None or told is None or int(found[3]) >= len(told):
        return name
    return f"{found[1]}{found[2]}, {one_line(told[int(found[3])])}]"


def letter_ticks(axis: Any, letters: dict[str, list[str]], column: str, most: int) -> None:
    """Letters along an axis of codes: all of them, or every second, third, ... where many."""
    told = letters.get(column)
    if told is not None:
        shown = range(0, len(told), -(-len(told) // most))
        axis.set_ticks(shown, [one_line(told[i]).replace("$", r"\$") for i in shown])
