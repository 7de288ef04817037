"""One column: a histogram under the densities of the components."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..formatting import group, shorten
from ..summary import column_names
from .canvas import (
    INK,
    Array,
    bins,
    colour,
    dash,
    density,
    fine_grid,
    finite_rows,
    one_axes,
    tidy,
)


class DensityDisplay:
    """A histogram, each component's share of the density, and their sum.

    Parameters
    ----------
    values : array of shape (n,)
    weights, means, variances : array of shape (K,)
    column : str

    Attributes
    ----------
    ax_ : matplotlib Axes
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets
    >>> X = datasets.load("galaxies").values
    >>> fitted = GaussianMixture(3, random_state=0).fit(X)
    >>> DensityDisplay.from_estimator(fitted, X).ax_.get_ylabel()
    'density'
    """

    def __init__(
        self, *, values: Array, weights: Array, means: Array, variances: Array, column: str
    ) -> None:
        self.values, self.column = values, column
        self.weights, self.means, self.variances = weights, means, variances

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, *, column: int = 0, columns: Any = None, ax: Any = None
    ) -> DensityDisplay:
        """Draw one column of the data under a fitted mixture's marginal densities.

        Parameters
        ----------
        estimator : GaussianMixture
            Fitted.
        X : array-like of shape (n, D)
        column : int, default=0
            Which column.
        columns : sequence of str, optional
            Names of the columns.
        ax : matplotlib Axes, optional

        Returns
        -------
        DensityDisplay
        """
        values = finite_rows(X)[:, column]
        display = cls(
            values=values[np.isfinite(values)],
            weights=np.asarray(estimator.weights_, dtype=float),
            means=np.asarray(estimator.means_, dtype=float)[:, column],
            variances=np.asarray(estimator.covariance_matrices(), dtype=float)[:, column, column],
            column=column_names(estimator, columns)[column],
        )
        return display.plot(ax=ax)

    def plot(self, *, ax: Any = None, legend: bool = True, fill: bool = True) -> DensityDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        legend : bool, default=True
            Whether to name the components.
        fill : bool, default=True
            Whether to shade under the components and mark the rows below the axis.

        Returns
        -------
        DensityDisplay
        """
        ax = one_axes(ax, (5.8, 3.8))
        ax.hist(
            self.values,
            bins=bins(self.values),
            density=True,
            histtype="stepfilled",
            color="#DDDDDD",
            linewidth=0,
            zorder=1,
        )
        deviations = np.sqrt(self.variances)
        low, high = float(self.values.min()), float(self.values.max())
        margin = 0.06 * (high - low) or float(3 * deviations.max())
        x = fine_grid(low - margin, high + margin, self.means, deviations)
        if len(self.weights) > 1:
            total = density(x[:, None], self.means, self.variances) @ self.weights
            ax.plot(x, total, color=INK, linewidth=1.3, zorder=4, label="sum")
        for k, (mean, deviation) in enumerate(zip(self.means, deviations, strict=True)):
            bell = np.clip(mean + deviation * np.linspace(-4, 4, 97), x[0], x[-1])
            height = self.weights[k] * density(bell, mean, self.variances[k])
            if fill:
                ax.fill_between(bell, height, color=colour(k), alpha=0.16, linewidth=0, zorder=2)
            ax.plot(
                bell,
                height,
                color=colour(k),
                linestyle=dash(k),
                linewidth=1.8,
                zorder=3,
                label=f"{group(k)} ({100 * self.weights[k]:.0f} %)",
            )
        ax.set_xlim(x[0], x[-1])
        ax.set_ylim(bottom=0)
        ax.set_xlabel(shorten(self.column, 40), parse_math=False)
        ax.set_ylabel("density")
        tidy(ax)
        if legend and len(self.weights) > 1:
            ax.legend(frameon=False, fontsize="small", ncols=1 + len(self.weights) // 8)
        self.ax_, self.figure_ = ax, ax.figure
        self.axes_ = np.array([ax], dtype=object)
        return self
