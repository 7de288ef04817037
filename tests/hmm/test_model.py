"""The model beside a sum over all paths, and beside the engine's contract."""

import numpy as np
import pytest

from latentia import EM, check_model
from latentia.data.groups import GroupedRows, GroupedSource
from latentia.engine import tree
from latentia.engine.space import Fixed, Masked, Simplex, Tied
from latentia.families import registry
from latentia.hmm.chains import FreeStart, StationaryStart, stationary
from latentia.hmm.model import HiddenMarkovParams

from .kinds import ROWS, model_of, with_missing
from .paths import enumerated

SIZES = np.array([6, 1, 4, 7, 2])


def chain(k, rng, zeros=()):
    """Random starts and transitions, with exact zeros where told."""
    start, transitions = rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k), size=k)
    for i, j in zeros:
        transitions[i, j] = 0
    return start, transitions / transitions.sum(axis=1, keepdims=True)


def some(kind, k=3, zeros=(), seed=0):
    """A model, sequences of its rows with holes, and parameters near a start."""
    rng = np.random.default_rng(seed)
    whole = ROWS[kind]()[: SIZES.sum()]
    model = model_of(kind, whole, k)
    x = with_missing(whole, model.family.takes_missing)
    chunk = GroupedRows(x, rng.gamma(2.0, size=len(SIZES)), SIZES)
    made = model.start(model.prepare(chunk), rng)
    return model, chunk, HiddenMarkovParams(*chain(k, rng, zeros), made.emissions)


def test_every_family_is_looked_at():
    assert {kind.partition("(")[0] for kind in ROWS} == set(registry.names())


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("zeros", [(), [(0, 2), (2, 0), (1, 1)]], ids=["free", "zeros"])
def test_likelihood_posteriors_and_transitions_are_sums_over_all_paths(kind, zeros):
    by_all_paths(*some(kind, zeros=zeros))


@pytest.mark.parametrize("kind", ROWS)
def test_paths_that_tie_are_all_counted(kind):
    """States that follow one another alike, and steps that are the same."""
    model, chunk, params = some(kind)
    chunk.x[1:4], chunk.x[8:11] = chunk.x[0], chunk.x[7]
    even = params._replace(start=np.full(3, 1 / 3), transitions=np.full((3, 3), 1 / 3))
    by_all_paths(model, chunk, even)


def by_all_paths(model, chunk, params):
    """An E-step beside sums over all paths."""
    suff, known = model.e_step(params, model.prepare(chunk)), model.posterior(params, chunk)
    hollow = np.isnan(chunk.x).all(axis=1)
    logs = np.zeros((len(chunk.x), 3))
    logs[~hollow] = model.family.log_density(params.emissions, chunk.x[~hollow])
    loglik, start, transitions = 0.0, np.zeros(3), np.zeros((3, 3))
    resp = np.zeros((len(chunk.x), 3))
    for first, size, w, each in zip(
        chunk.starts, SIZES, chunk.weights, known.log_density, strict=True
    ):
        own = slice(first, first + size)
        by_hand = enumerated(params.start, params.transitions, logs[own])
        assert each == pytest.approx(by_hand.loglik, rel=1e-12, abs=1e-10)
        np.testing.assert_allclose(known.resp[own], by_hand.resp, atol=1e-10)
        resp[own] = w * by_hand.resp
        loglik += w * by_hand.loglik
        start += w * by_hand.resp[0]
        transitions += w * by_hand.transitions
    assert suff.loglik == pytest.approx(loglik, rel=1e-12, abs=1e-10)
    assert suff.n_units == pytest.approx(chunk.weights.sum())
    assert suff.n_obs == pytest.approx(chunk.weights @ SIZES)
    np.testing.assert_allclose(suff.stats.start, start, atol=1e-10)
    np.testing.assert_allclose(suff.stats.transitions, transitions, atol=1e-10)
    direct = model.family.stats(params.emissions, chunk.x[~hollow], resp[~hollow])
    for got, expected in zip(tree.leaves(suff.stats.emissions), tree.leaves(direct), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


# uniform states are all alike, so that the likelihood is flat and its score is rounding; to
# difference factor analyzers takes long, and mixtures of them are differenced already
LONG_OR_FLAT = ("uniform", "factor_analyzers(n_factors=1)")


@pytest.mark.parametrize("kind", [kind for kind in ROWS if kind not in LONG_OR_FLAT])
def test_every_family_keeps_the_contract(kind):
    model, chunk, _ = some(kind)
    check_model(model, chunk, 1, points=1)


LEFT_RIGHT = np.triu(np.ones((3, 3), bool))


@pytest.mark.parametrize(
    ("transitions", "n_free"),
    [
        (Simplex(LEFT_RIGHT), 3),
        (Simplex(np.eye(3, dtype=bool) | np.roll(np.eye(3, dtype=bool), 1, axis=1)), 3),
        (Tied(Simplex(), [0, 1, 1]), 4),
        (Tied(Simplex([[True, True, False], [True, True, True]]), [0, 1, 1]), 3),
        (Masked(Simplex(), [[True, True, True], [True, False, True], [False, False, False]]), 3),
        (Fixed(), 0),
    ],
    ids=["left-right", "cyclic", "tied", "tied with zeros", "held", "fixed"],
)
def test_constrained_transitions_keep_the_contract_and_are_counted(transitions, n_free):
    x = ROWS["poisson"]()
    model = model_of("poisson", x, 3, FreeStart(3, transitions=transitions))
    chunk = GroupedRows(x, np.ones(4), np.array([10, 12, 3, 15]))
    check_model(model, chunk, 2, points=2)
    assert transitions.n_free((3, 3)) == n_free
    fit = EM(tol=1e-7).fit(model, chunk, 0)
    assert fit.n_free == 2 + n_free + 3


@pytest.mark.parametrize(
    ("transitions", "n_free"),
    [(None, 6), (Tied(Simplex(), [0, 1, 1]), 4), (Masked(Simplex(), ~np.eye(3, dtype=bool)), 3)],
    ids=["free", "tied", "held"],
)
def test_a_stationary_start_keeps_the_contract(transitions, n_free):
    """Its M-step maximises log π(A) too: short sequences have more of it than of transitions."""
    x = ROWS["poisson"]()
    model = model_of("poisson", x, 3, StationaryStart(3, transitions))
    chunk = GroupedRows(x, np.ones(9), np.array([2, 2, 2, 2, 12, 3, 2, 2, 13]))
    check_model(model, chunk, 2, points=2)
    fit = EM(tol=1e-7).fit(model, chunk, 0)
    assert fit.n_free == n_free + 3
    start, a = model.law(fit.params)
    np.testing.assert_allclose(start @ a, start, atol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_stationary_distribution_is_where_powers_end(k):
    a = np.random.default_rng(k).dirichlet(np.ones(k), size=k)
    np.testing.assert_allclose(stationary(a), np.linalg.matrix_power(a, 200)[0], atol=1e-13)


def test_forbidden_transitions_stay_exact_zeros():
    x = np.concatenate([RATES[z] for z in (0, 1, 2)])
    model = model_of("poisson", x, 3, FreeStart(3, transitions=Simplex(LEFT_RIGHT)))
    fit = EM().fit(model, GroupedRows(x, np.ones(1), np.array([len(x)])), 0)
    assert (fit.params.transitions[~LEFT_RIGHT] == 0).all()
    assert fit.params.transitions.sum(axis=1) == pytest.approx(1.0)


RATES = [np.random.default_rng(z).poisson(rate, size=(20, 1)) for z, rate in enumerate((2, 30, 9))]


def test_the_result_does_not_depend_on_workers():
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 300, size=400)
    x = rng.poisson(rng.choice([2.0, 8.0], size=(sizes.sum(), 1))).astype(float)
    model = model_of("poisson", x[:50], 2)
    source = GroupedSource(GroupedRows(x, np.ones(400), sizes))
    assert len(source.chunks()) > 1
    one, two = (EM(tol=1e-3, workers=n).fit(model, source, 0) for n in (1, 2))
    for a, b in zip(tree.leaves(one.params), tree.leaves(two.params), strict=True):
        assert np.array_equal(a, b)


def test_a_prior_is_imagined_data():
    """Its pseudo-counts added to those seen, as in Dirichlet and gamma priors."""
    x = ROWS["poisson"]()
    chunk = GroupedRows(x, np.ones(2), np.array([25, 15]))
    plain = model_of("poisson", x, 2)
    none = plain.family.stats(None, np.empty((0, 1)), np.empty((0, 2)))
    imagined = none._replace(count=np.full((2, 1), 2.0), total=np.full((2, 1), 5.0))
    prior = type(plain.e_step(plain.start(chunk, np.random.default_rng(0)), chunk).stats)(
        np.array([1.0, 0.5]), np.array([[3.0, 1.0], [0.0, 2.0]]), imagined
    )
    model = model_of("poisson", x, 2, prior=prior)
    check_model(model, chunk, 0, points=2)
    fit = EM(tol=1e-10).fit(model, chunk, 0)
    assert any("prior is in force" in claim for claim in fit.certificate.claims)
    suff = model.e_step(fit.params, chunk).stats
    rates = (suff.emissions.total + 5) / (suff.emissions.count + 2)
    np.testing.assert_allclose(fit.params.emissions.rates, rates, rtol=1e-5)
    pairs = suff.transitions + prior.transitions
    expected = pairs / pairs.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fit.params.transitions, expected, atol=1e-5)


def test_drawn_sequences_have_the_chains_frequencies():
    """Within four standard errors, and holes where they were."""
    rng = np.random.default_rng(5)
    start, transitions = chain(3, rng, [(0, 2)])
    x = np.zeros((30_000, 1))
    x[::7] = np.nan
    model = model_of("categorical(n_levels=[3])", np.zeros((1, 1)), 3)
    made = type(model.family.start(np.zeros((1, 1)), np.ones((1, 3))))(np.eye(3)[:, None, :])
    params = HiddenMarkovParams(start, transitions, made)
    drawn = model.simulate(params, GroupedRows(x, np.ones(6000), np.full(6000, 5)), rng)
    assert np.array_equal(np.isnan(drawn.x), np.isnan(x))
    z = drawn.x[:, 0].reshape(6000, 5)
    first = z[:, 0][~np.isnan(z[:, 0])]
    share = np.bincount(first.astype(int), minlength=3) / len(first)
    assert (np.abs(share - start) < 4 * np.sqrt(start * (1 - start) / len(first))).all()
    before, after = z[:, :-1].ravel(), z[:, 1:].ravel()
    known = ~np.isnan(before) & ~np.isnan(after)
    counts = np.zeros((3, 3))
    np.add.at(counts, (before[known].astype(int), after[known].astype(int)), 1)
    assert counts[0, 2] == 0
    total = counts.sum(axis=1, keepdims=True)
    off = np.abs(counts / total - transitions)
    assert (off <= 4 * np.sqrt(transitions * (1 - transitions) / total) + 1e-12).all()
