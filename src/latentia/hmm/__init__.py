"""Hidden Markov models."""

from .estimator import HiddenMarkov

__all__ = ["HiddenMarkov"]
