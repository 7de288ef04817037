"""What stands behind ``plot`` of a hidden Markov model."""

from __future__ import annotations

from typing import Any

from latentia.extras import require

from ..figures import Picture, name_a_plot
from ..kinds import is_switching
from .climb import ClimbDisplay
from .durations import DurationsDisplay
from .dwell import DwellTimesDisplay
from .forecast import ForecastDisplay
from .residuals import PseudoResidualsDisplay
from .ribbon import StateProbabilityDisplay
from .series import StateSequenceDisplay
from .switching import probabilities_of_regression, states_of_regression
from .transitions import TransitionGraphDisplay


class ChainPlots:
    """The plots of one fitted hidden Markov model; each method returns a Display.

    Sequences are given as to `fit`: X with `lengths`, or with `id` and `time`.

    Parameters
    ----------
    estimator : estimator
        Fitted.

    Examples
    --------
    >>> from latentia import HiddenMarkov, datasets
    >>> counts = datasets.load("earthquakes").values[:, 1]
    >>> HiddenMarkov("poisson", 2, random_state=0).fit(counts).plot.states(counts)
    <...StateSequenceDisplay object at ...>
    """

    __call__ = name_a_plot

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def states(self, X: Any, lengths: Any = None, **options: Any) -> StateSequenceDisplay:
        """Data by state over time; options as for `StateSequenceDisplay.from_estimator`."""
        if is_switching(self._estimator):
            return states_of_regression(self._estimator, X, lengths, **options)
        return StateSequenceDisplay.from_estimator(self._estimator, X, lengths, **options)

    def probabilities(self, X: Any, lengths: Any = None, **options: Any) -> StateProbabilityDisplay:
        """A ribbon of probabilities; options as for `StateProbabilityDisplay.from_estimator`."""
        if is_switching(self._estimator):
            return probabilities_of_regression(self._estimator, X, lengths, **options)
        return StateProbabilityDisplay.from_estimator(self._estimator, X, lengths, **options)

    def transitions(self, **options: Any) -> TransitionGraphDisplay:
        """The chain as a graph; options as for `TransitionGraphDisplay.from_estimator`."""
        return TransitionGraphDisplay.from_estimator(self._estimator, **options)

    def dwell(
        self, X: Any = None, lengths: Any = None, **options: Any
    ) -> DwellTimesDisplay | DurationsDisplay:
        """How long states last; options as for `DwellTimesDisplay.from_estimator`.

        Of a semi-Markov model by its own laws: `DurationsDisplay`.
        """
        if hasattr(self._estimator, "duration_probabilities"):
            return DurationsDisplay.from_estimator(self._estimator, X, lengths, **options)
        self._require("dwell_times")
        return DwellTimesDisplay.from_estimator(self._estimator, X, lengths, **options)

    def residuals(self, X: Any, lengths: Any = None, **options: Any) -> PseudoResidualsDisplay:
        """Whether the model is right; options as for `PseudoResidualsDisplay.from_estimator`."""
        self._require("pseudo_residuals")
        return PseudoResidualsDisplay.from_estimator(self._estimator, X, lengths, **options)

    def forecast(self, X: Any, lengths: Any = None, **options: Any) -> ForecastDisplay:
        """What is to come; options as for `ForecastDisplay.from_estimator`."""
        self._require("forecast")
        return ForecastDisplay.from_estimator(self._estimator, X, lengths, **options)

    def figures(self, X: Any = None, lengths: Any = None, **told: Any) -> tuple[Picture, ...]:
        """What a page shows of sequences: their states, the chain, how long states last.

        `told` is what `states` takes to find the sequences and to name their axis.
        """
        k = len(self._estimator.startprob_)
        found: list[Picture] = []
        if X is not None:
            bare = require("matplotlib.figure", extra="plot").Figure
            states = self.states(X, lengths, figure=bare(), **told)
            known = self.probabilities(X, lengths, figure=bare(), **told)
            found += [
                Picture(
                    "states",
                    "The states over time",
                    "Each point is a step in the colour of its state on the likeliest path of "
                    "states (Viterbi’s); lines, where there are any, are the states’ means.",
                    (8.6, min(1.35 * len(states.axes_) + 0.9, 13.0)),
                    lambda f: states.plot(figure=f),
                ),
                Picture(
                    "probabilities",
                    "How sure the states are",
                    "At each step the heights of the colours are the states’ probabilities.",
                    (8.6, 0.95 * len(known.axes_) + 0.9),
                    lambda f: known.plot(figure=f),
                ),
            ]
        if k > 1:
            found.append(
                Picture(
                    "transitions",
                    "How the states follow one another",
                    "Discs are as large as the states’ shares in the long run, arrows as wide "
                    "as their transition is probable; what is below 0.005 is left out.",
                    (4.4, 2.4 if k == 2 else 4.2),
                    lambda f: self.transitions(ax=f.add_subplot()),
                )
            )
        if hasattr(self._estimator, "duration_probabilities"):
            across = min(k, 3)
            rows = None if "id" in told or "time" in told else X
            found.append(
                Picture(
                    "durations",
                    "How long states last",
                    "Dots are the law of the steps in a row of each state, bars the lengths of its "
                    "segments on the likeliest path.",
                    (2.7 * across + 0.5, 2.1 * -(-k // across) + 0.2),
                    lambda f: self.dwell(rows, lengths, figure=f),
                )
            )
        return tuple(found)

    def climb(self, **options: Any) -> ClimbDisplay:
        """The climb of every start; options as for `ClimbDisplay.from_estimator`."""
        return ClimbDisplay.from_estimator(self._estimator, **options)

    def _require(self, what: str) -> None:
        """Refuse a plot of what the estimator does not have."""
        if not hasattr(self._estimator, what):
            raise TypeError(
                f"got a {type(self._estimator).__name__}, which has no {what}; plot its states, "
                "probabilities or climb"
            )
