"""Times seen up to an interval and within a window, against SciPy and R."""

import numpy as np
import pytest
from scipy.integrate import simpson
from scipy.stats import expon, gamma, lognorm, weibull_min

from latentia import EM
from latentia.data.arrays import Rows
from latentia.engine.chart import arrays
from latentia.families import Exponential, Gamma, LogNormal, Weibull
from latentia.families.exponential import ExponentialParams
from latentia.families.gamma import GammaParams
from latentia.families.lognormal import LogNormalParams
from latentia.families.weibull import WeibullParams

from .checks import (
    PROPERTIES,
    Case,
    assert_log_density,
    fit_one,
    maximum_of,
    mixture_of,
    params_near_start,
    q_sums_log_densities,
)

# each family, parameters of two components of one column, and these as SciPy's distributions
PARAMS = {
    Exponential: ExponentialParams(np.array([[0.4], [2.0]])),
    Gamma: GammaParams(np.array([[0.7], [6.0]]), np.array([[3.0], [0.5]])),
    LogNormal: LogNormalParams(np.array([[0.5], [1.5]]), np.array([[0.3], [1.2]])),
    Weibull: WeibullParams(np.array([[0.8], [3.0]]), np.array([[2.0], [4.0]])),
}
LAWS = {
    Exponential: expon(scale=[2.5, 0.5]),
    Gamma: gamma([0.7, 6.0], scale=[3.0, 0.5]),
    LogNormal: lognorm(np.sqrt([0.3, 1.2]), scale=np.exp([0.5, 1.5])),
    Weibull: weibull_min([0.8, 3.0], scale=[2.0, 4.0]),
}
LOGLIKS = {  # of one time or interval, in coordinates without bounds
    Exponential: lambda u: expon(scale=np.exp(-u[0])),
    Gamma: lambda u: gamma(np.exp(u[0]), scale=np.exp(u[1])),
    LogNormal: lambda u: lognorm(np.exp(u[1] / 2), scale=np.exp(u[0])),
    Weibull: lambda u: weibull_min(np.exp(u[0]), scale=np.exp(u[1])),
}
FAMILIES = list(PARAMS)
WINDOW = (0.5, 9.0)

ROWS = np.array(  # exact, right-, left- and interval-censored
    [[low, high] for low, high in zip([6, 7, 10, 13, 0, 22, 9, 20, 35, 2.5], [6, 7, 10, 16, 16, 22,
     np.inf, np.inf, np.inf, 4], strict=True)]
)  # fmt: skip


def seen_by_visits(t, rng):
    """Half of the times exactly, the others up to whole numbers; none after the sixth."""
    exact = rng.uniform(size=t.shape) < 0.5
    low, high = np.where(exact, t, np.floor(t)), np.where(exact, t, np.ceil(t))
    return np.stack([np.minimum(low, 6), np.where(t > 6, np.inf, high)], axis=1)


RNG = np.random.default_rng(3)
TIMES = np.concatenate([RNG.gamma(2.0, 1.0, 20), RNG.gamma(9.0, 0.6, 20)])
VISITS = seen_by_visits(TIMES, RNG)


def heights_of(law, rows, window=(0.0, np.inf)):
    """log f of each row (n, 2), (n, K), by SciPy's distribution functions."""
    low, high = np.maximum(rows[:, :1], window[0]), np.minimum(rows[:, 1:], window[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.log(np.where(low > law.median(), law.sf(low) - law.sf(high),
                                  law.cdf(high) - law.cdf(low)))  # fmt: skip
        exact = law.logpdf(low)
    made = np.where(low == high, exact, np.where(low < high, between, -np.inf))
    return made - np.log(law.cdf(window[1]) - law.cdf(window[0]))


@pytest.mark.parametrize("holds", [p for p in PROPERTIES if p is not q_sums_log_densities])
@pytest.mark.parametrize("family", FAMILIES)
def test_property_of_censored_times(holds, family):
    holds(Case(lambda k: family(k, censored=True), VISITS, family is not Exponential))


@pytest.mark.parametrize("holds", PROPERTIES)
@pytest.mark.parametrize("family", [Gamma, LogNormal, Weibull])
def test_property_of_truncated_times(holds, family):
    inside = TIMES[TIMES > 0.2, None]
    holds(Case(lambda k: family(k, truncated=(0.2, 20.0)), inside, collapses=True))


@pytest.mark.parametrize("window", [(0.0, np.inf), WINDOW, (0.0, 9.0), (0.5, np.inf)])
@pytest.mark.parametrize("family", FAMILIES)
def test_log_density_is_scipys(family, window):
    rows = np.concatenate([ROWS, ROWS / 4, [[0.5, 0.7], [0.0, 0.1], [8.0, np.inf], [0.6, 9.0]]])
    rows = rows[(rows[:, 0] < window[1]) & (rows[:, 1] > window[0])]
    model = family(2, censored=True, truncated=window)
    inside = (rows[:, 0] >= window[0]) & (rows[:, 0] <= window[1]) | (rows[:, 0] < rows[:, 1])
    expected = np.where(inside[:, None], heights_of(LAWS[family], rows, window), -np.inf)
    assert_log_density(model, PARAMS[family], rows, expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_q_is_the_log_likelihood_where_it_was_made(family):
    for window in ((0.0, np.inf), (0.2, 20.0)):
        model = family(3, censored=True, truncated=window)
        resp = np.random.default_rng(2).dirichlet(np.ones(3), size=len(VISITS)) * 1.7
        params = params_near_start(model, VISITS)
        direct = float((resp * model.log_density(params, VISITS)).sum())
        made = model.q(params, model.stats(params, VISITS, resp))
        assert made == pytest.approx(direct, rel=1e-9, abs=1e-8)


@pytest.mark.parametrize("window", [(0.0, np.inf), (0.2, 20.0)])
@pytest.mark.parametrize("family", FAMILIES)
def test_one_component_is_the_maximum_likelihood_fit(family, window):
    rows = VISITS[VISITS[:, 1] > window[0]]
    size = 1 if family is Exponential else 2
    best = maximum_of(lambda u: heights_of(LOGLIKS[family](u), rows, window).sum(), np.zeros(size))
    fit = fit_one(family(1, censored=True, truncated=window), rows)
    logs = [np.log(leaf[0, 0]) for leaf in arrays(fit)]
    if family is LogNormal:
        logs[0] = fit.means[0, 0]
    np.testing.assert_allclose(logs, best, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("family", "location", "scale", "loglik"),
    [
        (Exponential, 2.94890998732, 1.0, -23.3957693944),
        (Weibull, 2.93869813024, 0.802151827498, -23.1895794637),
        (LogNormal, 2.55987536785, 0.89631264285, -22.4777738136),
    ],
)
def test_one_component_is_rs(family, location, scale, loglik):
    """R 4.2.2, survival 3.5.3, `ROWS` with NA for bounds that are not known.

    survreg(Surv(lo, hi, type = "interval2") ~ 1, dist = d,
    control = survreg.control(rel.tolerance = 1e-15, maxiter = 200)): coef, scale, loglik[1]
    """
    fit = EM(tol=1e-12).fit(mixture_of(family(1, censored=True)), Rows.of(ROWS), rng=0)
    assert fit.loglik == pytest.approx(loglik, rel=1e-9)
    as_r_has_them = {
        Exponential: lambda rate: (-np.log(rate), 1.0),
        Weibull: lambda shape, scale: (np.log(scale), 1 / shape),
        LogNormal: lambda mean, variance: (mean, np.sqrt(variance)),
    }[family]
    got = as_r_has_them(*(leaf[0, 0] for leaf in fit.params.components))
    np.testing.assert_allclose(got, (location, scale), rtol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_bounds_that_are_not_known_say_what_their_ends_say(family):
    model, params = family(2, censored=True), PARAMS[family]
    holes = np.array([[np.nan, 3.0], [3.0, np.nan], [np.nan, np.nan], [0.0, np.inf]])
    whole = np.array([[0.0, 3.0], [3.0, np.inf]])
    got = model.log_density(params, holes)
    np.testing.assert_array_equal(got[:2], model.log_density(params, whole))
    np.testing.assert_array_equal(got[2:], 0.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_narrow_interval_is_a_density_times_its_width(family):
    model, params = family(2, censored=True), PARAMS[family]
    at = np.array([[1e-3], [2.0], [30.0]])
    narrow = np.concatenate([at, at * (1 + 2.0**-40)], axis=1)
    got = model.log_density(params, narrow) - np.log(np.diff(narrow, axis=1))
    exact = model.log_density(params, np.repeat(at, 2, axis=1))
    np.testing.assert_allclose(got, exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("window", [(0.0, np.inf), WINDOW])
@pytest.mark.parametrize("family", FAMILIES)
def test_distribution_function_and_draws(family, window):
    model, law = family(2, truncated=window), LAWS[family]
    x = np.array([[0.1], [0.6], [3.0], [8.9], [9.5], [np.nan]])
    below, above = law.cdf(window[0]), law.cdf(window[1])
    expected = np.clip((law.cdf(x) - below) / (above - below), 0.0, 1.0)
    np.testing.assert_allclose(model.cdf(PARAMS[family], x), expected, rtol=1e-10)
    drawn = model.draw(PARAMS[family], np.repeat([0, 1], 20_000), np.random.default_rng(0))
    assert model.fault(drawn) is None
    at = drawn.reshape(2, -1).T
    shares = np.stack([(at < v).mean(axis=0) for v in x[:5, 0]])
    assert (np.abs(shares - expected[:5]) < 5 * 0.5 / np.sqrt(20_000)).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_windows_far_out_in_a_tail_hold(family):
    """Whatever is given that the time fell there: densities over the window add up to one."""
    window = (60.0, 61.0)
    model = family(2, truncated=window)
    x = np.linspace(*window, 2001)
    density = np.exp(model.log_density(PARAMS[family], x[:, None]))
    np.testing.assert_allclose(simpson(density, x=x, axis=0), 1.0, rtol=1e-6)


def test_two_kinds_of_times_come_apart():
    """From draws of known components, a third of them never seen to end."""
    rng = np.random.default_rng(5)
    truth = WeibullParams(np.array([[3.0], [1.5]]), np.array([[1.0], [12.0]]))
    labels = rng.choice(2, size=1500, p=[0.4, 0.6])
    t = Weibull(2).draw(truth, labels, rng)[:, 0]
    end = rng.uniform(0.5, 25.0, size=len(t))
    rows = np.stack([np.minimum(t, end), np.where(t <= end, t, np.inf)], axis=1)
    fit = EM(tol=1e-4).fit(mixture_of(Weibull(2, censored=True)), Rows.of(rows), rng=0)
    shapes, scales = (leaf[:, 0] for leaf in fit.params.components)
    order = np.argsort(scales)
    np.testing.assert_allclose(scales[order], [1.0, 12.0], rtol=0.08)
    np.testing.assert_allclose(shapes[order], [3.0, 1.5], rtol=0.15)


@pytest.mark.parametrize(
    ("row", "where", "expected"),
    [
        ([3.0, 2.0], 1, "expected a number of at least the lower bound and above 0"),
        ([0.0, 0.0], 0, "expected a finite number above 0"),
        ([-1.0, 2.0], 0, "expected a finite number above 0"),
        ([np.inf, np.inf], 0, "expected a finite number above 0"),
    ],
)
def test_faults_of_censored_times(row, where, expected):
    rows = np.array([[1.0, 2.0], [np.nan, np.nan], row])
    assert Weibull(1, censored=True).fault(rows) == (2, where, expected)
    density = Weibull(2, censored=True).log_density(PARAMS[Weibull], rows)
    assert not np.isnan(density).any()


def test_faults_of_truncated_times():
    rows = np.array([[3.0], [9.5]])
    expected = "expected a finite number of at least 0.5 and at most 9"
    assert Gamma(1, truncated=WINDOW).fault(rows) == (1, 0, expected)


@pytest.mark.parametrize("window", [(2.0, 1.0), (-1.0, 3.0), (np.nan, 2.0)])
def test_what_is_no_window_is_refused(window):
    with pytest.raises(ValueError, match=r"got truncated=.* expected a lower bound of at least 0"):
        Weibull(1, truncated=window)
