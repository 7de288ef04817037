"""partial_fit: a step a batch, conventions of scikit-learn, and what comes before and after."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import latentia
from latentia import EM, GaussianMixture, datasets
from latentia.data.arrays import Rows

FAITHFUL = datasets.load("faithful").values
KINDS = ["full", "tied", "diag", "spherical"]
every_kind = pytest.mark.parametrize("kind", KINDS)
MEANS = np.array([[0.0, 0.0], [4.0, 1.0], [1.0, 5.0]])
SHARES = np.array([0.5, 0.3, 0.2])


def _rows(n, seed=0):
    rng = np.random.default_rng(seed)
    return MEANS[rng.choice(3, size=n, p=SHARES)] + rng.normal(size=(n, 2))


def _in_batches(gm, x, size, weights=None):
    for at in range(0, len(x), size):
        w = None if weights is None else weights[at : at + size]
        gm.partial_fit(x[at : at + size], sample_weight=w)
    return gm


def _order(gm):
    return np.argsort(-gm.weights_)


@every_kind
def test_one_batch_is_one_em_step_from_the_start_of_fit(kind):
    settings = {"covariance_type": kind, "random_state": 0}
    online = GaussianMixture(3, **settings).partial_fit(FAITHFUL)
    with pytest.warns(UserWarning, match="did not converge"):
        step = GaussianMixture(3, max_iter=1, em=EM(accelerate="none"), **settings).fit(FAITHFUL)
    for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        np.testing.assert_allclose(
            getattr(online, name), getattr(step, name), rtol=1e-9, atol=1e-12
        )
    assert online.score(FAITHFUL) == pytest.approx(step.score(FAITHFUL), abs=1e-12)


@every_kind
def test_a_stream_leads_to_the_truth(kind):
    gm = _in_batches(GaussianMixture(3, covariance_type=kind, random_state=0), _rows(40_000), 500)
    order = _order(gm)
    np.testing.assert_allclose(gm.weights_[order], SHARES, atol=0.03)
    np.testing.assert_allclose(gm.means_[order], MEANS, atol=0.15)
    np.testing.assert_allclose(
        gm.covariance_matrices(), np.broadcast_to(np.eye(2), (3, 2, 2)), atol=0.15
    )
    assert gm.n_samples_seen_ == 40_000


def test_single_rows_after_a_first_batch_are_enough():
    x = _rows(1500)
    gm = GaussianMixture(3, random_state=0).partial_fit(x[:30])
    early = gm.score(x)
    _in_batches(gm, x[30:], 1)
    full = GaussianMixture(3, random_state=0).fit(x).score(x)
    assert gm.score(x) > early
    assert full - 0.1 < gm.score(x) <= full


def test_every_batch_leaves_a_usable_estimator():
    x = _rows(600)
    gm = GaussianMixture(3, random_state=0)
    for at in range(0, 600, 5):
        gm.partial_fit(x[at : at + 5])
        assert gm.predict_proba(x).sum(axis=1) == pytest.approx(np.ones(600))
        assert np.isfinite(gm.score(x))
        assert np.isfinite(gm.bic(x))
        assert gm.weights_.sum() == pytest.approx(1)
        np.linalg.cholesky(gm.covariances_)
    assert gm.sample(4)[0].shape == (4, 2)


def test_weights_are_replication():
    x, counts = _rows(900), np.random.default_rng(1).integers(0, 4, size=900)
    one = GaussianMixture(3, random_state=0)
    other = GaussianMixture(3, random_state=0)
    for at in range(0, 900, 300):
        batch, n = x[at : at + 300], counts[at : at + 300]
        one.partial_fit(batch, sample_weight=n)
        other.partial_fit(np.repeat(batch, n, axis=0))
    np.testing.assert_allclose(one.means_, other.means_, rtol=1e-8)
    np.testing.assert_allclose(one.covariances_, other.covariances_, rtol=1e-8)
    assert one.n_samples_seen_ == other.n_samples_seen_ == counts.sum()


def test_fit_starts_anew():
    x = _rows(1000)
    used = _in_batches(GaussianMixture(3, random_state=0), x + 100, 250).fit(x)
    fresh = GaussianMixture(3, random_state=0).fit(x)
    np.testing.assert_array_equal(used.means_, fresh.means_)
    assert used.loglik_ == fresh.loglik_
    assert not hasattr(used, "n_samples_seen_")


def test_after_a_fit_its_rows_count_as_a_batch():
    x, more = _rows(2000), _rows(2000, 1)
    gm = GaussianMixture(3, random_state=0).fit(x)
    before = gm.means_.copy()
    gm.partial_fit(more)
    assert gm.n_samples_seen_ == 4000
    both = GaussianMixture(3, random_state=0).fit(np.vstack([x, more]))
    order, wanted = _order(gm), _order(both)
    short, old = (np.abs(means[order] - both.means_[wanted]).max() for means in (gm.means_, before))
    assert short < 0.7 * old


def test_what_only_a_fit_can_say_is_gone():
    gm = GaussianMixture(2, random_state=0).fit(FAITHFUL).partial_fit(FAITHFUL[:50])
    for name in ("loglik_", "certificate_", "converged_", "n_iter_", "fit_", "lower_bound_"):
        assert not hasattr(gm, name), name
    for ask in (gm.standard_errors, gm.summary, gm.criteria):
        with pytest.raises(NotFittedError):
            ask()


def test_a_fit_from_a_file_has_no_statistics_to_go_on_from(tmp_path):
    GaussianMixture(2, random_state=0).fit(FAITHFUL).save(tmp_path / "model.safetensors")
    loaded = latentia.load(tmp_path / "model.safetensors")
    with pytest.raises(NotFittedError, match="came from a file or collapsed has no statistics"):
        loaded.partial_fit(FAITHFUL)
    assert np.isfinite(loaded.score(FAITHFUL))


def test_a_pickled_estimator_goes_on_where_it_was_and_a_clone_does_not():
    x = _rows(600)
    gm = GaussianMixture(3, random_state=0).partial_fit(x[:300])
    copy = pickle.loads(pickle.dumps(gm))
    np.testing.assert_array_equal(copy.partial_fit(x[300:]).means_, gm.partial_fit(x[300:]).means_)
    assert not hasattr(clone(gm).partial_fit(x[:50]), "fit_")
    assert clone(gm).partial_fit(x[:50]).n_samples_seen_ == 50


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_names_and_width_are_those_of_the_first_batch():
    frame = pd.DataFrame(FAITHFUL, columns=["eruptions", "waiting"])
    gm = GaussianMixture(2, random_state=0).partial_fit(frame)
    assert gm.n_features_in_ == 2
    assert list(gm.feature_names_in_) == ["eruptions", "waiting"]
    means = gm.means_.copy()
    with pytest.raises(ValueError, match="feature names should match"):
        gm.partial_fit(frame.rename(columns={"waiting": "pause"}))
    with pytest.raises(ValueError, match="X has 3 features, but GaussianMixture is expecting 2"):
        gm.partial_fit(np.ones((5, 3)))
    with pytest.raises(ValueError, match=r"contains inf .infinity. at row 1, column 'waiting'"):
        gm.partial_fit(frame.assign(waiting=[1, np.inf] + [2.0] * 270))
    with pytest.raises(ValueError, match=r"got sample_weight of shape \(3,\), expected \(272,\)"):
        gm.partial_fit(frame, sample_weight=[1, 2, 3])
    np.testing.assert_array_equal(gm.means_, means)
    assert gm.n_samples_seen_ == 272


def test_a_first_batch_smaller_than_the_components_is_refused():
    gm = GaussianMixture(5, random_state=0)
    with pytest.raises(ValueError, match=r"n_components = 5, n_samples = 3; give more rows"):
        gm.partial_fit(FAITHFUL[:3])
    assert gm.partial_fit(FAITHFUL[:100]).n_samples_seen_ == 100


@pytest.mark.parametrize("changed", [{"n_components": 3}, {"covariance_type": "tied"}])
@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
def test_a_setting_that_changes_what_is_estimated_is_refused(changed, begin):
    gm = getattr(GaussianMixture(2, random_state=0), begin)(FAITHFUL)
    gm.set_params(**changed)
    with pytest.raises(ValueError, match="expected the 2 and 'full' of earlier batches"):
        gm.partial_fit(FAITHFUL)


def test_a_collapse_is_said_and_not_taken():
    x = np.vstack([_rows(50), np.full((50, 2), 30.0)])
    gm = GaussianMixture(2, reg_covar=0, random_state=0, means_init=[[1, 1], [30, 30]])
    with pytest.raises(ValueError, match="ill-defined empirical covariance"):
        gm.partial_fit(x)
    assert not hasattr(gm, "means_")
    good = GaussianMixture(2, reg_covar=0, random_state=0).partial_fit(_rows(200))
    before = good.means_.copy()
    far = np.full((5, 2), 1e200)
    with pytest.raises(ValueError, match="ill-defined empirical covariance"):
        good.partial_fit(far)
    np.testing.assert_array_equal(good.means_, before)
    assert good.n_samples_seen_ == 200


def test_single_precision_stays_single():
    gm = _in_batches(GaussianMixture(2, random_state=0), FAITHFUL.astype(np.float32), 136)
    assert gm.means_.dtype == gm.covariances_.dtype == np.float32
    double = _in_batches(GaussianMixture(2, random_state=0), FAITHFUL, 136)
    np.testing.assert_allclose(gm.means_, double.means_, rtol=1e-5)


def test_columns_of_unlike_scale_and_far_from_zero_lose_nothing():
    x = _rows(2000)
    unit, origin = np.array([1e-4, 1e3]), np.array([1e3, -1e7])
    one = _in_batches(GaussianMixture(3, reg_covar=0, random_state=0), x, 500)
    other = _in_batches(GaussianMixture(3, reg_covar=0, random_state=0), x * unit + origin, 500)
    a, b = _order(one), _order(other)
    np.testing.assert_allclose((other.means_[b] - origin) / unit, one.means_[a], atol=1e-3)


def test_the_rows_of_the_first_batch_are_not_kept():
    gm = GaussianMixture(2, random_state=0).partial_fit(FAITHFUL)
    kept = [v for v in vars(gm).values() if isinstance(v, (Rows, np.ndarray)) and len(v) == 272]
    assert not kept
