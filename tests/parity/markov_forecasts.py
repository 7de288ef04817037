"""What statsmodels expects of the growth of US GNP a quarter ahead, and Hamilton's standard errors.

Run with statsmodels 0.15.0 installed, from this folder, which has markov_switching.json; writes
markov_forecasts.json. Parameters are those recorded there; errors are of the Hessian by complex
steps (``cov_type="approx"``) at Hamilton's model, climbed from statsmodels' own start.
"""

import json
from pathlib import Path

import numpy as np
import statsmodels
from statsmodels.tsa.regime_switching.markov_autoregression import MarkovAutoregression

HERE = Path(__file__).parent
table = HERE.parents[1] / "src" / "latentia" / "datasets" / "gnp.csv"
growth = np.loadtxt(table, delimiter=",", skiprows=1)[:, 2]
known = json.loads((HERE / "markov_switching.json").read_text())

CASES = {
    "hamilton": MarkovAutoregression(growth, k_regimes=2, order=4, switching_ar=False),
    "variance": MarkovAutoregression(
        growth, k_regimes=2, order=1, switching_ar=False, switching_variance=True
    ),
    "switching": MarkovAutoregression(growth, k_regimes=2, order=2, switching_ar=True),
}

written = {"statsmodels": statsmodels.__version__}
for name, model in CASES.items():
    params = np.array([known[name]["params"][one] for one in model.param_names])
    ahead = np.asarray(model.predict(params, probabilities="predicted"))
    written[name] = {"ahead": [float(value) for value in ahead[-6:]]}
made = CASES["hamilton"].fit(disp=False)
written["hamilton"]["errors"] = dict(
    zip(CASES["hamilton"].param_names, map(float, made.bse), strict=True)
)
(HERE / "markov_forecasts.json").write_text(json.dumps(written, indent=1) + "\n")
