"""Covariates of class membership, fitted in one step with the classes."""

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime
from scipy.special import log_softmax, logit, logsumexp

import latentia
from latentia import EM, LatentClass, select

PARITY = Path(__file__).parents[1] / "parity"
RECORDED = json.loads((PARITY / "stepmix_three_step.json").read_text(encoding="utf-8"))
ROWS = pd.read_csv(PARITY / "stepmix_three_step.csv").drop(columns="y")
TIGHT = EM(tol=1e-10, max_iter=5000, starts=10)


@pytest.fixture(scope="module")
def fitted():
    return LatentClass(3, covariates="z", random_state=0, em=TIGHT).fit(ROWS)


def yes(model):
    return np.array([p[:, 1] for p in model.probabilities_]).T


def loglik(theta, x, z):
    """Written out: 2 x 2 coefficients, then logits of 3 x 6 probabilities."""
    gamma = np.vstack([np.zeros(2), theta[:4].reshape(2, 2)])
    p = theta[4:].reshape(3, 6)
    design = np.column_stack([np.ones(len(z)), z])
    answers = -np.logaddexp(0, np.where(x[:, None] == 1, -p, p)).sum(axis=2)
    return float(logsumexp(log_softmax(design @ gamma.T, axis=1) + answers, axis=1).sum())


def test_one_step_is_stepmixs(fitted):
    """StepMix 3.0.0, tests/parity/stepmix_three_step.py."""
    known = np.array(RECORDED["one step probabilities"])
    order = min(permutations(range(3)), key=lambda o: np.abs(yes(fitted)[list(o)] - known).max())
    np.testing.assert_allclose(yes(fitted)[list(order)], known, atol=1e-4)
    gamma = fitted.membership_coefficients_[list(order)]
    np.testing.assert_allclose(gamma - gamma[0], RECORDED["one step"], atol=1e-3)


def test_estimates_and_errors_are_those_of_the_likelihood_written_out(fitted):
    x, z = ROWS[list("ABCDEF")].to_numpy(), ROWS["z"].to_numpy()
    theta = np.concatenate(
        [fitted.membership_coefficients_[1:].ravel(), logit(yes(fitted)).ravel()]
    )
    assert loglik(theta, x, z) == pytest.approx(fitted.loglik_, rel=1e-12)
    slope = approx_fprime(theta, loglik, 1e-6, x, z)
    np.testing.assert_allclose(slope, 0, atol=2e-2)
    h, m = 1e-3, len(theta)
    information = np.empty((m, m))
    for i in range(m):
        for j in range(i + 1):
            a, b = np.eye(m)[i] * h, np.eye(m)[j] * h
            corners = [
                loglik(theta + s * a + t * b, x, z) * s * t for s in (1, -1) for t in (1, -1)
            ]
            information[i, j] = information[j, i] = -sum(corners) / (4 * h * h)
    expected = np.sqrt(np.diagonal(np.linalg.inv(information)))
    found = fitted.standard_errors()
    np.testing.assert_allclose(found.weights.coefficients[1:].ravel(), expected[:4], rtol=1e-3)
    p = yes(fitted)
    mine = found.components.probabilities[:, :, 1]
    np.testing.assert_allclose(mine, expected[4:].reshape(3, 6) * p * (1 - p), rtol=1e-3)


def test_one_step_and_corrected_three_steps_agree_and_the_naive_one_does_not(fitted):
    items = ROWS.drop(columns="z")
    alone = LatentClass(3, random_state=0, em=TIGHT).fit(items)
    order = min(
        permutations(range(3)), key=lambda o: np.abs(yes(alone)[list(o)] - yes(fitted)).max()
    )
    gap = {}
    for correction in ("ml", "bch", "none"):
        found = alone.assign(items).regress(ROWS["z"], correction=correction, reference=order[0])
        gap[correction] = np.abs(
            found.coefficients[list(order), 1] - fitted.membership_coefficients_[:, 1]
        ).max()
    assert 2 * max(gap["ml"], gap["bch"]) < gap["none"]


def test_columns_may_stand_anywhere_and_be_numbered(fitted):
    moved = ROWS[["z", *"ABCDEF"]].to_numpy()
    other = LatentClass(3, covariates=[0], random_state=0, em=TIGHT).fit(moved)
    assert other.loglik_ == pytest.approx(fitted.loglik_, abs=1e-7)
    np.testing.assert_allclose(np.sort(other.weights_), np.sort(fitted.weights_), atol=1e-5)
    assert len(other.probabilities_) == 6


def test_what_it_says(fitted, tmp_path):
    resp = fitted.predict_proba(ROWS)
    np.testing.assert_allclose(resp.mean(axis=0), fitted.weights_, atol=1e-4)  # at the maximum
    names = [e.name for e in fitted.parameter_table()]
    assert names[:4] == [
        "coefficient[1, intercept]",
        "coefficient[1, z]",
        "coefficient[2, intercept]",
        "coefficient[2, z]",
    ]
    assert names[4] == "probability[0, A=0]"
    assert fitted.n_parameters_ == 4 + 18
    assert "coefficient[2, z]" in str(fitted.summary())
    fitted.save(tmp_path / "m.safetensors")
    again = latentia.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict_proba(ROWS), resp)
    assert again.covariates == "z"
    again.remember(ROWS)
    errors, known = again.standard_errors().weights, fitted.standard_errors().weights
    np.testing.assert_allclose(errors.coefficients, known.coefficients, rtol=1e-9)
    with pytest.raises(ValueError, match="got a model with covariates"):
        fitted.sample(3)
    with pytest.raises(ValueError, match="got a model with covariates"):
        fitted.goodness_of_fit()
    assert fitted.bivariate_residuals().total < 25
    assert (
        fitted.classification(ROWS).relative_entropy
        > fitted.classification().relative_entropy - 1e-9
    )


def test_weights_and_sweeps_work_with_covariates(fitted):
    counts = np.random.default_rng(0).integers(0, 3, len(ROWS))
    weighted = LatentClass(3, covariates="z", n_init=5, random_state=0).fit(
        ROWS, sample_weight=counts
    )
    repeated = LatentClass(3, covariates="z", n_init=5, random_state=0).fit(
        ROWS.iloc[np.repeat(np.arange(len(ROWS)), counts)]
    )
    assert weighted.loglik_ == pytest.approx(repeated.loglik_, abs=1e-4)
    chosen = select(
        LatentClass(covariates="z", n_init=3, random_state=0), ROWS, {"n_components": [1, 2, 3, 4]}
    )
    assert chosen.best_settings == {"n_components": 3}


@pytest.mark.parametrize(
    ("covariates", "change", "message"),
    [
        ("age", {}, "covariate 'age', expected one of the columns A, B"),
        (9, {}, "covariate 9, expected"),
        (["z", 6], {}, "expected each column once"),
        ([*"ABCDEF", "z"], {}, "all columns, expected items beside them"),
        ("z", {"z": "x"}, "got 'x' at row 0 of the covariate 'z'"),
        ("z", {"z": np.nan}, "got nothing at row 0 of the covariate 'z'"),
        ("z", {"z": 3.0}, "covariate 'z', which follows from the others"),
    ],
)
def test_what_cannot_be_is_one_sentence(covariates, change, message):
    with pytest.raises(ValueError, match=message):
        LatentClass(2, covariates=covariates).fit(ROWS.assign(**change))
