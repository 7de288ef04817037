"""Where a mixture is unsure which component a row belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latentia.extras import require

from .canvas import FAINT, Array, one_axes
from .panels import PANEL
from .plane import Plane, draw_ground, draw_rows, plane_of

SMALLEST, LARGEST = 5.0, 75.0
"""Areas of the marks of rows that are sure, and of rows that may be from any component."""

STEPS = (0.01, 0.1, 0.5)
"""Uncertainties that the legend shows."""


class UncertaintyDisplay:
    """Rows as marks that are the larger the less sure it is which component they are from.

    The uncertainty is one less the largest posterior probability. Where the model has two columns
    and no more, the plane is the darker the less sure a row there would be.

    Parameters
    ----------
    plane : Plane
        The rows in two columns, and what the model says of them.

    Attributes
    ----------
    ax_ : matplotlib Axes
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure
    uncertainty : array of shape (n,)
        Of the rows that are drawn.

    References
    ----------
    Fraley & Raftery (2002), Model-based clustering, discriminant analysis, and density estimation,
    JASA 97, sec. 2.4.

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets
    >>> X = datasets.load("faithful").values
    >>> fitted = GaussianMixture(2, random_state=0).fit(X)
    >>> display = UncertaintyDisplay.from_estimator(fitted, X)
    >>> bool(display.uncertainty.max() < 0.5)
    True
    """

    def __init__(self, *, plane: Plane) -> None:
        self.plane = plane
        self.uncertainty = 1 - plane.sureness

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
    ) -> UncertaintyDisplay:
        """Draw where a fitted mixture is unsure.

        Parameters
        ----------
        estimator : GaussianMixture or Mixture
            Fitted.
        X, pair, columns, max_points, ax
            As for `ClassificationDisplay.from_estimator`.

        Returns
        -------
        UncertaintyDisplay

        Raises
        ------
        ValueError
            If there are no two such columns.
        """
        return cls(plane=plane_of(estimator, X, pair, columns, max_points)).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> UncertaintyDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        UncertaintyDisplay
        """
        ax = one_axes(ax, PANEL)
        plane = self.plane
        if plane.resp is not None and plane.n_components > 1:
            colours = require("matplotlib.colors", extra="plot")
            grey = np.tile(colours.to_rgba(FAINT), (*plane.resp.shape[:2], 1))
            grey[:, :, 3] = 0.6 * self._share(1 - plane.resp.max(axis=2))
            draw_ground(ax, plane, grey)
        share = self._share(self.uncertainty)
        order = np.argsort(share, kind="stable")  # the largest marks lie on top
        plane = plane._replace(rows=plane.rows[order], labels=plane.labels[order])
        sizes = self._sizes(ax) if plane.n_components > 1 else None
        draw_rows(ax, plane, self._area(share[order]), 0.35 + 0.5 * share[order])
        if sizes is not None:
            ax.add_artist(sizes)
        self.ax_, self.figure_ = ax, ax.figure
        self.axes_ = np.array([ax], dtype=object)
        return self

    def _share(self, uncertainty: Array) -> Array:
        """Uncertainty as a share of the most there can be, 1 - 1 / K."""
        most = 1 - 1 / self.plane.n_components
        return np.clip(uncertainty / most, 0, 1) if most > 0 else np.zeros_like(uncertainty)

    def _area(self, share: Array) -> Array:
        return SMALLEST + (LARGEST - SMALLEST) * share

    def _sizes(self, ax: Any) -> Any:
        """A legend of sizes, to stand beside that of the components."""
        lines = require("matplotlib.lines", extra="plot").Line2D
        known = [u for u in STEPS if u <= 1 - 1 / self.plane.n_components]
        look: dict[str, Any] = {"linestyle": "none", "marker": "o", "color": FAINT}
        handles = [
            lines(
                [], [], markersize=float(np.sqrt(self._area(self._share(np.array(u))))),
                markeredgewidth=0, label=f"{u:g}", **look,
            )
            for u in known
        ]  # fmt: skip
        return ax.legend(
            handles=handles,
            title="uncertainty",
            frameon=True,
            framealpha=0.85,
            edgecolor="none",
            fontsize="small",
            title_fontsize="small",
            loc="best",
        )
