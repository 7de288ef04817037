"""How long a chain stays in its states, beside the stretches that were decoded."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..formatting import fixed, state
from .canvas import FAINT, Array, colour, new_figure, tidy, whole_ticks

MOST_STATES = 9
"""States that are drawn."""


class DwellTimesDisplay:
    """Steps in a row in each state: the chain's distribution over those of the decoded stretches.

    Stretches that begin or end with their sequence are not counted, since a part of them may be
    unseen.

    Parameters
    ----------
    stays : array of shape (K,)
        P(the same state at the next step).
    lengths : list of array of int, or None
        Steps of the stretches that were decoded, a state each.

    Attributes
    ----------
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import HiddenMarkov, datasets
    >>> counts = datasets.load("earthquakes").values[:, 1]
    >>> model = HiddenMarkov("poisson", 2, random_state=0).fit(counts)
    >>> len(DwellTimesDisplay.from_estimator(model, counts).axes_)
    2
    """

    def __init__(self, *, stays: Array, lengths: list[Any] | None = None) -> None:
        self.stays, self.lengths = stays, lengths

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        lengths: Any = None,
        *,
        id: str | None = None,
        time: str | None = None,
        figure: Any = None,
    ) -> DwellTimesDisplay:
        """Draw the dwell times of a fitted model.

        Parameters
        ----------
        estimator : HiddenMarkov or another hidden Markov model
            Fitted.
        X, lengths, id, time
            Sequences whose decoded stretches are drawn, too, if given.
        figure : matplotlib Figure, optional

        Returns
        -------
        DwellTimesDisplay
        """
        stays, each = estimator.dwell_times().stays, None
        if X is not None:
            found = estimator.runs(X, lengths, id=id, time=time)
            each = [found.lengths[found.whole & (found.states == k)] for k in range(len(stays))]
        return cls(stays=stays, lengths=each).plot(figure=figure)

    def plot(self, *, figure: Any = None) -> DwellTimesDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        DwellTimesDisplay
        """
        k = min(len(self.stays), MOST_STATES)
        across = min(k, 3)
        down = -(-k // across)
        figure = new_figure(figure, (2.5 * across + 0.6, 2.2 * down + 0.3))
        axes = figure.subplots(down, across, squeeze=False)
        for i, ax in enumerate(axes.ravel()):
            if i >= k:
                ax.axis("off")
                continue
            self._panel(ax, i)
            ax.set_xlabel("steps in a row" if i + across >= k else "")
            ax.set_ylabel("probability" if i % across == 0 else "")
        if len(self.stays) > k:
            figure.supxlabel(f"{len(self.stays) - k} more states not drawn", color=FAINT)
        self.figure_, self.axes_ = figure, axes.ravel()[:k]
        return self

    def _panel(self, ax: Any, i: int) -> None:
        stay = float(self.stays[i])
        own = None if self.lengths is None else self.lengths[i]
        longest = 0 if own is None or not len(own) else int(own.max())
        mean = np.inf if stay >= 1 else 1 / (1 - stay)
        end = int(max(min(4 * mean, 1e6) if stay < 1 else 10, longest, 4))
        width = max(-(-end // 30), 1)
        starts = np.arange(1, end + 1, width)
        if own is not None and len(own):
            seen = np.bincount((own - 1) // width, minlength=len(starts)) / len(own)
            ax.bar(starts, seen, width=0.9 * width, align="edge", color=colour(i), alpha=0.3, lw=0)
        if stay < 1:
            share = stay ** (starts - 1.0) * (1 - stay**width)
            middle = starts + 0.45 * width
            ax.plot(middle, share, color=colour(i), lw=1.5, marker="o", markersize=2.5)
            title = f"{state(i)}: {fixed(mean, 1)} on average"
        else:
            title = f"{state(i)}: never left"
        if own is not None:
            title += f", {len(own)} seen" if len(own) else ", none seen whole"
        ax.set_title(title, fontsize="small", loc="left")
        ax.set_ylim(bottom=0)
        whole_ticks(ax.xaxis)
        tidy(ax)
