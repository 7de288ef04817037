"""Families by name, and what each has to know of the rows before there are any components.

A specification says what the components are made of, without saying how many there are:

- a name, such as ``"poisson"`` or ``"binomial(trials=10)"``;
- a class, or any function of the numbers of components and columns that makes a `Family`;
- a dict of columns to these, for columns of different kinds.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from latentia import families
from latentia.data.arrays import Frame, Rows

from .covariance import STRUCTURES
from .family import Family
from .gaussian import Gaussian
from .product import Product

Array = NDArray[np.float64]
Arguments = dict[str, Any]

MOST_LEVELS = 1000
"""Codes of a categorical column beyond this are taken for a mistake."""

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
    known = {*families.__all__, "Gaussian"} - set(_NO_NAME)
    return tuple(sorted(map(_snake, known)))


def class_of(name: str) -> type[Family[Any, Any]]:
    """The family with a name; case, hyphens and underscores do not matter.

    Raises
    ------
    ValueError
        If there is none.
    """
    wanted = _bare(name)
    for known in ("Gaussian", *families.__all__):
        if known not in _NO_NAME and _bare(known) == wanted:
            return Gaussian if known == "Gaussian" else getattr(families, known)
    raise ValueError(f"got family={name!r}, expected one of {', '.join(names())}")


def _bare(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def name_of(make: Any) -> str | None:
    """The name of a family's class; None of what has none."""
    for known in names():
        if class_of(known) is make:
            return known
    return None


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
    inside = ", ".join(f"{word}={_plain(value)!r}" for word, value in arguments.items())
    return f"{_stored_name(make)}({inside})" if inside else _stored_name(make)


def read(text: Any) -> Any:
    """The specification that `written` has written."""
    if isinstance(text, str):
        return text
    return {tuple(key) if isinstance(key, list) else key: each for key, each in text}


def allows_missing(specification: Any) -> bool:
    """Whether cells may be missing in some column, as far as a specification tells."""
    each = specification.values() if isinstance(specification, Mapping) else [specification]
    return any(bool(getattr(_told(one)[0], "takes_missing", False)) for one in each)


# -- what a family has to know of the rows ----------------------------------------------------


def learned(parts: Sequence[Part], rows: Rows, distinct: Rows) -> tuple[Part, ...]:
    """The parts with what the rows say of their arguments.

    Parameters
    ----------
    parts : sequence of Part
    rows : Rows
    distinct : Rows
        A fair sample of them, in float64.
    """
    found: list[Part] = []
    for part in parts:
        learn = _LEARNERS.get(name_of(part.make) or "")
        arguments = part.arguments if learn is None else learn(part, rows, distinct)
        found.append(part._replace(arguments={**arguments, **part.arguments}))
    return tuple(found)


def _levels(part: Part, rows: Rows, distinct: Rows) -> Arguments:
    """As many levels as the largest code of each column needs."""
    if "n_levels" in part.arguments:
        return {}
    largest = np.fmax(_extreme(np.fmax, part, rows), 0.0)
    if (largest > MOST_LEVELS).any():
        raise ValueError(
            f"got the code {largest.max():g} in a categorical column, expected codes 0, 1, 2, ...; "
            "number the levels from 0, or give n_levels"
        )
    return {"n_levels": [int(code) + 1 for code in largest]}


def _box(part: Part, rows: Rows, distinct: Rows) -> Arguments:
    """The smallest that holds all rows."""
    return {
        "lower": _extreme(np.fmin, part, rows).tolist(),
        "upper": _extreme(np.fmax, part, rows).tolist(),
    }


def _extreme(which: np.ufunc, part: Part, rows: Rows) -> Array:
    """The least or largest number of each column of a part; nan where there is none."""
    each = [which.reduce(block.x[:, list(part.columns)], axis=0) for block in rows.blocks()]
    return np.asarray(which.reduce(each, axis=0), dtype=np.float64)


def _trials(part: Part, rows: Rows, distinct: Rows) -> Arguments:
    if "trials" in part.arguments:
        return {}
    raise ValueError(
        "got family='binomial' without the number of trials, expected it, as in "
        "'binomial(trials=10)'"
    )


def _total(part: Part, rows: Rows, distinct: Rows) -> Arguments:
    """New rows have a typical row's total."""
    x, w = _complete(part, distinct)
    return {"total": max(round(float(w @ x.sum(axis=1) / w.sum())), 1)}


def _frame(part: Part, rows: Rows, distinct: Rows) -> Arguments:
    origin, scale, spread = Frame.of(_complete(part, distinct))
    frame = {"origin": origin.tolist(), "scale": scale, "spread": spread.tolist()}
    return {"covariance_type": "full", "reg_covar": 1e-6, "frame": frame}


def _complete(part: Part, rows: Rows) -> Rows:
    """The rows of a part that have all their cells; a row of zeros where there is none."""
    x = rows.x[:, list(part.columns)]
    whole = np.isfinite(x).all(axis=1)
    if not whole.any():
        return Rows.of(np.zeros((1, x.shape[1])))
    return Rows(x[whole], rows.weights[whole])


_LEARNERS: dict[str, Callable[[Part, Rows, Rows], Arguments]] = {
    "binomial": _trials,
    "categorical": _levels,
    "gaussian": _frame,
    "multinomial": _total,
    "uniform": _box,
}


def codes(parts: Sequence[Part]) -> tuple[int, ...]:
    """The columns that hold codes of levels."""
    return tuple(j for part in parts if name_of(part.make) == "categorical" for j in part.columns)


# -- making it -------------------------------------------------------------------------------


def built(parts: Sequence[Part], n_components: int) -> Family[Any, Any]:
    """The family of so many components.

    Raises
    ------
    TypeError
        If a function of the user's makes something else.
    """
    made = {part.columns: _made(part, n_components) for part in parts}
    (first, family), *others = made.items()
    if not others and first == tuple(range(len(first))):
        return family
    return Product(cast(Any, made))


def _made(part: Part, n_components: int) -> Family[Any, Any]:
    name, d = name_of(part.make), len(part.columns)
    if part.arguments.get("censored"):  # two bounds stand for each time
        if d % 2:
            raise ValueError(
                f"got {d} column{'s' * (d > 1)} of censored times, expected two for each: the "
                "lower and the upper bound"
            )
        d //= 2
    try:
        if name == "gaussian":
            return _gaussian(n_components, **part.arguments)
        if name == "categorical":  # its levels say how many columns there are
            family = part.make(n_components, **part.arguments)
        else:
            family = part.make(n_components, d, **part.arguments)
    except TypeError as error:
        if name is None:
            raise
        raise ValueError(f"got family={name!r} with {part.arguments}: {error}") from error
    if not isinstance(family, Family) or family.n_components != n_components:
        what = type(cast(Any, family)).__name__
        raise TypeError(
            f"got {what} from the function that makes the family, expected a Family of "
            f"{n_components} components"
        )
    return family


def _gaussian(
    n_components: int, covariance_type: str, reg_covar: float, frame: dict[str, Any]
) -> Gaussian:
    if covariance_type not in STRUCTURES:
        raise ValueError(
            f"got covariance_type={covariance_type!r}, expected one of {', '.join(STRUCTURES)}"
        )
    spread = np.asarray(frame["spread"], dtype=np.float64)
    inside = Frame(np.asarray(frame["origin"], dtype=np.float64), float(frame["scale"]), spread)
    return Gaussian(n_components, STRUCTURES[covariance_type], inside, reg_covar)


def pieces(
    family: Family[Any, Any], columns: Sequence[int]
) -> list[tuple[tuple[int, ...], Family[Any, Any]]]:
    """Families that are no products, each with its columns, in the order of the parameters."""
    if not isinstance(family, Product):
        return [(tuple(columns), family)]
    each = zip(family.parts, family.columns, strict=True)
    return [piece for part, at in each for piece in pieces(part, [columns[j] for j in at])]


def described(family: Family[Any, Any], columns: Sequence[str]) -> str:
    """The family's class, or that of each part with its columns.

    Examples
    --------
    >>> from latentia.families import Bernoulli, Poisson, Product
    >>> described(Product({0: Bernoulli(2), 1: Poisson(2)}), ["smokes", "visits"])
    'smokes: Binomial; visits: Poisson'
    """
    each = pieces(family, range(len(columns)))
    if len(each) == 1:
        return type(family).__name__
    return "; ".join(
        f"{', '.join(columns[j] for j in at)}: {type(part).__name__}" for at, part in each
    )


# -- to a file and back ----------------------------------------------------------------------


def stored(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """The parts as JSON.

    Raises
    ------
    ValueError
        If a family goes by no name, or an argument is not of numbers and words.
    """
    return [
        {
            "columns": list(part.columns),
            "name": _stored_name(part.make),
            "arguments": _plain(part.arguments),
        }
        for part in parts
    ]


def restored(told: Sequence[Mapping[str, Any]]) -> tuple[Part, ...]:
    """The inverse of `stored`."""
    return tuple(
        Part(tuple(each["columns"]), class_of(each["name"]), dict(each["arguments"]))
        for each in told
    )


def _stored_name(make: Any) -> str:
    name = name_of(make)
    if name is None:
        own = getattr(make, "__qualname__", repr(make))
        raise ValueError(
            f"got a mixture of a family of your own ({own}), expected one of "
            f"{', '.join(names())}; a model file runs no code, so keep params_ and rebuild it"
        )
    return name


def _plain(value: Any) -> Any:
    """Numbers, words, and lists and dicts of these."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in cast(dict[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in cast(Sequence[Any], value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(
        f"got {value!r} among a family's arguments, expected numbers and words, which a model "
        "file can hold"
    )
