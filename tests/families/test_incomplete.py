"""Vectors with holes: sorted, integrated out by brute force, completed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from latentia import EM, check_model
from latentia.data.arrays import Frame, Rows
from latentia.engine import tree
from latentia.families import incomplete
from latentia.families.covariance import STRUCTURES
from latentia.families.covariance.structure import cholesky_of_inverse
from latentia.families.gaussian import Gaussian, GaussianParams
from latentia.families.kernels.rule import worth_compiling
from latentia.mixture.model import MixtureParams

from .checks import Case, every_property, mixture_of, params_near_start
from .patterns import DISTINCT, random_matrices

every_kind = pytest.mark.parametrize("kind", DISTINCT)
_rng = np.random.default_rng(0)
X = np.vstack([_rng.normal(size=(25, 3)), _rng.normal(size=(20, 3)) @ np.diag([1, 2, 0.5]) + 3])
X[:, 1] += 0.7 * X[:, 0]
FRAME = Frame.of(Rows.of(X))


def hidden(x, share=0.3, seed=0):
    """The rows with cells hidden at random, one row wholly."""
    x = np.array(x)
    x[np.random.default_rng(seed).uniform(size=x.shape) < share] = np.nan
    x[3] = np.nan
    return x


HOLES = hidden(X)


def parameters(kind, k=2, seed=0):
    matrices = random_matrices(kind, k, 3, np.random.default_rng(seed), 0.4)
    return GaussianParams(X[:k] + 0.3, np.array(STRUCTURES[kind].of_matrices(matrices)))


def by_brute_force(means, matrices, x):
    """log f of what each row shows, from SciPy's density of those columns, row by row, (n, K)."""
    made = np.zeros((len(x), len(means)))
    for i, row in enumerate(x):
        seen = np.flatnonzero(~np.isnan(row))
        for k in range(len(means)):
            if len(seen):
                block = matrices[k][np.ix_(seen, seen)]
                made[i, k] = multivariate_normal(means[k][seen], block).logpdf(row[seen])
    return made


# -- sorting -----------------------------------------------------------------------------------


@given(
    n=st.integers(1, 300),
    d=st.integers(1, 11),
    k=st.integers(1, 4),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60)
def test_every_row_is_in_one_batch_with_its_pattern(n, d, k, share, seed):
    x = np.random.default_rng(seed).normal(size=(n, d))
    x[np.random.default_rng(seed + 1).uniform(size=x.shape) < share] = np.nan
    some = np.flatnonzero(np.arange(n) % 3 > 0) if seed % 2 and n > 1 else None
    found = []
    for batch in incomplete.batches(x, k, some):
        assert batch.rows.shape == batch.real.shape == (len(batch.seen), batch.rows.shape[1])
        assert 2 * batch.real.sum() > batch.real.size or len(batch.seen) == 1
        expected = np.broadcast_to(batch.seen[:, None, :], (*batch.rows.shape, d))
        np.testing.assert_array_equal(~np.isnan(x[batch.rows]), expected)
        found.extend(batch.rows[batch.real].tolist())
    assert sorted(found) == (list(range(n)) if some is None else some.tolist())


def test_batches_are_of_bounded_size():
    x = np.zeros((70_000, 10))
    x[np.arange(0, 70_000, 7), 3] = np.nan
    parts = incomplete.batches(x, 5)
    assert max(part.rows.size * 10 * 5 for part in parts) <= incomplete.MOST
    assert len(parts) > 5


# -- the likelihood of what was seen ------------------------------------------------------------


@every_kind
def test_the_density_is_the_integral_over_what_was_hidden(kind):
    params = parameters(kind)
    family = Gaussian(2, STRUCTURES[kind], FRAME)
    matrices = STRUCTURES[kind].matrices(params.covariances, 2, 3)
    expected = by_brute_force(params.means, matrices, HOLES)
    np.testing.assert_allclose(family.log_density(params, HOLES), expected, rtol=1e-12, atol=1e-12)


@every_kind
def test_a_fit_of_hidden_values_has_the_likelihood_by_brute_force(kind):
    """Values hidden at random: what the fit says it reached is what SciPy integrates to."""
    family = Gaussian(2, STRUCTURES[kind], FRAME, floor=1e-3)
    weights = np.random.default_rng(1).gamma(2.0, size=len(HOLES))
    fit = EM(tol=1e-4, max_iter=60).fit(mixture_of(family), Rows.of(HOLES, weights), rng=0)
    means, covariances = fit.params.components
    matrices = STRUCTURES[kind].matrices(covariances, 2, 3)
    each = np.log(fit.params.weights) + by_brute_force(means, matrices, HOLES)
    direct = float(weights @ np.logaddexp(each[:, 0], each[:, 1]))
    assert fit.loglik == pytest.approx(direct, abs=1e-9 * abs(direct))
    start = mixture_of(family).e_step(family_start(family, weights), Rows.of(HOLES, weights))
    assert fit.loglik > start.loglik


def family_start(family, weights):
    model = mixture_of(family)
    return model.start(Rows.of(HOLES, weights), np.random.default_rng(0))


@every_kind
def test_the_contract_is_kept_with_holes(kind):
    family = Gaussian(2, STRUCTURES[kind], FRAME)
    weights = np.random.default_rng(1).gamma(2.0, size=len(HOLES))
    check_model(mixture_of(family), Rows.of(HOLES, weights), points=2)


@every_property
@pytest.mark.parametrize("kind", ["full", "tied", "diag"])
def test_property(holds, kind):
    """As every family with missing cells."""
    holds(Case(lambda k: Gaussian(k, STRUCTURES[kind], FRAME, 1e-4), X, True, True))


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_compiled_and_sorted_rows_are_one_likelihood(kind):
    """Rows without holes through the compiled pass, the others by their patterns."""
    families = [Gaussian(2, STRUCTURES[kind], FRAME, compiled=c) for c in (True, False)]
    params = family_start(families[0], np.ones(len(X)))
    rows = Rows.of(HOLES, np.random.default_rng(1).gamma(2.0, size=len(X)))
    made = []
    for family in families:
        model = mixture_of(family)
        made.append(model.e_step(params, model.prepare(rows)))
        made.append(model.e_step(params, rows))  # as nobody prepared it
    for other in made[1:]:
        for a, b in zip(tree.leaves(made[0]), tree.leaves(other), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def test_a_thin_component_for_which_nothing_is_compiled():
    """Rows without holes then go by NumPy, beside the others."""
    n_rows = next(n for n in range(1, 10**6) if worth_compiling(n, 3, 2))
    thin = parameters("full")
    thin = thin._replace(covariances=np.stack([thin.covariances[0], 1e-8 * thin.covariances[1]]))
    params = MixtureParams(np.array([0.5, 0.5]), thin)
    made = []
    for family in (
        Gaussian(2, STRUCTURES["full"], FRAME, n_rows=n_rows),
        Gaussian(2, STRUCTURES["full"], FRAME, compiled=False),
    ):
        model = mixture_of(family)
        chunk = model.prepare(Rows.of(HOLES))
        made.append(model.e_step(params, chunk))
    assert made[0].loglik == pytest.approx(made[1].loglik, rel=1e-12)
    for one, other in zip(*(model.m_step(each, params).components for each in made), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-12)


def test_a_thin_component_keeps_its_digits():
    """A spread of 1e-4 at a distance of 3e3: the moments beside holes are those without."""
    rng = np.random.default_rng(0)
    x = np.vstack([rng.normal(size=(200, 2)) * 1e3, 3e3 + 1e-4 * rng.normal(size=(200, 2))])
    frame = Frame.of(Rows.of(x))
    family = Gaussian(2, STRUCTURES["full"], frame)
    resp = np.eye(2)[np.arange(400) // 200]
    params = family.start(x, resp)
    for _ in range(3):
        params = family.m_step(family.stats(params, x, resp), params)
    holes = np.vstack([x, [[np.nan, 3e3], [3e3, np.nan]]])
    resp = np.vstack([resp, np.zeros((2, 2))])
    again = family.m_step(family.stats(params, holes, resp), params)
    np.testing.assert_allclose(again.covariances, params.covariances, rtol=1e-7)


@given(seed=st.integers(0, 2**31), d=st.integers(2, 9), share=st.floats(0.05, 0.6))
@settings(max_examples=40)
def test_both_ways_of_seeing_agree(seed, d, share):
    """By the covariance of what is seen, and by the precision of what is hidden."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, d))
    x[rng.uniform(size=x.shape) < share] = np.nan
    root = rng.normal(size=(2, d, d + 2))
    means, covariances = rng.normal(size=(2, d)), root @ np.swapaxes(root, 1, 2)
    upper = cholesky_of_inverse(np.linalg.cholesky(covariances))
    for batch in incomplete.batches(x, 2):
        if batch.whole or batch.seen.all(axis=1).any():
            continue
        given = (batch, x[batch.rows], means)
        one = incomplete._by_covariance_of_seen(*given, covariances)
        other = incomplete._by_precision_of_hidden(*given, upper, upper @ np.swapaxes(upper, 1, 2))
        times = rng.gamma(2.0, size=one.log_det.shape)
        for a, b in (
            (one.distance, other.distance),
            (one.log_det, other.log_det),
            (one.completed(), other.completed()),
            (one.left(times), other.left(times)),
        ):
            size = max(1.0, float(np.abs(a).max()))
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7 * size)


def test_many_patterns_have_scipys_density_thin_or_not():
    rng = np.random.default_rng(0)
    for thin in (1.0, 1e-8):
        root = rng.normal(size=(2, 8, 8))
        covariances = root @ np.swapaxes(root, 1, 2)
        covariances[1] += 10 * np.eye(8)
        covariances[0] = root[0] @ np.diag([thin, *np.ones(7)]) @ root[0].T
        covariances = (covariances + np.swapaxes(covariances, 1, 2)) / 2
        means = rng.normal(size=(2, 8))
        x = means[0] + rng.multivariate_normal(np.zeros(8), covariances[0], size=60)
        x = hidden(x, 0.2)
        got = incomplete.log_density(x, means, covariances)
        expected = by_brute_force(means, covariances, x)
        np.testing.assert_allclose(got, expected, rtol=1e-6 if thin < 1 else 1e-10)


# -- published maxima ---------------------------------------------------------------------------

APPLES = np.array([
    [8, 59], [6, 58], [11, 56], [22, 53], [14, 50], [17, 45], [18, 43], [24, 42], [19, 39],
    [23, 38], [26, 30], [40, 27], [4, np.nan], [4, np.nan], [5, np.nan], [6, np.nan],
    [8, np.nan], [10, np.nan],
], dtype=float)  # fmt: skip
"""Fruits in hundreds, percent wormy (Snedecor & Cochran 1967; Little & Rubin 2002, table 7.1)."""

CEMENT = np.array([
    [7, 26, 6, 60, 78.5], [1, 29, 15, 52, 74.3], [11, 56, 8, 20, 104.3], [11, 31, 8, 47, 87.6],
    [7, 52, 6, 33, 95.9], [11, 55, 9, 22, 109.2], [3, 71, 17, np.nan, 102.7],
    [1, 31, 22, np.nan, 72.5], [2, 54, 18, np.nan, 93.1], [np.nan, np.nan, 4, np.nan, 115.9],
    [np.nan, np.nan, 23, np.nan, 83.8], [np.nan, np.nan, 9, np.nan, 113.3],
    [np.nan, np.nan, 8, np.nan, 109.4],
])  # fmt: skip
"""Draper & Smith's (1968), with the holes of Little & Rubin (2002, table 7.4)."""


@pytest.mark.parametrize(
    ("x", "loglik", "means"),
    [
        (APPLES, -101.785632, [14.722222, 49.333333]),
        (CEMENT, -132.925250, [6.655166, 49.965259, 11.769231, 27.047089, 95.423077]),
    ],
    ids=["apples", "cement"],
)
def test_one_normal_is_the_published_maximum(x, loglik, means):
    """Recomputed to convergence from the published data by monotone regressions and by EM."""
    family = Gaussian(1, STRUCTURES["full"], Frame.of(Rows.of(x)))
    fit = EM(tol=1e-9, max_iter=2000).fit(mixture_of(family), Rows.of(x), rng=0)
    assert fit.loglik == pytest.approx(loglik, abs=1e-6)
    np.testing.assert_allclose(fit.params.components.means[0], means, rtol=1e-5)


# -- completing ---------------------------------------------------------------------------------


def test_expectations_are_regressions():
    params = parameters("full")
    family = Gaussian(2, STRUCTURES["full"], FRAME)
    got = family.expected(params, HOLES)
    for i, row in enumerate(HOLES):
        seen = ~np.isnan(row)
        for k in range(2):
            mean, cov = params.means[k], params.covariances[k]
            slope = np.linalg.solve(cov[np.ix_(seen, seen)], cov[seen])
            expected = np.where(seen, row, mean + (row - mean)[seen] @ slope)
            np.testing.assert_allclose(got[i, k], expected, rtol=1e-9, atol=1e-9)


def test_drawn_cells_have_the_conditional_moments():
    params = parameters("full")
    family = Gaussian(2, STRUCTURES["full"], FRAME)
    n = 40_000
    x = np.tile([[0.5, np.nan, np.nan]], (n, 1))
    got = family.completed(params, x, np.ones(n, dtype=np.intp), np.random.default_rng(0))
    np.testing.assert_array_equal(got[:, 0], 0.5)
    mean, cov = params.means[1], params.covariances[1]
    left = cov[1:, 1:] - np.outer(cov[1:, 0], cov[0, 1:]) / cov[0, 0]
    centre = mean[1:] + cov[1:, 0] / cov[0, 0] * (0.5 - mean[0])
    error = 5 * np.sqrt(np.diag(left) / n)
    assert (np.abs(got[:, 1:].mean(axis=0) - centre) < error).all()
    np.testing.assert_allclose(np.cov(got[:, 1:].T), left, atol=5 * left.max() * np.sqrt(2 / n))


def test_holes_of_nothing_change_nothing():
    family = Gaussian(2, STRUCTURES["full"], FRAME)
    params = params_near_start(family, X)
    labels = np.zeros(len(X), dtype=np.intp)
    drawn = family.completed(params, X, labels, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn, X)
    np.testing.assert_array_equal(family.expected(params, X), np.repeat(X[:, None], 2, axis=1))
