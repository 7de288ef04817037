"""Mixtures of hidden Markov models: sequences of several kinds."""

from .estimator import HiddenMarkovMixture

__all__ = ["HiddenMarkovMixture"]
