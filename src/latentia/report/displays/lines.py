"""Mixtures of regressions: rows in the colour of their component, and its line."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..formatting import FIRST_GROUP, one_line
from .canvas import Array, colour, dash, mark, one_axes, sample, tidy

MOST_POINTS = 5000
"""Rows that are drawn, at most."""


class LinesDisplay:
    """A response against one covariate: rows by component, the surer the darker, and lines.

    Parameters
    ----------
    column, response : str
        What the axes are called.
    x, y : array of shape (n,)
        The rows.
    resp : array of shape (n, K)
        The probability of each component given the response.
    at : array of shape (m,)
        Values of the covariate.
    means : array of shape (m, K)
        The expected response of each component there.

    Attributes
    ----------
    ax_ : matplotlib Axes
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import MixtureRegression, datasets
    >>> countries = datasets.load("co2")
    >>> data = dict(zip(countries.columns, countries.values.T))
    >>> fitted = MixtureRegression("co2 ~ gnp", random_state=0).fit(data)
    >>> LinesDisplay.from_estimator(fitted, data).ax_.get_xlabel()
    'gnp'
    """

    def __init__(
        self,
        *,
        column: str,
        response: str,
        x: Array,
        y: Array,
        resp: Array,
        at: Array,
        means: Array,
    ) -> None:
        self.column, self.response = column, response
        self.x, self.y, self.resp = x, y, resp
        self.at, self.means = at, means

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any = None, *, ax: Any = None, **options: Any
    ) -> LinesDisplay:
        """Draw a fitted mixture of regressions.

        Parameters
        ----------
        estimator : MixtureRegression
            Fitted.
        X, y : as `MixtureRegression.fit` takes them
        ax : matplotlib Axes, optional
        **options
            As `MixtureRegression.lines` takes them: column, groups, offset, trials.

        Returns
        -------
        LinesDisplay
        """
        return cls(**estimator.lines(X, y, **options)._asdict()).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> LinesDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        LinesDisplay
        """
        ax = one_axes(ax, (5.4, 3.9))
        shown = sample(len(self.x), MOST_POINTS)
        labels, sureness = self.resp[shown].argmax(axis=1), self.resp[shown].max(axis=1)
        k = self.resp.shape[1]
        for j in range(k):
            own = labels == j
            alpha = np.clip(0.25 + 0.65 * (sureness[own] - 1 / k) / max(1 - 1 / k, 1e-9), 0.2, 0.9)
            ax.scatter(
                self.x[shown][own],
                self.y[shown][own],
                s=18,
                c=colour(j),
                marker=mark(j),
                alpha=alpha if own.any() else None,
                linewidths=0,
            )
            label = f"component {j + FIRST_GROUP}"
            ax.plot(self.at, self.means[:, j], color=colour(j), linestyle=dash(j), label=label)
        ax.set_xlabel(one_line(self.column))
        ax.set_ylabel(one_line(self.response))
        if k > 1:
            ax.legend(frameon=False)
        tidy(ax)
        self.ax_, self.figure_ = ax, ax.figure
        self.axes_ = np.array([ax], dtype=object)
        return self
