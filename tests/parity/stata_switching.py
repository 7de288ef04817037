"""What Stata 14 and EViews make of switching models, as statsmodels' own tests have it.

Run with statsmodels 0.15.0 installed, from this folder; writes stata_switching.json and
fedfunds.csv. The numbers are those of the Stata manual's `mswitch` (its examples and their
predictions) and of EViews' SWITCHREG, which statsmodels (BSD-3-Clause) is tested against. The
series are works of the United States Government: the federal funds rate (Board of Governors), the
output gap (Congressional Budget Office, Bureau of Economic Analysis), and inflation by the deflator
(the latter), by quarters from 1954:3, in per cent. Standard deviations are squared here.
"""

import csv
import json
from pathlib import Path

import numpy as np
import statsmodels
from statsmodels.tsa.regime_switching import tests
from statsmodels.tsa.regime_switching.tests import test_markov_autoregression as lagged
from statsmodels.tsa.regime_switching.tests import test_markov_regression as plain

HERE, THEIRS = Path(__file__).parent, Path(tests.__file__).parent / "results"


def true(case):
    """What a case is checked with."""
    case.setup_class()
    return case.true


def told(case):
    """Parameters, errors and likelihood of one."""
    known = true(case)
    made = {"params": list(map(float, known["params"])), "loglik": known["llf"]}
    if "bse_oim" in known:
        made["errors"] = [None if np.isnan(v) else float(v) for v in known["bse_oim"]]
    return made


def column(name, field):
    """A column of predictions, without the rows that have none."""
    with open(THEIRS / f"results_predict_{name}.csv", newline="") as file:
        return [float(row[field]) for row in csv.DictReader(file) if row[field]]


written = {
    "statsmodels": statsmodels.__version__,
    "constant": {
        **told(plain.TestFedFundsConst),
        "smoothed": column("fedfunds", "const_sm1"),
        "predicted": column("fedfunds", "const_p1"),
        "filtered": column("fedfunds", "const_f1"),
        "expected": column("fedfunds", "const_pyhat"),
    },
    "lagged": told(plain.TestFedFundsConstL1),
    "covariates": {
        **told(plain.TestFedFundsConstL1Exog),
        "by_state": [column("fedfunds", f"constL1exog_syhat{j}") for j in (1, 2)],
        "smoothed_mean": column("fedfunds", "constL1exog_syhat"),
    },
    "three": told(plain.TestFedFundsConstL1Exog3),
    "growth_two_lags": {
        **told(lagged.TestHamiltonAR2Switch),
        "smoothed": column("rgnp", "switchar2_sm1"),
        "fitted": column("rgnp", "switchar2_syhat"),
    },
    "growth_one_lag": {
        **told(lagged.TestHamiltonAR1Switch),
        "smoothed": lagged.hamilton_ar1_switch_smoothed,
        "filtered": lagged.hamilton_ar1_switch_filtered,
        "durations": [6.883477, 1.863513],
    },
    "growth_four_lags": {
        **told(lagged.TestHamiltonAR4),
        "smoothed_other": lagged.hamilton_ar4_smoothed,
    },
}
(HERE / "stata_switching.json").write_text(json.dumps(written) + "\n")
rows = zip(plain.fedfunds, plain.ogap, plain.inf, strict=True)
with open(HERE / "fedfunds.csv", "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["rate", "gap", "inflation"])
    out.writerows(["" if np.isnan(v) else v for v in row] for row in rows)
