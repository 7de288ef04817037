"""Choosing among models: criteria, sweeps, held-out likelihood, the likelihood-ratio test."""

from .folds import CrossValidation, cross_validate
from .information import CRITERIA, aic, aicc, bic, criteria, icl, posterior_entropy, sabic
from .ratio import LikelihoodRatio, bootstrap_lrt
from .sweep import Sweep, Swept, sweep

__all__ = [
    "CRITERIA",
    "CrossValidation",
    "LikelihoodRatio",
    "Sweep",
    "Swept",
    "aic",
    "aicc",
    "bic",
    "bootstrap_lrt",
    "criteria",
    "cross_validate",
    "icl",
    "posterior_entropy",
    "sabic",
    "sweep",
]
