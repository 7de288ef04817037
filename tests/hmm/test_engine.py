"""What the engine offers, of hidden Markov models: each against a likelihood written out here."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2, poisson
from sklearn.exceptions import NotFittedError

from latentia import EM, HiddenMarkov, datasets, load, select
from latentia.data.groups import GroupedRows
from latentia.engine import NotConvergedWarning, Status, tree
from latentia.engine.accelerate import ACCELERATORS
from latentia.engine.selection import bootstrap_lrt, cross_validate

QUAKES = datasets.load("earthquakes").values[:, 1]


@pytest.fixture(scope="module")
def two():
    return HiddenMarkov("poisson", 2, random_state=0, em=EM(tol=1e-9, starts=2)).fit(QUAKES)


def loglik(a01, a10, rates, start):
    """The forward algorithm, scaled, of two Poisson states."""
    f = poisson.pmf(QUAKES[:, None], rates)
    moves = np.array([[1 - a01, a01], [a10, 1 - a10]])
    total, now = 0.0, start * f[0]
    for t in range(1, len(f)):
        share = now.sum()
        total += np.log(share)
        now = (now / share) @ moves * f[t]
    return total + np.log(now.sum())


def at_the_fit(model):
    moves, rates = model.transmat_, model.params_.rates[:, 0]
    return np.array([moves[0, 1], moves[1, 0], *rates]), model.startprob_


def test_standard_errors_are_those_of_the_hessian(two):
    """Second differences of the likelihood; where the start is a single state it stays there."""
    x, start = at_the_fit(two)

    def height(v):
        return loglik(v[0], v[1], v[2:], start)

    assert height(x) == pytest.approx(two.loglik_, abs=1e-8)
    step = np.array([2e-4, 2e-4, 2e-2, 2e-2])
    hessian = np.empty((4, 4))
    for i in range(4):
        for j in range(4):
            a, b = np.eye(4)[i] * step, np.eye(4)[j] * step
            cross = height(x + a + b) - height(x + a - b) - height(x - a + b) + height(x - a - b)
            hessian[i, j] = cross / (4 * step[i] * step[j])
    known = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    errors = two.standard_errors()
    found = [errors.transitions[0, 1], errors.transitions[1, 0], *errors.emissions.rates[:, 0]]
    np.testing.assert_allclose(found, known, rtol=2e-3)
    for e in two.parameter_table():
        if e.name.startswith("transition"):  # their intervals stay between 0 and 1
            assert 0 < e.lower < e.value < e.upper < 1


@pytest.mark.parametrize("name", ["transition[0, 1]", "rate[1, x0]"])
def test_profile_intervals_end_where_the_likelihood_has_fallen(two, name):
    x, start = at_the_fit(two)
    place = {"transition[0, 1]": 0, "rate[1, x0]": 3}[name]
    rest = [i for i in range(4) if i != place]
    found = two.profile_interval(name)
    assert found.found == (True, True)
    assert found.lower < found.estimate < found.upper
    for end in (found.lower, found.upper):

        def below(v, end=end):
            at = np.empty(4)
            at[place], at[rest] = end, v
            inside = (at > 0).all() and (at[:2] < 1).all()
            return -loglik(at[0], at[1], at[2:], start) if inside else np.inf

        best = minimize(below, x[rest], method="Nelder-Mead", options={"xatol": 1e-7})
        fall = 2 * (two.loglik_ + best.fun)
        assert fall == pytest.approx(chi2.ppf(0.95, 1), abs=2e-3)


def test_profile_intervals_are_asked_for_by_name(two, tmp_path):
    with pytest.raises(ValueError, match=r"got 'rate', expected one of start\[0\], "):
        two.profile_interval("rate")
    two.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    with pytest.raises(NotFittedError, match="remember"):
        again.profile_interval("rate[0, x0]")
    found = again.remember(QUAKES).profile_interval("rate[0, x0]")
    assert found.upper == pytest.approx(two.profile_interval("rate[0, x0]").upper, abs=1e-4)


@pytest.mark.parametrize("name", [n for n in ACCELERATORS if n != "auto"])
def test_every_accelerator_ends_at_the_same_maximum(two, name):
    em = EM(tol=1e-7, accelerate=name, starts=2)
    fitted = HiddenMarkov("poisson", 2, random_state=0, em=em).fit(QUAKES)
    assert fitted.converged_
    assert fitted.certificate_.monotone
    assert fitted.loglik_ == pytest.approx(two.loglik_, abs=1e-6)


def test_a_fit_goes_on_from_its_checkpoint_with_the_same_bits(tmp_path):
    class Stop(Exception):
        pass

    class Killed:
        """A callback that ends the process's work in the middle of the second start."""

        def __init__(self):
            self.n = 0

        def on_start(self, plan):
            pass

        def on_step(self, step):
            self.n += 1
            if self.n == 25:
                raise Stop

        def on_end(self, fit):
            pass

    settings = {"tol": 1e-7, "starts": 4, "race": True}
    whole = HiddenMarkov("poisson", 3, random_state=0, em=EM(**settings)).fit(QUAKES)
    kept = {"checkpoint": tmp_path / "quakes", "every": 0}
    with pytest.raises(Stop):
        HiddenMarkov(
            "poisson", 3, random_state=0, em=EM(**settings, **kept, callbacks=[Killed()])
        ).fit(QUAKES)
    assert (tmp_path / "quakes").exists()
    resumed = HiddenMarkov("poisson", 3, random_state=0, em=EM(**settings, **kept)).fit(QUAKES)
    assert resumed.loglik_ == whole.loglik_
    for a, b in zip(tree.leaves(resumed.fit_.params), tree.leaves(whole.fit_.params), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_parametric_bootstrap_draws_sequences(two):
    """Its errors are near those of the curvature, by the number of replicates; data are alike."""
    found = two.standard_errors(method="parametric-bootstrap", replicates=60)
    known = two.standard_errors()
    for a, b in (
        (found.emissions.rates, known.emissions.rates),
        (found.transitions, known.transitions),
    ):
        assert (a > 0.6 * b).all()
        assert (a < 1.9 * b).all()
    model, params = two._fitted()
    shape = GroupedRows(np.array([[1.0], [np.nan], [2.0], [3.0]]), np.ones(2), np.array([3, 1]))
    drawn = model.simulate(params, shape, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn.sizes, [3, 1])
    np.testing.assert_array_equal(np.isnan(drawn.x[:, 0]), [False, True, False, False])


def test_resampled_sequences_need_several(two):
    with pytest.raises(ValueError, match="sandwich"):
        two.standard_errors(method="sandwich")
    many = HiddenMarkov("poisson", 1).fit(list(QUAKES[:96].reshape(48, 2)))
    for method in ("sandwich", "opg", "bootstrap", "sem"):
        errors = many.standard_errors(method=method, replicates=50)
        assert np.isfinite(errors.emissions.rates).all()
    # of one Poisson rate the sandwich is that of sums: Zeileis (2006), eq. 3
    robust = many.standard_errors(method="sandwich").emissions.rates[0, 0]
    pairs = QUAKES[:96].reshape(48, 2).sum(axis=1) - 2 * QUAKES[:96].mean()
    assert robust == pytest.approx(np.sqrt((pairs**2).sum()) / 96, rel=0.03)


def test_states_are_chosen_by_any_criterion_and_by_a_test():
    """BIC and AIC agree on the earthquakes; a second state is no chance, a third may be."""
    base = HiddenMarkov("poisson", start="stationary", random_state=0, n_init=3)
    for criterion in ("aic", "bic", "icl"):
        swept = select(base, QUAKES, {"n_states": [1, 2]}, criterion=criterion)
        assert swept.best_settings == {"n_states": 2}
    one, both = (
        HiddenMarkov("poisson", k, random_state=0, n_init=1).fit(QUAKES)._fitted().model
        for k in (1, 2)
    )
    data = GroupedRows(QUAKES[:, None], np.ones(1), np.array([107]))
    told = bootstrap_lrt(one, both, data, EM(tol=1e-4, starts=2), 0, replicates=19)
    assert told.statistic == pytest.approx(2 * (391.918928 - 341.878701), abs=1e-4)
    assert told.p_value == pytest.approx(1 / 20)


def test_sequences_are_left_out_whole_in_cross_validation():
    rng = np.random.default_rng(0)
    rates = np.array([2.0, 12.0])
    series = [rng.poisson(rates[np.repeat(rng.integers(0, 2, size=5), 4)]) for _ in range(12)]
    x = np.concatenate(series)[:, None].astype(float)
    data = GroupedRows(x, np.ones(12), np.full(12, 20))
    held = []
    for k in (1, 2):
        fitted = HiddenMarkov("poisson", k, random_state=0, n_init=2).fit(series)
        model = fitted._fitted().model
        found = cross_validate(model, data, EM(tol=1e-4, starts=2), 0, folds=4)
        held.append(found.loglik)
    assert held[1] > held[0] + 100


def test_interrupted_fits_return_the_best_so_far():
    class Interrupt:
        def on_start(self, plan):
            pass

        def on_step(self, step):
            if step.n_steps == 3:
                raise KeyboardInterrupt

        def on_end(self, fit):
            pass

    em = EM(tol=1e-9, accelerate="none", callbacks=[Interrupt()])
    with pytest.warns(NotConvergedWarning):
        fitted = HiddenMarkov("poisson", 2, random_state=0, em=em).fit(QUAKES)
    assert fitted.fit_.status is Status.INTERRUPTED
    assert np.isfinite(fitted.loglik_)
