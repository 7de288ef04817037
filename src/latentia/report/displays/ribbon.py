"""The probabilities of the states at each step, one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..formatting import shorten
from .canvas import FAINT, Array, colour, new_figure, tidy, whole_ticks
from .strips import Strips, edges, in_order, legend_of_states, strips


class StateProbabilityDisplay:
    """The probabilities of the states at each step, one above the other as a ribbon.

    Parameters
    ----------
    strips : Strips
    probabilities : list of array of shape (T, K)
        Of the steps drawn, a sequence each.
    given : str
        Which steps they are given, as `predict_proba` has it.
    axis : str, default="step"

    Attributes
    ----------
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import HiddenMarkov, datasets
    >>> counts = datasets.load("earthquakes").values[:, 1]
    >>> model = HiddenMarkov("poisson", 2, random_state=0).fit(counts)
    >>> len(StateProbabilityDisplay.from_estimator(model, counts).axes_)
    1
    """

    def __init__(
        self, *, strips: Strips, probabilities: list[Array], given: str, axis: str = "step"
    ) -> None:
        self.strips, self.probabilities = strips, probabilities
        self.given, self.axis = given, axis

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        lengths: Any = None,
        *,
        given: str = "all",
        id: str | None = None,
        time: str | None = None,
        at: Any = None,
        axis: str | None = None,
        names: Sequence[str] | None = None,
        figure: Any = None,
    ) -> StateProbabilityDisplay:
        """Draw the ribbon of some sequences.

        Parameters
        ----------
        estimator : HiddenMarkov or another hidden Markov model
            Fitted.
        X, lengths, id, time
            Sequences, as `fit` takes them.
        given : {"all", "so-far", "before", "others"}, default="all"
            As in `predict_proba`.
        at, axis, names
            As in `StateSequenceDisplay.from_estimator`.
        figure : matplotlib Figure, optional

        Returns
        -------
        StateProbabilityDisplay
        """
        shown = strips(X, lengths, id, time, at, names)
        asked: dict[str, Any] = {"id": id, "time": time}
        if given != "all":
            asked["given"] = given
        known = estimator.predict_proba(X, lengths, **asked)
        known = in_order(X, lengths, id, time, known)
        each = [known[own] for own in shown.places]
        made = cls(strips=shown, probabilities=each, given=given, axis=axis or time or "step")
        return made.plot(figure=figure)

    def plot(self, *, figure: Any = None) -> StateProbabilityDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        StateProbabilityDisplay
        """
        m, k = len(self.strips.series), self.probabilities[0].shape[1]
        figure = new_figure(figure, (7.4, min(1.1 * m + 1.0, 10.0)))
        axes = figure.subplots(m, 1, squeeze=False)[:, 0]
        for ax, one, shares in zip(axes, self.strips.series, self.probabilities, strict=True):
            ends, floor = edges(one.at), np.zeros(len(one.at))
            for j in range(k):
                top = np.minimum(floor + shares[:, j], 1.0)
                ax.stairs(top, ends, baseline=floor, fill=True, color=colour(j), linewidth=0)
                floor = top
            ax.set_ylim(0, 1)
            if (one.at == np.floor(one.at)).all():
                whole_ticks(ax.xaxis)
            ax.set_xlim(ends[0], ends[-1])
            ax.set_yticks([0, 0.5, 1], ["0", "½", "1"])
            ax.set_ylabel("probability")
            if m > 1:
                ax.set_title(shorten(one.name, 40), loc="left", fontsize="small", color=FAINT)
            tidy(ax)
        axes[-1].set_xlabel(self.axis)
        legend_of_states(figure, k)
        if self.strips.left_out:
            figure.supxlabel(self.strips.left_out, fontsize="small", color=FAINT)
        self.figure_, self.axes_ = figure, axes
        return self
