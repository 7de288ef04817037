"""What ``--family`` says: families to compare, or a family for each column."""

import re
from collections.abc import Sequence
from typing import Any

from latentia.cli.errors import Refusal
from latentia.cli.inputs import listed

_COMMA = re.compile(r",(?![^(]*\))")
_EQUALS = re.compile(r"=(?![^(]*\))")


def specifications(text: str, columns: Sequence[str]) -> list[Any]:
    """Read families separated by commas, each for all columns, or ``COLUMN=FAMILY`` for each.

    Parameters
    ----------
    text : str
        What was written after ``--family``.
    columns : sequence of str
        The columns there are.

    Returns
    -------
    list
        What `latentia.Mixture` takes: each to be tried.

    Raises
    ------
    Refusal
        A family or a column is not known, or a column has no family or two.

    Examples
    --------
    >>> specifications("poisson,binomial(trials=9)", ["deaths"])
    ['poisson', 'binomial(trials=9)']
    >>> specifications("visits=poisson,height+weight=gaussian", ["visits", "height", "weight"])
    [{(0,): 'poisson', (1, 2): 'gaussian'}]
    """
    from latentia.families import registry

    parts, pairs = _parts(text)
    if not all(len(pair) == len(pairs[0]) for pair in pairs):
        raise Refusal(
            f"got --family {text}, expected families alone, or COLUMN=FAMILY for every column"
        )
    found: list[Any] = list(dict.fromkeys(parts))
    if len(pairs[0]) == 2:
        names = [_names(pair) for pair in pairs]
        for name in (name for each in names for name in each):
            if name not in columns:
                raise Refusal(
                    f"got --family {text}, but there is no column {name!r}; there are "
                    f"{listed(columns)}"
                )
        if len({name for each in names for name in each}) < sum(map(len, names)):
            raise Refusal(f"got --family {text}, expected each column once")
        places = [tuple(list(columns).index(name) for name in each) for each in names]
        found = [{at: pair[1].strip() for at, pair in zip(places, pairs, strict=True)}]
    for each in found:
        try:
            registry.parts_of(each, columns)
        except ValueError as error:
            raise Refusal(f"{error}, after --family") from None
    return found


def columns_named(text: str) -> list[str] | None:
    """The columns that ``COLUMN=FAMILY`` names, in that order; None where families stand alone.

    Parameters
    ----------
    text : str
        What was written after ``--family``.

    Examples
    --------
    >>> columns_named("visits=poisson,height+weight=gaussian")
    ['visits', 'height', 'weight']
    """
    _, pairs = _parts(text)
    if any(len(pair) < 2 for pair in pairs):
        return None
    return list(dict.fromkeys(name for pair in pairs for name in _names(pair)))


def _parts(text: str) -> tuple[list[str], list[list[str]]]:
    """The families, and each as its columns and its name where it names columns."""
    parts = [part.strip() for part in _COMMA.split(text)]
    return parts, [_EQUALS.split(part, maxsplit=1) for part in parts]


def _names(pair: list[str]) -> list[str]:
    return [name.strip() for name in pair[0].split("+")]
