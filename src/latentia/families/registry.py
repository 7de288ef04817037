"""Families by name, and how a user says what components are made of.

A specification says what the components are made of, without saying how many there are:

- a name, such as ``"poisson"`` or ``"binomial(trials=10)"``;
- a class, or any function of the numbers of components and columns that makes a `Family`;
- a dict of columns to these, for columns of different kinds.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from latentia import families

from .family import Family
from .gaussian import Gaussian

Array = NDArray[np.float64]
Arguments = dict[str, Any]

_NO_NAME = ("Family", "FromLogDensity", "Product")


class Part(NamedTuple):
    """Columns of one kind.

    Attributes
    ----------
    columns : tuple of int
        In the order in which the family sees them.
    make : callable
        make(n_components, n_features, **arguments) -> Family, or the class of a family.
    arguments : dict
        What `make` takes besides: as it was told, or once the rows were seen all of it.
    """

    columns: tuple[int, ...]
    make: Callable[..., Family[Any, Any]]
    arguments: Arguments


def names() -> tuple[str, ...]:
    """The families that go by a name.

    Examples
    --------
    >>> "negative_binomial" in names()
    True
    """
    return tuple(sorted(map(_snake, _classes().values())))


def class_of(name: str) -> type[Family[Any, Any]]:
    """The family with a name; case, hyphens and underscores do not matter.

    Raises
    ------
    ValueError
        If there is none.
    """
    known = _classes().get(_bare(name))
    if known is None:
        raise ValueError(f"got family={name!r}, expected one of {', '.join(names())}")
    return Gaussian if known == "Gaussian" else getattr(families, known)


@cache
def _classes() -> dict[str, str]:
    """The names of classes by what is left of them without case."""
    return {_bare(known): known for known in {"Gaussian", *families.__all__} - set(_NO_NAME)}


def _bare(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def name_of(make: Any) -> str | None:
    """The name of a family's class; None of what has none."""
    name = getattr(make, "__name__", "")
    known = _classes().get(_bare(name)) == name and class_of(name) is make
    return _snake(name) if known else None


# -- reading a specification -----------------------------------------------------------------


def parts_of(specification: Any, columns: Sequence[str]) -> tuple[Part, ...]:
    """What a specification says of some columns, which a dict gives by name or by number.

    Raises
    ------
    TypeError, ValueError
        If it is no specification, or does not say of every column once what it is.
    """
    if not isinstance(specification, Mapping):
        return (Part(tuple(range(len(columns))), *_told(specification)),)
    parts = tuple(
        Part(_places(key, columns), *_told(each))
        for key, each in cast(Mapping[Any, Any], specification).items()
    )
    taken = [j for part in parts for j in part.columns]
    for j, name in enumerate(columns):
        if taken.count(j) != 1:
            raise ValueError(
                f"got {taken.count(j)} families for column {name!r}, expected one; name every "
                "column once"
            )
    return parts


def _told(one: Any) -> tuple[Callable[..., Any], Arguments]:
    if isinstance(one, str):
        return _called(one)
    if isinstance(one, partial) and not one.args and name_of(one.func) is not None:
        return one.func, dict(one.keywords)
    if callable(one):
        return one, {}
    what = f"{type(one).__name__}(...)" if isinstance(one, Family) else repr(one)
    raise TypeError(
        f"got family={what}, expected a name, a class, a function of n_components and n_features "
        "that makes a family, or a dict of columns to such"
    )


def _called(text: str) -> tuple[Callable[..., Any], Arguments]:
    """A name, and the arguments that stand behind it in brackets; nothing in them is run."""
    name, bracket, rest = text.partition("(")
    make = class_of(name.strip())
    if not bracket:
        return make, {}
    try:
        call = cast(Any, ast.parse(f"f({rest}", mode="eval").body)
        if call.args:
            raise ValueError("arguments without a name")
        return make, {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    except (SyntaxError, ValueError, AttributeError) as error:
        raise ValueError(
            f"got family={text!r}, expected a name, or a name with arguments such as "
            "'binomial(trials=10)'"
        ) from error


def _places(key: Any, columns: Sequence[str]) -> tuple[int, ...]:
    keys: tuple[Any, ...] = tuple(key) if isinstance(key, tuple | list) else (key,)
    return tuple(_place(each, columns) for each in keys)


def _place(key: Any, columns: Sequence[str]) -> int:
    if isinstance(key, str) and key in columns:
        return list(columns).index(key)
    if isinstance(key, int | np.integer) and 0 <= key < len(columns):
        return int(key)
    raise ValueError(
        f"got a family for column {key!r}, expected one of {', '.join(columns)}, or a number from "
        f"0 to {len(columns) - 1}"
    )


def written(specification: Any) -> Any:
    """A specification in names alone, as JSON has it: a string, or pairs of columns and one.

    Raises
    ------
    ValueError
        If it holds a family that goes by no name.
    """
    if isinstance(specification, Mapping):
        pairs = cast(Mapping[Any, Any], specification).items()
        return [
            [list(key) if isinstance(key, tuple | list) else key, written(each)]
            for key, each in pairs
        ]
    make, arguments = _told(specification)
    inside = ", ".join(f"{word}={plain(value)!r}" for word, value in arguments.items())
    return f"{stored_name(make)}({inside})" if inside else stored_name(make)


def read(text: Any) -> Any:
    """The specification that `written` has written."""
    if isinstance(text, str):
        return text
    return {tuple(key) if isinstance(key, list) else key: each for key, each in text}


def allows_missing(specification: Any) -> bool:
    """Whether cells may be missing in some column, as far as a specification tells."""
    each = specification.values() if isinstance(specification, Mapping) else [specification]
    return any(bool(getattr(_told(one)[0], "takes_missing", False)) for one in each)


# -- what a file can hold ---------------------------------------------------------------------


def stored_name(make: Any) -> str:
    """The name of a family's class, which a file can hold.

    Raises
    ------
    ValueError
        If it has none.
    """
    name = name_of(make)
    if name is None:
        own = getattr(make, "__qualname__", repr(make))
        raise ValueError(
            f"got a mixture of a family of your own ({own}), expected one of "
            f"{', '.join(names())}; a model file runs no code, so keep params_ and rebuild it"
        )
    return name


def plain(value: Any) -> Any:
    """Numbers, words, and lists and dicts of these, as JSON has them.

    Raises
    ------
    ValueError
        If the value is something else.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in cast(dict[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in cast(Sequence[Any], value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(
        f"got {value!r} among a family's arguments, expected numbers and words, which a model "
        "file can hold"
    )
