"""Profile intervals against root finding on likelihoods written down again."""

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.stats import chi2, norm, poisson
from tests.engine.models import (
    CELLS,
    DEATHS,
    KnownComponents,
    Linkage,
    NormalMean,
    TwoNormals,
    TwoPoissons,
)

from latentia.data.arrays import Rows
from latentia.engine import EM
from latentia.engine.inference import profile_interval, standard_errors

DROP = chi2.ppf(0.95, 1) / 2


def _top(model, data):
    settings = EM(tol=1e-12, max_iter=5000)
    return settings.fit(model, data, 0, start=settings.fit(model, data, 0).params).params


def _ends(profile, top, centre, low, high):
    """Where a profile log-likelihood lies `DROP` below its top, on either side."""
    return [brentq(lambda c: top - profile(c) - DROP, centre, far) for far in (low, high)]


def test_linkage():
    y = CELLS.weights

    def loglik(t):
        return y @ np.log([0.5 + t / 4, (1 - t) / 4, (1 - t) / 4, t / 4])

    top = _top(Linkage(), CELLS)
    got = profile_interval(Linkage(), CELLS, top, ("theta", ()))
    theta = 0.626821497871
    expected = _ends(loglik, loglik(theta), theta, 0.01, 0.99)
    np.testing.assert_allclose([got.lower, got.upper], expected, rtol=1e-6)
    assert got.found == (True, True)
    assert got.name == "theta"
    assert got.note == ""


class _Hasselblad:
    """The two-Poisson likelihood in one weight and two rates."""

    x, n = DEATHS.x[:, 0], DEATHS.weights
    at = np.array([0.3598854, 1.2560951, 2.6634043])  # published

    def loglik(self, w, a, b):
        return self.n @ np.log(w * poisson.pmf(self.x, a) + (1 - w) * poisson.pmf(self.x, b))

    def profile(self, i, c):
        rest = np.delete(self.at, i)

        def cost(z):
            full = np.insert(rest * np.exp(z), i, c)
            return -self.loglik(*full) if 0 < full[0] < 1 else 1e9

        first = minimize(cost, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9})
        again = {"xatol": 1e-10, "fatol": 1e-11, "maxiter": 4000}
        return -minimize(cost, first.x, method="Nelder-Mead", options=again).fun


@pytest.mark.parametrize(
    ("what", "i", "low", "high"),
    [(("rates", 0), 1, 0.2, 2.0), (("rates", 1), 2, 2.2, 3.9), (("weights", 0), 0, 0.05, 0.85)],
)
def test_hasselblad(what, i, low, high):
    other = _Hasselblad()
    got = profile_interval(TwoPoissons(), DEATHS, _top(TwoPoissons(), DEATHS), what)
    top = other.loglik(*other.at)
    expected = _ends(lambda c: other.profile(i, c), top, other.at[i], low, high)
    np.testing.assert_allclose([got.lower, got.upper], expected, rtol=1e-5)
    assert got.estimate == pytest.approx(other.at[i], rel=1e-6)
    # the other weight and the chart's coordinate are the same thing seen from elsewhere
    if i == 0:
        mirrored = profile_interval(
            TwoPoissons(), DEATHS, _top(TwoPoissons(), DEATHS), ("weights", 1)
        )
        np.testing.assert_allclose([1 - mirrored.upper, 1 - mirrored.lower], expected, rtol=1e-5)


def test_a_function_of_the_parameters():
    # the mean of a normal sample, through a mixture of one effective component: here of the
    # data's mean under NormalMean, where the profile is a parabola
    x = Rows.of(np.linspace(-1, 3, 25))
    top = _top(NormalMean(), x)
    got = profile_interval(NormalMean(), x, top, lambda params: 3 * params.mean + 1, level=0.9)
    half = 3 * norm.ppf(0.95) / 5
    np.testing.assert_allclose([got.lower, got.upper], [4 - half, 4 + half], rtol=1e-6)
    # and the overall mean of two Poissons, whose Wald and profile intervals are close
    top = _top(TwoPoissons(), DEATHS)
    mean = profile_interval(TwoPoissons(), DEATHS, top, lambda p: p.weights @ p.rates)
    (wald,) = standard_errors(TwoPoissons(), DEATHS, top).derived(
        {"mean": lambda p: p.weights @ p.rates}
    )
    assert mean.lower == pytest.approx(wald.lower, rel=0.005)
    assert mean.upper == pytest.approx(wald.upper, rel=0.005)


def test_a_coordinate_of_the_chart():
    top = _top(TwoPoissons(), DEATHS)
    rate = profile_interval(TwoPoissons(), DEATHS, top, ("rates", 0))
    coordinate = profile_interval(TwoPoissons(), DEATHS, top, 1)
    assert coordinate.name == "coordinate 1, rates[0]"
    ends = rate.estimate * np.exp([coordinate.lower, coordinate.upper])
    np.testing.assert_allclose(ends, [rate.lower, rate.upper], rtol=1e-5)


def test_an_end_that_runs_to_the_boundary_is_not_found():
    # ten counts that the second of two known Poissons explains nearly as well as both
    model, rows = KnownComponents([1.0, 4.0]), Rows.of([4, 5, 3, 4, 6, 2, 5, 0, 4, 3])
    top = _top(model, rows)
    first, second = (poisson.pmf(rows.x[:, 0], rate) for rate in (1.0, 4.0))

    def loglik(w):
        return np.log(w * first + (1 - w) * second).sum()

    best = float(top.weights[0])
    height = loglik(best)
    assert height - loglik(1e-12) < DROP  # so there is no lower end
    got = profile_interval(model, rows, top, ("weights", 0))
    assert got.found[0] is False
    assert got.lower == 0
    assert got.found[1] is True
    upper = brentq(lambda w: height - loglik(w) - DROP, best, 1 - 1e-9)
    assert got.upper == pytest.approx(upper, rel=1e-5)
    # one end of the other weight is the other's
    other = profile_interval(model, rows, top, ("weights", 1))
    assert other.found == (True, False)
    assert other.upper == 1
    assert other.lower == pytest.approx(1 - upper, rel=1e-5)


def test_the_path_never_rises_above_the_top_and_falls_by_the_right_amount():
    top = _top(TwoPoissons(), DEATHS)
    got = profile_interval(TwoPoissons(), DEATHS, top, ("rates", 0), level=0.9)
    height = TwoPoissons().e_step(top, DEATHS).loglik
    assert got.path[:, 1].max() <= height + 1e-8
    for end in (got.lower, got.upper):
        at = int(np.argmin(np.abs(got.path[:, 0] - end)))
        assert height - got.path[at, 1] == pytest.approx(chi2.ppf(0.9, 1) / 2, abs=1e-4)


def test_a_scalar_goes_by_its_bare_name():
    top = _top(Linkage(), CELLS)
    bare, indexed = (profile_interval(Linkage(), CELLS, top, w) for w in ("theta", ("theta", ())))
    assert (bare.name, bare.lower, bare.upper) == (indexed.name, indexed.lower, indexed.upper)


@pytest.mark.parametrize(
    "what", ["pi", ("pi",), None, 0.7, True, "weights", ("rates", 0.7), ("rates", None), [0]]
)
def test_what_is_no_quantity_is_refused_in_words(what):
    top = _top(TwoPoissons(), DEATHS)
    with pytest.raises(
        TypeError, match=r"^got what=.*, expected \(name, index\), as \(\"rates\", 0"
    ):
        profile_interval(TwoPoissons(), DEATHS, top, what)


def test_what_cannot_be_profiled_is_refused():
    top = _top(NormalMean(), CELLS)
    for what, words in (
        (("means", 0), "got parameter 'means', expected one of 'mean', 'held'"),
        (("mean", 0), r"got the index \(0,\) for parameter 'mean'"),
        (("held", ()), "held cannot move"),
        (7, "got coordinate 7, expected one from 0 to 0"),
    ):
        with pytest.raises(ValueError, match=words):
            profile_interval(NormalMean(), CELLS, top, what)
    start = TwoNormals().start(DEATHS, None)
    same = start._replace(means=np.full(2, 1.5), variances=np.full(2, 0.1))
    with pytest.raises(ValueError, match="not positive definite"):
        profile_interval(TwoNormals(), DEATHS, same, ("means", 0))
