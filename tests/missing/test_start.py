import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia import EM, IncompleteNormal, datasets
from latentia.data.arrays import Frame, Rows, RowSource
from latentia.missing.model import NormalModel
from latentia.missing.start import factored

from .samples import correlated


def begun(x, weights=None):
    rows = Rows.of(x, weights)
    return factored(rows, Frame.of(rows))


def test_monotone_holes_need_no_iteration():
    # Little & Rubin (2002), sec. 7.4.3: the cement data are monotone; recomputed to these digits
    start = begun(datasets.load("missvals").values)
    known = [6.655166, 49.965259, 11.769231, 27.047089, 95.423077]
    np.testing.assert_allclose(start.mean, known, rtol=0, atol=5.1e-7)
    normal = IncompleteNormal(tol=1e-11).fit(datasets.load("missvals").values)
    assert normal.loglik_ == pytest.approx(-132.925250, abs=5e-7)
    assert normal.n_iter_ <= 5


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), d=st.integers(2, 6))
def test_the_score_is_nought_where_holes_are_monotone(seed, d):
    rng = np.random.default_rng(seed)
    whole, _ = correlated(60, d, rng)
    first = rng.integers(d // 2 + 1, d + 1, 60)  # the first column that each row lacks
    first[: 3 * d] = d
    x = np.where(np.arange(d) < first[:, None], whole, np.nan)[:, rng.permutation(d)]
    rows = Rows.of(x, rng.integers(1, 4, 60).astype(float))
    model = NormalModel(Frame.of(rows))
    start = factored(rows, model.frame)
    suff = model.e_step(start, rows)
    again = model.m_step(suff, start)  # a fixed point of EM
    np.testing.assert_allclose(again.mean, start.mean, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(again.covariance, start.covariance, rtol=1e-6, atol=1e-8)


def test_other_holes_begin_higher_than_columns_by_themselves():
    _, x = correlated(300, 6, np.random.default_rng(1), 0.2)
    rows = Rows.of(x[~np.isnan(x).all(axis=1)])
    model = NormalModel(Frame.of(rows))
    one, other = (
        model.e_step(s, rows).loglik for s in (factored(rows, model.frame), model.first())
    )
    assert one > other + 10


def test_whole_weights_are_repeated_rows():
    rng = np.random.default_rng(2)
    _, x = correlated(50, 4, rng, 0.3)
    times = rng.integers(0, 4, 50)
    one, many = begun(x, times), begun(np.repeat(x, times, axis=0))
    np.testing.assert_allclose(one.mean, many.mean, rtol=1e-10)
    np.testing.assert_allclose(one.covariance, many.covariance, rtol=1e-9, atol=1e-12)


def test_columns_that_follow_from_one_another_stand_by_themselves():
    x = np.random.default_rng(3).normal(size=(20, 3))
    x[:, 2] = x[:, 0] + x[:, 1]
    x[15:, 2] = np.nan
    start = begun(x)
    assert np.linalg.eigvalsh(start.covariance).min() > 1e-3


def test_em_from_elsewhere_takes_a_tenth_when_accelerated():
    # the cement data from columns by themselves: 631 published steps of plain EM
    rows = Rows.of(datasets.load("missvals").values)
    model = NormalModel(Frame.of(rows))
    fit = EM(tol=1e-11).fit(model, RowSource(rows), 0, start=model.first())
    assert fit.loglik == pytest.approx(-132.925250, abs=5e-7)
    assert fit.certificate.n_steps <= 63
