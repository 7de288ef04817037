"""Latent-variable models fitted by expectation-maximization.

The names below are imported when first used, so that ``import latentia`` costs next to nothing.

Examples
--------
>>> import latentia
>>> latentia.datasets.load("faithful").values.shape
(272, 2)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latentia import datasets
    from latentia.backends.dask import Dask
    from latentia.contingency import GeneralLocation, LogLinear, MixedImputer
    from latentia.data.scan import scan
    from latentia.discriminant import MixtureDiscriminant
    from latentia.engine import EM, Model, Suff, check_model
    from latentia.factor import FactorAnalysis, ProbabilisticPCA
    from latentia.hmm import (
        GMMHMM,
        CategoricalHMM,
        GaussianHMM,
        HiddenMarkov,
        HiddenMarkovMixture,
        HiddenSemiMarkov,
        MultinomialHMM,
        PoissonHMM,
    )
    from latentia.latent_class import LatentClass
    from latentia.missing import EMImputer, IncompleteNormal
    from latentia.mixture import BayesianGaussianMixture, GaussianMixture, Mixture
    from latentia.persistence import load
    from latentia.regression import MixtureRegression
    from latentia.selection import select
    from latentia.survival import CensoredRegression, SelfConsistent
    from latentia.switching import MarkovAutoregression, MarkovRegression

__version__ = "0.1.0"

__all__ = [
    "EM",
    "GMMHMM",
    "BayesianGaussianMixture",
    "CategoricalHMM",
    "CensoredRegression",
    "Dask",
    "EMImputer",
    "FactorAnalysis",
    "GaussianHMM",
    "GaussianMixture",
    "GeneralLocation",
    "HiddenMarkov",
    "HiddenMarkovMixture",
    "HiddenSemiMarkov",
    "IncompleteNormal",
    "LatentClass",
    "LogLinear",
    "MarkovAutoregression",
    "MarkovRegression",
    "MixedImputer",
    "Mixture",
    "MixtureDiscriminant",
    "MixtureRegression",
    "Model",
    "MultinomialHMM",
    "PoissonHMM",
    "ProbabilisticPCA",
    "SelfConsistent",
    "Suff",
    "__version__",
    "check_model",
    "datasets",
    "load",
    "scan",
    "select",
]

_HOME_OF = {
    "BayesianGaussianMixture": "latentia.mixture",
    "CategoricalHMM": "latentia.hmm",
    "CensoredRegression": "latentia.survival",
    "Dask": "latentia.backends.dask",
    "EM": "latentia.engine",
    "EMImputer": "latentia.missing",
    "FactorAnalysis": "latentia.factor",
    "GMMHMM": "latentia.hmm",
    "GaussianHMM": "latentia.hmm",
    "GaussianMixture": "latentia.mixture",
    "GeneralLocation": "latentia.contingency",
    "LogLinear": "latentia.contingency",
    "MixedImputer": "latentia.contingency",
    "HiddenMarkov": "latentia.hmm",
    "HiddenMarkovMixture": "latentia.hmm",
    "HiddenSemiMarkov": "latentia.hmm",
    "IncompleteNormal": "latentia.missing",
    "LatentClass": "latentia.latent_class",
    "MarkovAutoregression": "latentia.switching",
    "MarkovRegression": "latentia.switching",
    "Mixture": "latentia.mixture",
    "MixtureRegression": "latentia.regression",
    "MixtureDiscriminant": "latentia.discriminant",
    "Model": "latentia.engine",
    "MultinomialHMM": "latentia.hmm",
    "PoissonHMM": "latentia.hmm",
    "ProbabilisticPCA": "latentia.factor",
    "SelfConsistent": "latentia.survival",
    "Suff": "latentia.engine",
    "check_model": "latentia.engine",
    "load": "latentia.persistence",
    "scan": "latentia.data.scan",
    "select": "latentia.selection",
}


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return import_module("latentia.datasets")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'latentia' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value  # the next use does not come here
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
