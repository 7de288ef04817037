"""What stands behind ``plot`` of a hidden Markov model."""

from __future__ import annotations

from typing import Any

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
