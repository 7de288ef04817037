"""Sequences over time: the data under their decoded states, and the states' probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.sequences import sequences
from latentia.extras import require

from ..formatting import counted, shorten, state
from ..summary import column_names
from .canvas import FAINT, Array, colour, mark, new_figure, tidy, whole_ticks

MOST_SERIES, MOST_COLUMNS, MOST_STEPS, MOST_PANELS = 6, 4, 2000, 12
"""Sequences, columns, steps of a sequence, and panels that are drawn."""


class Series(NamedTuple):
    """One sequence: where its steps lie on the axis, its rows, and what it is called."""

    at: Array
    x: Array
    name: str


class Steps(NamedTuple):
    """How rows form sequences, where they are an array.

    Attributes
    ----------
    lengths : array of int, shape (m,), or None
        Steps of each sequence; None of a single one.
    at : array of shape (n,) or None
        When each step was; None numbers them.
    axis : str
        What the axis of time is called.
    names : sequence of str or None
        What the sequences are called.
    """

    lengths: Any = None
    at: Any = None
    axis: str = "step"
    names: Sequence[str] | None = None


class Strips(NamedTuple):
    """What is drawn of some sequences: the first few, and the first steps of each.

    Attributes
    ----------
    series : list of Series
    places : list of array of int
        Of each one's steps among all steps, sequence after sequence.
    left_out : str
        What is not drawn, in words.
    """

    series: list[Series]
    places: list[NDArray[np.intp]]
    left_out: str


def strips(
    X: Any,
    lengths: Any,
    id: Any,
    time: Any,
    at: Any,
    names: Sequence[str] | None = None,
    most: int = MOST_STEPS,
) -> Strips:
    """The sequences of X that a figure has room for.

    `at` has the place of each row on the axis; by default the column `time`, or the step's number.
    """
    ragged = sequences(X, lengths, id=id, time=time)
    where = None if at is None else np.asarray(at)
    if where is None and time is not None:
        where = np.asarray(X[time])
    if where is not None and where.shape != (len(ragged.x),):
        raise ValueError(f"got at of shape {where.shape}, expected ({len(ragged.x)},)")
    if where is not None and ragged.order is not None:
        where = where[ragged.order]
    ends = np.cumsum(ragged.sizes)
    series = n_shown(len(ends), ragged.x.shape[1])
    shown, places = [], []
    for s, (end, size) in enumerate(zip(ends, ragged.sizes, strict=True)):
        if s == series:
            break
        own = np.arange(end - size, min(end, end - size + most))
        steps = np.arange(len(own), dtype=np.float64) if where is None else where[own]
        name = f"sequence {s}" if ragged.names is None else f"{id} {_plain(ragged.names[s])}"
        name = name if names is None else str(names[s])
        shown.append(Series(steps, np.asarray(ragged.x[own], dtype=np.float64), name))
        places.append(own)
    told = []
    if len(ends) > series:
        told.append(f"{counted(len(ends) - series, 'more sequence')} not drawn")
    if (ragged.sizes[:series] > most).any():
        told.append(f"the first {most:,} steps of each")
    return Strips(shown, places, "; ".join(told))


def means_of(estimator: Any) -> Array | None:
    """What each state makes on average (K, d), where the family says so."""
    if not hasattr(estimator, "state_means"):
        return None
    try:
        return estimator.state_means()
    except TypeError:
        return None


def n_shown(m: int, d: int) -> int:
    """How many of m sequences of d columns are drawn."""
    return min(m, MOST_SERIES, max(MOST_PANELS // min(d, MOST_COLUMNS), 1))


def _plain(name: Any) -> str:
    """A label without the fraction of a whole number."""
    return f"{name:g}" if isinstance(name, float) else str(name)


def in_order(X: Any, lengths: Any, id: Any, time: Any, values: Any) -> Any:
    """What is known of each row, sequence after sequence."""
    order = sequences(X, lengths, id=id, time=time).order
    return values if order is None else values[order]


def legend_of_states(figure: Any, k: int) -> None:
    """The states' marks in a row over all panels."""
    lines = require("matplotlib.lines", extra="plot")
    if k < 2:
        return
    handles = [
        lines.Line2D([], [], linestyle="none", marker=mark(j), color=colour(j), label=state(j))
        for j in range(k)
    ]
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=min(k, 6),
        frameon=False,
        fontsize="small",
        columnspacing=1.2,
        handletextpad=0.2,
    )


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
    ) -> None:
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
            edges = _edges(one.at)
            for k in range(self.n_states):
                line = np.where(path == k, level, np.nan)
                ax.stairs(line, edges, baseline=None, color=colour(k), linewidth=1.8, zorder=2)
        if (y[np.isfinite(y)] == np.floor(y[np.isfinite(y)])).all():
            whole_ticks(ax.yaxis)
        ax.margins(x=0.01, y=0.08)
        tidy(ax, "y")


def _edges(at: Array) -> Array:
    """Halfway between steps, and as far before the first and behind the last."""
    at = np.asarray(at, dtype=np.float64)
    if len(at) == 1:
        return np.array([at[0] - 0.5, at[0] + 0.5])
    middle = (at[1:] + at[:-1]) / 2
    return np.concatenate([[2 * at[0] - middle[0]], middle, [2 * at[-1] - middle[-1]]])


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
            edges, floor = _edges(one.at), np.zeros(len(one.at))
            for j in range(k):
                top = np.minimum(floor + shares[:, j], 1.0)
                ax.stairs(top, edges, baseline=floor, fill=True, color=colour(j), linewidth=0)
                floor = top
            ax.set_ylim(0, 1)
            ax.set_xlim(edges[0], edges[-1])
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
