"""A fitted mixture drawn on its data: every pair of columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latentia.extras import require

from ..formatting import FIRST_GROUP
from ..summary import column_names
from .canvas import Array, colour, dash, finite_rows, mark, sample, tidy
from .density import DensityDisplay
from .panels import draw_pairs, frame_of, group_handles

MOST_VECTORS = 1500
"""Points drawn one by one in a vector file; beyond, they become a picture in it."""

LEAST = 1e-3
"""The weight below which a component without rows is not drawn."""


class PairsDisplay:
    """Points coloured by component, fainter where unsure, under ellipses of 1 and 2 sd.

    One column is drawn as a histogram, two as one panel, more as a triangle of panels with
    histograms along its diagonal.

    Parameters
    ----------
    rows : array of shape (n, D)
        The rows to draw.
    labels : array of int, shape (n,)
        The component each row most likely belongs to.
    sureness : array of shape (n,)
        The posterior probability of that component.
    weights, means, covariances : arrays of shape (K,), (K, D), (K, D, D)
    columns : sequence of str
        Names of the D columns.
    left_out : sequence of str
        Columns of the data that are not among the D.

    Attributes
    ----------
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets
    >>> X = datasets.load("faithful").values
    >>> fitted = GaussianMixture(2, random_state=0).fit(X)
    >>> PairsDisplay.from_estimator(fitted, X).axes_.shape
    (1,)
    """

    def __init__(
        self,
        *,
        rows: Array,
        labels: Any,
        sureness: Array,
        weights: Array,
        means: Array,
        covariances: Array,
        columns: Sequence[str],
        left_out: Sequence[str] = (),
    ) -> None:
        self.rows, self.labels, self.sureness = rows, labels, sureness
        self.weights, self.means, self.covariances = weights, means, covariances
        self.columns, self.left_out = list(columns), list(left_out)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        columns: Any = None,
        figure: Any = None,
        max_columns: int = 6,
        max_points: int = 5000,
    ) -> PairsDisplay:
        """Draw a fitted mixture on data.

        Parameters
        ----------
        estimator : GaussianMixture
            Fitted.
        X : array-like of shape (n, D)
        columns : sequence of str, optional
            Names of the columns.
        figure : matplotlib Figure, optional
            Draw here rather than in a new figure.
        max_columns : int, default=6
            Of more columns, those that set the components furthest apart are drawn.
        max_points : int, default=5000
            Of more rows, a random sample is drawn, the same each time.

        Returns
        -------
        PairsDisplay
        """
        names = column_names(estimator, columns)
        means = np.asarray(estimator.means_, dtype=float)
        covariances = np.asarray(estimator.covariance_matrices(), dtype=float)
        weights = np.asarray(estimator.weights_, dtype=float)
        shown = telling_columns(weights, means, covariances, max_columns)
        rows = finite_rows(X)
        some = sample(len(rows), max_points)
        resp = np.asarray(estimator.predict_proba(X), dtype=float)[some]
        display = cls(
            rows=rows[some][:, shown],
            labels=resp.argmax(axis=1),
            sureness=resp.max(axis=1),
            weights=weights,
            means=means[:, shown],
            covariances=covariances[:, shown][:, :, shown],
            columns=[names[j] for j in shown],
            left_out=[name for j, name in enumerate(names) if j not in set(shown)],
        )
        return display.plot(figure=figure)

    def plot(self, *, figure: Any = None) -> PairsDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        PairsDisplay
        """

        def one(ax: Any, j: int, alone: bool) -> None:
            self._marginal(j).plot(ax=ax, legend=alone, fill=alone)

        def two(ax: Any, j: int, i: int, alone: bool) -> None:
            self._panel(ax, j, i, numbered=alone and len(self.weights) > 1)

        handles = group_handles(len(self.weights))
        figure = draw_pairs(figure, self.columns, one, two, handles, self.left_out)
        self.figure_, self.axes_ = figure, np.array(figure.axes, dtype=object)
        return self

    def _marginal(self, j: int) -> DensityDisplay:
        values = self.rows[:, j]
        return DensityDisplay(
            values=values[np.isfinite(values)],
            weights=self.weights,
            means=self.means[:, j],
            variances=self.covariances[:, j, j],
            column=self.columns[j],
        )

    def _panel(self, ax: Any, j: int, i: int, *, numbered: bool) -> None:
        """Column i against column j."""
        n, d = self.rows.shape
        colours = require("matplotlib.colors", extra="plot")
        ellipse = require("matplotlib.patches", extra="plot").Ellipse
        chance = 1 / len(self.weights)
        sure = np.ones(n) if chance == 1 else (self.sureness - chance) / (1 - chance)
        base = 0.75 if n <= 1000 else 0.45
        size = (22.0 if d == 2 else 10.0) if n <= 500 else 7.0
        for k in range(len(self.weights)):
            mine = self.labels == k
            paint = np.tile(colours.to_rgba(colour(k)), (int(mine.sum()), 1))
            paint[:, 3] = base * (0.2 + 0.8 * np.clip(sure[mine], 0, 1))
            ax.scatter(
                self.rows[mine, j],
                self.rows[mine, i],
                s=size,
                c=paint,
                marker=mark(k),
                linewidths=0,
                rasterized=n * d * (d - 1) / 2 > MOST_VECTORS,
                zorder=2,
            )
        pair = [j, i]
        for k in range(len(self.weights)):
            if self.weights[k] < LEAST and not (self.labels == k).any():
                continue  # what a prior has left without rows
            values, vectors = np.linalg.eigh(self.covariances[k][np.ix_(pair, pair)])
            spans = 2 * np.sqrt(np.maximum(values, 0))
            angle = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
            centre = self.means[k, pair]
            for radius, width in ((1, 1.6), (2, 0.9)):
                ring = ellipse(
                    (float(centre[0]), float(centre[1])),
                    radius * spans[1],
                    radius * spans[0],
                    angle=angle,
                    facecolor="none",
                    edgecolor=colour(k),
                    linestyle=dash(k),
                    linewidth=width,
                    zorder=3,
                )
                ax.add_patch(ring)
            if numbered:
                frame = {"boxstyle": "circle,pad=0.25", "facecolor": "white"}
                ax.text(
                    *centre,
                    str(k + FIRST_GROUP),
                    ha="center",
                    va="center",
                    fontsize="small",
                    bbox=frame | {"edgecolor": colour(k), "linewidth": 1.2},
                    zorder=4,
                )
        ax.set_xlim(*frame_of(self.rows[:, j], self.means[:, j]))
        ax.set_ylim(*frame_of(self.rows[:, i], self.means[:, i]))
        tidy(ax)


def telling_columns(weights: Array, means: Array, covariances: Array, most: int) -> list[int]:
    """The columns in which components lie furthest apart, in their order in the data.

    By the share of the mixture's variance that lies between its components.
    """
    d = means.shape[1]
    if d <= most:
        return list(range(d))
    between = weights @ (means - weights @ means) ** 2
    within = weights @ np.diagonal(covariances, axis1=1, axis2=2)
    order = np.argsort(-between / (between + within), kind="stable")
    return sorted(int(j) for j in order[:most])
