"""Densities of classes beside scikit-learn's and SciPy's."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB

from latentia import MixtureDiscriminant, datasets
from latentia.engine import NotConvergedWarning

IRIS = datasets.load("iris")


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
