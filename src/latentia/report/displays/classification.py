"""Which component each row, and each place between the rows, most likely belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latentia.extras import require

from .canvas import INK, Array, colour, one_axes
from .panels import PANEL
from .plane import Plane, draw_ground, draw_rows, plane_of


class ClassificationDisplay:
    """Rows coloured by their most probable component; of two columns also the regions.

    Where the model has two columns and no more, the plane is tinted by the component that a row
    there would be given to, and lines run where two are equally probable.

    Parameters
    ----------
    plane : Plane
        The rows in two columns, and what the model says of them.

    Attributes
    ----------
    ax_ : matplotlib Axes
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets
    >>> X = datasets.load("faithful").values
    >>> fitted = GaussianMixture(2, random_state=0).fit(X)
    >>> display = ClassificationDisplay.from_estimator(fitted, X, columns=["eruption", "wait"])
    >>> display.ax_.get_xlabel()
    'eruption'
    """

    def __init__(self, *, plane: Plane) -> None:
        self.plane = plane

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        pair: Sequence[int | str] | None = None,
        columns: Any = None,
        max_points: int = 5000,
        ax: Any = None,
    ) -> ClassificationDisplay:
        """Draw how a fitted mixture sorts rows.

        Parameters
        ----------
        estimator : GaussianMixture or Mixture
            Fitted.
        X : array-like of shape (n, D)
        pair : two of int or str, optional
            Which columns, by number or name; by default those that set normal components furthest
            apart, or the first two.
        columns : sequence of str, optional
            Names of the columns.
        max_points : int, default=5000
            Of more rows, a random sample is drawn, the same each time.
        ax : matplotlib Axes, optional

        Returns
        -------
        ClassificationDisplay

        Raises
        ------
        ValueError
            If there are no two such columns.
        """
        return cls(plane=plane_of(estimator, X, pair, columns, max_points)).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> ClassificationDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        ClassificationDisplay
        """
        ax = one_axes(ax, PANEL)
        plane = self.plane
        if plane.resp is not None and plane.n_components > 1:
            draw_ground(ax, plane, self._tints(plane.resp))
            if not any(plane.discrete):
                self._borders(ax, plane.resp)
        n = len(plane.rows)
        size = 22.0 if n <= 500 else 9.0
        draw_rows(ax, plane, np.full(n, size), np.full(n, 0.75 if n <= 1000 else 0.5))
        self.ax_, self.figure_ = ax, ax.figure
        self.axes_ = np.array([ax], dtype=object)
        return self

    def _tints(self, resp: Array) -> Array:
        colours = require("matplotlib.colors", extra="plot")
        tints = np.array([colours.to_rgba(colour(k), 0.15) for k in range(resp.shape[2])])
        return tints[resp.argmax(axis=2)]

    def _borders(self, ax: Any, resp: Array) -> None:
        """Where a component and the best of the others are equally probable."""
        for k in range(resp.shape[2]):
            lead = resp[:, :, k] - np.delete(resp, k, axis=2).max(axis=2)
            if lead.min() < 0 < lead.max():
                ax.contour(
                    self.plane.across,
                    self.plane.up,
                    lead,
                    levels=[0.0],
                    colors=INK,
                    linewidths=0.9,
                    zorder=2,
                )
