"""scikit-learn's own conformance checks, and its habits that they do not cover."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn.mixture
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from latentia import EM, GaussianMixture, datasets

FAITHFUL = datasets.load("faithful").values
KINDS = ["full", "tied", "diag", "spherical"]


@parametrize_with_checks([GaussianMixture(covariance_type=kind) for kind in KINDS])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@parametrize_with_checks([GaussianMixture(2, em=EM(tol=1e-4), reg_covar=1e-5)])
def test_scikit_learn_conventions_with_settings(estimator, check):
    check(estimator)


def test_signature_and_defaults_are_the_originals():
    ours, theirs = GaussianMixture().get_params(), sklearn.mixture.GaussianMixture().get_params()
    assert [ours.pop(name) for name in ("prior", "noise", "em")] == [None] * 3
    assert ours == theirs
    assert list(GaussianMixture.__init__.__kwdefaults__)[:-3] == list(
        sklearn.mixture.GaussianMixture.__init__.__kwdefaults__
    )


@pytest.mark.parametrize("kind", KINDS)
def test_public_attributes_have_the_originals_shapes_and_types(kind):
    ours = GaussianMixture(3, covariance_type=kind, random_state=0).fit(FAITHFUL)
    theirs = sklearn.mixture.GaussianMixture(3, covariance_type=kind, random_state=0).fit(FAITHFUL)
    for name in (name for name in vars(theirs) if name.endswith("_")):
        one, other = getattr(ours, name), getattr(theirs, name)
        assert np.shape(one) == np.shape(other) or name == "lower_bounds_", name
        assert np.asarray(one).dtype == np.asarray(other).dtype, name
    for name in ("predict", "predict_proba", "score_samples"):
        one, other = getattr(ours, name)(FAITHFUL), getattr(theirs, name)(FAITHFUL)
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
    for name in ("score", "aic", "bic"):
        assert isinstance(getattr(ours, name)(FAITHFUL), float)
    one, other = ours.sample(7), theirs.sample(7)
    assert [(a.shape, a.dtype) for a in one] == [(a.shape, a.dtype) for a in other]


def test_every_public_method_of_the_original_is_there():
    def public(kind):
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(sklearn.mixture.GaussianMixture) <= public(GaussianMixture)


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_in_gives_single_precision_out(kind):
    x = FAITHFUL.astype(np.float32)
    gm = GaussianMixture(2, covariance_type=kind, random_state=0).fit(x)
    for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        assert getattr(gm, name).dtype == np.float32, name
    double = GaussianMixture(2, covariance_type=kind, random_state=0).fit(x.astype(float))
    np.testing.assert_allclose(gm.means_, double.means_, rtol=1e-6)
    assert gm.loglik_ == double.loglik_  # sums are in double precision
    for rows in (x, pd.DataFrame(x), pl.DataFrame(x)):
        assert gm.score_samples(rows).dtype == gm.predict_proba(rows).dtype == np.float32
    for fitted, rows in ((gm, x.astype(float)), (double, x), (gm, x.tolist())):
        assert fitted.score_samples(rows).dtype == fitted.predict_proba(rows).dtype == np.float64
    np.testing.assert_allclose(gm.score_samples(x), double.score_samples(x), rtol=1e-4, atol=1e-4)


def test_nested_settings():
    gm = GaussianMixture(2, em=EM(tol=1e-7))
    assert gm.get_params()["em__tol"] == 1e-7
    gm.set_params(em__tol=1e-4, em__accelerate="none")
    assert (gm.em.tol, gm.em.accelerate) == (1e-4, "none")
    copy = clone(gm)
    assert copy.get_params()["em__tol"] == 1e-4
    assert copy.em is not gm.em
    search = GridSearchCV(
        GaussianMixture(2, random_state=0, em=EM()), {"em__accelerate": ["none", "auto"]}, cv=2
    ).fit(FAITHFUL)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)  # of rows that were left out


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"tol": 1e-3, "max_iter": 100, "starts": 1}),
        ({"em": EM(tol=1e-6, max_iter=7, starts=2)}, {"tol": 1e-6, "max_iter": 7, "starts": 2}),
        (
            {"em": EM(tol=1e-6, max_iter=7, starts=2), "tol": 0.1, "n_init": 3},
            {"tol": 0.1, "max_iter": 7, "starts": 3},
        ),
        ({"em": EM(accelerate="none"), "max_iter": 3}, {"tol": 1e-5, "max_iter": 3}),
    ],
)
def test_arguments_that_differ_from_their_defaults_override_em(given, expected):
    gm = GaussianMixture(2, random_state=0, **given)
    before = gm.get_params()
    with_steps = gm._climb_settings().get_params()
    assert {name: with_steps[name] for name in expected} == expected
    assert gm.get_params() == before  # em itself is not written to


def test_tol_is_read_in_nats_of_the_total():
    gm = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    assert gm.certificate_.tol == 1e-3
    assert gm.loglik_ == pytest.approx(-1130.26396, abs=1e-3)  # mclust 6.0.0, converged


def test_bounds_are_means_per_row():
    gm = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    assert gm.lower_bound_ == pytest.approx(gm.loglik_ / len(FAITHFUL))
    assert gm.lower_bound_ == gm.lower_bounds_[-1] == pytest.approx(gm.score(FAITHFUL))
    assert (np.diff(gm.lower_bounds_) >= -1e-12).all()
    weights = np.full(len(FAITHFUL), 2.5)
    weighted = GaussianMixture(2, random_state=0).fit(FAITHFUL, sample_weight=weights)
    assert weighted.lower_bound_ == pytest.approx(gm.lower_bound_, abs=1e-6)
    assert weighted.loglik_ == pytest.approx(2.5 * gm.loglik_, abs=1e-2)


def test_pickle_and_joblib(tmp_path):
    gm = GaussianMixture(3, random_state=0, em=EM(starts=2)).fit(FAITHFUL)
    errors = gm.standard_errors()  # cannot be had from a pickle, which holds no data
    joblib.dump(gm, tmp_path / "gm.joblib")
    for back in (pickle.loads(pickle.dumps(gm)), joblib.load(tmp_path / "gm.joblib")):
        np.testing.assert_array_equal(back.predict_proba(FAITHFUL), gm.predict_proba(FAITHFUL))
        assert back.get_params().keys() == gm.get_params().keys()
        assert repr(back.certificate_) == repr(gm.certificate_)  # nan is nan here
        assert str(back.summary()) == str(gm.summary())
        np.testing.assert_array_equal(back.standard_errors().means, errors.means)
    assert len(pickle.dumps(gm)) < 60_000  # the data are not inside
    large = GaussianMixture(2, random_state=0).fit(np.tile(FAITHFUL, (40, 1)))
    assert len(pickle.dumps(large)) < 60_000


def test_unfitted_ones_pickle_and_say_so():
    back = pickle.loads(pickle.dumps(GaussianMixture(3)))
    assert back.n_components == 3
    for use in (
        lambda: back.predict(FAITHFUL),
        lambda: back.sample(),
        lambda: back.bic(FAITHFUL),
        back.standard_errors,
        back.summary,
        back.criteria,
        back.smallest_variance,
        lambda: back.save("model"),
        lambda: back.plot,
    ):
        with pytest.raises(NotFittedError, match="not fitted"):
            use()


def test_fit_predict_is_fit_and_predict():
    for n_init in (1, 3):
        settings = {"n_components": 3, "n_init": n_init, "random_state": 0}
        labels = GaussianMixture(**settings).fit_predict(FAITHFUL)
        np.testing.assert_array_equal(
            labels, GaussianMixture(**settings).fit(FAITHFUL).predict(FAITHFUL)
        )


def test_names_of_columns_are_kept_and_checked():
    frame = pd.DataFrame(FAITHFUL, columns=["eruptions", "waiting"])
    gm = GaussianMixture(2, random_state=0).fit(frame)
    np.testing.assert_array_equal(gm.feature_names_in_, ["eruptions", "waiting"])
    assert gm.n_features_in_ == 2
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        gm.predict(FAITHFUL)
    with pytest.raises(ValueError, match="feature names should match"):
        gm.predict(frame.rename(columns={"waiting": "wait"}))
    with pytest.raises(ValueError, match="3 features, but GaussianMixture is expecting 2"):
        GaussianMixture(2).fit(FAITHFUL).predict(np.ones((4, 3)))


def test_pipelines_and_cross_validation():
    pipe = make_pipeline(StandardScaler(), GaussianMixture(2, random_state=0))
    scores = cross_val_score(pipe, FAITHFUL, cv=3)
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()
    assert len(np.unique(pipe.fit_predict(FAITHFUL))) == 2


def test_refitting_forgets():
    gm = GaussianMixture(3, random_state=0).fit(FAITHFUL)
    gm.set_params(n_components=2).fit(FAITHFUL[:, :1])
    fresh = GaussianMixture(2, random_state=0).fit(FAITHFUL[:, :1])
    np.testing.assert_array_equal(gm.means_, fresh.means_)
    assert gm.n_features_in_ == 1


def test_the_data_are_not_changed():
    x, weights = FAITHFUL.copy(), np.full(len(FAITHFUL), 2.0)
    x.setflags(write=False)
    weights.setflags(write=False)
    gm = GaussianMixture(2, random_state=0).fit(x, sample_weight=weights)
    gm.predict_proba(x)
    gm.standard_errors()


def test_random_state_as_in_the_original():
    by_seed = GaussianMixture(3, init_params="random", random_state=5).fit(FAITHFUL)
    again = GaussianMixture(3, init_params="random", random_state=np.random.RandomState(5)).fit(
        FAITHFUL
    )
    np.testing.assert_array_equal(by_seed.means_, again.means_)
    shared = np.random.RandomState(5)
    settings = {"init_params": "random", "random_state": shared, "max_iter": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        one = GaussianMixture(3, **settings).fit(FAITHFUL)
        two = GaussianMixture(3, **settings).fit(FAITHFUL)
    assert not np.array_equal(one.means_, two.means_)  # the generator moves on


@pytest.mark.parametrize(
    ("verbose", "expected"),
    [(0, []), (1, ["Initialization 0", "  Iteration 2"]), (2, ["Initialization 0", "ll change"])],
)
def test_verbose_prints_as_the_original_does(capsys, verbose, expected):
    GaussianMixture(3, random_state=0, verbose=verbose, verbose_interval=2).fit(FAITHFUL)
    out = capsys.readouterr().out
    assert bool(out) == bool(expected)
    assert all(word in out for word in expected)
    if verbose:
        assert out.rstrip().endswith("Initialization converged: True")


def test_not_converging_is_the_originals_warning():
    with pytest.warns(ConvergenceWarning, match="Best performing initialization did not converge"):
        gm = GaussianMixture(3, max_iter=1, random_state=0).fit(FAITHFUL)
    assert not gm.converged_
    assert gm.n_iter_ == 1
