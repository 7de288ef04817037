"""One step of hmmlearn's Baum-Welch from set parameters, and its scores (tests/hmm/test_dropin.py).

    python tests/parity/hmmlearn_steps.py > tests/parity/hmmlearn_steps.json

Run with hmmlearn 0.3.3, which is no dependency, NumPy 2 and Python 3.11.
"""

import json
import sys

import numpy as np

try:
    from hmmlearn import hmm
except ImportError:
    sys.exit("this script records what hmmlearn 0.3.3 does: install it first")

LENGTHS = [30, 1, 19]
START = np.array([0.5, 0.3, 0.2])
MOVES = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.0, 0.3, 0.7]])


def cases():
    """Names, models with their parameters set, and the sequences of each."""
    rng = np.random.default_rng(0)
    z = np.repeat([0, 1, 2, 1, 0], 10)
    X = np.array([[0.0, 0.0], [4.0, 1.0], [1.0, 5.0]])[z] + rng.normal(size=(50, 2))
    means = np.array([[0.3, 0.1], [3.5, 1.2], [1.1, 4.0]])
    covars = {
        "diag": np.full((3, 2), 1.5),
        "spherical": np.full(3, 1.5),
        "full": np.tile([[1.5, 0.2], [0.2, 1.2]], (3, 1, 1)),
        "tied": np.array([[1.5, 0.2], [0.2, 1.2]]),
    }
    priors = {
        "none": {"covars_prior": 0.0},
        "prior": {"covars_prior": 0.7, "startprob_prior": 2.0, "transmat_prior": 3.0},
        "held": {"covars_prior": 0.0, "params": "mt"},
    }
    for kind, value in covars.items():
        apart = {"means_prior": 0.5, "means_weight": 2.0, "covars_prior": 0.3, "covars_weight": 5.0}
        for name, more in {**priors, "apart": apart}.items():
            model = hmm.GaussianHMM(3, kind, **{"covars_weight": 1.0, **more})
            model.means_, model.covars_ = means, value
            yield f"gaussian {kind} {name}", model, X
    counts = rng.poisson(np.array([2.0, 9.0, 4.0])[z])[:, None]
    model = hmm.PoissonHMM(3)
    model.lambdas_ = np.array([[1.5], [8.0], [5.0]])
    yield "poisson", model, counts
    symbols = rng.integers(0, 4, size=(50, 1))
    for prior in (1.0, 1.5):
        model = hmm.CategoricalHMM(3, emissionprob_prior=prior)
        model.emissionprob_ = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.1, 0.4, 0.4], [0.25] * 4])
        yield f"categorical {prior}", model, symbols
    trials = np.array([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3]])
    model = hmm.MultinomialHMM(3, n_trials=7)
    model.emissionprob_ = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.3, 0.4, 0.3]])
    yield "multinomial", model, np.array([rng.multinomial(7, trials[k]) for k in z])
    wide = {
        "diag": np.full((3, 2, 2), 1.5),
        "spherical": np.full((3, 2), 1.5),
        "full": np.tile([[1.5, 0.2], [0.2, 1.2]], (3, 2, 1, 1)),
        "tied": np.tile([[1.5, 0.2], [0.2, 1.2]], (3, 1, 1)),
    }
    for kind, value in wide.items():
        # where both change, hmmlearn's covariances are about the means before the step
        for name, more in {
            "means": {"params": "stmw"},
            "covariances": {"params": "stcw", "weights_prior": 1.7},
        }.items():
            if kind == "spherical":  # hmmlearn's default adds d - M steps to the variances
                more = {**more, "covars_prior": -(2 + 2) / 2}
            model = hmm.GMMHMM(3, 2, covariance_type=kind, **more)
            model.weights_ = np.array([[0.6, 0.4], [0.5, 0.5], [0.2, 0.8]])
            model.means_ = means[:, None] + np.array([[-0.5, 0.0], [0.4, 0.3]])
            model.covars_ = value
            yield f"gmm {kind} {name}", model, X


def recorded():
    """What hmmlearn makes of each case."""
    for name, model, X in cases():
        model.set_params(init_params="", n_iter=1, tol=-np.inf)
        model.startprob_, model.transmat_ = START, MOVES
        before = model.score(X, LENGTHS)
        height, states = model.decode(X, LENGTHS)
        model.fit(X, LENGTHS)
        kept = ["startprob_", "transmat_", "means_", "_covars_", "lambdas_", "emissionprob_"]
        kept += ["weights_"] + ["covars_"] * name.startswith("gmm")
        after = {a: np.asarray(getattr(model, a)).tolist() for a in kept if hasattr(model, a)}
        yield (
            name,
            {
                "X": X.tolist(),
                "score": before,
                "decoded": height,
                "states": states.tolist(),
                "after": after,
            },
        )


if __name__ == "__main__":
    json.dump(dict(recorded()), sys.stdout, indent=None)
    print()
