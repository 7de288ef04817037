"""Starts that the user gives, in part or in whole."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.mixture

from latentia import EM, GaussianMixture, datasets
from latentia.engine import NotConvergedWarning
from latentia.mixture import given

FAITHFUL = datasets.load("faithful").values
KINDS = ["full", "tied", "diag", "spherical"]
MEANS = np.array([[2.0, 55.0], [4.3, 80.0]])
WEIGHTS = np.array([0.25, 0.75])


def _precisions(kind):
    a = np.array([[4.0, -0.1], [-0.1, 0.03]])
    return {
        "full": np.stack([a, 2 * a]),
        "tied": a,
        "diag": np.array([[4.0, 0.03], [5.0, 0.02]]),
        "spherical": np.array([0.5, 0.25]),
    }[kind]


def _start(**given):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        return GaussianMixture(2, max_iter=0, random_state=0, reg_covar=0, **given).fit(FAITHFUL)


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_start_is_where_it_starts(kind):
    precisions = _precisions(kind)
    gm = _start(
        covariance_type=kind,
        weights_init=WEIGHTS,
        means_init=MEANS,
        precisions_init=precisions,
        n_init=5,
    )
    np.testing.assert_array_equal(gm.means_, MEANS)
    np.testing.assert_allclose(gm.weights_, WEIGHTS)
    np.testing.assert_allclose(gm.precisions_, precisions, rtol=1e-9)
    assert len(gm.fit_.climbs) == 1  # the others would be the same


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["kmeans", "random"])
def test_parts_are_kept_and_the_rest_is_made(kind, method):
    precisions = _precisions(kind)
    gm = _start(covariance_type=kind, init_params=method, means_init=MEANS)
    np.testing.assert_array_equal(gm.means_, MEANS)
    assert (gm.weights_ > 0.1).all()
    gm = _start(covariance_type=kind, init_params=method, weights_init=WEIGHTS)
    np.testing.assert_allclose(gm.weights_, WEIGHTS)
    gm = _start(covariance_type=kind, init_params=method, precisions_init=precisions)
    np.testing.assert_allclose(gm.precisions_, precisions, rtol=1e-9)


def test_given_means_decide_the_memberships():
    gm = _start(means_init=MEANS)
    near = np.linalg.norm((FAITHFUL[:, None] - MEANS) / FAITHFUL.std(axis=0), axis=2).argmin(axis=1)
    np.testing.assert_allclose(gm.weights_, np.bincount(near) / len(near))


def test_components_keep_the_numbers_of_the_given_means():
    for means in (MEANS, MEANS[::-1]):
        gm = GaussianMixture(2, means_init=means, random_state=0).fit(FAITHFUL)
        np.testing.assert_array_equal(
            np.argsort(gm.means_[:, 0]), np.argsort(np.asarray(means)[:, 0])
        )


def test_weights_that_sum_to_one_in_single_precision_will_do():
    weights = np.array([1 / 3, 2 / 3], dtype=np.float32)
    gm = _start(weights_init=weights, means_init=MEANS)
    np.testing.assert_allclose(gm.weights_, [1 / 3, 2 / 3], rtol=1e-6)


def test_a_given_covariance_below_the_floor_is_raised():
    with pytest.warns(UserWarning, match="floor"):
        gm = GaussianMixture(
            2,
            reg_covar=1.0,
            weights_init=WEIGHTS,
            means_init=MEANS,
            precisions_init=_precisions("full"),
            max_iter=0,
        ).fit(FAITHFUL)
    assert np.linalg.eigvalsh(gm.covariances_).min() >= 1 - 1e-9


def _bad(kind):
    good = _precisions(kind)
    wrong = {"full": np.eye(2), "tied": np.ones(3), "diag": np.ones(2), "spherical": np.ones(3)}
    negative = {"full": -good, "tied": good * [[1, 1], [-1, 1]], "diag": -good, "spherical": -good}
    return wrong[kind], negative[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_starts_are_refused_in_scikit_learns_words(kind):
    shape, sign = _bad(kind)
    cases = [
        {"means_init": np.ones((3, 2))},
        {"means_init": np.ones((2, 3))},
        {"means_init": MEANS[0]},
        {"weights_init": np.ones(3) / 3},
        {"weights_init": np.array([-0.5, 1.5])},
        {"weights_init": np.array([0.5, 0.6])},
        {"precisions_init": shape},
        {"precisions_init": sign},
        {"means_init": np.array([[np.nan, 1.0], [1.0, 1.0]])},
        {"means_init": "middle"},
    ]
    for case in cases:
        told = []
        for estimator in (GaussianMixture, sklearn.mixture.GaussianMixture):
            with pytest.raises(ValueError) as caught:  # noqa: PT011
                estimator(2, covariance_type=kind, **case).fit(FAITHFUL)
            told.append(str(caught.value).replace("GaussianMixture", ""))
        assert told[0][:40] == told[1][:40], case


def test_an_empty_component_that_is_given_stays_empty():
    gm = GaussianMixture(
        2,
        weights_init=[1.0, 0.0],
        means_init=MEANS,
        precisions_init=_precisions("full"),
        em=EM(tol=1e-8),
    ).fit(FAITHFUL)
    np.testing.assert_array_equal(gm.weights_, [1.0, 0.0])
    np.testing.assert_allclose(gm.means_[0], FAITHFUL.mean(axis=0), rtol=1e-6)
    assert "weights[1]" in gm.certificate_.on_boundary
    assert np.isfinite(gm.score_samples(FAITHFUL)).all()


def test_rows_that_another_fit_has_looked_at_make_the_same_fit():
    frame = pd.DataFrame(datasets.load("faithful").values, columns=["eruptions", "waiting"])
    weights = np.random.default_rng(0).integers(1, 4, size=len(frame))
    plain = GaussianMixture(2, random_state=0).fit(frame, sample_weight=weights)
    seen = given.looked_at(GaussianMixture(2), frame, weights)
    alone, beside = (
        GaussianMixture(2).fit_from(begin, frame, sample_weight=weights)
        for begin in (
            given.Beginning(plain.fit_.params),
            given.Beginning(plain.fit_.params, seen),
        )
    )
    assert beside.loglik_ == alone.loglik_
    np.testing.assert_array_equal(beside.covariances_, alone.covariances_)
    assert beside.feature_names_in_.tolist() == ["eruptions", "waiting"]
    assert beside.n_features_in_ == 2
    again = pickle.loads(pickle.dumps(given.Beginning(plain.fit_.params, seen)))
    assert again.seen is None  # rows do not travel twice
    np.testing.assert_array_equal(again.params.weights, plain.fit_.params.weights)
