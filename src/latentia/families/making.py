"""Families made of specifications, once the rows were seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame, Rows

from .covariance import structure_of
from .factor_analyzers import FactorAnalyzers
from .family import Family
from .gaussian import Gaussian
from .gaussian_mixtures import GaussianMixtures
from .product import Product
from .registry import Arguments, Part, class_of, name_of, plain, stored_name
from .student_t import StudentT

Array = NDArray[np.float64]

MOST_LEVELS = 1000
"""Codes of a categorical column beyond this are taken for a mistake."""


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
    if {"lower", "upper"} <= part.arguments.keys():
        return {}
    lower, upper = _extreme(np.fmin, part, rows), _extreme(np.fmax, part, rows)
    for column, least, most in zip(part.columns, lower, upper, strict=True):
        if least == most:
            raise ValueError(
                f"got {least:g} in every row of column {column}, expected numbers that vary for "
                "Uniform, which has no density otherwise; leave that column out, or give lower "
                "and upper"
            )
    return {"lower": lower.tolist(), "upper": upper.tolist()}


def _extreme(which: np.ufunc, part: Part, rows: Rows) -> Array:
    """The least or largest finite number of each column of a part; nan where there is none."""
    each = []
    for block in rows.blocks():
        x = block.x[:, list(part.columns)]
        each.append(which.reduce(np.where(np.isfinite(x), x, np.nan), axis=0))
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
    x = distinct.x[:, list(part.columns)]
    origin, scale, spread = Frame.of(Rows(np.where(np.isfinite(x), x, np.nan), distinct.weights))
    frame = {"origin": origin.tolist(), "scale": scale, "spread": spread.tolist()}
    return {**_UNTOLD[name_of(part.make) or ""], "frame": frame}


_UNTOLD: dict[str, Arguments] = {
    "factor_analyzers": {"n_factors": 1, "model": "UUU", "reg_covar": 1e-6},
    "gaussian": {"covariance_type": "full", "reg_covar": 1e-6},
    "gaussian_mixtures": {"n_mix": 1, "covariance_type": "full", "reg_covar": 1e-6},
    "student_t": {"covariance_type": "full", "df": "own", "reg_covar": 1e-6},
}
"""What families that need a frame are made with where nothing is said."""


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
    "factor_analyzers": _frame,
    "gaussian": _frame,
    "gaussian_mixtures": _frame,
    "multinomial": _total,
    "student_t": _frame,
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
        if name in _FRAMED:
            return _FRAMED[name](n_components, **part.arguments)
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
    inside = _framed(frame)
    structure = structure_of(covariance_type, len(inside.origin))
    return Gaussian(n_components, structure, inside, reg_covar)


def _gaussian_mixtures(
    n_components: int, n_mix: int, covariance_type: str, reg_covar: float, frame: dict[str, Any]
) -> GaussianMixtures:
    return GaussianMixtures(n_components, _framed(frame), n_mix, covariance_type, reg_covar)


def _student_t(
    n_components: int, covariance_type: str, df: Any, reg_covar: float, frame: dict[str, Any]
) -> StudentT:
    inside = _framed(frame)
    structure = structure_of(covariance_type, len(inside.origin))
    return StudentT(n_components, structure, inside, df, reg_covar)


def _factor_analyzers(
    n_components: int, n_factors: int, model: str, reg_covar: float, frame: dict[str, Any]
) -> FactorAnalyzers:
    return FactorAnalyzers(n_components, _framed(frame), n_factors, model, reg_covar)


def _framed(told: dict[str, Any]) -> Frame:
    origin, spread = (np.asarray(told[key], dtype=np.float64) for key in ("origin", "spread"))
    return Frame(origin, float(told["scale"]), spread)


_FRAMED: dict[str, Callable[..., Family[Any, Any]]] = {
    "factor_analyzers": _factor_analyzers,
    "gaussian": _gaussian,
    "gaussian_mixtures": _gaussian_mixtures,
    "student_t": _student_t,
}


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
    'smokes: Bernoulli; visits: Poisson'
    """
    each = pieces(family, range(len(columns)))
    if len(each) == 1:
        return family.name
    return "; ".join(f"{', '.join(columns[j] for j in at)}: {part.name}" for at, part in each)


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
            "name": stored_name(part.make),
            "arguments": plain(part.arguments),
        }
        for part in parts
    ]


def restored(told: Sequence[Mapping[str, Any]]) -> tuple[Part, ...]:
    """The inverse of `stored`."""
    return tuple(
        Part(tuple(each["columns"]), class_of(each["name"]), dict(each["arguments"]))
        for each in told
    )
