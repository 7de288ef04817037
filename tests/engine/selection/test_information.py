"""Information criteria by their definitions."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import xlogy
from tests.engine.models import DEATHS, MissingConstant, TwoPoissons

from latentia import EM, GaussianMixture, datasets
from latentia.engine.selection import (
    CRITERIA,
    aic,
    aicc,
    bic,
    criteria,
    icl,
    posterior_entropy,
    sabic,
)


def test_criteria_by_their_definitions():
    # mclust 6.0.0 on Old Faithful, EEE with three components: BIC -2314.316 in its sign
    assert bic(-1126.326, 11, 272) == pytest.approx(2314.316, abs=1e-3)
    assert aic(-1126.326, 11) == pytest.approx(2274.652, abs=1e-9)
    assert icl(-10.0, 3, 100, 2.5) == pytest.approx(20 + 3 * math.log(100) + 5)
    assert icl(-10.0, 3, 100, 0.0) == bic(-10.0, 3, 100)
    assert sabic(-10.0, 3, 100) == pytest.approx(20 + 3 * math.log(102 / 24))


def test_aicc_is_the_exact_correction_for_a_normal_regression():
    # Hurvich & Tsai (1989), eq. 4: n ln s2 + n (1 + m/n) / (1 - (m + 2)/n) with m coefficients
    # and a variance, less n ln(2 pi) which they leave out
    n, m, variance = 20, 3, 0.7
    loglik = -n / 2 * (math.log(2 * math.pi * variance) + 1)
    theirs = n * math.log(variance) + n * (1 + m / n) / (1 - (m + 2) / n)
    assert aicc(loglik, m + 1, n) - n * math.log(2 * math.pi) == pytest.approx(theirs)


def test_aicc_never_chooses_what_has_too_many_parameters():
    assert aicc(1e6, 8, 10) < np.inf
    assert aicc(1e6, 9, 10) == aicc(1e6, 12, 10) == np.inf
    assert aicc(-5.0, 2, 1e9) == pytest.approx(aic(-5.0, 2), abs=1e-7)


def test_criteria_of_a_fit():
    fit = EM(tol=1e-9).fit(TwoPoissons(), DEATHS)
    found = criteria(fit)
    # Hasselblad (1969): loglik -1989.945859883 (turboEM, converged); 3 parameters, 1096 notices
    assert found["aic"] == pytest.approx(2 * 1989.945859883 + 6, abs=1e-6)
    assert found["bic"] == pytest.approx(2 * 1989.945859883 + 3 * math.log(1096), abs=1e-6)
    assert set(found) == set(CRITERIA) - {"icl"}
    assert criteria(fit, 4.0)["icl"] == found["bic"] + 8


def test_the_entropy_is_that_of_the_memberships():
    model = TwoPoissons()
    fit = EM().fit(model, DEATHS)
    x, weights = DEATHS.x, DEATHS.weights
    joint = fit.params.weights * np.exp(xlogy(x, fit.params.rates) - fit.params.rates)
    resp = joint / joint.sum(axis=1, keepdims=True)
    assert posterior_entropy(model, fit) == pytest.approx(-(weights @ xlogy(resp, resp)).sum())


def test_the_entropy_is_that_of_a_gaussian_mixture():
    x = datasets.load("iris").values
    mixture = GaussianMixture(3, random_state=0).fit(x)
    model = mixture._model(mixture._frame)
    assert criteria(mixture.fit_, posterior_entropy(model, mixture.fit_))["icl"] == pytest.approx(
        mixture.icl(x)
    )


def test_an_entropy_that_cannot_be_is_refused():
    fit = EM().fit(TwoPoissons(), DEATHS)
    with pytest.raises(ValueError, match="q of MissingConstant lacks a constant"):
        posterior_entropy(MissingConstant(), fit)
    bare = SimpleNamespace(climbs=[SimpleNamespace(suff=None)], best=0)
    with pytest.raises(ValueError, match="without its statistics"):
        posterior_entropy(TwoPoissons(), bare)
