import numpy as np
import pytest

from latentia import EM, check_model
from latentia.data.arrays import Frame, Rows, RowSource
from latentia.factor import FactorModel, PrincipalModel
from latentia.factor.posterior import posterior
from latentia.missing.patterns import RowsByPattern


def hollow(n=60, d=5, share=0.25, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2)) @ rng.normal(size=(2, d)) + rng.normal(size=(n, d)) + 3
    x[rng.random(x.shape) < share] = np.nan
    return Rows.of(x, rng.uniform(0.5, 2.0, n))


@pytest.mark.parametrize("q", [0, 1, 2, 4, 5])
@pytest.mark.parametrize("share", [0.0, 0.25])
def test_factors_keep_the_contract(q, share):
    rows = hollow(share=share)
    check_model(FactorModel(Frame.of(rows.take(np.arange(40))), q, floor=1e-6), rows)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("q", [0, 1, 3, 4])
def test_principal_components_keep_the_contract(q, compiled):
    rows = hollow()
    check_model(PrincipalModel(Frame.of(rows.take(np.arange(40))), q, compiled), rows)


def test_without_holes_one_step_ends_at_the_maximum():
    rows = hollow(share=0.0)
    model = FactorModel(Frame.of(rows), 2)
    first = model.first()
    once = model.m_step(model.e_step(first, rows), first)
    best = EM(tol=1e-10).fit(model, rows, 0, start=first)
    assert model.e_step(once, rows).loglik == pytest.approx(best.loglik, abs=1e-8)


def test_chunks_split_elsewhere_change_nothing():
    rows = hollow(200)
    for model in (FactorModel(Frame.of(rows), 2), PrincipalModel(Frame.of(rows), 2)):
        start = model.start(rows, np.random.default_rng(0))
        fits = [EM(tol=1e-9).fit(model, RowSource(rows, b), 0, start=start) for b in (200, 37)]
        assert fits[0].loglik == pytest.approx(fits[1].loglik, abs=1e-7)


@pytest.mark.parametrize("q", [0, 1, 3])
def test_compiled_code_and_numpy_agree(q):
    rng = np.random.default_rng(1)
    rows = hollow(40)
    by_pattern = RowsByPattern.of(np.array(rows.x), rows.weights)
    given = rng.normal(size=(5, q)), rng.uniform(0.5, 2, 5), rng.normal(size=5), by_pattern
    for one, other in zip(posterior(*given), posterior(*given, compiled=True), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
