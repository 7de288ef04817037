"""The bootstrap against a plain loop, its distribution, its failures, and its independence."""

import sys
import types

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm, poisson
from tests.engine.models import CELLS, DEATHS, Linkage, NormalMean, RightScore, TwoPoissons

from latentia import Suff
from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM
from latentia.engine.inference import bootstrap, standard_errors
from latentia.engine.inference.bootstrap import resample
from latentia.engine.relabel import align

TIGHT = EM(tol=1e-9, max_iter=5000)


def _top(model, data):
    settings = EM(tol=1e-12, max_iter=5000)
    return settings.fit(model, data, 0, start=settings.fit(model, data, 0).params).params


class Simulating(RightScore):
    """Two Poissons that draw as many rows as there are by weight."""

    def simulate(self, params, chunk, rng):
        n = round(chunk.weights.sum())
        label = rng.choice(2, size=n, p=params.weights)
        return Rows.of(*np.unique(rng.poisson(params.rates[label]), return_counts=True))


def _plain(x, n, start):
    """A maximum near `start` of the two-Poisson likelihood, by scipy alone; rates in order."""

    def cost(z):
        w, a, b = 1 / (1 + np.exp(-z[0])), np.exp(z[1]), np.exp(z[2])
        return -n @ np.log(w * poisson.pmf(x, a) + (1 - w) * poisson.pmf(x, b))

    found = minimize(cost, start, method="BFGS", options={"gtol": 1e-6})
    w, a, b = 1 / (1 + np.exp(-found.x[0])), *np.exp(found.x[1:])
    return (w, a, b) if a < b else (1 - w, b, a)


def test_each_refit_is_that_of_a_plain_loop_over_the_same_draws():
    model, top = RightScore(), _top(TwoPoissons(), DEATHS)
    got = bootstrap(model, DEATHS, top, replicates=25, rng=3, em=TIGHT)
    assert got.n_failed == 0
    x, w = DEATHS
    start = np.r_[np.log(top.weights[0] / top.weights[1]), np.log(top.rates)]
    theirs = []
    for child in np.random.default_rng(3).spawn(25):
        counts = child.multinomial(int(w.sum()), w / w.sum())
        theirs.append(_plain(x[:, 0], counts, start))
    ours = np.c_[got.replicates.weights[:, 0], got.replicates.rates]
    np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-3)
    errors = got.standard_errors()
    np.testing.assert_allclose(
        np.r_[errors.weights[0], errors.rates], np.std(theirs, axis=0, ddof=1), rtol=5e-3
    )


def test_it_agrees_with_the_asymptotics():
    top = _top(TwoPoissons(), DEATHS)
    errors = bootstrap(RightScore(), DEATHS, top, replicates=200, rng=0).standard_errors()
    # Hasselblad's numerical Hessian; a standard deviation from 200 draws is good to 5 %, and
    # the likelihood of these data is not quite a parabola
    np.testing.assert_allclose(errors.weights, [0.1946843] * 2, rtol=0.2)
    np.testing.assert_allclose(errors.rates, [0.3500297, 0.2504783], rtol=0.2)


def test_a_mean_has_the_textbooks_bootstrap():
    x = np.random.default_rng(5).normal(2, 3, size=200)
    rows = Rows.of(x)
    top = _top(NormalMean(), rows)
    got = bootstrap(NormalMean(), rows, top, replicates=600, rng=1)
    exact = x.std() / np.sqrt(200)  # of the resampling distribution itself
    assert float(got.standard_errors().mean) == pytest.approx(exact, rel=0.1)
    low, high = got.percentile(0.9)
    assert float(high.mean - low.mean) == pytest.approx(2 * 1.645 * exact, rel=0.15)
    assert abs(float(got.bias().mean)) < 4 * exact / np.sqrt(600)


def test_draws_have_the_multinomials_moments_and_keep_the_total():
    rng = np.random.default_rng(0)
    rows = Rows.of(np.arange(4), [1.0, 2.0, 0.0, 7.0])
    parts = [rows.take(np.arange(2)), rows.take(np.arange(2, 4))]
    drawn = np.zeros((4000, 4))
    for i in range(len(drawn)):
        for chunk in resample(parts, [part.weights for part in parts], rng):
            drawn[i, chunk.x[:, 0].astype(int)] = chunk.weights
    np.testing.assert_allclose(drawn.sum(axis=1), 10)
    p = rows.weights / 10
    np.testing.assert_allclose(drawn.mean(axis=0), rows.weights, atol=0.1)
    np.testing.assert_allclose(np.cov(drawn.T), 10 * (np.diag(p) - np.outer(p, p)), atol=0.15)


def test_weights_are_replication():
    # the same distribution from ten weighted rows and from the 1096 they stand for
    top = _top(TwoPoissons(), DEATHS)
    repeated = Rows.of(np.repeat(DEATHS.x, DEATHS.weights.astype(int), axis=0))
    one = bootstrap(RightScore(), DEATHS, top, replicates=150, rng=0).standard_errors()
    many = bootstrap(RightScore(), repeated, top, replicates=150, rng=1).standard_errors()
    np.testing.assert_allclose(one.rates, many.rates, rtol=0.25)


def test_replicates_can_be_made_alone_and_progress_is_told():
    top, seen = _top(Linkage(), CELLS), []
    source = RowSource(CELLS, block=3)
    told = bootstrap(
        Linkage(),
        source,
        top,
        replicates=12,
        rng=7,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(i, 12) for i in range(1, 13)]
    fewer = bootstrap(Linkage(), source, top, replicates=5, rng=7)
    np.testing.assert_array_equal(fewer.replicates.theta, told.replicates.theta[:5])
    with pytest.raises(KeyboardInterrupt):
        bootstrap(Linkage(), source, top, replicates=5, rng=7, progress=_interrupt)


def _interrupt(done, total):
    raise KeyboardInterrupt


def test_labels_are_matched():
    top = _top(TwoPoissons(), DEATHS)
    plain = EM(tol=1e-9, max_iter=5000, accelerate="none")
    kept = bootstrap(RightScore(), DEATHS, top, replicates=3, rng=2, em=plain)
    # both components' errors are far smaller than their distance, so no refit may mix them
    many = bootstrap(RightScore(), DEATHS, top, replicates=100, rng=2)
    assert np.all(many.replicates.rates[:, 0] < many.replicates.rates[:, 1])
    errors = standard_errors(RightScore(), DEATHS, top).errors
    for weights, rates in zip(kept.replicates.weights, kept.replicates.rates, strict=True):
        turned = type(top)(weights[::-1], rates[::-1])
        np.testing.assert_array_equal(align(TwoPoissons.space, turned, top, errors).rates, rates)


class Collapsing(NormalMean):
    """A mean that has no finite likelihood where the largest row was drawn thrice or more."""

    def e_step(self, params, chunk):
        suff = super().e_step(params, chunk)
        largest = chunk.weights[chunk.x[:, 0] >= 9]
        return Suff(np.nan, *suff[1:]) if largest.sum() >= 3 else suff


def test_refits_that_collapse_are_counted():
    rows = Rows.of(np.arange(10.0))
    top = _top(NormalMean(), rows)
    got = bootstrap(Collapsing(), rows, top, replicates=200, rng=0)
    thrice = sum(
        child.multinomial(10, np.full(10, 0.1))[9] >= 3
        for child in np.random.default_rng(0).spawn(200)
    )
    assert 0 < thrice < 200
    assert got.failures == {"DEGENERATE": thrice}
    assert got.n_failed == thrice
    assert len(got.replicates.mean) == 200 - thrice
    assert f"{thrice} of 200 refits failed and were left out: {thrice} DEGENERATE" in got.note
    with pytest.raises(ValueError, match="0 refits out of 5 that converged"):
        bootstrap(NormalMean(), rows, top, replicates=5, rng=0, em=EM(max_iter=0))


def test_parametric_draws_come_from_the_model():
    top = _top(TwoPoissons(), DEATHS)
    got = bootstrap(Simulating(), DEATHS, top, parametric=True, replicates=120, rng=4)
    # by quartiles: a few refits give one component next to no rows, and their rates run far
    low, high = got.percentile(0.5)
    spread = (high.rates - low.rates) / (2 * norm.ppf(0.75))
    np.testing.assert_allclose(spread, [0.3500297, 0.2504783], rtol=0.3)
    errors = got.standard_errors()
    record = standard_errors(
        Simulating(), DEATHS, top, "parametric-bootstrap", replicates=120, rng=4
    )
    np.testing.assert_array_equal(record.errors.rates, errors.rates)
    assert record.details == {"replicates": 120.0, "failed": float(got.n_failed)}
    with pytest.raises(TypeError, match="TwoPoissons does not define simulate"):
        bootstrap(TwoPoissons(), DEATHS, top, parametric=True, replicates=2)


def test_a_single_unit_can_be_simulated_where_it_cannot_be_resampled():
    rows = Rows.of([1], [500.0])
    top = TwoPoissons().start(DEATHS, None)
    got = bootstrap(Simulating(), rows, top, parametric=True, replicates=10, rng=0)
    assert got.n_asked == 10


def test_senseless_settings_are_refused():
    top = _top(Linkage(), CELLS)
    for error, sentence, settings in (
        (ValueError, "got replicates=1, expected a whole number of at least 2", {"replicates": 1}),
        (TypeError, "got replicates=2.5, expected a whole number", {"replicates": 2.5}),
        (ValueError, "got workers=0, expected a whole number of at least 1, or -1", {"workers": 0}),
        (TypeError, "got workers=1.5, expected a whole number", {"workers": 1.5}),
        (
            TypeError,
            r"got progress=True, expected a function of \(done, total\) or None",
            {"progress": True},
        ),
    ):
        with pytest.raises(error, match=f"^{sentence}"):
            standard_errors(Linkage(), CELLS, top, "bootstrap", **settings)
    with pytest.raises(TypeError, match="got level='a', expected a number between 0 and 1"):
        bootstrap(Linkage(), CELLS, top, replicates=3, rng=0).percentile("a")
    with pytest.raises(ValueError, match="got level=95"):
        bootstrap(Linkage(), CELLS, top, replicates=3, rng=0).percentile(95)


def test_a_model_that_other_processes_cannot_load_is_refused_in_words(monkeypatch):
    here = types.ModuleType("in_no_file")
    here.Lost = type("Lost", (Linkage,), {"__module__": "in_no_file"})
    monkeypatch.setitem(sys.modules, "in_no_file", here)
    top = _top(Linkage(), CELLS)
    with pytest.raises(ValueError, match=r"a Lost that other processes cannot load; .* workers=1$"):
        bootstrap(here.Lost(), CELLS, top, replicates=4, rng=0, workers=2)
    assert bootstrap(here.Lost(), CELLS, top, replicates=4, rng=0).n_asked == 4


def test_one_unit_is_sent_to_the_parametric_bootstrap():
    with pytest.raises(ValueError, match="use method='oakes', 'sem' or 'parametric-bootstrap'"):
        bootstrap(TwoPoissons(), Rows.of([3]), TwoPoissons().start(DEATHS, None), replicates=4)
