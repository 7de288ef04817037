"""Three-step estimates of StepMix, recorded for tests/latent_class/test_three_step.py.

Draws the rows, fits, and writes stepmix_three_step.csv (the rows) and stepmix_three_step.json
(what StepMix made of them). Run where StepMix is installed; versions are in the JSON.

    python stepmix_three_step.py
"""

import json
from pathlib import Path

import numpy as np
import stepmix
from stepmix import StepMix

HERE = Path(__file__).parent
CLIMB = {"abs_tol": 1e-15, "max_iter": 20_000, "n_init": 10, "random_state": 0, "progress_bar": 0}
NEWTON = {"method": "newton-raphson", "max_iter": 200, "tol": 1e-11}


def rows(n=600, seed=20):
    """Six yes-no items, a covariate of class membership, an outcome of it."""
    rng = np.random.default_rng(seed)
    z = np.round(rng.normal(size=n), 3)
    logits = np.column_stack([np.zeros(n), 0.5 + z, -0.5 - z])
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    c = (rng.random((n, 1)) > shares.cumsum(axis=1)[:, :-1]).sum(axis=1)
    p = np.array([[0.8] * 6, [0.8] * 3 + [0.2] * 3, [0.2] * 6])
    x = (rng.random((n, 6)) < p[c]).astype(int)
    y = np.round(np.array([-1.0, 0.0, 1.0])[c] + rng.normal(size=n), 3)
    return np.column_stack([x, z, y])


def main():
    data = rows()
    x, z, y = data[:, :6], data[:, 6:7], data[:, 7:]
    found = {"stepmix": stepmix.__version__, "numpy": np.__version__}
    for correction in (None, "BCH", "ML"):
        for assignment in ("modal", "soft"):
            fit = StepMix(
                3,
                n_steps=3,
                measurement="binary",
                structural="covariate",
                structural_params=NEWTON,
                correction=correction,
                assignment=assignment,
                **CLIMB,
            ).fit(x, z)
            beta = fit.get_parameters()["structural"]["beta"]
            key = f"{correction or 'none'} {assignment}".lower()
            found[f"covariate {key}"] = (beta - beta[:1]).tolist()
            if correction != "ML":
                fit = StepMix(
                    3,
                    n_steps=3,
                    measurement="binary",
                    structural="gaussian_unit",
                    correction=correction,
                    assignment=assignment,
                    **CLIMB,
                ).fit(x, y)
                means = fit.get_parameters()["structural"]["means"]
                found[f"outcome {key}"] = means.ravel().tolist()
            found["probabilities"] = fit.get_parameters()["measurement"]["pis"].tolist()
    for correction in ("BCH", "ML"):  # answers and a number tell the classes together
        fit = StepMix(
            3,
            n_steps=3,
            measurement={
                "items": {"model": "binary", "n_columns": 6},
                "outcome": {"model": "gaussian_diag", "n_columns": 1},
            },
            structural="covariate",
            structural_params=NEWTON,
            correction=correction,
            **CLIMB,
        ).fit(data[:, [0, 1, 2, 3, 4, 5, 7]], z)
        beta = fit.get_parameters()["structural"]["beta"]
        found[f"mixed covariate {correction.lower()}"] = (beta - beta[:1]).tolist()
    found["mixed probabilities"] = fit.get_parameters()["measurement"]["items"]["pis"].tolist()
    found["mixed means"] = fit.get_parameters()["measurement"]["outcome"]["means"].ravel().tolist()
    one = StepMix(
        3,
        n_steps=1,
        measurement="binary",
        structural="covariate",
        structural_params=NEWTON,
        **CLIMB,
    ).fit(x, z)
    beta = one.get_parameters()["structural"]["beta"]
    found["one step"] = (beta - beta[:1]).tolist()
    found["one step probabilities"] = one.get_parameters()["measurement"]["pis"].tolist()
    measured = StepMix(3, measurement="binary", **CLIMB).fit(x)
    found["loglik"] = float(measured.score(x) * len(x))
    found["weights"] = measured.get_parameters()["weights"].tolist()
    header = "A,B,C,D,E,F,z,y"
    csv = HERE / "stepmix_three_step.csv"
    np.savetxt(csv, data, fmt="%g", delimiter=",", header=header, comments="")
    (HERE / "stepmix_three_step.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
