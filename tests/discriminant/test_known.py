"""The first M-step of known classes is the maximum of their likelihood."""

import numpy as np
import pytest

from latentia import EM, Mixture, datasets
from latentia.discriminant.known import maximum, moments_of
from latentia.families.covariance import PATTERNS

IRIS = datasets.load("iris")
CODES = np.unique(IRIS.labels, return_inverse=True)[1]


def test_moments_are_those_of_the_rows_of_each_class():
    weights = np.random.default_rng(0).integers(1, 4, size=150).astype(float)
    frame, count, means, scatter = moments_of(IRIS.values, CODES, weights, 3)
    for c in range(3):
        own = np.flatnonzero(c == CODES)
        rows = np.repeat(IRIS.values[own], weights[own].astype(int), axis=0)
        assert count[c] == len(rows)
        np.testing.assert_allclose(frame.origin + frame.scale * means[c], rows.mean(axis=0))
        made = frame.scale**2 * scatter[c] / len(rows)
        np.testing.assert_allclose(made, np.cov(rows.T, ddof=0), rtol=1e-10)


@pytest.mark.parametrize("name", PATTERNS)
def test_no_climb_of_a_mixture_with_these_labels_ends_higher(name):
    found = maximum(moments_of(IRIS.values, CODES, np.ones(150), 3), name, 0.0)
    assert found is not None
    mixture = Mixture(
        f"gaussian(covariance_type={name!r}, reg_covar=0.0)",
        3,
        init_params="random",
        random_state=0,
        em=EM(tol=1e-9),
    ).fit(IRIS.values, labels=CODES)
    made = mixture.family_.log_density(found, IRIS.values)[np.arange(150), CODES]
    assert made.sum() + 150 * np.log(1 / 3) >= mixture.loglik_ - 1e-8


def test_what_is_singular_or_on_a_floor_is_no_maximum():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 2))
    codes = np.repeat([0, 1], 20)
    x[codes == 1, 1] = 3.0  # a class without extent along a column
    moments = moments_of(x, codes, np.ones(40), 2)
    assert maximum(moments, "VVV", 0.0) is None
    assert maximum(moments, "VVI", 0.0) is None
    assert maximum(moments, "VVI", 1e-3) is None
    assert maximum(moments, "EEI", 0.0) is not None
    assert maximum(moments, "EEI", 10.0) is None  # above the variances that there are
