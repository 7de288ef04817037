"""Parameters on their boundaries: settled where the likelihood wants it, and nowhere else."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import xlogy

from latentia import Model, Suff
from latentia.data.arrays import Rows
from latentia.engine import EM, Status
from latentia.engine.accelerate import QuasiNewton
from latentia.engine.backend import Threads
from latentia.engine.chart import Chart, lifted
from latentia.engine.climb import climb
from latentia.engine.evaluator import Evaluator
from latentia.engine.space import Interval, Masked, Positive, Real, Simplex, Tied

seeds = st.integers(0, 2**32 - 1)


class Leaf(NamedTuple):
    value: Any


# -- charts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "value"),
    [
        (Simplex(), [0.2, 0.5, 0.3]),
        (Positive(), [0.2, 5.0, 1.0]),
        (Interval(0, np.inf), [0.2, 0.9, 0.4]),
        (Masked(Positive(), [True, True, False]), [0.2, 5.0, 1.0]),
        (Masked(Simplex(), [True, True, False]), [0.2, 0.5, 0.3]),
        (Tied(Positive(), [0, 1, 1]), [0.2, 1.0, 1.0]),
    ],
)
def test_slopes_in_the_distance_are_derivatives(constraint, value):
    # of f(value) = sum of c * log(distance to the nearest bound), entry by entry
    space, params = Leaf(constraint), Leaf(np.array(value))
    chart = Chart(space, params)
    rng = np.random.default_rng(0)
    direction = rng.normal(size=chart.size)
    (run,) = chart.running(params, chart.unpack(1e-6 * direction), np.zeros(chart.size))
    shrinking = run.shrinking
    # a slope linear in the coordinates has the same derivative both ways
    slope = rng.normal(size=chart.size)
    (run,) = chart.running(params, params, slope)
    along = float(slope @ (1e-6 * direction))
    if isinstance(constraint, Simplex) or getattr(constraint, "inner", None).__class__ is Simplex:
        # log-ratios: the entries' slopes add up to nothing, and weigh the logs
        assert run.slope.sum() == pytest.approx(0, abs=1e-12)
    moved = np.isfinite(run.bound)
    assert float(run.slope[moved] @ shrinking[moved]) == pytest.approx(along, rel=1e-4)


def test_the_nearest_bound_is_meant():
    chart = Chart(Leaf(Interval(0, 1)), Leaf(np.array([0.2, 0.9])))
    ahead = Leaf(np.array([0.1, 0.95]))
    (run,) = chart.running(Leaf(np.array([0.2, 0.9])), ahead, np.array([-1.0, 1.0]))
    np.testing.assert_array_equal(run.bound, [0, 1])
    np.testing.assert_allclose(run.shrinking, np.log([0.5, 0.5]))
    np.testing.assert_array_equal(run.slope, [-1, -1])


@given(seed=seeds)
def test_the_rest_keeps_its_coordinates_when_an_entry_is_held(seed):
    rng = np.random.default_rng(seed)
    space = Leaf(Simplex())
    base = Leaf(rng.dirichlet(np.ones(5)))
    chart = Chart(space, base)
    x = rng.normal(size=chart.size)
    params = chart.unpack(x)
    (run,) = chart.running(params, params, x)
    which = np.arange(5) == rng.integers(5)
    new, rebinding = chart.holding([run], [which])
    settled = chart.settled(params, [run], [which])
    assert settled.value[which] == 0
    assert settled.value.sum() == pytest.approx(1)
    np.testing.assert_allclose(new.pack(settled), rebinding.steps(x[None])[0], atol=1e-9)
    # and slopes along what is still free are those of the old chart
    g = rng.normal(size=chart.size)
    step = rng.normal(size=new.size)
    padded = np.zeros(chart.size)
    padded[rebinding.kept] = step
    assert rebinding.slopes(g[None])[0] @ step == pytest.approx(g @ padded)


def test_zeros_from_the_start_or_by_declaration_are_not_lifted():
    space = Leaf(Simplex(support=[True, True, True, False]))
    start = Leaf(np.array([0.0, 0.5, 0.5, 0.0]))
    now = Leaf(np.array([0.0, 1.0, 0.0, 0.0]))
    raised = lifted(space, now, start, 1e-3)
    np.testing.assert_array_equal(raised.which[0], [False, False, True, False])
    assert raised.params.value[0] == raised.params.value[3] == 0
    assert lifted(space, start, start, 1e-3) is None
    assert lifted(Leaf(Real()), Leaf(np.zeros(2)), Leaf(np.ones(2)), 1e-3) is None


@pytest.mark.parametrize(
    ("constraint", "now", "start"),
    [
        (Positive(), [0.0, 4.0], [1.0, 4.0]),
        (Interval(0, 1), [0.0, 0.5], [0.5, 0.5]),
        (Interval(-1, np.inf), [-1.0, 0.5], [0.5, 0.5]),
        (Masked(Positive(), [True, False]), [0.0, 0.0], [1.0, 0.0]),
        (Tied(Positive(), [0, 0]), [0.0, 0.0], [1.0, 1.0]),
    ],
)
def test_what_reached_a_bound_is_lifted_off_it(constraint, now, start):
    raised = lifted(Leaf(constraint), Leaf(np.array(now)), Leaf(np.array(start)), 1e-3)
    assert raised.which[0][0]
    assert constraint.violation(raised.params.value, np.array(start)) is None
    assert raised.params.value[0] > now[0]


# -- climbs ----------------------------------------------------------------------------------


class Rates(NamedTuple):
    rates: Any  # (cells,)


class Counts(NamedTuple):
    each: Any  # expected counts from each cell


class Unmixing(Model):
    """y_i ~ Poisson((A r + b)_i): Richardson-Lucy with a background; concave in r."""

    space = Rates(Positive())

    def __init__(self, matrix, background):
        self.matrix, self.background = np.asarray(matrix, float), np.asarray(background, float)

    def start(self, sample, rng, given=None):
        return Rates(np.full(self.matrix.shape[1], max(float(sample.x.mean()), 0.1)))

    def _parts(self, chunk):
        index = chunk.x[:, 1].astype(int)
        return chunk.x[:, 0], self.matrix[index], self.background[index]

    def e_step(self, params, chunk):
        y, a, b = self._parts(chunk)
        mean = a @ params.rates + b
        ratio = np.divide(y, mean, out=np.zeros_like(mean), where=mean > 0)
        each = params.rates * ((chunk.weights * ratio) @ a)
        loglik = float(chunk.weights @ (xlogy(y, mean) - mean))
        n = float(chunk.weights.sum())
        sensitivity = chunk.weights @ a
        return Suff(loglik, n, n, (Counts(each), Counts(sensitivity)))

    def m_step(self, suff, params):
        counts, sensitivity = suff.stats
        return Rates(counts.each / sensitivity.each)

    def q(self, params, suff):
        counts, sensitivity = suff.stats
        return float(np.sum(xlogy(counts.each, params.rates) - sensitivity.each * params.rates))


def unmixing(seed, cells=6, bins=12):
    rng = np.random.default_rng(seed)
    matrix = rng.uniform(0.05, 1, size=(bins, cells))
    truth = rng.uniform(0, 10, size=cells) * (rng.uniform(size=cells) < 0.5)
    y = rng.poisson(matrix @ truth + 1.0)
    return Unmixing(matrix, np.ones(bins)), Rows.of(np.column_stack([y, np.arange(bins)]))


def optimality(model, data, rates):
    """The largest violation of the conditions of Karush, Kuhn and Tucker, in counts."""
    mean = model.matrix @ rates + model.background
    slope = model.matrix.T @ (data.x[:, 0] / mean - 1)
    return max(float(np.max(np.abs(slope * rates))), float(np.max(np.where(rates > 0, 0, slope))))


@pytest.mark.parametrize("method", ["auto", "quasi-newton", "lbfgs", "squarem"])
@pytest.mark.parametrize("seed", range(5))
def test_zeros_of_a_concave_likelihood_are_exact_and_right(method, seed):
    model, data = unmixing(seed)
    fit = EM(tol=1e-9, accelerate=method, max_iter=20_000).fit(model, data, 0)
    assert fit.status is Status.CONVERGED
    assert optimality(model, data, fit.params.rates) < 1e-3
    assert fit.certificate.on_boundary == tuple(
        f"rates[{i}]" for i in np.flatnonzero(fit.params.rates == 0)
    )
    assert np.all((fit.params.rates == 0) | (fit.params.rates > 1e-4))


def test_a_wrong_zero_is_let_go():
    model, data = unmixing(2)
    right = EM(tol=1e-9).fit(model, data, 0)
    positive = right.params.rates > 0
    begun = EM(max_iter=3).fit(model, data, 0).climbs[0].state
    rates = right.params.rates.copy()
    rates[np.argmax(positive)] = 0  # settled wrongly in a climb that began inside
    state = begun._replace(params=Rates(rates), base=Rates(rates))
    method = QuasiNewton()
    state = state._replace(method=method.begin(int((rates > 0).sum())))
    with Threads(1).over(model, [data]) as mapper:
        evaluator = Evaluator(mapper)
        found = climb(evaluator, right.params, method, 1e-7, 500, lambda step: None, state=state)
    assert found.status is Status.CONVERGED
    assert found.objective == pytest.approx(right.objective, abs=1e-5)
    assert found.params.rates[np.argmax(positive)] > 0


def test_plain_em_keeps_to_its_steps():
    model, data = unmixing(0)
    fit = EM(accelerate="none", max_iter=400).fit(model, data, 0)
    assert fit.trace.em.all()
    assert (fit.params.rates > 0).all()  # EM never reaches a zero it did not start from


def test_zeros_of_the_start_stay():
    model, data = unmixing(1)
    start = model.start(data, np.random.default_rng(0))
    start.rates[2] = 0
    fit = EM().fit(model, data, 0, start=start)
    assert fit.params.rates[2] == 0


class TiedUnmixing(Unmixing):
    """Cells in groups of one rate each."""

    def __init__(self, matrix, background, groups):
        super().__init__(matrix, background)
        self.groups = np.asarray(groups)
        self.tied = Tied(Positive(), self.groups)

    @property
    def space(self):
        return Rates(self.tied)

    def m_step(self, suff, params):
        counts, sensitivity = suff.stats
        pooled = [np.bincount(self.groups, each) for each in (counts.each, sensitivity.each)]
        return Rates((pooled[0] / pooled[1])[self.groups])


@pytest.mark.parametrize("method", ["auto", "lbfgs", "squarem", "anderson"])
def test_tied_entries_reach_their_bound_together(method):
    free, data = unmixing(3)
    groups = np.array([0, 0, 1, 1, 2, 2])
    model = TiedUnmixing(free.matrix, free.background, groups)
    fit = EM(tol=1e-9, accelerate=method, max_iter=20_000).fit(model, data, 0)
    pooled = np.stack([free.matrix[:, groups == g].sum(axis=1) for g in range(3)], axis=1)
    alone = EM(tol=1e-9).fit(Unmixing(pooled, free.background), data, 0)
    assert fit.status is Status.CONVERGED
    assert fit.objective == pytest.approx(alone.objective, abs=1e-5)
    np.testing.assert_allclose(fit.params.rates, alone.params.rates[groups], atol=1e-3)
    if (fit.params.rates == 0).any():  # named as the parameter's own entries
        named = {f"rates[{i}]" for i in np.flatnonzero(fit.params.rates == 0)}
        assert set(fit.certificate.on_boundary) == named


def test_the_held_part_of_a_simplex_is_not_touched_by_lifting():
    space = Leaf(Masked(Simplex(), [False, True, True]))
    start = Leaf(np.array([0.3, 0.3, 0.4]))
    raised = lifted(space, Leaf(np.array([0.3, 0.0, 0.7])), start, 1e-3)
    assert raised.params.value[0] == 0.3
    assert raised.params.value.sum() == pytest.approx(1, abs=1e-15)
    assert raised.params.value[1] > 0


@pytest.mark.parametrize("budget", range(20, 60))
def test_the_budget_holds_whatever_is_explored(budget):
    model, data = unmixing(4)
    fit = EM(tol=1e-12, max_iter=budget).fit(model, data, 0)
    assert fit.certificate.n_steps <= budget
    taken = fit.trace.objective[fit.trace.accepted]
    assert taken[-1] == fit.objective


def test_another_accelerator_takes_over_from_an_earlier_fit():
    model, data = unmixing(0)
    first = EM(max_iter=6).fit(model, data, 0)
    for method in ("squarem", "anderson", "lbfgs", "none", "auto"):
        fit = EM(accelerate=method, max_iter=20_000).fit(model, data, 0, resume=first)
        assert fit.objective >= first.objective - 1e-9
