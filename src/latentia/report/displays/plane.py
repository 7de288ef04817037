"""Two columns of the data as a plane: the rows on it, and what the model says between them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.extras import require

from ..formatting import one_line
from ..kinds import is_gaussian, is_latent_class
from ..summary import column_names
from .canvas import Array, colour, finite_rows, mark, sample, tidy
from .pairs import telling_columns
from .panels import frame_of, name_axes, name_groups

CELLS = 160
"""Places along each side where the model is asked."""

MOST_LEVELS = 200
"""Whole numbers along a side; of more, the space between the rows is left white."""

MOST_VECTORS = 2000
"""Rows drawn one by one in a vector file; beyond, they become a picture in it."""


class Plane(NamedTuple):
    """Rows in two columns, and the memberships of every place between them.

    Attributes
    ----------
    rows : array of shape (n, 2)
    labels : array of int, shape (n,)
        The component each row most likely belongs to.
    sureness : array of shape (n,)
        The posterior probability of that component.
    n_components : int
    columns : tuple of str
        The names of the two.
    discrete : tuple of bool
        Whether a column holds whole numbers alone; its rows are drawn beside one another.
    across, up : array of shape (A,), (B,), or None
        Where the model was asked. None where the two columns are not all that it has, or where it
        can say nothing between the rows.
    resp : array of shape (B, A, K), or None
        The posterior probabilities there.
    names : tuple of str
        What components are called, where they are classes; empty for their numbers.
    """

    rows: Array
    labels: NDArray[np.intp]
    sureness: Array
    n_components: int
    columns: tuple[str, str]
    discrete: tuple[bool, bool]
    across: Array | None = None
    up: Array | None = None
    resp: Array | None = None
    names: tuple[str, ...] = ()


def plane_of(
    estimator: Any,
    X: Any,
    pair: Sequence[int | str] | None = None,
    columns: Any = None,
    max_points: int = 5000,
) -> Plane:
    """What a fitted mixture says of rows, and of the places between them.

    Parameters
    ----------
    estimator : estimator with `predict_proba`
        Fitted to at least two columns.
    X : array-like of shape (n, D)
    pair : two of int or str, optional
        The columns by number or name; by default those that set normal components furthest apart,
        or the first two.
    columns : sequence of str, optional
        Names of the columns.
    max_points : int, default=5000
        Of more rows, a random sample is drawn, the same each time.

    Raises
    ------
    ValueError
        If there are no two such columns.
    """
    names, rows = column_names(estimator, columns), finite_rows(X)
    j, i = chosen_pair(estimator, names, pair)
    resp = np.asarray(estimator.predict_proba(X), dtype=float)
    known = np.flatnonzero(np.isfinite(rows[:, [j, i]]).all(axis=1))
    some = known[sample(len(known), max_points)]
    whole = discrete(estimator, j), discrete(estimator, i)
    plane = Plane(
        rows=rows[some][:, [j, i]],
        labels=resp[some].argmax(axis=1),
        sureness=resp[some].max(axis=1),
        n_components=resp.shape[1],
        columns=(names[j], names[i]),
        discrete=whole,
        names=tuple(one_line(each) for each in getattr(estimator, "classes_", ())),
    )
    if len(names) != 2 or not len(some) or not between_rows(estimator, (j, i)):
        return plane
    across, up = (places(estimator, rows[some, c], d) for c, d in zip((j, i), whole, strict=True))
    if across is None or up is None:
        return plane
    asked = np.empty((len(up) * len(across), 2))
    asked[:, j], asked[:, i] = np.tile(across, len(up)), np.repeat(up, len(across))
    with warnings.catch_warnings():  # an array for a model that was fitted to a data frame
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        there = np.asarray(estimator.predict_proba(asked), dtype=float)
    return plane._replace(across=across, up=up, resp=there.reshape(len(up), len(across), -1))


def chosen_pair(
    estimator: Any, names: Sequence[str], pair: Sequence[int | str] | None
) -> tuple[int, int]:
    """The numbers of two columns.

    Raises
    ------
    ValueError
        If there are no two such columns.
    """
    if len(names) < 2:
        raise ValueError(
            "got a mixture of one column, expected at least two for a plane; use plot.density(X)"
        )
    if pair is None:
        if not is_gaussian(estimator):
            return 0, 1
        means = np.asarray(estimator.means_, dtype=float)
        matrices = np.asarray(estimator.covariance_matrices(), dtype=float)
        j, i = telling_columns(np.asarray(estimator.weights_, dtype=float), means, matrices, 2)
        return j, i
    wanted = [pair] if isinstance(pair, str) else list(pair)
    numbers = [names.index(c) if isinstance(c, str) and c in names else c for c in wanted]
    possible = set(range(len(names)))
    if len(set(numbers)) != 2 or not all(c in possible for c in numbers):
        raise ValueError(
            f"got pair={pair!r}, expected two different columns, each a number from 0 to "
            f"{len(names) - 1} or a name"
        )
    return int(numbers[0]), int(numbers[1])


def discrete(estimator: Any, column: int) -> bool:
    """Whether a column holds whole numbers alone, as far as the model tells."""
    if is_latent_class(estimator):
        return True
    if is_gaussian(estimator) or not hasattr(estimator, "marginal"):
        return False
    marginal = estimator.marginal(column)
    return marginal is not None and bool(marginal.discrete)


def between_rows(estimator: Any, columns: Sequence[int]) -> bool:
    """Whether any place within the range of two columns could be a row."""
    if is_latent_class(estimator):
        return False  # answers that nobody gave have no probability
    if is_gaussian(estimator) or not hasattr(estimator, "marginal"):
        return True
    return all(estimator.marginal(j) is not None for j in columns)


def places(estimator: Any, values: Array, whole: bool) -> Array | None:
    """Where to ask a model along a column; None if there are too many whole numbers.

    Only where every number is possible it is asked beyond the rows.
    """
    low, high = float(values.min()), float(values.max())
    if whole:
        return np.arange(low, high + 1) if high - low < MOST_LEVELS else None
    if is_gaussian(estimator) or not hasattr(estimator, "marginal"):
        low, high = frame_of(values)
    return np.linspace(low, high, CELLS) if high > low else None


def draw_rows(ax: Any, plane: Plane, sizes: Array, opacity: Array) -> None:
    """The rows in the colours and marks of their components, and the frame around them."""
    colours = require("matplotlib.colors", extra="plot")
    at = plane.rows + _apart(plane)
    for k in range(plane.n_components):
        mine = plane.labels == k
        paint = np.tile(colours.to_rgba(colour(k)), (int(mine.sum()), 1))
        paint[:, 3] = opacity[mine]
        ax.scatter(
            at[mine, 0],
            at[mine, 1],
            s=sizes[mine],
            c=paint,
            marker=mark(k),
            linewidths=0,
            rasterized=len(at) > MOST_VECTORS,
            zorder=3,
        )
    if len(at):
        ax.set_xlim(*frame_of(at[:, 0]))
        ax.set_ylim(*frame_of(at[:, 1]))
    name_axes(ax, *plane.columns)
    name_groups(ax, plane.n_components, plane.names)
    tidy(ax)


def draw_ground(ax: Any, plane: Plane, paint: Array) -> None:
    """Colours (B, A, 4) behind the rows, if the model was asked there."""
    ax.pcolormesh(
        plane.across, plane.up, paint, shading="nearest", rasterized=True, linewidth=0, zorder=1
    )


def _apart(plane: Plane) -> Array:
    """Small moves that set rows of equal whole numbers apart, the same each time."""
    moves = np.random.default_rng(0).uniform(-0.3, 0.3, size=plane.rows.shape)
    return moves * np.array(plane.discrete)
