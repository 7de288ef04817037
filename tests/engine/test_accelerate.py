"""Accelerators: what each proposes is what its paper says, on quadratic hills."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from latentia.data.arrays import Rows
from latentia.engine import EM, Status
from latentia.engine.accelerate import (
    ACCELERATORS,
    LBFGS,
    Accelerator,
    Anderson,
    Auto,
    Here,
    Plain,
    Proposal,
    QuasiNewton,
    Squarem,
)
from latentia.engine.space import Rebinding
from latentia.engine.space.simplex import SimplexChart
from latentia.engine.tree import leaves

from .models import DEATHS, KnownComponents, TwoPoissons

seeds = st.integers(0, 2**32 - 1)


class Hill:
    """Maximum 0 at the origin; observed information A, complete information C = A + missing."""

    def __init__(self, rng, d):
        a, b = rng.normal(size=(2, d, d + 2))
        self.observed = a @ a.T
        self.complete = self.observed + b @ b.T

    def at(self, x):
        score = -self.observed @ x
        return Here(x, -float(x @ self.observed @ x) / 2, self.em(score), score)

    def em(self, score):
        return np.linalg.solve(self.complete, score)


def _walk(method, hill, x, steps, rng):
    """States after `steps` accepted steps of any kind, and the points."""
    state, here = method.begin(len(x)), hill.at(x)
    points = [here]
    for i in range(steps):
        there = hill.at(here.x + 0.5 * rng.normal(size=len(x)))
        state = method.accept(state, here, there, em=i < 2)
        here = there
        points.append(here)
    return state, points


def _climbed(name, seed, moves):
    """Where a method is after `moves` moves on a hill, and where it began."""
    rng = np.random.default_rng(seed)
    hill, method = Hill(rng, 3), ACCELERATORS[name]()
    here = hill.at(rng.normal(size=3))
    state, first = method.begin(3), here.objective
    for _ in range(moves):
        proposal = method.propose(state, here)
        assert isinstance(proposal, Proposal)
        there = None if proposal.step is None else hill.at(here.x + proposal.step)
        if there is None or there.objective < here.objective:
            if there is not None:
                state = method.refuse(state)
            there = hill.at(here.x + here.em_step)
            state, here = method.accept(state, here, there, em=True), there
        else:
            state, here = method.accept(state, here, there, em=False), there
    return here.objective, first


@pytest.mark.parametrize("name", ACCELERATORS)
@given(seed=seeds)
@settings(max_examples=15)
def test_every_method_climbs_a_quadratic_hill(name, seed):
    """Nearly to the top, but for SQUAREM, one step length for all directions: as high as EM."""
    reached, first = _climbed(name, seed, 60)
    assert reached > first
    if name == "squarem":
        assert reached >= min(_climbed("none", seed, 60)[0], 1e-3 * first)
    elif name != "none":
        assert reached >= 1e-3 * first


@pytest.mark.parametrize("name", ACCELERATORS)
def test_states_are_trees_of_numbers(name):
    rng = np.random.default_rng(0)
    state, _ = _walk(ACCELERATORS[name](), Hill(rng, 4), np.ones(4), 5, rng)
    assert hasattr(state, "_fields")
    for leaf in leaves(state):
        assert isinstance(leaf, (np.ndarray, int, float))


@pytest.mark.parametrize("name", ACCELERATORS)
def test_steps_learn_without_changing_earlier_states(name):
    rng = np.random.default_rng(0)
    method, hill = ACCELERATORS[name](), Hill(rng, 3)
    state, points = _walk(method, hill, np.ones(3), 4, rng)
    copies = [np.array(leaf) for leaf in leaves(state)]
    method.accept(state, points[-2], points[-1], em=True)
    method.refuse(state)
    method.propose(state, points[-1])
    for before, now in zip(copies, leaves(state), strict=True):
        np.testing.assert_array_equal(before, now)


def test_plain_always_takes_the_em_step():
    rng = np.random.default_rng(0)
    here = Hill(rng, 3).at(np.ones(3))
    assert Plain().propose(Plain().begin(3), here) == (None, here.em_gain)
    assert Plain().retry(Plain().begin(3), np.ones(3), 1) is None


@given(rate=st.floats(0.05, 0.999), start=st.floats(-100, 100).filter(lambda x: abs(x) > 1e-3))
def test_squarem_lands_on_the_maximum_of_a_linear_map(rate, start):
    # x -> rate * x: two steps determine it (Varadhan & Roland 2008, sec. 5)
    method = Squarem()

    def at(x):
        x = np.array([x])
        return Here(x, -float(x @ x), (rate - 1) * x, -2 * x)

    before, after = at(start), at(rate * start)
    state = method.begin(1)._replace(longest=1e9)  # nothing bounds the step
    assert method.propose(state, before).step is None
    state = method.accept(state, before, after, em=True)
    step = method.propose(state, after).step
    assert (after.x + step)[0] == pytest.approx(0, abs=1e-8 * abs(start) / (1 - rate))


def test_squarem_steadies_after_an_extrapolation():
    rng = np.random.default_rng(1)
    hill, method = Hill(rng, 3), Squarem()
    points = [hill.at(np.ones(3))]
    for _ in range(3):
        points.append(hill.at(points[-1].x + points[-1].em_step))
    state = method.accept(method.begin(3), points[0], points[1], em=True)
    assert method.propose(state, points[1]).step is not None
    state = method.accept(state, points[1], points[2], em=False)
    assert method.propose(state, points[2]).step is None  # the third map evaluation of a cycle
    state = method.accept(state, points[2], points[3], em=True)
    assert method.propose(state, points[3]).step is None  # the first of the next
    after = hill.at(points[3].x + points[3].em_step)
    state = method.accept(state, points[3], after, em=True)
    assert method.propose(state, after).step is not None


@given(seed=seeds, steps=st.integers(1, 12))
@settings(max_examples=30)
def test_quasi_newton_satisfies_its_last_secant(seed, steps):
    rng = np.random.default_rng(seed)
    hill, method = Hill(rng, 4), QuasiNewton()
    state, points = _walk(method, hill, rng.normal(size=4), steps, rng)
    before, after = points[-2:]
    got = method.inverse(state, before.score - after.score, before.em_step - after.em_step)
    np.testing.assert_allclose(got, after.x - before.x, rtol=1e-6, atol=1e-6)


@given(seed=seeds, steps=st.integers(0, 12))
@settings(max_examples=30)
def test_quasi_newtons_matrix_is_symmetric_and_positive(seed, steps):
    rng = np.random.default_rng(seed)
    hill, method = Hill(rng, 4), QuasiNewton(memory=6)
    state, _ = _walk(method, hill, rng.normal(size=4), steps, rng)
    rows = [method.inverse(state, v, hill.em(v)) for v in np.eye(4)]
    matrix = np.array(rows)
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-6, atol=1e-8 * np.abs(matrix).max())
    assert np.linalg.eigvalsh((matrix + matrix.T) / 2)[0] > 0


def test_quasi_newton_learns_the_observed_information():
    rng = np.random.default_rng(3)
    hill, method = Hill(rng, 3), QuasiNewton()
    here, state = hill.at(np.array([3.0, -2.0, 1.0])), method.begin(3)
    for i in range(25):
        step = method.propose(state, here).step
        step = here.em_step if step is None else step
        # a step to the top along its direction, as a line search would take it
        length = (step @ here.score) / (step @ hill.observed @ step)
        there = hill.at(here.x + length * step)
        state, here = method.accept(state, here, there, em=i < 2), there
        if here.objective > -1e-20:
            break
    assert here.objective > -1e-20  # BFGS with exact searches ends after as many steps as axes
    assert i <= 6


def test_quasi_newton_starts_with_plain_steps_and_forgets_when_refused():
    rng = np.random.default_rng(0)
    hill, method = Hill(rng, 3), QuasiNewton(warm_up=2)
    here, state = hill.at(np.ones(3)), method.begin(3)
    for _ in range(2):
        assert method.propose(state, here) == (None, np.inf)
        there = hill.at(here.x + here.em_step)
        state, here = method.accept(state, here, there, em=True), there
    assert method.propose(state, here).step is not None
    assert state.used == 2
    assert method.refuse(state).used == 0


def test_the_memory_is_bounded_and_drops_the_oldest():
    rng = np.random.default_rng(0)
    method = QuasiNewton(memory=3)
    state, points = _walk(method, Hill(rng, 2), np.ones(2), 7, rng)
    assert state.used == 3
    steps = [b.x - a.x for a, b in itertools.pairwise(points)]
    np.testing.assert_allclose(state.steps, steps[-3:])
    assert QuasiNewton().most(200_000) * 200_000 * 8 <= 64e6
    assert QuasiNewton(memory=3).most(200_000) == 3


def test_the_inverse_maps_every_fall_of_the_newest_pair_to_its_step():
    """The secant equation B y = s, and B symmetric on quadratics (Nocedal & Wright 2006, 6.19)."""
    rng = np.random.default_rng(3)
    for method in (QuasiNewton(), QuasiNewton(memory=2), LBFGS()):
        state, points = _walk(method, Hill(rng, 4), np.ones(4), 6, rng)
        last, before = points[-1], points[-2]
        fall, em_fall = before.score - last.score, before.em_step - last.em_step
        np.testing.assert_allclose(
            method.inverse(state, fall, em_fall), last.x - before.x, rtol=1e-8, atol=1e-12
        )


def test_states_that_were_kept_stay_as_they_were():
    rng = np.random.default_rng(0)
    for method in (QuasiNewton(memory=3), LBFGS(memory=3)):
        hill = Hill(rng, 2)
        state, points = _walk(method, hill, np.ones(2), 5, rng)
        copy = [np.array(leaf) for leaf in leaves(state)]
        there = hill.at(points[-1].x + 0.1)
        first = method.accept(state, points[-1], there, em=False)
        method.accept(first, there, hill.at(there.x - 0.3), em=False)
        assert first.used == 3
        for leaf, was in zip(leaves(state), copy, strict=True):
            np.testing.assert_array_equal(leaf, was)


def test_convexity_stretches_and_rounding_is_skipped():
    method = QuasiNewton()
    state = method.begin(1)
    valley = [Here(np.array([x]), x * x / 2, np.array([0.1 * x]), np.array([x])) for x in (1, 2)]
    learnt = method.accept(state, *valley, em=False)
    assert (learnt.used, learnt.stretch) == (0, 2.0)
    assert method.accept(learnt, *valley, em=False).stretch == 4.0
    hair = [Here(np.array([x]), 0.0, np.array([-x]), np.array([-x])) for x in (1e-6, 2e-6)]
    assert method.accept(state, *hair, em=False).used == 0


def test_squarem_bounds_its_steps_by_what_held():
    def at(x):
        x = np.array([x])
        return Here(x, -float(x @ x), -0.001 * x, -2 * x)  # the free step length is 1000

    method, before, after = Squarem(), at(1.0), at(0.999)
    state = method.accept(method.begin(1), before, after, em=True)
    lengths = []
    for _ in range(3):
        step = method.propose(state, after).step
        lengths.append(float(np.sqrt(-step[0] / 0.001)))  # about a² r, since v is tiny
        state = method.accept(state, after, after, em=False)._replace(em_steps=1)
    assert lengths == sorted(lengths)
    assert state.longest == pytest.approx(4 * method.growth**3 / method.growth * 4)
    assert method.refuse(state).longest == state.longest / method.growth
    assert method.retry(state, np.ones(1), 1) is None


def test_anderson_without_damping_solves_a_linear_map():
    # of order d it is GMRES (Walker & Ni 2011), which needs d steps
    rng = np.random.default_rng(3)
    hill, method = Hill(rng, 3), Anderson(order=6)
    here = hill.at(np.ones(3))
    state = method.begin(6)  # a memory of three steps
    state = state._replace(**{name: getattr(state, name)[:, :3] for name in state._fields[:3]})
    for _ in range(3):
        there = hill.at(here.x + here.em_step)
        state = method.accept(state, here, there, em=True)
        here = there
    step = method.propose(state._replace(trust=10_000, em_first=0), here).step
    np.testing.assert_allclose(here.x + step, 0, atol=1e-8)


def test_anderson_is_damped_at_first_and_trusts_what_held():
    rng = np.random.default_rng(4)
    hill, method = Hill(rng, 4), Anderson()
    state, points = _walk(method, hill, np.ones(4), 2, rng)
    here = points[-1]
    reach = [
        np.linalg.norm(
            method.propose(state._replace(trust=t, em_first=0), here).step - here.em_step
        )
        for t in (-50, 0, 25, 50)
    ]
    assert reach == sorted(reach)
    assert reach[0] < 0.05 * reach[-1]  # hardly more than the EM step


@given(seed=seeds)
@settings(max_examples=20)
def test_lbfgs_satisfies_its_last_secant_and_needs_no_em_step(seed):
    rng = np.random.default_rng(seed)
    hill, method = Hill(rng, 4), LBFGS()
    state, points = _walk(method, hill, np.ones(4), 6, rng)
    step, drop = points[-1].x - points[-2].x, points[-2].score - points[-1].score
    np.testing.assert_allclose(method.inverse(state, drop, np.full(4, np.nan)), step, rtol=1e-6)


@pytest.mark.parametrize("method", [QuasiNewton(), LBFGS(), Squarem(), Anderson(), Auto(), Plain()])
def test_states_follow_into_a_chart_that_holds_a_coordinate(method):
    rng = np.random.default_rng(5)
    d, kept = 5, np.array([0, 2, 3, 4])
    hill = Hill(rng, d)
    state, points = _walk(method, hill, np.ones(d), 6, rng)
    moved = method.rebind(state, Rebinding(kept, np.full(4, -1)))
    face = points[-1]
    here = Here(face.x[kept], face.objective, face.em_step[kept], face.score[kept])
    step = method.propose(moved, here).step
    assert step is None or step.shape == (4,)
    if isinstance(method, QuasiNewton | LBFGS):
        image = method.inverse(moved, here.score, here.em_step)
        assert here.score @ image > 0


def test_a_ratio_whose_reference_went_follows():
    # three probabilities as log-ratios to the first; the first is settled at zero
    old = SimplexChart(np.array([0.5, 0.3, 0.2]), np.ones(3, bool))
    new = SimplexChart(np.array([0.0, 0.6, 0.4]), np.ones(3, bool))
    there = np.array([0.0, 0.25, 0.75])
    near = 1e-9 * there + [1 - 1e-9, 0, 0]
    follows = old.rebinding(new).steps(old.pack(np.maximum(near, 1e-300))[None])[0]
    np.testing.assert_allclose(follows, new.pack(there), rtol=1e-6)


@pytest.mark.parametrize("method", [QuasiNewton(), Auto(), LBFGS()])
def test_a_refused_proposal_is_shortened_twice(method):
    state = method.begin(2)
    np.testing.assert_allclose(method.retry(state, np.ones(2), 1), [0.4, 0.4])
    assert method.retry(state, np.ones(2), 2) is None


def test_auto_turns_to_squarem_where_quasi_newton_fails_again_and_again():
    rng = np.random.default_rng(0)
    hill, method = Hill(rng, 3), Auto()
    state, _ = _walk(method, hill, np.ones(3), 4, rng)
    for _ in range(20):
        state = method.refuse(state)
    first = hill.at(np.ones(3))
    second = hill.at(first.x + first.em_step)
    state = method.accept(state, first, second, em=True)
    squarem = Squarem()
    alone = squarem.accept(squarem.begin(3), first, second, em=True)
    assert method.begin(3).squarem.longest == squarem.begin(3).longest
    got, expected = method.propose(state, second), squarem.propose(alone, second)
    np.testing.assert_array_equal(got.step, expected.step)


@pytest.mark.parametrize("method", ["none", "squarem", "quasi-newton", "auto"])
def test_hasselblad_reaches_the_published_maximum(method):
    fit = EM(tol=1e-9, max_iter=10_000, accelerate=method).fit(TwoPoissons(), DEATHS, 0)
    assert fit.status is Status.CONVERGED
    assert fit.loglik == pytest.approx(-1989.945859883, abs=1e-7)  # turboEM's data, recomputed
    assert fit.certificate.monotone


@pytest.mark.parametrize(("method", "share"), [("squarem", 1 / 4), ("auto", 1 / 20)])
def test_acceleration_costs_a_fraction_of_plain_em(method, share):
    plain = EM(accelerate="none", max_iter=10_000).fit(TwoPoissons(), DEATHS, 0)
    fit = EM(accelerate=method).fit(TwoPoissons(), DEATHS, 0)
    assert fit.certificate.n_steps <= share * plain.certificate.n_steps
    assert fit.loglik == pytest.approx(-1989.945859883, abs=1e-4)


def _concave_maximum(model, data):
    """By sequential quadratic programming over every small support, with its duality gap."""
    f = np.exp(model.log_density(data.x))
    best, height = None, -np.inf
    for size in (2, 3, 4, 5):
        for support in itertools.combinations(range(f.shape[1]), size):
            part = f[:, support]
            found = minimize(
                lambda w, part=part: -np.log(np.maximum(part @ w, 1e-300)).sum(),
                np.full(size, 1 / size),
                jac=lambda w, part=part: -(part / np.maximum(part @ w, 1e-300)[:, None]).sum(0),
                bounds=[(0, 1)] * size,
                constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
                method="SLSQP",
                options={"ftol": 1e-14, "maxiter": 500},
            )
            if -found.fun > height:
                weights = np.zeros(f.shape[1])
                weights[list(support)] = np.maximum(found.x, 0)
                best, height = weights / weights.sum(), -found.fun
    return height, model.still_to_gain(type(model.space)(best), data)


@pytest.mark.parametrize("seed", range(6))
def test_weights_that_vanish_at_the_maximum(seed):
    model = KnownComponents([0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])
    rng = np.random.default_rng(seed)
    data = Rows.of(rng.poisson(rng.choice([1.0, 4.0], size=400, p=[0.6, 0.4])))
    height, gap = _concave_maximum(model, data)
    assert gap < 1e-5  # so it is the maximum
    fit = EM(max_iter=5000).fit(model, data, 0)
    assert fit.status is Status.CONVERGED
    assert height - fit.objective <= 10 * fit.certificate.tol


def test_a_method_of_ones_own():
    class Double(Accelerator):
        """Nearly twice the EM step."""

        name = "double"

        def begin(self, size):
            return Plain().begin(size)

        def propose(self, state, here):
            return Proposal(1.8 * here.em_step, here.em_gain)

        def retry(self, state, step, tries):
            return None

        def accept(self, state, before, after, *, em):
            return state

        def refuse(self, state):
            return state

        def rebind(self, state, rebinding):
            return state

    plain = EM(accelerate="none", max_iter=5000).fit(TwoPoissons(), DEATHS, 0)
    fit = EM(accelerate=Double(), max_iter=5000).fit(TwoPoissons(), DEATHS, 0)
    assert fit.status is Status.CONVERGED
    assert fit.certificate.n_steps < 0.8 * plain.certificate.n_steps
