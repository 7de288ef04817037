"""MixtureDiscriminant beside mclust, scikit-learn and the definitions."""

import csv
import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.naive_bayes import GaussianNB
from sklearn.utils.estimator_checks import parametrize_with_checks

import latentia
from latentia import EM, MixtureDiscriminant, datasets
from latentia.engine import NotConvergedWarning

IRIS, DIABETES = datasets.load("iris"), datasets.load("diabetes")
DATA = {"iris": IRIS, "diabetes": DIABETES}
with (Path(__file__).parents[1] / "parity" / "discriminant.csv").open(encoding="utf-8") as file:
    MCLUST = list(csv.DictReader(file))  # R 4.2.2, mclust 6.0.0
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


# -- beside mclust -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known", [k for k in MCLUST if k["type"] == "EDDA" and k["asked"] != "all"]
)
def test_edda_reaches_what_mclust_does(known):
    data = DATA[known["data"]]
    made = MixtureDiscriminant("EDDA", covariance_types=[known["asked"]], tol=1e-9, max_iter=1000)
    made.fit(data.values, data.labels)
    assert made.n_parameters_ == int(known["df"])
    # what is maximised is the likelihood of rows and classes
    joint, theirs = made.mixtures_[0].loglik_, float(known["loglik"]) + float(known["own"])
    assert joint >= theirs - 1e-4
    if joint < theirs + 1e-4:
        assert made.loglik_ == pytest.approx(float(known["loglik"]), abs=2e-3)
        assert made.criteria()["bic"] == pytest.approx(-float(known["bic"]), abs=4e-3)
        n = len(data.values)
        assert n - np.trace(made.confusion_) == int(known["wrong"])


def test_edda_chooses_what_mclust_does():
    # mclust 6.0.0: -187.7097, 36 free parameters, BIC -555.8024 by its sign
    made = MixtureDiscriminant("EDDA").fit(IRIS.values, IRIS.labels)
    assert made.covariance_types_ == ("VEV",) * 3
    assert made.loglik_ == pytest.approx(-187.7097, abs=5e-5)
    assert made.n_parameters_ == 36
    assert made.criteria()["bic"] == pytest.approx(555.8024, abs=1e-4)
    assert made.bic(IRIS.values) == pytest.approx(555.8024, abs=1e-4)
    assert min(c.bic for c in made.candidates_) == pytest.approx(made.criteria()["bic"])
    assert [c.covariance for c in made.candidates_][:2] == ["EII", "VII"]
    other = MixtureDiscriminant("EDDA").fit(DIABETES.values, DIABETES.labels)
    assert other.covariance_types_ == ("VVV",) * 3
    assert other.loglik_ == pytest.approx(-2328.97912, abs=1e-3)


@pytest.mark.parametrize(
    "known", [k for k in MCLUST if len(k["of_classes"]) and k["asked"] != "all"]
)
def test_the_mixture_of_each_class_is_mclusts_or_better(known):
    data = DATA[known["data"]]
    made = MixtureDiscriminant(
        covariance_types=known["asked"].split(), n_components=range(1, 5), random_state=0
    ).fit(data.values, data.labels)
    bics = [-mixture.criteria()["bic"] for mixture in made.mixtures_]
    theirs = [float(value) for value in known["of_classes"].split()]
    if known["data"] == "diabetes":
        # a component of mclust's third class is thinner than a thousandth of the pooled covariance
        bics, theirs = bics[:2], theirs[:2]
    assert (np.array(bics) >= np.array(theirs) - 2e-3).all()
    numbers = [int(value) for value in known["components"].split()][: len(bics)]
    assert made.n_components_.tolist()[: len(bics)] == numbers
    if known["data"] == "iris":
        assert made.loglik_ == pytest.approx(float(known["loglik"]), abs=1e-3)
        assert made.n_parameters_ == int(known["df"])
        assert made.covariance_types_ == ("EEE",) * 3
        assert 150 - np.trace(made.confusion_) == int(known["wrong"])


# -- beside definitions and others -------------------------------------------------------------


def test_one_covariance_for_all_is_linear_discriminant_analysis():
    ours = MixtureDiscriminant("EDDA", covariance_types=["EEE"]).fit(IRIS.values, IRIS.labels)
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(IRIS.values, IRIS.labels)
    probabilities = theirs.predict_proba(IRIS.values)
    np.testing.assert_allclose(ours.predict_proba(IRIS.values), probabilities, atol=1e-8)
    np.testing.assert_array_equal(ours.predict(IRIS.values), theirs.predict(IRIS.values))


def test_own_diagonals_are_gaussian_naive_bayes():
    ours = MixtureDiscriminant("EDDA", covariance_types=["VVI"]).fit(IRIS.values, IRIS.labels)
    theirs = GaussianNB(var_smoothing=0).fit(IRIS.values, IRIS.labels)
    np.testing.assert_allclose(
        ours.predict_log_proba(IRIS.values), theirs.predict_log_proba(IRIS.values), atol=1e-7
    )


@pytest.mark.parametrize("model_type", ["EDDA", "MclustDA"])
def test_bayes_rule_by_its_definition(model_type):
    x, y = IRIS.values, IRIS.labels
    made = MixtureDiscriminant(model_type, covariance_types=["VVV"], n_components=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        made.fit(x, y)
    d = made.densities_
    joint = np.full((len(x), 3), -np.inf)
    classes = np.repeat(np.arange(3), d.counts)
    for c, w, mean, cov in zip(classes, d.weights, d.means, d.covariances, strict=True):
        term = np.log(d.priors[c] * w) + multivariate_normal(mean, cov).logpdf(x)
        joint[:, c] = np.logaddexp(joint[:, c], term)
    log_density = np.logaddexp.reduce(joint, axis=1)
    np.testing.assert_allclose(made.score_samples(x), log_density, rtol=1e-9)
    np.testing.assert_allclose(
        made.predict_proba(x), np.exp(joint - log_density[:, None]), atol=1e-9
    )
    assert made.loglik_ == pytest.approx(log_density.sum(), abs=1e-8)
    np.testing.assert_array_equal(made.predict(x), made.classes_[joint.argmax(axis=1)])
    shown = pd.crosstab(y, made.predict(x)).reindex(columns=made.classes_, fill_value=0)
    np.testing.assert_array_equal(made.confusion_, shown)


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


@pytest.mark.parametrize("model_type", ["EDDA", "MclustDA"])
def test_files_hold_all_but_the_data(model_type, tmp_path):
    frame = pd.DataFrame(IRIS.values, columns=list(IRIS.columns))
    made = MixtureDiscriminant(
        model_type, **QUICK, priors=[0.2, 0.3, 0.5], random_state=0, em=EM(tol=1e-5)
    ).fit(frame, IRIS.labels)
    made.save(tmp_path / "model.safetensors")
    for back in (latentia.load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(made))):
        np.testing.assert_array_equal(back.predict_proba(frame), made.predict_proba(frame))
        assert list(back.predict(frame)) == list(made.predict(frame))
        assert str(back.summary()) == str(made.summary())
        assert back.candidates_ == made.candidates_
        assert back.criteria() == made.criteria()
        assert repr(back.certificates_) == repr(made.certificates_)
        assert back.n_parameters_ == made.n_parameters_
        assert tuple(back.n_components) == made.n_components
        assert tuple(back.covariance_types) == made.covariance_types
        np.testing.assert_array_equal(back.feature_names_in_, made.feature_names_in_)
        again = back.fit(frame, IRIS.labels)
        assert again.loglik_ == pytest.approx(made.loglik_, abs=1e-6)


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
