"""Hidden Markov models."""

from .clusters import HiddenMarkovMixture
from .counts import CategoricalHMM, PoissonHMM
from .durations import HiddenSemiMarkov
from .estimator import HiddenMarkov
from .gaussian import GaussianHMM
from .mixtures import GMMHMM
from .multinomial import MultinomialHMM

__all__ = [
    "GMMHMM",
    "CategoricalHMM",
    "GaussianHMM",
    "HiddenMarkov",
    "HiddenMarkovMixture",
    "HiddenSemiMarkov",
    "MultinomialHMM",
    "PoissonHMM",
]
