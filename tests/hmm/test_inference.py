"""Errors and intervals of a chain's parameters: against a likelihood written out here."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2, poisson
from sklearn.exceptions import NotFittedError

from latentia import EM, HiddenMarkov, datasets, load

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
