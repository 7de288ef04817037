"""MixtureDiscriminant: conventions, weights, priors, what cannot be used, what is said."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

import latentia
from latentia import EM, MixtureDiscriminant, datasets
from latentia.engine import NotConvergedWarning

IRIS = datasets.load("iris")
QUICK = {"covariance_types": ("EII", "VVI"), "n_components": (1, 2)}


def _expected_to_fail(estimator):
    """The check leaves a class one row, of which no mixture of its own is to be had."""
    check = "check_sample_weight_equivalence_on_dense_data"
    return {} if estimator.model_type == "EDDA" else {check: "a class of one row"}


@parametrize_with_checks(
    [MixtureDiscriminant("EDDA", covariance_types=("VII", "EEE")), MixtureDiscriminant(**QUICK)],
    expected_failed_checks=_expected_to_fail,
)
def test_scikit_learn_conventions(estimator, check):
    with warnings.catch_warnings():
        # of fifteen rows in thirty columns no mixture is proper
        warnings.simplefilter("ignore", NotConvergedWarning)
        check(estimator)


@pytest.mark.parametrize("model_type", ["EDDA", "MclustDA"])
def test_weights_are_replication_and_order_does_not_matter(model_type):
    rng = np.random.default_rng(2)
    counts = rng.integers(0, 3, size=len(IRIS.values))
    rows = np.repeat(np.arange(len(counts)), counts)
    settings = {**QUICK, "random_state": 0, "em": EM(tol=1e-9), "max_iter": 1000}
    weighted = MixtureDiscriminant(model_type, **settings)
    repeated = MixtureDiscriminant(model_type, **settings)
    weighted.fit(IRIS.values, IRIS.labels, sample_weight=counts)
    rows = rng.permutation(rows)
    repeated.fit(IRIS.values[rows], IRIS.labels[rows])
    assert weighted.loglik_ == pytest.approx(repeated.loglik_, abs=1e-6)
    assert weighted.criteria() == pytest.approx(repeated.criteria(), abs=1e-5)
    np.testing.assert_allclose(weighted.class_prior_, repeated.class_prior_)
    np.testing.assert_allclose(
        weighted.predict_proba(IRIS.values), repeated.predict_proba(IRIS.values), atol=1e-5
    )
    np.testing.assert_array_equal(weighted.confusion_, repeated.confusion_)


@pytest.mark.parametrize("model_type", ["EDDA", "MclustDA"])
@pytest.mark.parametrize("scale", [1e-6, 1e100])
def test_units_do_not_matter(model_type, scale):
    # the floor is wider than the rows in one of these, and holds up none of what could win
    settings = {"covariance_types": ("EII", "EEE", "VVV"), "n_components": (1, 2)}
    plain = MixtureDiscriminant(model_type, **settings, random_state=0)
    plain.fit(IRIS.values, IRIS.labels)
    scaled = MixtureDiscriminant(model_type, **settings, random_state=0)
    scaled.fit(IRIS.values * scale, IRIS.labels)
    assert scaled.covariance_types_ == plain.covariance_types_
    assert scaled.loglik_ + IRIS.values.size * np.log(scale) == pytest.approx(
        plain.loglik_, abs=0.01
    )
    np.testing.assert_array_equal(scaled.predict(IRIS.values * scale), plain.predict(IRIS.values))


def test_given_priors_move_the_odds_by_their_own():
    x, y = IRIS.values, IRIS.labels
    equal = MixtureDiscriminant("EDDA", covariance_types=["EEE"]).fit(x, y)
    given = MixtureDiscriminant("EDDA", covariance_types=["EEE"], priors=[2, 1, 1]).fit(x, y)
    np.testing.assert_allclose(given.class_prior_, [0.5, 0.25, 0.25])
    odds, moved = (
        made.predict_log_proba(x)[:, 0] - made.predict_log_proba(x)[:, 1] for made in (equal, given)
    )
    np.testing.assert_allclose(moved - odds, np.log(2), atol=1e-9)


@pytest.mark.parametrize(
    "labels", [np.array([3, 7]), np.array([False, True]), np.array(["a", "b"], dtype=object)]
)
def test_classes_are_what_they_were(labels, tmp_path):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, size=60)
    x = rng.normal(size=(60, 1)) + 5 * codes[:, None]
    made = MixtureDiscriminant("EDDA").fit(x, labels[codes])
    assert made.classes_.dtype == labels.dtype
    assert (made.predict(x) == labels[codes]).mean() > 0.9
    made.save(tmp_path / "m.safetensors")
    back = latentia.load(tmp_path / "m.safetensors")
    assert back.classes_.dtype == labels.dtype
    np.testing.assert_array_equal(back.predict(x), made.predict(x))
    assert [c.covariance for c in made.candidates_] == ["EII", "VII"]  # of one column no others


# -- what cannot be used, files, report ----------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"covariance_types": ["VVX"]}, "covariance_types with 'VVX', expected names among EII"),
        ({"covariance_types": []}, "no covariance_types"),
        ({"model_type": "LDA"}, "model_type"),
        ({"n_components": [0, 1]}, r"n_components=\[0, 1\], expected whole numbers"),
        ({"n_components": [1.5]}, "expected whole numbers of at least 1"),
        ({"priors": [1, 2]}, "expected 3 numbers of at least 0"),
        ({"priors": [0, 0, 0]}, "all zero"),
    ],
)
def test_settings_that_make_no_sense(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        MixtureDiscriminant(**settings).fit(IRIS.values, IRIS.labels)


def test_data_that_cannot_be_used():
    frame = pd.DataFrame(IRIS.values, columns=list(IRIS.columns))
    frame.loc[5, "petal_width"] = np.nan
    told = "NaN at row 5, column 'petal_width'.*MixtureDiscriminant needs finite numbers"
    with pytest.raises(ValueError, match=told):
        MixtureDiscriminant("EDDA").fit(frame, IRIS.labels)
    with pytest.raises(ValueError, match="requires y to be passed"):
        MixtureDiscriminant("EDDA").fit(IRIS.values, None)
    labels = IRIS.labels.astype(object)
    labels[0] = "rare"
    with pytest.raises(
        ValueError, match="got 1 different row of class 'rare', expected at least 2"
    ):
        MixtureDiscriminant(**QUICK).fit(IRIS.values, labels)
    pooled = MixtureDiscriminant("EDDA", covariance_types=["EEE"]).fit(IRIS.values, labels)
    np.testing.assert_allclose(pooled.predict_proba(IRIS.values).sum(axis=1), 1)
    assert pooled.class_prior_[0] == 1 / 150
    for use in (lambda e: e.predict(IRIS.values), lambda e: e.summary(), lambda e: e.criteria()):
        with pytest.raises(NotFittedError):
            use(MixtureDiscriminant())


def test_a_summary_and_pictures():
    made = MixtureDiscriminant(**QUICK, random_state=0).fit(IRIS.values, IRIS.labels)
    text = str(made.summary())
    assert "Discriminant analysis of 3 classes by Gaussian mixtures (MclustDA)" in text
    assert f"{made.loglik_:.4f}" in text
    wrong = 150 - np.trace(made.confusion_)
    assert f"{wrong:.0f} of these rows" in text
    for name in made.classes_:
        assert name in text
    display = made.plot.classification(IRIS.values, pair=(2, 3))
    legend = [each.get_text() for each in display.ax_.get_legend().get_texts()]
    assert legend == list(made.classes_)
    two = MixtureDiscriminant("EDDA").fit(IRIS.values[:, 2:], IRIS.labels)
    assert two.plot.uncertainty(IRIS.values[:, 2:]).ax_ is not None


def test_what_did_not_converge_is_said():
    with pytest.warns(NotConvergedWarning):
        made = MixtureDiscriminant(
            covariance_types=["VVV"], n_components=3, max_iter=1, random_state=0
        ).fit(IRIS.values, IRIS.labels)
    assert not made.converged_
    assert "Class setosa: " in str(made.summary())
