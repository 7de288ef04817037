"""The numbers of a mixture's parameters by name, whatever its family."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.engine import inference, tree
from latentia.engine.space import Constraint, PositiveDefinite, Simplex
from latentia.estimator import Estimate
from latentia.families.family import Family
from latentia.families.making import pieces
from latentia.families.noise import WithNoise

from .model import MixtureModel, MixtureParams

Array = NDArray[np.float64]


class MixtureErrors(NamedTuple):
    """Standard errors, shaped like the parameters.

    Attributes
    ----------
    weights : array of shape (K,)
    components : tree of arrays
        As the family's parameters.
    note : str
        Why something is missing; empty where all is well.
    """

    weights: Array
    components: Any
    note: str


def standard_errors(
    model: MixtureModel, source: Any, params: MixtureParams, method: str = "oakes", **asked: Any
) -> MixtureErrors:
    """Standard errors at `params` by any method of the engine.

    `asked` is what that takes besides: the backend, and the settings of the bootstraps.
    """
    found = inference.standard_errors(model, source, params, method, **asked)
    weights, components = found.errors
    if len(weights) == 1:
        weights = np.zeros(1)  # it is 1 by definition
    return MixtureErrors(weights, components, found.note)


def table(
    model: MixtureModel,
    params: MixtureParams,
    errors: MixtureParams,
    columns: Sequence[str],
    level: float,
) -> list[Estimate]:
    """All parameters, a row each; components are numbered as `predict` numbers them.

    Intervals are Wald's, each on a scale on which no end leaves what the parameter may be:
    the logit's for probabilities, the logarithm's for what is positive (`inference.wald`).
    """
    return tabulated(model, params, errors, named(model, params, columns), level)


def tabulated(
    model: MixtureModel,
    params: MixtureParams,
    errors: MixtureParams,
    places: Iterable[tuple[str, int, tuple[int, ...]]],
    level: float,
) -> list[Estimate]:
    """Some parameters: a name for each, the number of its leaf, and its place there."""
    lower, upper = inference.wald(model.space, params, errors, level)
    by_leaf = [tree.leaves(each) for each in (params, errors, lower, upper)]
    return [
        Estimate(name, *(float(np.asarray(leaves[at])[index]) for leaves in by_leaf))
        for name, at, index in places
    ]


def named(
    model: MixtureModel, params: MixtureParams, columns: Sequence[str]
) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """Every number of the parameters that can differ from another's.

    Yields its name, such as ``rate[0, visits]``, the number of its leaf, and its place there.
    """
    for k in range(len(params.weights)):
        noise = isinstance(model.family, WithNoise) and k == len(params.weights) - 1
        yield "weight[noise]" if noise else f"weight[{k}]", 0, (k,)
    yield from of_family(model.family, tree.leaves(params), 1, columns)


def of_family(
    whole: Family[Any, Any], leaves: Sequence[Any], at: int, columns: Sequence[str]
) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """The same of a family's parameters alone, the first of which is leaf `at`."""
    for seen, family in pieces(whole, range(len(columns))):
        own = [columns[j] for j in seen]
        if getattr(family, "censored", False):
            own = own[::2]  # two bounds stand for each time
        part = len(seen) < len(columns)
        space = family.space
        for path, constraint in zip(tree.names(space), tree.leaves(space), strict=True):
            inside = getattr(getattr(family, "inner", family), "n_mix", None)
            for name, index in _of_leaf(path, constraint, leaves[at], own, part, inside):
                yield name, at, index
            at += 1


def _of_leaf(
    path: str,
    constraint: Constraint,
    value: Array,
    columns: list[str],
    part: bool,
    inside: int | None = None,
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Of one parameter; `part` says that these are not all columns, so that names tell which.

    `inside` is the number of densities inside each component, where it is a mixture itself.
    """
    inner: Any = getattr(constraint, "inner", constraint)
    labels = _labels(constraint, value.shape, columns, inside)
    one = singular(path)
    matrix = isinstance(inner, PositiveDefinite)
    if not matrix:
        one = _DIAGONAL.get(one, one)
    if part and not any(axis is columns for axis in labels):
        one = f"{one}({'+'.join(columns)})"
    if matrix:
        for lead in np.ndindex(*value.shape[:-2]):
            yield from _of_matrix(one, lead, labels)
        return
    possible = np.ones(value.shape, dtype=np.bool_)
    if isinstance(inner, Simplex) and inner.support is not None:
        possible = np.broadcast_to(inner.support, value.shape)
    for index in np.ndindex(*value.shape):
        if possible[index]:
            yield _written(one, [axis[i] for axis, i in zip(labels, index, strict=True)]), index


def _of_matrix(
    one: str, lead: tuple[int, ...], labels: list[Sequence[str]]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Of a symmetric matrix, its diagonal and then what is below it."""
    before = [axis[i] for axis, i in zip(labels, lead, strict=False)]
    *_, last = labels
    for a in range(len(last)):
        yield _written(_DIAGONAL.get(one, one), [*before, last[a]]), (*lead, a, a)
    for a in range(len(last)):
        for b in range(a):
            yield _written(one, [*before, last[b], last[a]]), (*lead, a, b)


def _labels(
    constraint: Constraint, shape: tuple[int, ...], columns: list[str], inside: int | None
) -> list[Sequence[str]]:
    """What each axis of a leaf runs over: components, then columns, then plain numbers.

    `columns` itself stands where an axis runs over the columns.
    """
    square = isinstance(getattr(constraint, "inner", constraint), PositiveDefinite)
    densities = 1 if inside is not None and not (square and len(shape) == 3) else None
    labels: list[Sequence[str]] = []
    for axis, length in enumerate(shape):
        over_columns = length == len(columns) and axis not in constraint.exchangeable
        over_columns = over_columns and axis != densities
        if over_columns and (square or not any(each is columns for each in labels)):
            labels.append(columns)
        else:
            labels.append([str(i) for i in range(length)])
    return labels


def _written(one: str, places: Sequence[Any]) -> str:
    return f"{one}[{', '.join(places)}]" if places else one


def singular(path: str) -> str:
    """One of what the last name of a path stands for.

    Examples
    --------
    >>> singular("components.rates"), singular("probabilities"), singular("concentration")
    ('rate', 'probability', 'concentration')
    """
    name = path.rpartition(".")[2]
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name.removesuffix("s")


_DIAGONAL = {"covariance": "variance"}
"""What stands on a diagonal."""
