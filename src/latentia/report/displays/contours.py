"""The density of a mixture over pairs of columns, as regions that hold given shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kinds import is_gaussian
from ..summary import column_names
from .canvas import FAINT, INK, PALETTE, Array, bins, density, finite_rows, sample, tidy
from .pairs import telling_columns
from .panels import draw_pairs, frame_of
from .plane import CELLS, MOST_VECTORS, discrete

SHARES = (0.25, 0.5, 0.75, 0.95)
"""What the regions hold of the probability."""

REACH = 2.8
"""Standard deviations around each normal component that are drawn at least."""


class Surface(NamedTuple):
    """A density over a column or two.

    Attributes
    ----------
    places : tuple of array
        Coordinates along each side, shapes (A,) or (A,), (B,).
    heights : array of shape (A,) or (B, A)
    """

    places: tuple[Array, ...]
    heights: Array


class ContoursDisplay:
    """Rows under the outlines of the smallest regions that hold 25, 50, 75 and 95 % of the density.

    Two columns are drawn as one panel, more as a triangle of panels, each the density of its two
    columns with the others integrated out; along the diagonal stand histograms under the
    density of one column. Columns of whole numbers have no contours and are left out.

    Parameters
    ----------
    rows : array of shape (n, D)
        The rows to draw.
    columns : sequence of str
        Names of the D columns.
    singles : sequence of Surface
        The density of each column.
    pairs : dict of (int, int) to Surface
        The density of columns (j, i), for all j < i.
    shares : sequence of float
        What the regions hold.
    left_out : sequence of str
        Columns of the data that are not among the D.

    Attributes
    ----------
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    References
    ----------
    Hyndman (1996), Computing and graphing highest density regions, The American Statistician 50.

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets
    >>> X = datasets.load("faithful").values
    >>> fitted = GaussianMixture(2, random_state=0).fit(X)
    >>> ContoursDisplay.from_estimator(fitted, X).axes_.shape
    (1,)
    """

    def __init__(
        self,
        *,
        rows: Array,
        columns: Sequence[str],
        singles: Sequence[Surface],
        pairs: dict[tuple[int, int], Surface],
        shares: Sequence[float] = SHARES,
        left_out: Sequence[str] = (),
    ) -> None:
        self.rows, self.columns = rows, list(columns)
        self.singles, self.pairs = list(singles), dict(pairs)
        self.shares, self.left_out = tuple(shares), list(left_out)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        columns: Any = None,
        shares: Sequence[float] = SHARES,
        figure: Any = None,
        max_columns: int = 6,
        max_points: int = 5000,
    ) -> ContoursDisplay:
        """Draw the density of a fitted mixture.

        Parameters
        ----------
        estimator : GaussianMixture or Mixture
            Fitted.
        X : array-like of shape (n, D)
        columns : sequence of str, optional
            Names of the columns.
        shares : sequence of float
            What the regions hold, each between 0 and 1.
        figure : matplotlib Figure, optional
            Draw here rather than in a new figure.
        max_columns : int, default=6
            Of more columns, those that set normal components furthest apart are drawn, or the
            first.
        max_points : int, default=5000
            Of more rows, a random sample is drawn, the same each time.

        Returns
        -------
        ContoursDisplay

        Raises
        ------
        ValueError
            If a share is not between 0 and 1, or if there are fewer than two columns that are
            continuous and have a density of their own.
        """
        wrong = [share for share in shares if not 0 < share < 1]
        if wrong or not len(shares):
            raise ValueError(f"got shares={tuple(shares)!r}, expected numbers between 0 and 1")
        names, rows = column_names(estimator, columns), finite_rows(X)
        shown = _shown(estimator, names, max_columns)
        reach = [_side(estimator, rows[:, j], j) for j in shown]
        pairs = {
            (a, b): _surface(estimator, (shown[a], shown[b]), (reach[a], reach[b]))
            for b in range(len(shown))
            for a in range(b)
        }
        several = len(shown) > 2
        display = cls(
            rows=rows[sample(len(rows), max_points)][:, shown],
            columns=[names[j] for j in shown],
            singles=[
                _surface(estimator, (j,), (side,))
                for j, side in zip(shown, reach, strict=True)
                if several
            ],
            pairs=pairs,
            shares=shares,
            left_out=[name for j, name in enumerate(names) if j not in set(shown)],
        )
        return display.plot(figure=figure)

    def plot(self, *, figure: Any = None) -> ContoursDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        ContoursDisplay
        """
        figure = draw_pairs(figure, self.columns, self._single, self._pair, (), self.left_out)
        self.figure_, self.axes_ = figure, np.array(figure.axes, dtype=object)
        return self

    def _single(self, ax: Any, j: int, alone: bool) -> None:
        values = self.rows[:, j]
        values = values[np.isfinite(values)]
        look: dict[str, Any] = {"histtype": "stepfilled", "color": "#DDDDDD", "linewidth": 0}
        ax.hist(values, bins=bins(values), density=True, zorder=1, **look)
        (x,), heights = self.singles[j]
        ax.plot(x, heights, color=INK, linewidth=1.3, zorder=2)
        ax.set_ylim(bottom=0)
        tidy(ax)

    def _pair(self, ax: Any, j: int, i: int, alone: bool) -> None:
        n = len(self.rows)
        ax.scatter(
            self.rows[:, j],
            self.rows[:, i],
            s=(9.0 if alone else 4.0) if n <= 1000 else 3.0,
            color=FAINT,
            alpha=0.6 if n <= 1000 else 0.35,
            linewidths=0,
            rasterized=n > MOST_VECTORS,
            zorder=2,
        )
        (x, y), heights = self.pairs[j, i]
        bounds = region_bounds(heights, self.shares)
        drawn = ax.contour(
            x,
            y,
            heights,
            levels=np.unique(bounds),
            colors=PALETTE[0],
            linewidths=np.linspace(0.9, 1.9, len(np.unique(bounds))) * (1.0 if alone else 0.8),
            zorder=3,
        )
        if alone:
            names = {
                bound: f"{100 * share:g} %"
                for bound, share in zip(bounds, self.shares, strict=True)
            }
            labels = ax.clabel(drawn, fmt=names, fontsize="small", inline_spacing=3)
            for label in labels:
                label.set_bbox({"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.6})
        ax.set_xlim(x[0], x[-1])
        ax.set_ylim(y[0], y[-1])
        tidy(ax)


def region_bounds(heights: Array, shares: Sequence[float]) -> Array:
    """The heights above which given shares of a density on an even grid lie.

    Of what lies on the grid: what the density has beyond it does not count.

    Examples
    --------
    >>> region_bounds(np.array([[4.0, 3.0], [2.0, 1.0]]), (0.3, 0.6))
    array([4., 3.])
    """
    sorted_heights = np.sort(heights, axis=None)[::-1]
    mass = np.cumsum(sorted_heights)
    at = np.searchsorted(mass, np.asarray(shares) * mass[-1])
    return sorted_heights[np.minimum(at, len(mass) - 1)]


def _shown(estimator: Any, names: Sequence[str], most: int) -> list[int]:
    """The columns to draw."""
    if is_gaussian(estimator):
        means = np.asarray(estimator.means_, dtype=float)
        matrices = np.asarray(estimator.covariance_matrices(), dtype=float)
        weights = np.asarray(estimator.weights_, dtype=float)
        shown = telling_columns(weights, means, matrices, most)
    else:
        told = [j for j in range(len(names)) if estimator.marginal(j) is not None]
        shown = [j for j in told if not discrete(estimator, j)][:most]
    if len(shown) < 2:
        raise ValueError(
            f"got a mixture with {len(shown)} continuous column{'s' * (len(shown) != 1)} to draw, "
            "expected at least two; use plot.pairs(X) or plot.density(X)"
        )
    return shown


def _side(estimator: Any, values: Array, column: int) -> Array:
    """Where to ask along a column: around the rows, and around the bulk of normal components."""
    if not is_gaussian(estimator):
        known = values[np.isfinite(values)]
        return np.linspace(float(known.min()), float(known.max()), CELLS)
    means = np.asarray(estimator.means_, dtype=float)[:, column]
    matrices = np.asarray(estimator.covariance_matrices(), dtype=float)
    spread = REACH * np.sqrt(matrices[:, column, column])
    return np.linspace(*frame_of(values, means - spread, means + spread), CELLS)


def _surface(estimator: Any, columns: tuple[int, ...], sides: tuple[Array, ...]) -> Surface:
    """The density of one or two columns, the others integrated out."""
    grid = np.stack([each.ravel() for each in np.meshgrid(*sides)], axis=1)
    shape = tuple(len(side) for side in reversed(sides))
    if is_gaussian(estimator):
        made = _normal(estimator, list(columns), grid)
    else:
        with np.errstate(all="ignore"):
            each = np.exp(estimator.marginal(columns).log_density(grid))
        made = each @ np.asarray(estimator.weights_)
    heights = np.where(np.isfinite(made), made, 0.0).reshape(shape)
    return Surface(sides, heights)


def _normal(estimator: Any, columns: list[int], grid: Array) -> Array:
    """The density of some columns of a Gaussian mixture."""
    means = np.asarray(estimator.means_, dtype=float)[:, columns]
    matrices = np.asarray(estimator.covariance_matrices(), dtype=float)
    matrices = matrices[:, columns][:, :, columns]
    total: NDArray[np.float64] = np.zeros(len(grid))
    for weight, mean, matrix in zip(np.asarray(estimator.weights_), means, matrices, strict=True):
        if len(columns) == 1:
            total += weight * density(grid[:, 0], mean[0], matrix[0, 0])
            continue
        factor = np.linalg.cholesky(matrix)
        white = np.linalg.solve(factor, (grid - mean).T)
        scale = 2 * np.pi * float(np.prod(np.diag(factor)))
        total += weight * np.exp(-0.5 * (white**2).sum(axis=0)) / scale
    return total
