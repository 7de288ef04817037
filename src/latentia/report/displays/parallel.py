"""Parallel coordinates: every row as a line across its columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentia.extras import require

from ..formatting import group, shorten, true_minus
from ..kinds import is_gaussian
from ..summary import column_names
from .canvas import FAINT, Array, colour, dash, finite_rows, mark, one_axes, sample, tidy
from .pairs import telling_columns

MOST_VECTORS = 800
"""Rows drawn as lines in a vector file; beyond, they become a picture in it."""


class ParallelDisplay:
    """Each row as a thin line across the columns, and the means of the components as thick ones.

    Every column has its own scale, from its least to its largest value. A line is broken where a
    cell is missing, and fainter where the component is unsure.

    Parameters
    ----------
    rows : array of shape (n, D)
        The rows to draw.
    labels : array of int, shape (n,)
        The component each row most likely belongs to.
    sureness : array of shape (n,)
        The posterior probability of that component.
    centres : array of shape (K, D)
        The mean of each component's rows.
    ends : array of shape (2, D)
        The least and the largest value of each column.
    columns : sequence of str
        Names of the D columns.

    Attributes
    ----------
    ax_ : matplotlib Axes
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    References
    ----------
    Wegman (1990), Hyperdimensional data analysis using parallel coordinates, JASA 85.

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets
    >>> iris = datasets.load("iris")
    >>> fitted = GaussianMixture(3, random_state=0).fit(iris.values)
    >>> display = ParallelDisplay.from_estimator(fitted, iris.values)
    >>> display.centres.shape
    (3, 4)
    """

    def __init__(
        self,
        *,
        rows: Array,
        labels: Any,
        sureness: Array,
        centres: Array,
        ends: Array,
        columns: Any,
    ) -> None:
        self.rows, self.labels, self.sureness = rows, labels, sureness
        self.centres, self.ends, self.columns = centres, ends, list(columns)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        columns: Any = None,
        max_columns: int = 12,
        max_points: int = 600,
        ax: Any = None,
    ) -> ParallelDisplay:
        """Draw rows of a fitted mixture.

        Parameters
        ----------
        estimator : GaussianMixture or Mixture
            Fitted to at least two columns.
        X : array-like of shape (n, D)
        columns : sequence of str, optional
            Names of the columns.
        max_columns : int, default=12
            Of more columns, those that set normal components furthest apart are drawn, or the
            first.
        max_points : int, default=600
            Of more rows, a random sample is drawn, the same each time.
        ax : matplotlib Axes, optional

        Returns
        -------
        ParallelDisplay

        Raises
        ------
        ValueError
            If the mixture has one column.
        """
        names, rows = column_names(estimator, columns), finite_rows(X)
        if len(names) < 2:
            raise ValueError(
                "got a mixture of one column, expected at least two to draw beside one another; "
                "use plot.density(X)"
            )
        shown = list(range(len(names)))[:max_columns]
        if is_gaussian(estimator):
            means = np.asarray(estimator.means_, dtype=float)
            matrices = np.asarray(estimator.covariance_matrices(), dtype=float)
            weights = np.asarray(estimator.weights_, dtype=float)
            shown = telling_columns(weights, means, matrices, max_columns)
        resp = np.asarray(estimator.predict_proba(X), dtype=float)
        kept = np.where(np.isfinite(rows), rows, np.nan)[:, shown]
        some = sample(len(rows), max_points)
        display = cls(
            rows=kept[some],
            labels=resp[some].argmax(axis=1),
            sureness=resp[some].max(axis=1),
            centres=_centres(kept, resp),
            ends=np.stack([np.nanmin(kept, axis=0), np.nanmax(kept, axis=0)]),
            columns=[names[j] for j in shown],
        )
        return display.plot(ax=ax)

    def plot(self, *, ax: Any = None) -> ParallelDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        ParallelDisplay
        """
        d, k = len(self.columns), len(self.centres)
        ax = one_axes(ax, (min(max(5.2, 1.25 * d + 1.0), 13.0), 4.0))
        self._rows(ax)
        across = np.arange(d)
        outline = require("matplotlib.patheffects", extra="plot")
        halo = [outline.withStroke(linewidth=5.0, foreground="white"), outline.Normal()]
        for j in range(k):
            ax.plot(
                across,
                self._scaled(self.centres)[j],
                color=colour(j),
                linestyle=dash(j),
                marker=mark(j),
                linewidth=2.6,
                markersize=6,
                markeredgecolor="white",
                path_effects=halo,
                label=group(j),
                zorder=4,
            )
        white = {"facecolor": "white", "linewidth": 0, "pad": 1.0}
        small: dict[str, Any] = {"fontsize": "small", "color": FAINT, "zorder": 3}
        for j in range(d):
            ax.axvline(j, color=FAINT, linewidth=0.7, zorder=1)
            for height, end, where in ((-0.03, 0, "top"), (1.03, 1, "bottom")):
                text = true_minus(f"{self.ends[end, j]:.4g}")
                ax.text(j, height, text, ha="center", va=where, bbox=white, **small)
        ax.set_ylim(-0.14, 1.14)
        ax.set_xlim(-0.35, d - 0.65)
        names = [shorten(name, 18).replace("$", r"\$") for name in self.columns]
        turned = max(map(len, names)) > 12 and d > 4
        angle: dict[str, Any] = {"rotation": 30, "ha": "right"} if turned else {}
        ax.set_xticks(across, names, **angle)
        ax.set_yticks([])
        tidy(ax)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
        ax.tick_params(axis="x", length=0)
        if k > 1:
            ax.legend(
                frameon=False,
                fontsize="small",
                loc="lower left",
                bbox_to_anchor=(0, 1),
                borderaxespad=0.3,
                ncols=min(k, 5),
                handlelength=3.2,
            )
        self.ax_, self.figure_ = ax, ax.figure
        self.axes_ = np.array([ax], dtype=object)
        return self

    def _rows(self, ax: Any) -> None:
        collections = require("matplotlib.collections", extra="plot")
        colours = require("matplotlib.colors", extra="plot")
        n, k = len(self.rows), len(self.centres)
        paint = np.array([colours.to_rgba(colour(label)) for label in self.labels])
        chance = 1 / k
        sure = np.ones(n) if k == 1 else (self.sureness - chance) / (1 - chance)
        paint[:, 3] = (0.5 if n <= 200 else 0.3) * (0.3 + 0.7 * np.clip(sure, 0, 1))
        heights = self._scaled(self.rows)
        across = np.broadcast_to(np.arange(heights.shape[1]), heights.shape)
        lines = np.stack([across, heights], axis=2)
        order = np.random.default_rng(0).permutation(n)  # or the last component would hide the rest
        drawn = collections.LineCollection(
            list(lines[order]),
            colors=paint[order],
            linewidths=0.8,
            rasterized=n > MOST_VECTORS,
            zorder=2,
        )
        ax.add_collection(drawn)

    def _scaled(self, values: Array) -> Array:
        """Values as shares of the way from the least to the largest of their column."""
        low, high = self.ends
        span = np.where(high > low, high - low, 1.0)
        return np.where(high > low, (values - low) / span, 0.5 + 0 * values)


def _centres(rows: Array, resp: Array) -> Array:
    """The mean of each column for each component, cells that are missing left out."""
    known = np.isfinite(rows)
    total = resp.T @ np.where(known, rows, 0.0)
    count = resp.T @ known
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, total / count, np.nan)
