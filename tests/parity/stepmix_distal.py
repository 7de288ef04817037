"""Outcomes by StepMix's ML third step, recorded for tests/latent_class/test_distal.py.

Of the rows in stepmix_three_step.csv; writes stepmix_distal.json. Run where StepMix is installed;
versions are in the JSON.

    python stepmix_distal.py
"""

import json
from pathlib import Path

import numpy as np
import stepmix
from stepmix import StepMix

HERE = Path(__file__).parent
CLIMB = {"abs_tol": 1e-15, "max_iter": 20_000, "n_init": 10, "random_state": 0, "progress_bar": 0}


def main():
    data = np.loadtxt(HERE / "stepmix_three_step.csv", delimiter=",", skiprows=1)
    x, y = data[:, :6], data[:, 7]
    levels = np.digitize(y, [-0.5, 0.5])
    found = {"stepmix": stepmix.__version__, "numpy": np.__version__}
    for name, kind, values in (
        ("gaussian", "gaussian_diag", y[:, None]),
        ("categorical", "categorical", levels[:, None]),
    ):
        fit = StepMix(
            3, n_steps=3, measurement="binary", structural=kind, correction="ML", **CLIMB
        ).fit(x, values)
        known = fit.get_parameters()
        found[name] = {k: np.asarray(v).tolist() for k, v in known["structural"].items()}
        found[f"{name} weights"] = known["weights"].tolist()
        found["probabilities"] = known["measurement"]["pis"].tolist()
    (HERE / "stepmix_distal.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
