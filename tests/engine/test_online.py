"""Online EM: one block is a full EM step, blocks add up, bounds rise, streams converge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia import EM, GaussianMixture
from latentia.data.arrays import Frame, Rows, RowSource
from latentia.engine import tree
from latentia.engine.backend import Threads
from latentia.engine.online import (
    METHODS,
    WarmUp,
    incremental,
    ordered_subset,
    split,
    step_size,
    stepwise,
    warm_up,
)
from latentia.engine.online.blocks import block_suff
from latentia.engine.space import DegenerateError

from .models import DEATHS, PoissonParams, TwoPoissons

START = PoissonParams(np.array([0.5, 0.5]), np.array([1.0, 3.0]))
seeds = st.integers(0, 2**32 - 1)
every_method = pytest.mark.parametrize("method", METHODS)


def _close(got, expected, tolerance=1e-12):
    for a, b in zip(tree.leaves(got), tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def _em_step(params, rows=DEATHS):
    return TwoPoissons().m_step(TwoPoissons().e_step(params, rows), params)


def _counts(n, seed=0, rates=(1.0, 6.0), share=0.4):
    rng = np.random.default_rng(seed)
    return Rows.of(rng.poisson(np.where(rng.uniform(size=n) < share, *rates)).astype(float))


def _blocks(rows, n_blocks, seed=0):
    chunks = [rows.take(part) for part in np.array_split(np.arange(len(rows)), 3)]
    return chunks, split(chunks, n_blocks, np.random.default_rng(seed))


def _suffs(params, rows, n_blocks):
    chunks, blocks = _blocks(rows, n_blocks)
    with Threads(1).over(TwoPoissons(), chunks) as mapper:
        return [block_suff(mapper, params, block) for block in blocks]


class Prior(TwoPoissons):
    """With a gamma prior of shape 200 and rate 100 on each Poisson rate."""

    def log_prior(self, params):
        return float((199 * np.log(params.rates) - 100 * params.rates).sum())

    def m_step(self, suff, params):
        count, total, _ = suff.stats
        return PoissonParams(count / count.sum(), (total + 199) / (count + 100))


# -- blocks ------------------------------------------------------------------------------------


@given(
    lengths=st.lists(st.integers(0, 700), min_size=1, max_size=5),
    n_blocks=st.integers(1, 40),
    seed=seeds,
)
@settings(max_examples=50)
def test_every_unit_is_in_exactly_one_block(lengths, n_blocks, seed):
    chunks = [Rows.of(np.zeros(n)) for n in lengths]
    blocks = split(chunks, n_blocks, np.random.default_rng(seed))
    dealt = [(piece.chunk, int(i)) for block in blocks for piece in block for i in piece.units]
    assert sorted(dealt) == [(c, i) for c, n in enumerate(lengths) for i in range(n)]
    assert len(blocks) <= n_blocks
    assert all(blocks)


def test_blocks_of_sorted_data_are_like_the_whole():
    rows = Rows.of(np.arange(40_000.0))
    chunks, blocks = _blocks(rows, 20)
    means = [np.concatenate([chunks[p.chunk].x[p.units] for p in b]).mean() for b in blocks]
    np.testing.assert_allclose(means, rows.x.mean(), rtol=0.1)


@pytest.mark.parametrize("n_blocks", [1, 2, 5, 9])
def test_statistics_of_blocks_add_up_to_the_full_e_step(n_blocks):
    whole = TwoPoissons().e_step(START, DEATHS)
    _close(tree.reduce_in_order(_suffs(START, DEATHS, n_blocks)), whole)


# -- one block is EM ---------------------------------------------------------------------------


@every_method
@pytest.mark.parametrize("model", [TwoPoissons(), Prior()])
def test_one_block_is_an_em_step(method, model):
    rng = np.random.default_rng(0)
    reached = warm_up(model, [DEATHS], START, 1, rng, method=method, block=len(DEATHS))
    _close(reached, model.m_step(model.e_step(START, DEATHS), START))


def test_stepwise_of_step_size_one_is_an_em_step():
    suff = TwoPoissons().e_step(START, DEATHS)
    state = stepwise.absorb(stepwise.Stepwise(START), suff, 1.0)
    _close(stepwise.maximise(TwoPoissons(), state, suff.n_units).params, _em_step(START))


def test_an_ordered_subset_counts_as_the_whole():
    suffs = _suffs(START, DEATHS, 4)
    total = sum(s.n_units for s in suffs)
    reached = ordered_subset(Prior(), START, suffs[0], total)
    factor = total / suffs[0].n_units
    count, summed, _ = suffs[0].stats
    np.testing.assert_allclose(reached.rates, (factor * summed + 199) / (factor * count + 100))
    whole = TwoPoissons().e_step(START, DEATHS)
    assert tree.leaves(ordered_subset(TwoPoissons(), START, whole, whole.n_units)) == [
        pytest.approx(a, rel=0, abs=0) for a in tree.leaves(_em_step(START))
    ]


# -- stepwise ----------------------------------------------------------------------------------


def test_step_sizes_are_the_published_schedule():
    # Liang & Klein (2009), eq. 4: eta_k = (k + 2)^-alpha
    for t in (5, 10, 1000):
        assert step_size(3, 3 * t, 3, 0.6, 2) == pytest.approx((t + 2) ** -0.6)


def test_exponent_one_is_the_plain_average_whatever_the_blocks_weigh():
    suffs = _suffs(START, DEATHS, 4)
    state = stepwise.Stepwise(START)
    for suff in suffs:
        seen = state.seen + suff.n_units
        state = stepwise.absorb(state, suff, step_size(suff.n_units, seen, 100.0, 1.0, 0.0))
    whole = tree.reduce_in_order(suffs)
    _close(state.average, tree.scale(whole, 1 / whole.n_units))
    assert state.seen == pytest.approx(whole.n_units)


def _stream(batches, alpha=0.6):
    model, state = TwoPoissons(), stepwise.Stepwise(START)
    for i, batch in enumerate(batches):
        suff = model.e_step(state.params, batch)
        seen = state.seen + suff.n_units
        state = stepwise.absorb(state, suff, step_size(suff.n_units, seen, 500, alpha, 2))
        state = stepwise.maximise(model, state, state.seen)
        if 2 * i >= len(batches):
            state = stepwise.averaged(model, state)
    return state


def _stream_of(n, seed):
    rows = _counts(n * 500, seed)
    return [rows.take(np.arange(at, at + 500)) for at in range(0, len(rows), 500)]


def _error(params):
    return np.hypot(*(params.rates - np.array([1.0, 6.0])))


def test_a_growing_stream_leads_to_the_true_parameters():
    errors = [
        [_error(_stream(_stream_of(n, seed)).params) for seed in range(6)] for n in (4, 40, 400)
    ]
    few, more, many = np.sqrt(np.mean(np.square(errors), axis=1))
    assert many < more < few
    assert many < 0.06  # about three times what maximum likelihood of all rows would leave


def test_averaging_parameters_does_better_than_the_last():
    states = [_stream(_stream_of(200, seed)) for seed in range(10)]
    last = np.mean([_error(s.params) ** 2 for s in states])
    mean = np.mean([_error(s.mean) ** 2 for s in states])
    assert mean < last
    assert states[0].n_averaged == 100


def test_the_mean_of_parameters_is_taken_in_the_chart():
    model = TwoPoissons()
    low = PoissonParams(np.array([0.5, 0.5]), np.array([1.0, 4.0]))
    high = PoissonParams(np.array([0.5, 0.5]), np.array([4.0, 9.0]))
    state = stepwise.averaged(model, stepwise.Stepwise(low))
    state = stepwise.averaged(model, state._replace(params=high))
    np.testing.assert_allclose(state.mean.rates, [2.0, 6.0])  # geometric, as rates are positive


def test_weights_are_replication_in_a_stream():
    rng = np.random.default_rng(0)
    rows = _counts(900)
    counts = rng.integers(0, 4, size=len(rows))
    parts = np.array_split(np.arange(len(rows)), 9)
    weighted = [rows.take(p).reweight(counts[p].astype(float)) for p in parts]
    repeated = [rows.take(np.repeat(p, counts[p])) for p in parts]
    _close(_stream(weighted).params, _stream(repeated).params, 1e-10)


@every_method
def test_weights_are_replication_in_expectation(method):
    rows = _counts(6000)
    counts = np.random.default_rng(1).integers(1, 4, size=len(rows))
    repeated = rows.take(np.repeat(np.arange(len(rows)), counts))
    weighted = rows.reweight(counts.astype(float))
    means = [
        np.mean(
            [
                warm_up(
                    TwoPoissons(),
                    [data],
                    START,
                    2,
                    np.random.default_rng(seed),
                    method=method,
                    block=len(data) // 6,
                ).rates
                for seed in range(20)
            ],
            axis=0,
        )
        for data in (weighted, repeated)
    ]
    np.testing.assert_allclose(means[0], means[1], rtol=0.02)


# -- incremental -------------------------------------------------------------------------------


@given(seed=seeds, n_blocks=st.integers(1, 12))
@settings(max_examples=30)
def test_the_bound_never_falls_and_ends_at_the_objective(seed, n_blocks):
    model, rows = Prior() if seed % 2 else TwoPoissons(), _counts(400, seed)
    chunks, blocks = _blocks(rows, n_blocks, seed)
    state = incremental.begin(START, len(blocks))
    bounds = []
    with Threads(1).over(model, chunks) as mapper:
        for visit in range(12 * len(blocks)):
            i = visit % len(blocks)
            suff = block_suff(mapper, state.params, blocks[i])
            state = incremental.maximise(model, incremental.replace(model, state, i, suff))
            bounds.append(incremental.bound(model, state))
    assert np.isnan(bounds[: len(blocks) - 1]).all()
    bounds = np.array(bounds[len(blocks) - 1 :])
    assert np.diff(bounds).min() > -1e-9 * abs(bounds[-1])
    objective = model.e_step(state.params, rows).loglik + model.log_prior(state.params)
    assert bounds[-1] <= objective + 1e-9 * abs(objective)


def test_incremental_em_converges_to_the_published_maximum():
    # Hasselblad (1969): 0.3599, 1.2561, 2.6634; incremental EM has EM's fixed points
    rng = np.random.default_rng(0)
    reached = warm_up(TwoPoissons(), [DEATHS], START, 1500, rng, method="incremental", block=5)
    np.testing.assert_allclose(reached.weights, [0.3599, 0.6401], atol=2e-4)
    np.testing.assert_allclose(reached.rates, [1.2561, 2.6634], atol=2e-4)


# -- warming up --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large():
    rng = np.random.default_rng(0)
    means = 2.2 * rng.normal(size=(4, 3))
    x = means[rng.integers(4, size=30_000)] + rng.normal(size=(30_000, 3))
    source = RowSource(Rows.of(x))
    estimator = GaussianMixture(4, init_params="random_from_data")
    model = estimator._model(Frame.of(source.rows))
    sample = model.prepare(source.sample(np.random.default_rng(0)))
    starts = [model.start(sample, np.random.default_rng(i).spawn(1)[0]) for i in range(5)]
    return model, source, starts


def _loglik(model, source, params):
    parts = [model.e_step(params, model.prepare(c)) for c in source.chunks()]
    return tree.reduce_in_order(parts)


@pytest.mark.parametrize("method", ["stepwise", "incremental"])
def test_one_pass_goes_further_than_one_em_step(large, method):
    model, source, starts = large
    start = starts[3]
    em_step = model.m_step(_loglik(model, source, start), start)
    reached = warm_up(model, source, start, 1, np.random.default_rng(0), method=method)
    plain = _loglik(model, source, em_step).loglik
    assert _loglik(model, source, reached).loglik > plain + 100


@pytest.fixture(scope="module")
def cold(large):
    model, source, starts = large
    em = EM(accelerate="none", tol=1.0, workers=1)
    return [em.fit(model, source, start=start) for start in starts]


@every_method
def test_a_warm_up_saves_full_e_steps(large, cold, method):
    model, source, starts = large
    em = EM(accelerate="none", tol=1.0, workers=1)
    saved = 0
    for start, fit in zip(starts, cold, strict=True):
        reached = warm_up(model, source, start, 2, np.random.default_rng(0), method=method)
        warm = em.fit(model, source, start=reached)
        saved += fit.certificate.n_steps - (warm.certificate.n_steps + 2)
        assert warm.objective > fit.objective - 5
    assert saved > 0  # over the starts together: a warm-up may lead to another optimum


@every_method
def test_results_follow_from_the_generator_alone(method):
    rows = _counts(2000)
    chunks = [rows.take(np.arange(900)), rows.take(np.arange(900, 2000))]

    def reached(seed, mapper=None):
        rng = np.random.default_rng(seed)
        found = warm_up(
            TwoPoissons(), chunks, START, 2, rng, method=method, block=70, mapper=mapper
        )
        return np.concatenate(found)

    np.testing.assert_array_equal(reached(1), reached(1))
    assert not np.array_equal(reached(1), reached(2))
    with Threads(2).over(TwoPoissons(), chunks) as two:
        np.testing.assert_array_equal(reached(1), reached(1, two))


def test_a_source_is_prepared_and_chunks_are_taken_as_prepared(large):
    model, source, starts = large
    short = RowSource(source.rows.take(np.arange(3000)), block=1000)
    prepared = [model.prepare(chunk) for chunk in short.chunks()]
    one, other = (
        warm_up(model, data, starts[3], 1, np.random.default_rng(0)) for data in (short, prepared)
    )
    _close(one, other, 0)


class Collapses(TwoPoissons):
    """An M-step that fails now and then, in one of three ways."""

    def __init__(self, how, every=3):
        self.how, self.every, self.calls = how, every, 0

    def m_step(self, suff, params):
        self.calls += 1
        right = super().m_step(suff, params)
        if self.calls % self.every:
            return right
        if self.how == "degenerate":
            raise DegenerateError("the rates ran together")
        if self.how == "outside":
            return right._replace(rates=-right.rates)
        return right._replace(rates=np.full(2, 1.7e308))  # allowed, but without a finite likelihood


@every_method
@pytest.mark.parametrize("how", ["degenerate", "outside", "infinite"])
@pytest.mark.parametrize("every", [1, 3])
def test_a_step_that_fails_is_not_taken(method, how, every):
    rows = _counts(900)
    model = Collapses(how, every)
    rng = np.random.default_rng(0)
    reached = warm_up(model, [rows], START, 2, rng, method=method, block=100)
    assert model.calls > 0
    assert np.isfinite(TwoPoissons().e_step(reached, rows).loglik)
    if every == 1:
        _close(reached, START, 0)
    else:
        before, after = (TwoPoissons().e_step(p, rows).loglik for p in (START, reached))
        assert after > before


@every_method
def test_units_without_weight_do_nothing(method):
    rows = _counts(400)
    half = rows.reweight((np.arange(400) < 3).astype(float))
    rng = np.random.default_rng(0)
    reached = warm_up(TwoPoissons(), [half], START, 1, rng, method=method, block=4)
    assert np.isfinite(np.concatenate(reached)).all()
    none = rows.reweight(np.zeros(400))
    _close(warm_up(TwoPoissons(), [none], START, 1, rng, method=method), START, 0)


def test_no_passes_leave_the_parameters_alone():
    rng = np.random.default_rng(0)
    assert warm_up(TwoPoissons(), [DEATHS], START, 0, rng) is START


def test_an_average_of_parameters_is_returned_where_asked_for():
    rows = _counts(20_000)
    best = EM(tol=1e-4).fit(TwoPoissons(), rows).objective
    short = {
        average: np.mean(
            [
                best
                - TwoPoissons()
                .e_step(
                    WarmUp(6, block=200, alpha=0.6, average=average).run(
                        TwoPoissons(), [rows], START, np.random.default_rng(seed)
                    ),
                    rows,
                )
                .loglik
                for seed in range(4)
            ]
        )
        for average in (True, False)
    }
    assert 0 <= short[True] < short[False]


def test_a_single_unit_is_refused_by_name():
    one = DEATHS.take(np.array([0]))
    with pytest.raises(ValueError, match="got data of 1 unit for TwoPoissons, expected at least 2"):
        warm_up(TwoPoissons(), [one], START, 1, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("settings", "kind", "sentence"),
    [
        ({"passes": -1}, ValueError, "got passes=-1, expected a whole number of at least 0"),
        ({"passes": 1.5}, TypeError, "got passes=1.5, expected a whole number of at least 0"),
        ({"block": 0}, ValueError, "got block=0, expected a whole number of at least 1"),
        ({"method": "em"}, ValueError, "got method='em', expected one of 'stepwise', "),
        ({"alpha": 0.5}, ValueError, "got alpha=0.5, expected a number above 0.5 and at most 1"),
        ({"alpha": float("nan")}, ValueError, "got alpha=nan, expected a number above 0.5"),
        ({"alpha": "1"}, TypeError, "got alpha='1', expected a number"),
        ({"offset": -1}, ValueError, "got offset=-1, expected a finite number of at least 0"),
        ({"average": 1}, TypeError, "got average=1, expected True or False"),
    ],
)
def test_settings_are_refused_in_one_sentence(settings, kind, sentence):
    with pytest.raises(kind) as told:
        WarmUp(**settings)
    assert str(told.value).startswith(sentence)
