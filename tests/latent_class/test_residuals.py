"""Chi-squares of the whole table and of pairs of items."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from latentia import LatentClass, datasets
from latentia.latent_class.residuals import bivariate_residuals, goodness_of_fit

CARCINOMA = datasets.load("carcinoma").values


@pytest.mark.parametrize(("k", "loglik", "agresti"), [(2, -317.25684, 62.4), (3, -293.70498, 15.3)])
def test_carcinoma_against_the_saturated_table(k, loglik, agresti):
    """The log-likelihoods are poLCA's; G² to a decimal stands in Agresti (2002), sec. 13.1."""
    model = LatentClass(k, random_state=0).fit(CARCINOMA)
    fit = model.goodness_of_fit()
    patterns, n = np.unique(CARCINOMA, axis=0, return_counts=True)
    saturated = float(n @ np.log(n / 118))
    assert fit.g2 == pytest.approx(2 * (saturated - loglik), abs=1e-4)
    assert fit.g2 == pytest.approx(agresti, abs=0.05)
    assert (fit.df, fit.n_rows, fit.n_patterns) == (127 - (8 * k - 1), 118, 128)
    every = np.array(list(product([1.0, 2.0], repeat=7)))
    expected = 118 * np.exp(model.score_samples(every))
    counts = dict(zip(map(tuple, patterns), n, strict=True))
    observed = np.array([counts.get(tuple(pattern), 0) for pattern in every])
    there = expected > 0
    x2 = ((observed - expected)[there] ** 2 / expected[there]).sum()
    assert fit.x2 == pytest.approx(x2, rel=1e-9)


def test_one_class_is_independence():
    """With a single class residuals are Pearson's chi-squares of two-way tables (SciPy)."""
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.integers(0, 3, 200), rng.integers(0, 2, 200)])
    x[:60, 1] = x[:60, 0] > 0
    model = LatentClass(1).fit(x)
    table = np.zeros((3, 2))
    np.add.at(table, tuple(x.T), 1)
    expected = chi2_contingency(table, correction=False)
    found = model.bivariate_residuals()
    assert found.statistic[0, 1] == pytest.approx(expected.statistic, rel=1e-9)
    assert found.df[0, 1] == expected.dof == 2
    assert found.total == pytest.approx(found.residual[1, 0])
    whole = model.goodness_of_fit()
    g2 = chi2_contingency(table, correction=False, lambda_="log-likelihood")
    assert whole.x2 == pytest.approx(expected.statistic, rel=1e-9)
    assert (whole.g2, whole.df) == (pytest.approx(g2.statistic, rel=1e-9), g2.dof)
    assert whole.p_g2 == pytest.approx(g2.pvalue, rel=1e-6)


def test_a_pair_that_the_classes_do_not_explain_is_the_largest():
    rng = np.random.default_rng(1)
    z = rng.integers(0, 2, 1000)
    x = (rng.random((1000, 8)) < np.where(z, 0.85, 0.2)[:, None]).astype(int)
    x[:, 5] = np.where(rng.random(1000) < 0.4, x[:, 4], x[:, 5])
    found = LatentClass(2, random_state=0).fit(x).bivariate_residuals()
    (first, second, residual), *others = found.largest()
    assert {first, second} == {"x4", "x5"}
    assert residual > 20 > 3 * others[3][2]


def test_pairs_count_the_rows_that_answer_both():
    probabilities = np.array([[[0.5, 0.5], [0.25, 0.75]]])
    x = np.array([[0, 0], [1, 1], [np.nan, 1], [0, np.nan]])
    found = bivariate_residuals(
        x, np.array([3.0, 5, 9, 9]), np.ones(1), probabilities, [2, 2], "ab"
    )
    expected = 8 * np.outer([0.5, 0.5], [0.25, 0.75])
    seen = np.diag([3.0, 5])
    assert found.statistic[1, 0] == pytest.approx(((seen - expected) ** 2 / expected).sum())


def test_a_saturated_model_leaves_nothing_to_test():
    patterns = np.array([[0.0], [1.0], [np.nan]])
    fit = goodness_of_fit(patterns, np.array([3.0, 1, 7]), np.array([0.75, 0.25, 1.0]), [2], 1)
    assert fit.g2 == pytest.approx(0, abs=1e-12)
    assert (fit.df, fit.p_g2, fit.n_rows) == (0, None, 4)
