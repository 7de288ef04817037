"""What statsmodels makes of the growth of US GNP (Hamilton 1989): likelihoods, estimates, states.

Run with statsmodels 0.15.0 installed, from this folder; writes markov_switching.json. Every model
is climbed from several random starts, and the best is kept.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import statsmodels
from statsmodels.tsa.regime_switching.markov_autoregression import MarkovAutoregression
from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

HERE = Path(__file__).parent
table = HERE.parents[1] / "src" / "latentia" / "datasets" / "gnp.csv"
growth = np.loadtxt(table, delimiter=",", skiprows=1)[:, 2]
lags = np.column_stack([growth[1:-1], growth[:-2]])
rng = np.random.default_rng(0)

CASES = {
    "hamilton": lambda: MarkovAutoregression(growth, k_regimes=2, order=4, switching_ar=False),
    "variance": lambda: MarkovAutoregression(
        growth, k_regimes=2, order=1, switching_ar=False, switching_variance=True
    ),
    "switching": lambda: MarkovAutoregression(growth, k_regimes=2, order=2, switching_ar=True),
    "intercepts": lambda: MarkovRegression(growth[2:], k_regimes=2, exog=lags),
}


def best(make):
    """The highest of several climbs."""
    model, found = make(), None
    starts = [
        model.start_params,
        *(model.start_params + 0.3 * rng.normal(size=len(model.start_params)) for _ in range(12)),
    ]
    for start in starts:
        try:
            model.loglike(start)
            made = model.fit(start, em_iter=50, maxiter=500, disp=False, cov_type="none")
        except (np.linalg.LinAlgError, RuntimeError, ValueError):
            continue
        if np.isfinite(made.llf) and (found is None or made.llf > found.llf):
            found = made
    return model, found


warnings.simplefilter("ignore")
written = {"statsmodels": statsmodels.__version__}
for name, make in CASES.items():
    model, made = best(make)
    shown = np.asarray(made.smoothed_marginal_probabilities)
    shown = shown if shown.shape[0] > 2 else shown.T
    written[name] = {
        "loglik": float(made.llf),
        "params": dict(zip(model.param_names, map(float, made.params), strict=True)),
        "smoothed": [float(v) for v in shown[::20, 0]],
    }
    print(name, made.llf, written[name]["params"])
(HERE / "markov_switching.json").write_text(json.dumps(written, indent=1) + "\n")
