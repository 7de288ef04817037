import numpy as np
import pytest

from latentia import EM, datasets
from latentia.data.arrays import Frame, Rows, RowSource
from latentia.engine import check_model
from latentia.families.incomplete import distinct
from latentia.missing.conditional import Normal, expected, filled, prepared
from latentia.missing.model import NormalModel

from .samples import correlated


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("ridge", [0.0, 2.5])
def test_contract(compiled, ridge):
    rows = Rows.of(datasets.load("nhanes").values)
    check_model(NormalModel(Frame.of(rows), ridge, compiled), rows)


@pytest.mark.parametrize("hidden", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("thin", [False, True])
def test_compiled_steps_are_those_of_numpy(hidden, thin):
    # patterns with few and with many holes are solved in different blocks
    rng = np.random.default_rng(3)
    _, x = correlated(300, 7, rng, hidden)
    x[5] = np.nan
    if thin:
        x[:, 1] = x[:, 0] + 1e-6 * rng.normal(size=300)
    rows = Rows(x, rng.uniform(0, 2, 300) * (rng.random(300) < 0.9))
    frame = Frame.of(rows)
    known = frame.into(np.nan_to_num(x, nan=1.0))
    normal = Normal(known.mean(axis=0), np.cov(known.T) + 1e-13 * np.eye(7))
    one, two = (expected(normal, frame, prepared(frame, rows, c)) for c in (False, True))
    digits = 1e-4 if thin else 1e-10  # the variance left is a difference of nearly equal numbers
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(b, a, rtol=digits, atol=digits)


def test_a_row_without_a_value_changes_nothing():
    rng = np.random.default_rng(0)
    _, x = correlated(50, 3, rng)
    more = np.vstack([x, np.full((5, 3), np.nan)])
    for compiled in (False, True):
        steps = []
        for each in (x, more):
            model = NormalModel(Frame.of(Rows.of(x)), 0.0, compiled)
            steps.append(model.e_step(model.first(), Rows.of(each)))
        assert steps[0].loglik == pytest.approx(steps[1].loglik, rel=1e-13)
        np.testing.assert_allclose(steps[0].stats.second, steps[1].stats.second, rtol=1e-12)
        assert steps[0].n_obs == steps[1].n_obs


def test_whole_rows_need_no_iteration():
    whole, _ = correlated(200, 4, np.random.default_rng(1))
    fit = EM(tol=1e-10).fit(NormalModel(Frame.of(Rows.of(whole))), Rows.of(whole), 0)
    np.testing.assert_allclose(fit.params.mean, whole.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(fit.params.covariance, np.cov(whole.T, bias=True), rtol=1e-11)


def test_a_ridge_is_rows_that_do_not_go_together():
    # of whole rows the mode is known: (S + r L) / (n + r)
    whole, _ = correlated(40, 3, np.random.default_rng(2))
    scatter = 40 * np.cov(whole.T, bias=True)
    known = (scatter + 5 * np.diag(whole.var(axis=0))) / 45
    fit = EM(tol=1e-12).fit(NormalModel(Frame.of(Rows.of(whole)), 5.0), Rows.of(whole), 0)
    np.testing.assert_allclose(fit.params.covariance, known, rtol=1e-8)


def test_completed_cells_are_the_textbook_regression():
    rng = np.random.default_rng(4)
    whole, x = correlated(60, 5, rng, 0.4)
    normal = Normal(whole.mean(axis=0), np.cov(whole.T))
    for compiled in (False, True):
        made = filled(normal, x, compiled=compiled)
        np.testing.assert_array_equal(made[~np.isnan(x)], x[~np.isnan(x)])
        for row, done in zip(x, made, strict=True):
            s, h = ~np.isnan(row), np.isnan(row)
            slope = np.linalg.solve(
                normal.covariance[np.ix_(s, s)], normal.covariance[np.ix_(s, h)]
            )
            np.testing.assert_allclose(
                done[h], normal.mean[h] + (row[s] - normal.mean[s]) @ slope, rtol=1e-9, atol=1e-9
            )


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("seen", [1, 3])  # more hidden than seen, and the reverse
def test_draws_have_the_conditional_moments(compiled, seen):
    normal = Normal(np.arange(4.0), 0.5 * np.eye(4) + 0.5 + np.diag([0.0, 0.1, 0.2, 0.3]))
    row = np.full(4, np.nan)
    row[:seen] = 2.0
    n = 40_000
    x = filled(normal, np.tile(row, (n, 1)), np.random.default_rng(0), compiled)[:, seen:]
    c = normal.covariance
    slope = np.linalg.solve(c[:seen, :seen], c[:seen, seen:])
    left = c[seen:, seen:] - c[seen:, :seen] @ slope
    away = x.mean(axis=0) - normal.mean[seen:] - (2.0 - normal.mean[:seen]) @ slope
    assert (np.abs(away) < 5 * np.sqrt(np.diag(left) / n)).all()
    np.testing.assert_allclose(np.atleast_2d(np.cov(x.T)), left, atol=0.03)


def test_patterns_of_many_columns_are_told_apart():
    rng = np.random.default_rng(5)
    for d in (3, 8, 64, 65, 130):
        hidden = rng.random((50, d)) < 0.5
        hidden[10] = hidden[3]
        seen, which = distinct(hidden)
        np.testing.assert_array_equal(seen[which], ~hidden)
        assert len(seen) == len(np.unique(hidden, axis=0))


def test_chunks_split_elsewhere_are_the_same_rows():
    _, x = correlated(3000, 4, np.random.default_rng(6))
    rows = Rows.of(x)
    model = NormalModel(Frame.of(rows), compiled=True)
    one = EM(tol=1e-9).fit(model, RowSource(rows, 3000), 0).params
    other = EM(tol=1e-9).fit(model, RowSource(rows, 256), 0).params
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-8, atol=1e-8)
