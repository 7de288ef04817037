"""Rows of whose components something is known: which ones each may be from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from latentia.data.arrays import PART, POOL, Rows, RowSource
from latentia.estimator import feature_names
from latentia.families import making, registry

from . import errors

if TYPE_CHECKING:
    from .general import Mixture

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class LabelledRows(NamedTuple):
    """Independent rows with a weight each, and the components that each may be from.

    Attributes
    ----------
    x : array of shape (n, d)
    weights : array of shape (n,)
    allowed : array of bool, shape (n, K)
    """

    x: Any
    weights: Array
    allowed: Mask

    def __len__(self) -> int:
        return len(self.x)

    def take(self, idx: NDArray[np.intp]) -> Self:
        return type(self)(self.x[idx], self.weights[idx], self.allowed[idx])

    def reweight(self, w: Array) -> Self:
        return type(self)(self.x, self.weights * w, self.allowed)

    def blocks(self, size: int = PART) -> Iterator[LabelledRows]:
        """The rows in order, `size` at a time, as views."""
        for at in range(0, len(self.x), size):
            part = slice(at, at + size)
            yield LabelledRows(self.x[part], self.weights[part], self.allowed[part])


@final
class LabelledSource:
    """Labelled rows in chunks; rows that are alike and may be from the same count as one sort.

    Parameters
    ----------
    rows : LabelledRows
    """

    def __init__(self, rows: LabelledRows) -> None:
        self._n_features = rows.x.shape[1]
        beside = np.column_stack([rows.x, rows.allowed])
        self._source = patterns(Rows(beside, rows.weights))

    @property
    def distinct(self) -> Rows:
        """Different rows, what they may be from beside them; as `RowSource.distinct`."""
        return self._source.distinct

    def chunks(self) -> Sequence[LabelledRows]:
        return [self._split(chunk) for chunk in self._source.chunks()]

    def sample(self, rng: np.random.Generator) -> LabelledRows:
        return self._split(self._source.sample(rng))

    def _split(self, rows: Rows) -> LabelledRows:
        d = self._n_features
        return LabelledRows(rows.x[:, :d], rows.weights, rows.x[:, d:] > 0)


def patterns(rows: Rows) -> RowSource:
    """Where many rows are equal, each different one once with their summed weight.

    The log-likelihood and its maximum are the same.
    """
    source = RowSource(rows)
    distinct = source.distinct  # of POOL different rows there may be more
    few = len(distinct) < POOL and 2 * len(distinct) <= len(rows)
    return RowSource(distinct) if few else source


def digest(source: RowSource | LabelledSource) -> str:
    """What tells these rows from others: the same for the same set of them."""
    x, w = source.distinct
    told = hashlib.sha256(str(x.shape).encode())
    told.update(np.asarray(x).tobytes())
    told.update(np.asarray(w).tobytes())
    return told.hexdigest()


def of_labels(labels: Any, n: int, n_components: int) -> Mask:
    """Which components each row may be from, (n, K), given labels (n,) with -1 for unknown.

    Raises
    ------
    ValueError
        If there is not one for each row, or if one is no component's number.
    """
    given = np.asarray(labels)
    if given.shape != (n,):
        raise ValueError(f"got labels of shape {given.shape}, expected ({n},): one label a row")
    wrong = ~np.isin(given, np.arange(-1, n_components))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(
            f"got labels[{i}] = {given.tolist()[i]!r}, expected a component from 0 to "
            f"{n_components - 1}, or -1 where it is not known"
        )
    known = given.astype(np.intp)
    return (known < 0)[:, None] | (known[:, None] == np.arange(n_components))


def of_allowed(allowed: Any, n: int, n_components: int) -> Mask:
    """The same, given for each row and component whether it may be from there.

    Raises
    ------
    ValueError
        If its shape is another, or if a row is allowed no component.
    """
    given = np.asarray(allowed)
    if given.shape != (n, n_components) or not np.isin(given, (0, 1)).all():
        raise ValueError(
            f"got allowed of shape {given.shape}, expected booleans of shape ({n}, {n_components})"
            ": a row of them for each row of X"
        )
    mask = given.astype(np.bool_)
    if not mask.any(axis=1).all():
        i = int(np.argmin(mask.any(axis=1)))
        raise ValueError(f"got allowed[{i}] all False, expected some component for every row")
    return mask


def told(labels: Any, allowed: Any, n: int, n_components: int) -> Mask | None:
    """Which components each row may be from, by whichever is given; None where neither is.

    Raises
    ------
    ValueError
        If both are, and as `of_labels` and `of_allowed`.
    """
    if labels is None and allowed is None:
        return None
    if labels is not None and allowed is not None:
        raise ValueError("got labels and allowed, expected one of the two")
    if allowed is None:
        return of_labels(labels, n, n_components)
    return of_allowed(allowed, n, n_components)


def guided(resp: Array, rows: Any) -> Array:
    """A guess at the memberships, (n, K), that keeps to what is allowed.

    Its components are numbered so that they agree as well as possible with the rows whose
    components are restricted.
    """
    if not isinstance(rows, LabelledRows):
        return resp
    allowed = rows.allowed
    told = ~allowed.all(axis=1)
    shares = allowed / allowed.sum(axis=1, keepdims=True)
    agreement = (resp[told] * rows.weights[told, None]).T @ shares[told]
    mine, theirs = linear_sum_assignment(-agreement)
    numbered = np.empty_like(resp)
    numbered[:, theirs] = resp[:, mine]
    kept = numbered * allowed
    total = kept.sum(axis=1, keepdims=True)
    return np.where(total > 0, kept / np.where(total > 0, total, 1.0), shares)


def _that_count(x: Array, weights: Array) -> Array:
    """The rows, with one that counts in place of each of no weight, which may hold anything."""
    idle = ~(weights > 0)
    return np.where(idle[:, None], x[np.argmin(idle)], x) if idle.any() else x


def training_source(
    mixture: Mixture, X: Any, sample_weight: Any, labels: Any, allowed: Any
) -> tuple[RowSource | LabelledSource, tuple[registry.Part, ...]]:
    """The rows in chunks, and what the family has to know of them."""
    X = errors.at_hand(X, registry.allows_missing(mixture.family))
    x = errors.validated(mixture, X, reset=True)
    weights = errors.checked_weights(sample_weight, x)
    k = mixture.n_components
    errors.require_enough_rows(weights, k)
    x = _that_count(x, weights)
    names = getattr(mixture, "feature_names_in_", None)
    errors.require_known_columns(x, weights, names)
    specified = registry.parts_of(mixture.family, feature_names(mixture, x.shape[1]))
    source = patterns(Rows(x, weights))
    parts = making.learned(specified, Rows(x, weights), source.distinct)
    errors.require_possible(x, names, making.pieces(making.built(parts, k), range(x.shape[1])))
    mask = told(labels, allowed, len(x), k)
    if mask is None:
        return source, parts
    return LabelledSource(LabelledRows(x, weights, mask)), parts
