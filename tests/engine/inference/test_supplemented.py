"""Supplemented EM against published rates and informations, and what its asymmetry shows."""

import numpy as np
import pytest
from tests.engine.models import (
    CELLS,
    DEATHS,
    WAITS,
    Linkage,
    NormalMean,
    NumericalMStep,
    SwappedWeights,
    TwoNormals,
    TwoPoissons,
    WithPrior,
)

from latentia.data.arrays import Rows
from latentia.engine import EM
from latentia.engine.inference import observed_information, supplemented_em


def _top(model, data):
    settings = EM(tol=1e-12, max_iter=5000)
    return settings.fit(model, data, 0, start=settings.fit(model, data, 0).params).params


def test_linkage():
    # Dempster, Laird & Rubin (1977); Meng & Rubin (1991) work the same example
    theta = 0.626821497871
    top = Linkage().start(CELLS, None)._replace(theta=np.array(theta))
    found = supplemented_em(Linkage(), CELLS, top)
    slope = theta * (1 - theta)
    assert found.em_rate == pytest.approx(0.1327787, rel=1e-6)
    assert found.rates[0, 0] == pytest.approx(0.1327787, rel=1e-6)
    assert found.complete[0, 0] / slope**2 == pytest.approx(435.3179, rel=1e-6)
    assert found.information.matrix[0, 0] / slope**2 == pytest.approx(377.5169, rel=1e-6)
    errors = found.information.standard_errors()
    assert float(errors.theta) == pytest.approx(0.0514673, rel=1e-5)


@pytest.mark.parametrize("model", [TwoPoissons(), NumericalMStep()])
def test_hasselblad(model):
    found = supplemented_em(model, DEATHS, _top(TwoPoissons(), DEATHS))
    errors = found.information.standard_errors()
    np.testing.assert_allclose(errors.weights, [0.1946843, 0.1946843], rtol=1e-3)
    np.testing.assert_allclose(errors.rates, [0.3500297, 0.2504783], rtol=1e-3)
    assert found.em_rate == pytest.approx(0.99567, abs=1e-5)
    assert found.asymmetry < 1e-4
    assert found.information.note == ""


def test_the_eigenvalue_is_the_rate_at_which_em_converges():
    model, top = TwoNormals(), _top(TwoNormals(), WAITS)
    for _ in range(200):
        top = model.m_step(model.e_step(top, WAITS), top)
    params = top._replace(means=top.means + np.array([0.3, -0.2]))
    off = []
    for _ in range(120):
        params = model.m_step(model.e_step(params, WAITS), params)
        off.append(float(np.abs(params.means - top.means).max()))
    seen = (off[100] / off[60]) ** (1 / 40)
    assert supplemented_em(model, WAITS, top).em_rate == pytest.approx(seen, rel=1e-4)


def test_it_is_the_observed_information_at_a_maximum_and_with_a_prior():
    top = _top(TwoNormals(), WAITS)
    found = supplemented_em(TwoNormals(), WAITS, top)
    direct = observed_information(TwoNormals(), WAITS, top)
    np.testing.assert_allclose(found.information.matrix, direct.matrix, rtol=1e-4, atol=1e-4)
    at = _top(WithPrior(), WAITS)
    found = supplemented_em(WithPrior(), WAITS, at)
    assert found.information.matrix[0, 0] == pytest.approx(len(WAITS) + 4, rel=1e-5)


def test_nothing_latent_has_rate_zero():
    at = _top(NormalMean(), WAITS)
    assert supplemented_em(NormalMean(), WAITS, at).em_rate == pytest.approx(0, abs=1e-9)


def test_a_wrong_m_step_or_a_wrong_place_shows_as_asymmetry():
    wrong = supplemented_em(SwappedWeights(), DEATHS, _top(TwoPoissons(), DEATHS))
    assert wrong.asymmetry > 0.1
    assert "asymmetric" in wrong.information.note
    top = _top(TwoNormals(), WAITS)
    away = top._replace(means=top.means + 0.5, variances=top.variances * 1.5)
    astray = supplemented_em(TwoNormals(), WAITS, away)
    assert astray.asymmetry > 1e-2
    assert "asymmetric" in astray.information.note


def test_a_step_to_the_edge_is_said_in_words():
    one = Rows.of([3])  # of the fourth cell, so a step leads to theta = 1
    with pytest.raises(ValueError, match=r"ends on an edge of what is allowed, .*; use 'oakes'$"):
        supplemented_em(Linkage(), one, Linkage().start(one, None))
