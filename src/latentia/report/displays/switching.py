"""Responses of a switching regression over time, and the probabilities of its states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .ribbon import StateProbabilityDisplay
from .series import StateSequenceDisplay
from .strips import strips


def states_of_regression(
    estimator: Any,
    X: Any,
    lengths: Any = None,
    *,
    id: str | None = None,
    time: str | None = None,
    at: Any = None,
    axis: str | None = None,
    names: Sequence[str] | None = None,
    figure: Any = None,
) -> StateSequenceDisplay:
    """Responses over time, each step in the colour of its state.

    Parameters
    ----------
    estimator : MarkovRegression
        Fitted.
    X, lengths, id, time
        As `fit` takes them.
    at, axis, names, figure
        As in `StateSequenceDisplay.from_estimator`.

    Examples
    --------
    >>> from latentia import MarkovRegression, datasets
    >>> table = datasets.load("earthquakes")
    >>> data = dict(zip(table.columns, table.values.T))
    >>> model = MarkovRegression("count ~ 1", family="poisson", n_init=2, random_state=0).fit(data)
    >>> states_of_regression(model, data).axes_[0].get_ylabel()
    'count'
    """
    y, sizes, rows = estimator.responses(X, lengths, id=id, time=time)
    path = estimator.predict(X, lengths, id=id, time=time)[rows]
    shown = strips(y, sizes, None, None, _places(X, time, at, rows), names)
    made = StateSequenceDisplay(
        strips=shown,
        states=[path[own] for own in shown.places],
        means=None,
        columns=estimator.response_names_,
        n_states=len(estimator.startprob_),
        axis=axis or time or "step",
    )
    return made.plot(figure=figure)


def probabilities_of_regression(
    estimator: Any,
    X: Any,
    lengths: Any = None,
    *,
    id: str | None = None,
    time: str | None = None,
    at: Any = None,
    axis: str | None = None,
    names: Sequence[str] | None = None,
    figure: Any = None,
) -> StateProbabilityDisplay:
    """The probabilities of the states at each step; arguments as in `states_of_regression`."""
    y, sizes, rows = estimator.responses(X, lengths, id=id, time=time)
    known = estimator.predict_proba(X, lengths, id=id, time=time)[rows]
    shown = strips(y, sizes, None, None, _places(X, time, at, rows), names)
    each = [known[own] for own in shown.places]
    named = axis or time or "step"
    made = StateProbabilityDisplay(strips=shown, probabilities=each, given="all", axis=named)
    return made.plot(figure=figure)


def _places(X: Any, time: str | None, at: Any, rows: Any) -> Any:
    """Where the steps are on the axis: as told, or by the column `time`, or by their numbers."""
    where = X[time] if at is None and time is not None else at
    return None if where is None else np.asarray(where)[rows]
