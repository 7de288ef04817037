"""Sequences over time, each step in the colour of its state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..formatting import counted, shorten
from ..letters import letter_ticks, letters_of
from ..summary import column_names
from .canvas import FAINT, Array, colour, mark, new_figure, tidy, whole_ticks
from .strips import MOST_COLUMNS, Series, Strips, edges, in_order, legend_of_states, strips


def means_of(estimator: Any) -> Array | None:
    """What each state makes on average (K, d), where the family says so."""
    if not hasattr(estimator, "state_means"):
        return None
    try:
        return estimator.state_means()
    except TypeError:
        return None


LETTERS, TICKS = 6, 4
"""Letters, and whole numbers, that are written along a strip, about."""


class StateSequenceDisplay:
    """The data over time, each step in the colour of its state, with the means of the states.

    Parameters
    ----------
    strips : Strips
    states : list of array of int
        The states of the steps drawn, a sequence each.
    means : array of shape (K, d) or None
        The states' means; None, or nan, where they have none.
    columns : sequence of str
        Names of the d columns.
    axis : str, default="step"
        What the steps are numbered by.
    letters : dict of str to list of str, optional
        What the codes of columns stand for.

    Attributes
    ----------
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import HiddenMarkov, datasets
    >>> years, counts = datasets.load("earthquakes").values.T
    >>> model = HiddenMarkov("poisson", 2, random_state=0).fit(counts)
    >>> display = StateSequenceDisplay.from_estimator(model, counts, at=years, axis="year")
    >>> display.axes_[0].get_xlabel()
    'year'
    """

    def __init__(
        self,
        *,
        strips: Strips,
        states: list[Any],
        means: Array | None,
        columns: Sequence[str],
        n_states: int,
        axis: str = "step",
        letters: dict[str, list[str]] | None = None,
    ) -> None:
        self.letters = letters or {}
        self.strips, self.states, self.means = strips, states, means
        self.columns, self.n_states, self.axis = list(columns), n_states, axis

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        lengths: Any = None,
        *,
        id: str | None = None,
        time: str | None = None,
        at: Any = None,
        axis: str | None = None,
        names: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        figure: Any = None,
    ) -> StateSequenceDisplay:
        """Draw sequences as a fitted model decodes them.

        Parameters
        ----------
        estimator : HiddenMarkov or another hidden Markov model
            Fitted.
        X, lengths, id, time
            Sequences, as `fit` takes them.
        at : array-like of shape (n,), optional
            When each step was: its place on the axis.
        axis : str, optional
            What the axis is called; `time` or "step" by default.
        names : sequence of str, optional
            What the sequences are called.
        columns : sequence of str, optional
            Names of the columns.
        figure : matplotlib Figure, optional

        Returns
        -------
        StateSequenceDisplay
        """
        shown = strips(X, lengths, id, time, at, names)
        path = estimator.predict(X, lengths, id=id, time=time)
        path = in_order(X, lengths, id, time, path)
        means = means_of(estimator)
        made = cls(
            strips=shown,
            states=[path[own] for own in shown.places],
            means=means,
            columns=column_names(estimator, columns),
            n_states=len(estimator.startprob_),
            axis=axis or time or "step",
            letters=letters_of(estimator),
        )
        return made.plot(figure=figure)

    def plot(self, *, figure: Any = None) -> StateSequenceDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        StateSequenceDisplay
        """
        d, m = min(len(self.columns), MOST_COLUMNS), len(self.strips.series)
        figure = new_figure(figure, (7.4, min(1.6 * m * d + 1.3, 14.0)))
        axes = figure.subplots(m * d, 1, squeeze=False)[:, 0]
        for s, (one, path) in enumerate(zip(self.strips.series, self.states, strict=True)):
            for j in range(d):
                ax = axes[s * d + j]
                self._panel(ax, one, path, j)
                ax.set_ylabel(shorten(self.columns[j], 18).replace("$", r"\$"))
                if m > 1 and j == 0:
                    ax.set_title(shorten(one.name, 40), loc="left", fontsize="small", color=FAINT)
                last = j == d - 1
                ax.tick_params(labelbottom=last)
                if last and s == m - 1:
                    ax.set_xlabel(self.axis)
        legend_of_states(figure, self.n_states)
        told = [self.strips.left_out] if self.strips.left_out else []
        if len(self.columns) > d:
            told.append(f"{counted(len(self.columns) - d, 'more column')} not drawn")
        if told:
            figure.supxlabel("; ".join(told), fontsize="small", color=FAINT)
        self.figure_, self.axes_ = figure, axes
        return self

    def _panel(self, ax: Any, one: Series, path: Any, j: int) -> None:
        y = one.x[:, j]
        few = len(y) <= 300
        if len(np.unique(y[np.isfinite(y)])) > 3:
            ax.plot(one.at, y, color="#BBBBBB", linewidth=0.8 if few else 0.4, zorder=1)
        for k in range(self.n_states):
            own = path == k
            style: dict[str, Any] = {"linestyle": "none", "color": colour(k), "marker": mark(k)}
            size = 4.0 if few else 2.0
            ax.plot(
                one.at[own], y[own], markersize=size, zorder=3, rasterized=len(y) > 1000, **style
            )
        if self.means is not None and np.isfinite(self.means[:, j]).all():
            level = self.means[path, j]
            ends = edges(one.at)
            for k in range(self.n_states):
                line = np.where(path == k, level, np.nan)
                ax.stairs(line, ends, baseline=None, color=colour(k), linewidth=1.8, zorder=2)
        if (y[np.isfinite(y)] == np.floor(y[np.isfinite(y)])).all():
            whole_ticks(ax.yaxis, TICKS)
            letter_ticks(ax.yaxis, self.letters, self.columns[j], LETTERS)
        if (one.at == np.floor(one.at)).all():
            whole_ticks(ax.xaxis)
        ax.margins(x=0.01, y=0.08)
        tidy(ax, "y")
