"""Single columns of every family against its own densities and its own draws."""

import numpy as np
import pytest
from tests.hmm.kinds import ROWS, parts_of

from latentia.data.arrays import Rows
from latentia.engine import tree
from latentia.families import columns, making
from latentia.mixture import distribution
from latentia.mixture.model import MixtureParams

SILENT = {"multinomial", "von_mises_fisher"}
WINDOWED = "gamma(truncated=(0.5, 4.0))"
MANY = 200_000


def fitted(kind):
    """A family of two components from rows of it, and its parameters."""
    rows = ROWS["gamma"]().clip(0.6, 3.9) if kind == WINDOWED else ROWS[kind]()
    family = making.built(parts_of(kind, rows), 2)
    resp = np.random.default_rng(1).dirichlet([1.0, 1.0], size=len(rows))
    params = family.start(rows, resp)
    for _ in range(3):
        params = family.m_step(family.stats(params, rows, resp), params)
    return family, params, rows


@pytest.mark.parametrize("kind", [*ROWS, WINDOWED])
def test_distribution_functions_and_means_are_those_of_draws(kind):
    family, params, rows = fitted(kind)
    d, rng = rows.shape[1], np.random.default_rng(0)
    for k in range(2):
        drawn = family.draw(params, np.full(MANY, k), rng)
        spread = drawn.std(axis=0) / np.sqrt(MANY) + 1e-9
        means = columns.column_means(family, params)[k]
        known = ~np.isnan(means)
        assert known.all() or kind in ("categorical", "student_t")
        if kind != "student_t":  # whose variance may be infinite
            away = np.abs(drawn.mean(axis=0) - means)[known]
            assert (away < 5 * spread[known]).all()
        for j in range(d):
            at = np.quantile(drawn[:, j], [0.1, 0.5, 0.8])
            if kind.split("(")[0] in SILENT:
                with pytest.raises(TypeError, match="does not define"):
                    columns.column_cdf(family, params, j, at)
                continue
            below = columns.column_cdf(family, params, j, at)[:, k]
            seen = (drawn[:, j, None] <= at).mean(axis=0)
            np.testing.assert_allclose(below, seen, atol=5 * 0.5 / np.sqrt(MANY))


@pytest.mark.parametrize(
    "kind", ["poisson", "binomial(trials=6)", "negative_binomial", "categorical"]
)
def test_whole_numbers_have_the_sums_of_their_probabilities(kind):
    family, params, rows = fitted(kind)
    at = np.arange(0.0, 4.0)
    for j in range(rows.shape[1]):
        marginal = distribution.marginal(
            family, MixtureParams(np.ones(2) / 2, params), rows.shape[1], j
        )
        assert marginal is not None
        assert columns.is_discrete(family, j)
        below = columns.column_cdf(family, params, j, at)
        sums = np.exp(marginal.log_density(at)).cumsum(axis=0)
        np.testing.assert_allclose(below, sums, atol=1e-12)
        np.testing.assert_array_equal(columns.column_cdf(family, params, j, at + 0.5), below)
        assert np.isnan(columns.column_cdf(family, params, j, np.array([np.nan]))).all()
        assert (columns.column_cdf(family, params, j, np.array([-1.0])) == 0).all()


def test_columns_of_a_product_are_those_of_its_parts():
    rows = np.hstack([ROWS["poisson"](), ROWS["gaussian"](), ROWS["categorical"]()])
    kind = {"x0": "poisson", ("x1", "x2"): "gaussian", ("x3", "x4"): "categorical"}
    family = making.built(parts_of(kind, rows), 2)
    params = family.start(rows, np.random.default_rng(1).dirichlet([1.0, 1.0], size=len(rows)))
    x = np.array([0.3, 1.0])
    for j, (part, place) in enumerate([(0, 0), (1, 0), (1, 1), (2, 0), (2, 1)]):
        own = columns.column_cdf(family.parts[part], params[part], place, x)
        np.testing.assert_array_equal(columns.column_cdf(family, params, j, x), own)
        assert columns.is_discrete(family, j) == (j in (0, 3, 4))
        assert columns.is_nominal(family, j) == (j in (3, 4))
    means = columns.column_means(family, params)
    np.testing.assert_array_equal(means[:, 1:3], params[1].means)
    assert np.isnan(means[:, 3:]).all()
    with pytest.raises(IndexError, match="got column 9, expected one from 0 to 4"):
        columns.column_cdf(family, params, 9, x)
    assert len(tree.leaves(params)) == 4
    assert len(Rows.of(rows).x) == len(rows)


def test_censored_times_have_no_column_of_their_own():
    family = making.built(parts_of("exponential(censored=True)", np.array([[1.0, 2.0]])), 1)
    with pytest.raises(TypeError, match="two bounds for a time"):
        columns.column_cdf(family, family.start(np.array([[1.0, 2.0]]), np.ones((1, 1))), 0, [1.0])
