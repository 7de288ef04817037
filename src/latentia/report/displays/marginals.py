"""Columns of a mixture of any family, each under its components' densities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..formatting import group, shorten
from ..summary import column_names
from .canvas import INK, Array, bins, colour, dash, finite_rows, mark, new_figure, tidy
from .panels import name_left_out

MOST_COUNTS = 60
"""Whole numbers that are drawn as bars; of more, their densities are drawn as lines."""


class MarginalsDisplay:
    """The data of each column, each component's share of the density, and their sum.

    Whole numbers are drawn as bars under points, other numbers as a histogram under curves.
    A column whose marginal the family does not tell shows its data alone.

    Parameters
    ----------
    rows : array of shape (n, d)
    weights : array of shape (K,)
    marginals : sequence of Marginal or None
        Of each column: `log_density` of an array (m,), shape (m, K), and whether `discrete`.
    columns : sequence of str
        Names of the d columns.
    left_out : sequence of str
        Columns of the data that are not among the d.

    Attributes
    ----------
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import Mixture
    >>> X = np.repeat(np.arange(4), [30, 20, 5, 9])[:, None]
    >>> fitted = Mixture("poisson", 2, random_state=0).fit(X)
    >>> MarginalsDisplay.from_estimator(fitted, X).axes_[0].get_ylabel()
    'share of the rows'
    """

    def __init__(
        self,
        *,
        rows: Array,
        weights: Array,
        marginals: Sequence[Any],
        columns: Sequence[str],
        left_out: Sequence[str] = (),
    ) -> None:
        self.rows, self.weights, self.marginals = rows, weights, list(marginals)
        self.columns, self.left_out = list(columns), list(left_out)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        column: int | None = None,
        columns: Any = None,
        figure: Any = None,
        max_columns: int = 6,
    ) -> MarginalsDisplay:
        """Draw a fitted mixture on data.

        Parameters
        ----------
        estimator : Mixture
            Fitted.
        X : array-like of shape (n, D)
        column : int, optional
            Draw this one alone.
        columns : sequence of str, optional
            Names of the columns.
        figure : matplotlib Figure, optional
            Draw here rather than in a new figure.
        max_columns : int, default=6
            Of more columns, the first are drawn.

        Returns
        -------
        MarginalsDisplay
        """
        names, rows = column_names(estimator, columns), finite_rows(X)
        shown = list(range(len(names)))[:max_columns] if column is None else [column]
        display = cls(
            rows=rows[:, shown],
            weights=np.asarray(estimator.weights_, dtype=float),
            marginals=[estimator.marginal(j) for j in shown],
            columns=[names[j] for j in shown],
            left_out=[] if column is not None else names[len(shown) :],
        )
        return display.plot(figure=figure)

    def plot(self, *, figure: Any = None) -> MarginalsDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        MarginalsDisplay
        """
        d = len(self.columns)
        across = min(d, 3)
        down = -(-d // across)
        size = (5.8, 3.8) if d == 1 else (3.4 * across, 2.7 * down)
        figure = new_figure(figure, size)
        for j in range(d):
            self._panel(figure.add_subplot(down, across, j + 1), j, legend=j == 0)
        name_left_out(figure, self.left_out)
        self.figure_, self.axes_ = figure, np.array(figure.axes, dtype=object)
        return self

    def _panel(self, ax: Any, j: int, *, legend: bool) -> None:
        values = self.rows[:, j]
        values = values[np.isfinite(values)]
        marginal = self.marginals[j]
        counts = marginal is not None and marginal.discrete
        if len(values):
            if counts and np.ptp(values) <= MOST_COUNTS:
                self._counts(ax, values, marginal)
            else:
                self._densities(ax, values, marginal, counts)
        ax.set_ylim(bottom=0)
        width = 40 if len(self.columns) == 1 else 20
        ax.set_xlabel(shorten(self.columns[j], width), parse_math=False)
        tidy(ax)
        if legend and len(self.weights) > 1 and ax.get_legend_handles_labels()[0]:
            ax.legend(frameon=False, fontsize="small", ncols=1 + len(self.weights) // 8)

    def _counts(self, ax: Any, values: Array, marginal: Any) -> None:
        x = np.arange(values.min(), values.max() + 1)
        seen = (values[:, None] == x).mean(axis=0)
        ax.bar(x, seen, width=0.8, color="#DDDDDD", linewidth=0, zorder=1)
        ax.set_ylabel("share of the rows")
        self._lines(ax, x, marginal, points=True)

    def _densities(self, ax: Any, values: Array, marginal: Any, counts: bool) -> None:
        low, high = float(values.min()), float(values.max())
        edges = np.unique(np.floor(bins(values))) if counts else bins(values)
        look: dict[str, Any] = {"histtype": "stepfilled", "color": "#DDDDDD", "linewidth": 0}
        ax.hist(values, bins=edges, density=True, zorder=1, **look)
        ax.set_ylabel("density")
        if marginal is None:
            return
        margin = 0.0 if counts else 0.06 * (high - low) or 0.5
        if counts:
            x = np.unique(np.round(np.linspace(low, high, 401)))
        else:
            x = np.linspace(low - margin, high + margin, 401)
        self._lines(ax, x, marginal, points=False)

    def _lines(self, ax: Any, x: Array, marginal: Any, *, points: bool) -> None:
        with np.errstate(all="ignore"):
            height = np.exp(marginal.log_density(x)) * self.weights
        height = np.where(np.isfinite(height), height, np.nan)
        if len(self.weights) > 1:
            ax.plot(x, height.sum(axis=1), color=INK, linewidth=1.3, zorder=4, label="sum")
        for k, share in enumerate(self.weights):
            ax.plot(
                x,
                height[:, k],
                color=colour(k),
                linestyle=dash(k),
                marker=mark(k) if points else None,
                markersize=4,
                linewidth=1.8,
                zorder=3,
                label=f"{group(k)} ({100 * share:.0f} %)",
            )
