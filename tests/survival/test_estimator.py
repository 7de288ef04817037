"""`SelfConsistent`: against other programs, Kaplan and Meier, and the conditions of a maximum."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chisquare

from latentia import EM, SelfConsistent, check_model, datasets, load
from latentia.engine import NotConvergedWarning
from latentia.survival.estimator import ranged
from latentia.survival.innermost import innermost
from latentia.survival.model import SelfConsistentModel

PARITY = Path(__file__).parents[1] / "parity" / "npsurv.csv"


def cosmesis(chemotherapy):
    values = datasets.load("cosmesis").values
    return values[values[:, 2] == chemotherapy, :2]


def inspected(n, seed, visits=4):
    """Times that are known up to the visits before and after."""
    rng = np.random.default_rng(seed)
    time = 3 * rng.weibull(1.5, n)
    at = np.sort(rng.uniform(0, 6, (n, visits)), axis=1)
    low = np.where(at < time[:, None], at, 0.0).max(axis=1)
    high = np.where(at >= time[:, None], at, np.inf).min(axis=1)
    return np.stack([low, high], axis=1)


def right_censored(n, seed):
    rng = np.random.default_rng(seed)
    time, end = np.ceil(20 * rng.weibull(1.5, n)), np.ceil(rng.uniform(0, 40, n))
    return np.stack([np.minimum(time, end), np.where(time <= end, time, np.inf)], axis=1)


def kaplan_meier(x):
    """Event times, survival after each, and Greenwood's standard errors, in a plain loop."""
    events = np.unique(x[np.isfinite(x[:, 1]), 1])
    left, total, rows = 1.0, 0.0, []
    for t in events:
        at_risk, died = (x[:, 0] >= t).sum(), (x[:, 1] == t).sum()
        left *= 1 - died / at_risk
        if at_risk > died:
            total += died / (at_risk * (at_risk - died))
        rows.append((t, left, left * np.sqrt(total)))
    return np.array(rows)


@pytest.mark.parametrize("chemotherapy", [0, 1])
def test_masses_are_those_of_another_program(chemotherapy):
    with PARITY.open() as file:
        rows = [r for r in csv.DictReader(file) if int(r["chemotherapy"]) == chemotherapy]
    fitted = SelfConsistent().fit(cosmesis(chemotherapy))
    assert fitted.loglik_ == pytest.approx(float(rows[0]["loglik"]), abs=1e-8)
    expected = np.array([[float(r[name]) for name in ("left", "right", "mass")] for r in rows])
    np.testing.assert_array_equal(fitted.intervals_, expected[:, :2])
    np.testing.assert_allclose(fitted.mass_, expected[:, 2], atol=1e-6)
    assert fitted.converged_
    assert fitted.gap_ < 1e-5


@pytest.mark.parametrize("seed", range(3))
def test_right_censored_times_give_kaplan_and_meier_with_greenwoods_errors(seed):
    x = right_censored(60, seed)
    fitted = SelfConsistent().fit(x)
    time, survival, error = kaplan_meier(x).T
    np.testing.assert_allclose(fitted.survival(time), survival, atol=1e-9)
    found = dict(zip(fitted.intervals_[:, 1], fitted.standard_errors().survival, strict=True))
    inside = survival > 1e-9
    ours = [found[t] for t in time[inside]]
    np.testing.assert_allclose(ours, error[inside], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("n", "seed"), [(50, 0), (400, 1), (3000, 2)])
def test_the_conditions_of_a_maximum_hold(n, seed):
    x = inspected(n, seed)
    fitted = SelfConsistent().fit(x)
    rows = ranged(fitted._where, x, np.ones(n))
    model = SelfConsistentModel(fitted._where)
    slopes = n * model.slopes(fitted.fit_.params, rows)
    assert slopes.max() <= 1e-4
    np.testing.assert_allclose(slopes[fitted.fit_.params.mass > 1e-9], 0, atol=1e-3)
    assert fitted.gap_ <= 1e-4


def test_em_alone_misses_intervals_that_the_fit_finds():
    x = inspected(3000, 0)
    where, _ = innermost(x)
    model, rows = SelfConsistentModel(where), ranged(where, x, np.ones(len(x)))
    with pytest.warns(NotConvergedWarning):
        plain = EM(accelerate="none", max_iter=300, tol=0).fit(model, rows)
    assert SelfConsistent().fit(x).loglik_ > plain.loglik + 0.01


def test_the_model_keeps_the_contract():
    x = inspected(40, 0)
    where, _ = innermost(x)
    rows = ranged(where, x, np.arange(1.0, 41.0))
    assert "an EM step ascends" in check_model(SelfConsistentModel(where), rows).passed


@settings(max_examples=30, deadline=None)
@given(
    bounds=arrays(np.int64, st.tuples(st.integers(2, 12), st.just(2)), elements=st.integers(0, 9)),
    counts=st.lists(st.integers(1, 3), min_size=12, max_size=12),
)
def test_weights_are_replication_and_order_does_not_matter(bounds, counts):
    x = np.sort(bounds, axis=1).astype(float)
    w = np.array(counts[: len(x)], dtype=float)
    weighted = SelfConsistent().fit(x, sample_weight=w)
    repeated = SelfConsistent().fit(np.repeat(x, w.astype(int), axis=0)[::-1])
    assert weighted.loglik_ == pytest.approx(repeated.loglik_, abs=1e-9)
    time = np.arange(-0.5, 10, 0.5)
    # where the likelihood is flat masses may differ; what it says of the rows may not
    np.testing.assert_allclose(weighted.score_samples(x), repeated.score_samples(x), atol=1e-5)
    assert (np.diff(weighted.survival(time)) <= 1e-12).all()
    low, high = weighted.survival_bounds(time)
    between = weighted.survival(time)
    assert (low <= between + 1e-12).all()
    assert (between <= high + 1e-12).all()


def test_each_row_has_a_score_of_its_own_in_its_place():
    x = inspected(30, 4)[[0, 3, 3, 0, 7, *range(30)]]
    fitted = SelfConsistent().fit(x)
    scores = fitted.score_samples(x)
    assert scores.shape == (35,)
    assert scores.sum() == pytest.approx(fitted.loglik_, abs=1e-9)
    left, right = fitted.intervals_.T
    inside = (x[:, :1] <= left) & (right <= x[:, 1:])
    np.testing.assert_allclose(np.exp(scores), inside @ fitted.mass_, atol=1e-12)


def test_quantiles_are_the_intervals_in_which_the_share_is_reached():
    fitted = SelfConsistent().fit(np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, np.nan]]))
    np.testing.assert_array_equal(fitted.quantile([0.25, 0.5, 0.9]), [[1, 1], [2, 2], [4, np.inf]])
    with pytest.raises(ValueError, match="between 0 and 1"):
        fitted.quantile(1.5)


def test_a_curve_is_asked_for_at_times():
    curve = SelfConsistent().fit([[0.0, 2.0], [1.0, 3.0], [2.5, np.inf]])
    for use in (curve.survival, curve.survival_bounds):
        with pytest.raises(ValueError, match="got nan as a time"):
            use([1.0, np.nan])
        with pytest.raises(ValueError, match="got time='soon', expected numbers"):
            use("soon")


def test_a_saved_curve_is_the_same(tmp_path):
    fitted = SelfConsistent().fit(cosmesis(0))
    fitted.standard_errors()
    fitted.save(tmp_path / "curve.safetensors")
    again = load(tmp_path / "curve.safetensors")
    np.testing.assert_array_equal(again.survival([3, 20, 47]), fitted.survival([3, 20, 47]))
    assert str(again.summary()) == str(fitted.summary())
    assert again.gap_ == fitted.gap_


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ([[2.0, 1.0], [1.0, 2.0]], "bounds 2 and 1 in row 0, expected a lower bound of at most"),
        ([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], "got 3 columns, expected two"),
        ([[np.nan, np.nan], [-np.inf, np.inf]], "got no row with a bound"),
        ([[np.inf, np.inf], [1.0, 2.0]], "in row 0"),
    ],
)
def test_what_is_no_interval_is_refused_in_a_sentence(x, words):
    with pytest.raises(ValueError, match=words):
        SelfConsistent().fit(np.array(x))


def test_intervals_that_are_drawn_have_the_mass_of_the_estimate():
    values = datasets.load("cosmesis").values
    curve = SelfConsistent(random_state=0).fit(values[:, :2])
    drawn = curve.sample(20_000)
    counts = [(drawn == interval).all(axis=1).sum() for interval in curve.intervals_]
    assert sum(counts) == 20_000
    assert chisquare(counts, 20_000 * curve.mass_ / curve.mass_.sum()).pvalue > 1e-3
    again = SelfConsistent().fit(drawn)
    np.testing.assert_allclose(again.survival([12, 30]), curve.survival([12, 30]), atol=0.02)
