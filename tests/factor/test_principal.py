import pickle
import warnings

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA
from sklearn.utils.estimator_checks import parametrize_with_checks

import latentia
from latentia import ProbabilisticPCA, datasets, select
from latentia.factor import principal_errors
from latentia.mixture import DataWarning


def simulated(n=300, d=6, q=2, holes=0.0, seed=0):
    rng = np.random.default_rng(seed)
    x = 2 * rng.normal(size=(n, q)) @ rng.normal(size=(q, d)) + rng.normal(size=(n, d)) + 5
    x[rng.random(x.shape) < holes] = np.nan
    return x


@parametrize_with_checks([ProbabilisticPCA(), ProbabilisticPCA(0)])
def test_conventions(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        check(estimator)


@pytest.mark.parametrize("q", [0, 1, 2, 5])
def test_without_holes_it_is_scikit_learns(q):
    x = simulated()
    n = len(x)
    ours, theirs = ProbabilisticPCA(q).fit(x), PCA(q).fit(x)
    theirs.explained_variance_ *= (n - 1) / n  # the divisor of maximum likelihood
    theirs.noise_variance_ *= (n - 1) / n
    assert ours.score(x) == pytest.approx(theirs.score(x), abs=1e-10)
    np.testing.assert_allclose(ours.score_samples(x), theirs.score_samples(x), atol=1e-8)
    np.testing.assert_allclose(ours.explained_variance_, theirs.explained_variance_, rtol=1e-10)
    np.testing.assert_allclose(np.abs(ours.components_), np.abs(theirs.components_), atol=1e-10)
    np.testing.assert_allclose(np.abs(ours.transform(x)), np.abs(theirs.transform(x)), atol=1e-9)
    np.testing.assert_allclose(ours.get_covariance(), theirs.get_covariance(), atol=1e-10)
    np.testing.assert_allclose(ours.get_precision() @ ours.get_covariance(), np.eye(6), atol=1e-12)


def test_minkas_number_is_scikit_learns():
    for seed in range(5):
        x = simulated(60, 8, 3, seed=seed)
        theirs = PCA("mle", svd_solver="full").fit(x).n_components_
        assert ProbabilisticPCA("mle").fit(x).n_components_ == theirs
    iris = datasets.load("iris").values
    assert ProbabilisticPCA("mle").fit(iris).n_components_ == PCA("mle").fit(iris).n_components_


def test_bic_is_that_of_the_sweep():
    x = simulated(200)
    swept = select(ProbabilisticPCA(), x, {"n_components": range(6)})
    assert swept.best_settings == {"n_components": ProbabilisticPCA("bic").fit(x).n_components_}


def test_the_likelihood_is_that_of_the_cells_that_were_seen():
    x = simulated(100, holes=0.3)
    pca = ProbabilisticPCA(2).fit(x)
    covariance, told = pca.get_covariance(), []
    for row in x:
        k = ~np.isnan(row)
        part = covariance[np.ix_(k, k)]
        told.append(multivariate_normal.logpdf(row[k], pca.mean_[k], part) if k.any() else 0.0)
    np.testing.assert_allclose(pca.score_samples(x), told, atol=1e-9)
    assert pca.loglik_ == pytest.approx(sum(told), abs=1e-8)


def test_holes_leave_a_maximum():
    x = simulated(150, holes=0.25)
    pca = ProbabilisticPCA(2, tol=1e-10).fit(x)
    rng = np.random.default_rng(0)
    params = pca.fit_.params
    for _ in range(20):  # nothing nearby is higher
        near = params._replace(
            mean=params.mean + 0.01 * rng.normal(size=6),
            loadings=params.loadings + 0.01 * rng.normal(size=(6, 2)),
            noise=params.noise * np.exp(0.01 * rng.normal()),
        )
        pca._model.e_step(near, pca._data)
        assert pca._model.e_step(near, pca._data).loglik < pca.loglik_


def test_closed_standard_errors_are_those_of_the_observed_information():
    x = simulated(400)
    pca = ProbabilisticPCA(2).fit(x)
    closed = pca.standard_errors()
    params = pca.fit_.params
    known = principal_errors.by_engine(
        pca._model, latentia.data.arrays.RowSource(pca._data), params, "oakes"
    )
    for ours, told in zip(closed[:4], known[:4], strict=True):
        np.testing.assert_allclose(ours, told, rtol=0.02)


def test_little_noise_costs_no_digits():
    x = simulated(60)
    rng = np.random.default_rng(0)
    x = (x - x.mean(axis=0)) @ np.diag([1, 1, 1, 0, 0, 0]) + 1e-4 * rng.normal(size=x.shape)
    pca = ProbabilisticPCA(3).fit(x)
    told = multivariate_normal.logpdf(x, pca.mean_, pca.get_covariance())
    assert pca.loglik_ == pytest.approx(told.sum(), abs=1e-3)
    assert pca.noise_variance_ == pytest.approx(1e-8, rel=0.3)


def test_weights_count_rows():
    x = simulated(80, holes=0.2)
    counts = np.random.default_rng(1).integers(0, 4, size=80)
    weighted = ProbabilisticPCA(2, tol=1e-9).fit(x, sample_weight=counts)
    repeated = ProbabilisticPCA(2, tol=1e-9).fit(np.repeat(x, counts, axis=0))
    np.testing.assert_allclose(weighted.components_, repeated.components_, atol=1e-4)
    assert weighted.loglik_ == pytest.approx(repeated.loglik_, abs=1e-7)


def test_imputation_is_the_conditional_expectation_and_draws_vary_about_it():
    x = simulated(200, holes=0.3)
    pca = ProbabilisticPCA(2, random_state=0).fit(x)
    filled, known = pca.impute(x), ~np.isnan(x)
    np.testing.assert_array_equal(filled[known], x[known])
    i = int(np.flatnonzero((~known).any(axis=1) & known.any(axis=1))[0])
    k, covariance = known[i], pca.get_covariance()
    slope = np.linalg.solve(covariance[np.ix_(k, k)], covariance[np.ix_(k, ~k)])
    told = pca.mean_[~k] + (x[i, k] - pca.mean_[k]) @ slope
    np.testing.assert_allclose(filled[i, ~k], told, atol=1e-10)
    left = covariance[np.ix_(~k, ~k)] - covariance[np.ix_(~k, k)] @ slope
    draws = (
        ProbabilisticPCA(2, random_state=0)
        .fit(x)
        .impute(np.repeat(x[[i]], 4000, axis=0), draw=True)
    )
    np.testing.assert_allclose(np.cov(draws[:, ~k].T).ravel(), left.ravel(), atol=0.25 * left.max())


def test_transform_and_back():
    x = simulated(100, holes=0.2)
    for whiten in (False, True):
        pca = ProbabilisticPCA(2, whiten=whiten).fit(x)
        z = pca.transform(x)
        flat = pca.inverse_transform(z)
        np.testing.assert_allclose(pca.transform(flat), z, atol=1e-9)


def test_files_and_pickles_keep_the_fit(tmp_path):
    x = simulated(100, holes=0.1)
    pca = ProbabilisticPCA(2).fit(x)
    pca.standard_errors()
    pca.save(tmp_path / "pca.safetensors")
    for again in (latentia.load(tmp_path / "pca.safetensors"), pickle.loads(pickle.dumps(pca))):
        np.testing.assert_array_equal(again.components_, pca.components_)
        np.testing.assert_array_equal(again.impute(x), pca.impute(x))
        assert again.parameter_table() == pca.parameter_table()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"n_components": 6}, "n_components=6 for rows of n_features=6, expected at most 5"),
        ({"n_components": "bic"}, "for rows with holes"),
    ],
)
def test_numbers_that_cannot_be(settings, told):
    with pytest.raises(ValueError, match=told):
        ProbabilisticPCA(**settings).fit(simulated(50, holes=0.1))


def test_rows_in_a_plane_leave_nothing_for_the_noise():
    x = simulated(50)
    x[:, 5] = x[:, 0] - x[:, 1]
    with pytest.raises(ValueError, match=r"vary in 5 directions.*up to 4 can be estimated"):
        ProbabilisticPCA(5).fit(x)
    assert np.isfinite(ProbabilisticPCA(4).fit(x).loglik_)


def test_columns_never_seen_together_are_named():
    x = simulated(200)
    x[:100, 0], x[100:, 3] = np.nan, np.nan
    with pytest.warns(DataWarning, match="'x0' and 'x3' are never seen together"):
        assert np.isfinite(ProbabilisticPCA(2, tol=1e-2).fit(x).loglik_)


def test_a_thousand_parameters_too_many_are_said_to_be():
    x = simulated(40, 350, 5, holes=0.05)
    errors = ProbabilisticPCA(5, max_iter=0).fit(x).standard_errors()
    assert "too many" in errors.note
    assert np.isnan(errors.mean).all()


def test_a_summary_names_components_and_noise():
    told = str(ProbabilisticPCA(2).fit(simulated(200)).summary())
    for word in ("component 1", "each other", "noise", "converged"):
        assert word in told


@pytest.mark.parametrize("unit", [1e-140, 1e140])
def test_standard_errors_keep_to_any_unit(unit):
    x = np.random.default_rng(0).normal(size=(100, 5)) * [3, 2, 1, 1, 1]
    errors = ProbabilisticPCA(2).fit(x).standard_errors()
    moved = ProbabilisticPCA(2).fit(x * unit).standard_errors()
    np.testing.assert_allclose(moved.components, errors.components, rtol=1e-6)
    np.testing.assert_allclose(moved.mean / unit, errors.mean, rtol=1e-6)
    np.testing.assert_allclose(moved.noise_variance / unit / unit, errors.noise_variance, rtol=1e-6)
