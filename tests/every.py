"""Every estimator that can be saved, small enough to be fitted in a moment."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import latentia
from latentia import EM, datasets

FAITHFUL = datasets.load("faithful").values
COUNTS = datasets.load("earthquakes").values[:, 1].astype(int)
ANSWERS = pd.DataFrame(datasets.load("carcinoma").values, columns=list("ABCDEFG"))
TIMES = datasets.load("cosmesis").values  # after, no later than, chemotherapy
RNG = np.random.default_rng(0)
HOLES = np.where(RNG.random((80, 3)) < 0.1, np.nan, RNG.normal(size=(80, 3)))
LINES = pd.DataFrame({"x": np.arange(60) / 10, "y": RNG.normal(size=60) + np.arange(60) // 30 * 4})
MIXED = pd.DataFrame(HOLES, columns=["a", "b", "c"]).assign(kind=np.array(["u", "v"])[[0, 1] * 40])
TWO = {"random_state": 0, "em": EM(tol=1e-3, starts=2)}
ONE = {"random_state": 0, "em": EM(tol=1e-3)}

# By the name of the estimator: its settings and what it is fitted to.
EVERY: dict[str, tuple[dict[str, Any], tuple[Any, ...], dict[str, Any]]] = {
    "BayesianGaussianMixture": ({"n_components": 3, **TWO}, (FAITHFUL,), {}),
    "CategoricalHMM": ({"n_components": 2, **TWO}, (COUNTS[:, None] % 3,), {}),
    "CensoredRegression": (
        ONE,
        (TIMES[:, 2:], TIMES[:, :2]),
        {},
    ),
    "EMImputer": ({"draw": "bootstrap", "n_imputations": 2, **ONE}, (HOLES,), {}),
    "FactorAnalysis": ({"n_components": 1, **ONE}, (HOLES,), {}),
    "GMMHMM": ({"n_components": 2, "n_mix": 2, **ONE}, (FAITHFUL,), {}),
    "GaussianHMM": ({"n_components": 2, **TWO}, (FAITHFUL,), {"lengths": [100, 172]}),
    "GaussianMixture": ({"n_components": 3, **TWO}, (FAITHFUL,), {}),
    "GeneralLocation": (ONE, (MIXED,), {}),
    "HiddenMarkov": ({"family": "poisson", "n_states": 2, **TWO}, (COUNTS,), {}),
    "HiddenMarkovMixture": (
        {"family": "poisson", **ONE},
        (COUNTS[:100],),
        {"lengths": [10] * 10},
    ),
    "HiddenSemiMarkov": ({"family": "poisson", "max_duration": 20, **ONE}, (COUNTS,), {}),
    "IncompleteNormal": (ONE, (HOLES,), {}),
    "LatentClass": (TWO, (ANSWERS,), {}),
    "LogLinear": (ONE, (ANSWERS.iloc[:, :3],), {}),
    "MarkovAutoregression": (TWO, (LINES["y"],), {}),
    "MarkovRegression": ({"formula": "y ~ x", **TWO}, (LINES,), {}),
    "MixedImputer": ({"max_components": 1, "random_state": 0}, (MIXED,), {}),
    "Mixture": ({"family": "poisson", "n_components": 2, **TWO}, (COUNTS[:, None],), {}),
    "MixtureDiscriminant": (
        {"n_components": (1, 2), "covariance_types": ("EEE", "VVV"), **ONE},
        (FAITHFUL, FAITHFUL[:, 1] > 70),
        {},
    ),
    "MixtureRegression": ({"formula": "y ~ x", **TWO}, (LINES,), {}),
    "MultinomialHMM": (
        {"n_components": 2, **TWO},
        (np.column_stack([COUNTS % 5, 5 - COUNTS % 5]),),
        {},
    ),
    "PoissonHMM": ({"n_components": 2, **TWO}, (COUNTS[:, None],), {}),
    "ProbabilisticPCA": ({"n_components": 1, **ONE}, (HOLES,), {}),
    "SelfConsistent": (ONE, (TIMES[:, :2],), {}),
}


def fitted(name: str, change: Callable[[Any], Any] = lambda estimator: estimator) -> Any:
    """The estimator of this name, fitted, after a change of its settings."""
    settings, data, more = EVERY[name]
    return change(getattr(latentia, name)(**settings)).fit(*data, **more)
