"""How long the states of a semi-Markov model last: their laws beside what was decoded."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..formatting import fixed, state
from .canvas import FAINT, Array, colour, new_figure, tidy

FAR = 0.995
"""The share of each law that is drawn."""


class DurationsDisplay:
    """The law of durations of each state, over the segments that were decoded.

    Segments that end with their sequence are not counted, since they may have gone on.

    Parameters
    ----------
    laws : array of shape (D, K)
        P(duration = u), u = 1, ..., D.
    means : array of shape (K,)
    lengths : list of array of int, or None
        Steps of the segments that were decoded, a state each.

    Attributes
    ----------
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import HiddenSemiMarkov, datasets
    >>> counts = datasets.load("earthquakes").values[:, 1]
    >>> model = HiddenSemiMarkov("poisson", 2, n_init=2, random_state=0).fit(counts)
    >>> len(DurationsDisplay.from_estimator(model, counts).axes_)
    2
    """

    def __init__(self, *, laws: Array, means: Array, lengths: list[Any] | None = None) -> None:
        self.laws, self.means, self.lengths = laws, means, lengths

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        lengths: Any = None,
        *,
        figure: Any = None,
    ) -> DurationsDisplay:
        """Draw the laws of a fitted model.

        Parameters
        ----------
        estimator : HiddenSemiMarkov
            Fitted.
        X, lengths
            Sequences whose decoded segments are drawn, too, if given.
        figure : matplotlib Figure, optional
        """
        laws, each = estimator.duration_probabilities(), None
        if X is not None:
            path = estimator.predict(X, lengths)
            ends = np.cumsum([len(path)] if lengths is None else lengths)
            new = np.append(True, path[1:] != path[:-1])
            new[ends[:-1]] = True
            at = np.append(np.flatnonzero(new), len(path))
            whole = ~np.isin(at[1:], ends)
            own = path[at[:-1]]
            each = [np.diff(at)[whole & (own == k)] for k in range(laws.shape[1])]
        return cls(laws=laws, means=estimator.mean_durations_, lengths=each).plot(figure=figure)

    def plot(self, *, figure: Any = None) -> DurationsDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional
        """
        k = self.laws.shape[1]
        across = min(k, 3)
        down = -(-k // across)
        figure = new_figure(figure, (2.5 * across + 0.6, 2.2 * down + 0.3))
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for i, ax in enumerate(axes):
            if i >= k:
                ax.axis("off")
                continue
            own = None if self.lengths is None else self.lengths[i]
            reached = int(np.searchsorted(np.cumsum(self.laws[:, i]), FAR)) + 1
            longest = 0 if own is None or not len(own) else int(own.max())
            u = np.arange(1, min(max(reached, longest, 3), len(self.laws)) + 1)
            if own is not None and longest:
                seen = np.bincount(own, minlength=len(u) + 1)[1 : len(u) + 1] / len(own)
                ax.bar(u, seen, width=0.9, color=colour(i), alpha=0.3, lw=0)
            ax.plot(u, self.laws[u - 1, i], color=colour(i), lw=1.5, marker="o", markersize=2.5)
            title = f"{state(i)}: {fixed(float(self.means[i]), 1)} on average"
            ax.set_title(title, loc="left", fontsize="small", color=FAINT)
            ax.set_xlabel("steps" if i + across >= k else "")
            ax.set_ylabel("probability" if i % across == 0 else "")
            tidy(ax, "y")
        self.figure_, self.axes_ = figure, axes[:k]
        return self
