"""Loadings as a map of colours: which columns go with which factors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..formatting import shorten
from .canvas import Array, one_axes

MOST_NUMBERED = 400
"""Cells up to which the numbers are written into them."""


class LoadingsDisplay:
    """Loadings of the columns, in units of each one's standard deviation: blue up, orange down.

    Parameters
    ----------
    loadings : array of shape (q, d)
    columns : sequence of str
        Names of the d columns.
    factors : sequence of str
        Names of the q factors.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import FactorAnalysis, datasets
    >>> factors = FactorAnalysis(1).fit(datasets.load("iris").values)
    >>> LoadingsDisplay.from_estimator(factors).loadings.shape
    (1, 4)
    """

    def __init__(
        self, *, loadings: Array, columns: Any, factors: Any, noun: str = "factor"
    ) -> None:
        self.loadings, self.columns, self.factors, self.noun = loadings, columns, factors, noun

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, columns: Any = None, ax: Any = None
    ) -> LoadingsDisplay:
        """Draw the loadings of a fitted estimator.

        Parameters
        ----------
        estimator : FactorAnalysis or ProbabilisticPCA
            Fitted.
        columns : sequence of str, optional
            Names; those of the fit by default.
        ax : matplotlib Axes, optional

        Returns
        -------
        LoadingsDisplay
        """
        names = getattr(estimator, "feature_names_in_", None) if columns is None else columns
        if names is None:
            names = [f"x{j}" for j in range(len(estimator.mean_))]
        factors = [str(name) for name in estimator.get_feature_names_out()]
        made = cls(
            loadings=standardised(estimator),
            columns=list(names),
            factors=factors,
            noun="factor" if hasattr(estimator, "rotation") else "component",
        )
        return made.plot(ax=ax)

    def plot(self, *, ax: Any = None) -> LoadingsDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        LoadingsDisplay
        """
        q, d = self.loadings.shape
        ax = one_axes(ax, (1.8 + 0.55 * max(q, 2), 1.0 + 0.24 * max(d, 4)))
        image = ax.imshow(self.loadings.T, cmap=_colours(), vmin=-1, vmax=1, aspect="auto")
        ax.set_xticks(range(q), [str(k) for k in range(q)])
        ax.set_yticks(range(d), [shorten(name, 24) for name in self.columns], parse_math=False)
        ax.set_xlabel(self.noun)
        ax.tick_params(length=0, labelsize="small")
        for side in ("top", "right", "left", "bottom"):
            ax.spines[side].set_visible(False)
        if q * d <= MOST_NUMBERED:
            for (k, j), value in np.ndenumerate(self.loadings):
                ink = "white" if abs(value) > 0.4 else "black"
                text = f"{value:.2f}".replace("0.", ".", 1).replace("-", "\N{MINUS SIGN}")
                ax.text(k, j, text, ha="center", va="center", color=ink, fontsize="x-small")
        ax.figure.colorbar(image, ax=ax, label="loading / standard deviation", shrink=0.7)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def standardised(estimator: Any) -> Array:
    """Loadings (q, d) in units of the columns' standard deviations under the model."""
    spread = np.sqrt(np.diagonal(estimator.get_covariance()))
    loadings = estimator.components_
    if hasattr(estimator, "explained_variance_"):
        stretch = np.maximum(estimator.explained_variance_ - estimator.noise_variance_, 0.0)
        loadings = loadings * np.sqrt(stretch)[:, None]
    return np.asarray(loadings / spread)


def _colours() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    ends = ["#9A4000", "#D55E00", "#FFFFFF", "#0072B2", "#004B76"]
    return LinearSegmentedColormap.from_list("loadings", ends)
