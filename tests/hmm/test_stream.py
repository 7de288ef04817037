"""Online EM: exact statistics at parameters that stay, and the batch estimate in the long run."""

import numpy as np
import pandas as pd
import pytest

from latentia import CategoricalHMM, GaussianHMM, HiddenMarkov, PoissonHMM, load
from latentia.data.groups import GroupedRows
from latentia.engine import tree
from latentia.engine.space import Simplex
from latentia.hmm import stream
from latentia.hmm.chains import FreeStart, StationaryStart

from .kinds import ROWS, model_of, with_missing

SIZES = np.array([17, 1, 22])


def fed(model, params, x, sizes, block, alpha=1.0):
    """A stream that has seen some sequences in blocks of one length."""
    state, end = stream.begun(model, params), 0
    for size in sizes:
        first, end = end, end + size
        for at in range(first, end, block):
            piece = x[at : min(at + block, end)]
            state = stream.absorbed(model, state, piece, at == first, alpha)
    return state


def close(one, other, tol=1e-10):
    for a, b in zip(tree.leaves(one), tree.leaves(other), strict=True):
        scale = max(np.abs(b).max(initial=0.0), 1.0)
        np.testing.assert_allclose(a, b, rtol=0, atol=tol * scale)


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("block", [1, 5])
def test_statistics_are_the_smoothed_ones_at_parameters_that_stay(kind, block):
    x = ROWS[kind]()
    model = model_of(kind, x, 3)
    x = with_missing(x, model.family.takes_missing)
    chunk = GroupedRows(x, np.ones(3), SIZES)
    params = model.start(chunk, np.random.default_rng(3))
    exact = model.e_step(params, chunk)
    found = stream.totals(fed(model, params, x, SIZES, block))
    assert found.loglik == pytest.approx(exact.loglik, abs=1e-9)
    assert (found.n_units, found.n_obs) == (exact.n_units, exact.n_obs)
    close(found.stats, exact.stats)


@pytest.mark.parametrize(
    "chain",
    [StationaryStart(3), FreeStart(3, transitions=Simplex(np.triu(np.ones((3, 3), dtype=bool))))],
)
def test_zeros_and_stationary_starts_are_exact_too(chain):
    x = ROWS["poisson"]()
    model = model_of("poisson", x, 3, chain)
    chunk = GroupedRows(x, np.ones(3), SIZES)
    params = model.start(chunk, np.random.default_rng(3))
    exact, found = model.e_step(params, chunk), stream.totals(fed(model, params, x, SIZES, 4))
    close(found.stats, exact.stats)
    close(model.m_step(found, params), model.m_step(exact, params), 1e-7)


@pytest.mark.parametrize("alpha", [0.6, 0.9])
def test_fading_statistics_do_not_depend_on_the_blocks(alpha):
    x = ROWS["gaussian"]()
    model = model_of("gaussian", x, 2)
    params = model.start(GroupedRows(x, np.ones(3), SIZES), np.random.default_rng(3))
    one, other = (fed(model, params, x, SIZES, block, alpha) for block in (1, 40))
    close(stream.statistics(one), stream.statistics(other), 1e-11)
    plain = stream.statistics(fed(model, params, x, SIZES, 1))
    assert abs(stream.statistics(one).transitions - plain.transitions).max() > 1e-3


def cappes(x, start, moves, rates, alpha):
    """The recursion as Cappé (2011) writes it: eqs. 7 to 9, a step at a time, for Poisson rates."""
    from scipy.stats import poisson

    k = len(start)
    g = poisson.pmf(x[0], rates)
    filtered = start * g / (start @ g)
    rho_moves, rho_total, rho_count = np.zeros((k, k, k)), np.diag(np.full(k, x[0])), np.eye(k)
    for n in range(1, len(x)):
        back = filtered[:, None] * moves
        back = back / back.sum(axis=0)  # r(i | j)
        filtered = (filtered @ moves) * poisson.pmf(x[n], rates)
        filtered = filtered / filtered.sum()
        gamma = (n + 1.0) ** -alpha
        move = np.zeros((k, k, k))
        for j in range(k):
            move[:, j, j] = back[:, j]  # [i, j, now]: from i to j, which is now
        rho_moves = gamma * move + (1 - gamma) * np.einsum("abi,ij->abj", rho_moves, back)
        rho_total = gamma * np.eye(k) * x[n] + (1 - gamma) * rho_total @ back
        rho_count = gamma * np.eye(k) + (1 - gamma) * rho_count @ back
    return rho_moves @ filtered, rho_total @ filtered, rho_count @ filtered


def test_the_recursion_is_cappes():
    model = PoissonHMM(2, params="", init_params="")
    model.startprob_, model.transmat_ = np.array([0.4, 0.6]), np.array([[0.8, 0.2], [0.3, 0.7]])
    model.lambdas_ = np.array([[2.0], [6.0]])
    x, _ = model.sample(60, random_state=0)
    made, params = model._fitted()
    found = stream.statistics(fed(made, params, x, [60], 7, alpha=0.6))
    moves, total, count = cappes(
        x[:, 0], model.startprob_, model.transmat_, model.lambdas_[:, 0], 0.6
    )
    np.testing.assert_allclose(found.transitions, moves, atol=1e-12)
    np.testing.assert_allclose(found.emissions.count[:, 0], count, atol=1e-12)
    np.testing.assert_allclose(found.emissions.total[:, 0], total, atol=1e-12)


def drawn(kind):
    """A model set by hand, and a long sequence that it drew."""
    moves = np.array([[0.95, 0.05], [0.1, 0.9]])
    if kind is GaussianHMM:
        made = GaussianHMM(2)
        made.means_, made.covars_ = np.array([[0.0, 0.0], [2.0, 1.0]]), np.array([[1, 2], [0.5, 1]])
    elif kind is PoissonHMM:
        made = PoissonHMM(2)
        made.lambdas_ = np.array([[2.0], [7.0]])
    else:
        made = CategoricalHMM(2)
        made.emissionprob_ = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    made.startprob_, made.transmat_ = np.array([0.5, 0.5]), moves
    return made.sample(12_000, random_state=1)[0]


@pytest.mark.parametrize("kind", [GaussianHMM, PoissonHMM, CategoricalHMM])
def test_a_long_stream_ends_at_the_batch_estimate(kind):
    """Nearer to the maximum of the likelihood than a standard error of each parameter."""
    x = drawn(kind)
    batch = kind(2, random_state=0, tol=1e-5).fit(x)
    online = kind(2, random_state=0)
    for piece in np.array_split(x, 40):
        online.partial_fit(piece)
    assert online.n_steps_seen_ == 12_000
    names = {GaussianHMM: "means_", PoissonHMM: "lambdas_", CategoricalHMM: "emissionprob_"}
    made, known = getattr(online, names[kind]), getattr(batch, names[kind])
    order = [0, 1] if abs(made - known).sum() < abs(made[::-1] - known).sum() else [1, 0]
    pairs = [(online.transmat_[np.ix_(order, order)], batch.transmat_), (made[order], known)]
    errors = batch.standard_errors()
    wide = [errors.transitions]
    wide.append(np.reshape(tree.leaves(errors.emissions)[0], known.shape))
    for (found, known), error in zip(pairs, wide, strict=True):
        assert (np.abs(found - known) < error).all()
    lost = batch.score(x) - online.score(x)
    assert lost < 1.5


def test_it_forgets_what_has_changed():
    rng = np.random.default_rng(0)
    states = np.repeat(rng.integers(0, 2, size=600), 10)
    before = rng.poisson(np.where(states, 8.0, 2.0))
    after = rng.poisson(np.where(states, 20.0, 2.0))
    model = PoissonHMM(2, random_state=0)
    for piece in (*np.array_split(before, 20), *np.array_split(np.tile(after, 3), 9)):
        model.partial_fit(piece)
    assert model._online.params.emissions.rates.max() == pytest.approx(20.0, rel=0.02)
    assert model.lambdas_.max() == pytest.approx(20.0, rel=0.1)  # an average lags behind


def test_a_stream_goes_on_or_begins_anew():
    """One call or many, a sequence that goes on is one; frame, list and lengths are the same."""
    x = drawn(PoissonHMM)[:600]
    start = HiddenMarkov("poisson", 2, random_state=0, n_init=1).fit(x[:200])
    one, cut, anew = (HiddenMarkov("poisson", 2, random_state=0, n_init=1) for _ in range(3))
    for model in (one, cut, anew):
        model.fit(x[:200])
    one.partial_fit(x[200:])
    for piece in np.split(x[200:], [160, 240]):  # whole blocks
        cut.partial_fit(piece)
    np.testing.assert_allclose(one.params_.rates, cut.params_.rates, rtol=1e-12)
    assert one.n_sequences_seen_ == 1
    anew.partial_fit(x[200:], [100, 300], begins=True)
    assert anew.n_sequences_seen_ == 3
    again = HiddenMarkov("poisson", 2, random_state=0, n_init=1).fit(x[:200])
    again.partial_fit([x[200:300], x[300:]], begins=True)
    np.testing.assert_array_equal(again.transmat_, anew.transmat_)
    framed = HiddenMarkov("poisson", 2, random_state=0, n_init=1).fit(x[:200])
    frame = pd.DataFrame({"y": x[200:, 0], "who": np.repeat([0, 1], [100, 300])})
    framed.partial_fit(frame, id="who", begins=True)
    np.testing.assert_array_equal(framed.transmat_, anew.transmat_)
    assert abs(start.transmat_ - one.transmat_).max() > 1e-4


def test_it_goes_on_from_a_file_and_from_attributes(tmp_path):
    x = drawn(PoissonHMM)[:900]
    model = PoissonHMM(2, random_state=0).fit(x[:300])
    model.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    again.partial_fit(x[300:600]).partial_fit(x[600:])
    assert again.n_steps_seen_ == 600
    assert not hasattr(again, "loglik_")
    assert np.isfinite(again.score(x))
    by_hand = PoissonHMM(2)
    by_hand.startprob_, by_hand.transmat_ = np.array([0.5, 0.5]), np.full((2, 2), 0.5)
    by_hand.lambdas_ = np.array([[1.0], [9.0]])
    by_hand.partial_fit(x)
    assert by_hand.n_steps_seen_ == 900
    refitted = by_hand.fit(x)
    assert not hasattr(refitted, "n_steps_seen_")
    assert refitted.loglik_ > model.score(x) - 1


def test_what_cannot_be_used_leaves_the_model_as_it_was():
    x = drawn(PoissonHMM)[:200]
    model = PoissonHMM(2, random_state=0).partial_fit(x).partial_fit(x)
    before = model.lambdas_.copy(), model.n_steps_seen_
    with pytest.raises(ValueError, match="got -1 at row 1"):
        model.partial_fit([[3.0], [-1.0]])
    with pytest.raises(ValueError, match="sequences of 2 columns, expected 1"):
        model.partial_fit(np.ones((3, 2)))
    np.testing.assert_array_equal(model.lambdas_, before[0])
    assert model.n_steps_seen_ == before[1]
    weighted = HiddenMarkov("poisson", 1).fit([x, x], sample_weight=[1, 2])
    with pytest.raises(ValueError, match="after a fit with sample_weight"):
        weighted.partial_fit(x)
    made = PoissonHMM(1, params="l", init_params="")
    made.startprob_, made.transmat_ = np.ones(1), np.ones((1, 1))
    made.lambdas_ = np.array([[0.0]])
    with pytest.raises(ValueError, match="no path of states could make"):
        made.partial_fit([[1.0]])
