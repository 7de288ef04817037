"""GaussianMixture: recorded results of other software, drop-in behaviour, and bad input."""

import pickle

import numpy as np
import pytest
import sklearn.mixture
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

import latentia
from latentia import EM, GaussianMixture, check_model, datasets, select
from latentia.data.arrays import Frame, Rows
from latentia.engine import Status
from latentia.families.covariance import STRUCTURES
from latentia.families.gaussian import Gaussian, GaussianParams
from latentia.mixture import MixtureModel
from latentia.mixture.start import guesses

FAITHFUL = datasets.load("faithful").values
IRIS = datasets.load("iris").values
KINDS = ["full", "tied", "diag", "spherical"]


@parametrize_with_checks([GaussianMixture(covariance_type=kind) for kind in KINDS])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_keeps_the_contract(kind):
    rows = Rows.of(np.random.default_rng(1).normal(size=(60, 3)) * [1, 10, 0.1])
    frame = Frame.of(rows)
    model = MixtureModel(
        Gaussian(3, STRUCTURES[kind], frame),
        3,
        lambda rows, rng: guesses(rows, 3, "random", rng),
        lambda rows: Rows((rows.x - frame.origin) / frame.scale, rows.weights),
    )
    check_model(model, rows)


@pytest.mark.parametrize("seed", range(8))
def test_old_faithful_whatever_the_start(seed):
    # mclust 6.0.0 VVV G=2, converged; EEE G=3, converged
    settings = EM(tol=1e-9, max_iter=2000)
    two = GaussianMixture(2, init_params="random_from_data", random_state=seed, em=settings)
    assert two.fit(FAITHFUL).loglik_ == pytest.approx(-1130.26396, abs=1e-5)
    three = GaussianMixture(3, covariance_type="tied", n_init=6, random_state=seed, em=settings)
    assert three.fit(FAITHFUL).loglik_ == pytest.approx(-1126.315928, abs=1e-5)


def test_other_recorded_maxima():
    # mclust 6.0.0, converged
    settings = EM(tol=1e-9, max_iter=5000)
    galaxies = datasets.load("galaxies").values
    v3 = GaussianMixture(3, n_init=20, random_state=0, em=settings).fit(galaxies)
    assert v3.loglik_ >= -203.1792 - 1e-4  # V, G=3
    acidity = datasets.load("acidity").values
    e2 = GaussianMixture(2, covariance_type="tied", random_state=0, em=settings).fit(acidity)
    assert e2.loglik_ == pytest.approx(-185.9493, abs=1e-4)  # E, G=2
    diabetes = datasets.load("diabetes").values
    vvv = GaussianMixture(3, n_init=10, random_state=0, em=settings).fit(diabetes)
    assert vvv.loglik_ == pytest.approx(-2303.49184, abs=1e-4)  # VVV, G=3


def test_the_winner_among_four_types():
    chosen = select(
        GaussianMixture(n_init=6, random_state=0, em=EM(tol=1e-6)),
        FAITHFUL,
        {"n_components": range(1, 6), "covariance_type": KINDS},
    )
    assert chosen.best_settings == {"n_components": 3, "covariance_type": "tied"}
    assert chosen.candidates[chosen.best].bic == pytest.approx(2314.2957, abs=1e-3)  # mclust
    assert chosen.candidates[chosen.best].status is Status.CONVERGED


@pytest.mark.parametrize("kind", KINDS)
def test_twenty_plain_steps_are_scikit_learns(kind):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(500, 3)) + rng.integers(0, 3, size=(500, 1))
    means, weights = x[:3], np.full(3, 1 / 3)
    shape = {"full": np.stack([np.eye(3)] * 3), "tied": np.eye(3)}
    precisions = shape.get(kind, np.ones((3, 3) if kind == "diag" else 3))
    given = {
        "n_components": 3,
        "covariance_type": kind,
        "reg_covar": 0,
        "weights_init": weights,
        "means_init": means,
        "precisions_init": precisions,
    }
    with pytest.warns(ConvergenceWarning):
        theirs = sklearn.mixture.GaussianMixture(**given, max_iter=20, tol=0).fit(x)
    plain = EM(accelerate="none", tol=0, max_iter=20)
    with pytest.warns(ConvergenceWarning):
        ours = GaussianMixture(**given, em=plain).fit(x)
    for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-9)
    np.testing.assert_allclose(ours.score_samples(x), theirs.score_samples(x), atol=1e-9)
    assert ours.bic(x) == pytest.approx(theirs.bic(x))
    assert ours.aic(x) == pytest.approx(theirs.aic(x))


def test_log_density_is_scipys():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3)) * [1, 100, 0.01]
    frame = Frame.of(Rows.of(x))
    covariance = np.cov(x.T)
    family = Gaussian(1, STRUCTURES["full"], frame)
    got = family.log_density(
        GaussianParams(x[:1], covariance[None]), (x - frame.origin) / frame.scale
    )
    np.testing.assert_allclose(got[:, 0], multivariate_normal(x[0], covariance).logpdf(x), 1e-12)


def _loglik(flat, x, k):
    """The likelihood in plain coordinates: K-1 weights, means, lower triangles."""
    d = x.shape[1]
    rows, columns = np.tril_indices(d)
    weights = np.append(flat[: k - 1], 1 - flat[: k - 1].sum())
    means = flat[k - 1 : k - 1 + k * d].reshape(k, d)
    density = np.zeros(len(x))
    for i, triangle in enumerate(flat[k - 1 + k * d :].reshape(k, -1)):
        covariance = np.zeros((d, d))
        covariance[rows, columns] = covariance[columns, rows] = triangle
        density += weights[i] * multivariate_normal(means[i], covariance).pdf(x)
    return float(np.log(density).sum())


def _hessian(function, at, steps):
    """Central differences, extrapolated once."""

    def plain(h):
        p = len(at)
        out = np.empty((p, p))
        e = np.diag(h)
        for i in range(p):
            for j in range(i + 1):
                corners = [function(at + a * e[i] + b * e[j]) for a in (1, -1) for b in (1, -1)]
                out[i, j] = out[j, i] = (corners[0] - corners[1] - corners[2] + corners[3]) / (
                    4 * h[i] * h[j]
                )
        return out

    return (4 * plain(steps) - plain(2 * steps)) / 3


@pytest.mark.parametrize(("name", "k"), [("faithful", 2), ("iris", 2)])
def test_standard_errors_are_those_of_a_numerical_hessian(name, k):
    x = datasets.load(name).values
    gm = GaussianMixture(k, random_state=0, em=EM(tol=1e-10)).fit(x)
    se = gm.standard_errors()
    d = x.shape[1]
    rows, columns = np.tril_indices(d)
    flat = np.concatenate(
        [gm.weights_[:-1], gm.means_.ravel(), gm.covariances_[:, rows, columns].ravel()]
    )
    ours = np.concatenate(
        [se.weights[:-1], se.means.ravel(), se.covariances[:, rows, columns].ravel()]
    )
    hessian = _hessian(lambda at: _loglik(at, x, k), flat, 0.004 * ours)
    theirs = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_weights_are_replication():
    counts = np.random.default_rng(0).integers(0, 4, size=len(FAITHFUL))
    settings = {"n_components": 3, "random_state": 0, "em": EM(tol=1e-9)}
    weighted = GaussianMixture(**settings).fit(FAITHFUL, sample_weight=counts)
    repeated = GaussianMixture(**settings).fit(np.repeat(FAITHFUL, counts, axis=0))
    assert weighted.loglik_ == pytest.approx(repeated.loglik_, rel=1e-10)
    np.testing.assert_allclose(weighted.means_, repeated.means_, rtol=1e-5)


@pytest.mark.parametrize(("shift", "scale"), [(1e8, 1.0), (0.0, 1e-6), (0.0, 1e6), (0.0, 1e100)])
def test_origin_and_unit_do_not_matter(shift, scale):
    settings = {"n_components": 2, "reg_covar": 0, "random_state": 0, "em": EM(tol=1e-9)}
    gm = GaussianMixture(**settings).fit(FAITHFUL * scale + shift)
    expected = -1130.26396 - FAITHFUL.size * np.log(scale)
    assert gm.loglik_ == pytest.approx(expected, abs=1e-4)


def test_bad_input_gets_a_sentence():
    gm = GaussianMixture(2)
    holed = FAITHFUL.copy()
    holed[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN at row 3, column 1"):
        gm.fit(holed)
    holed[3, 1] = np.inf
    with pytest.raises(ValueError, match=r"inf .* at row 3, column 1"):
        gm.fit(holed)
    with pytest.raises(ValueError, match="n_samples >= n_components"):
        GaussianMixture(9).fit(FAITHFUL[:5])
    with pytest.raises(ValueError, match=r"sample_weight\[0\] = -1"):
        gm.fit(FAITHFUL, sample_weight=-np.ones(len(FAITHFUL)))
    with pytest.raises(ValueError, match="zero everywhere"):
        gm.fit(FAITHFUL, sample_weight=np.zeros(len(FAITHFUL)))
    constant = np.c_[FAITHFUL, np.ones(len(FAITHFUL))]
    with pytest.raises(ValueError, match="Column 2 is constant"):
        GaussianMixture(2, reg_covar=0).fit(constant)
    with pytest.warns(latentia.mixture.DataWarning, match="column 2 is constant"):
        gm.fit(constant)


@pytest.mark.parametrize("kind", KINDS)
def test_duplicates_that_collapse_a_component(kind):
    rows = np.repeat([[0.0, 0], [1, 1], [5, 5], [9, 1]], 10, axis=0)
    settings = {"n_components": 4, "covariance_type": kind, "random_state": 0}
    with pytest.raises(ValueError, match="ill-defined empirical covariance"):
        GaussianMixture(**settings, reg_covar=0).fit(rows)
    quiet = EM(on_degenerate="status")
    assert (
        GaussianMixture(**settings, reg_covar=0, em=quiet).fit(rows).fit_.status
        is Status.DEGENERATE
    )
    assert GaussianMixture(**settings).fit(rows).certificate_.active_floors


def test_many_warm_steps_are_one_long_fit():
    one = GaussianMixture(3, random_state=0, em=EM(tol=1e-8)).fit(FAITHFUL)
    bit = GaussianMixture(3, random_state=0, tol=1e-8, max_iter=1, warm_start=True)
    for _ in range(300):
        with np.errstate(all="ignore"):
            import warnings

            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                bit.fit(FAITHFUL)
        if bit.converged_:
            break
    assert bit.converged_
    assert bit.loglik_ == pytest.approx(one.loglik_, abs=1e-6)


def test_files_pickles_and_clones(tmp_path):
    gm = GaussianMixture(2, random_state=0, em=EM(tol=1e-7)).fit(FAITHFUL.astype(np.float32))
    assert gm.means_.dtype == np.float32
    se = gm.standard_errors()
    gm.save(tmp_path / "m.safetensors")
    for back in (latentia.load(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(gm))):
        np.testing.assert_array_equal(back.predict_proba(FAITHFUL), gm.predict_proba(FAITHFUL))
        np.testing.assert_array_equal(back.standard_errors().means, se.means)
        assert back.certificate_ == gm.certificate_
        assert back.criteria() == pytest.approx(gm.criteria())
    assert clone(gm).get_params()["em__tol"] == 1e-7
    x, y = gm.sample(50)
    assert x.shape == (50, 2)
    assert y.shape == (50,)
