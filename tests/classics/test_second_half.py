"""The second half of the classics: each beside a computation that shares no code with it."""

import ast
import importlib.util
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize

from latentia import EM, check_model
from latentia.data.arrays import Rows
from latentia.engine.backend import Threads
from latentia.engine.inference import observed_information

FOLDER = Path(__file__).parents[2] / "examples" / "classics"
CASES = {
    "censored": {"name": "cosmesis"},
    "remission": {"name": "remission"},
    "turnbull": {},
    "t": {"kind": "t"},
    "normal": {"kind": "normal"},
    "uniform": {"kind": "uniform"},
    "dyestuff": {"reml": False},
    "reml": {"reml": True},
    "nile": {},
    "lsat6": {},
    "tomography": {"size": 12, "angles": 20},
}
FILES = {"remission": "censored", "reml": "dyestuff"} | dict.fromkeys(
    ("t", "normal", "uniform"), "student_t"
)
NAMES = sorted({FILES.get(case, case) for case in CASES})


@cache
def load(name):
    spec = importlib.util.spec_from_file_location(f"classic_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


@cache
def problem(case):
    return load(FILES.get(case, case)).problem(**CASES[case])


@cache
def fitted(case):
    model, data = problem(case)
    return EM(tol=1e-12, max_iter=20_000).fit(model, data, rng=0)


@cache
def errors(case):
    model, data = problem(case)
    return observed_information(model, data, fitted(case).params, Threads()).standard_errors()


def report(case):
    module, extra = load(FILES.get(case, case)), CASES[case].values()
    return {
        name: (found, value)
        for name, found, value in module.report(fitted(case), errors(case), *extra)
    }


@pytest.mark.parametrize("case", CASES)
def test_contract(case):
    check_model(*problem(case))


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_short(name):
    text = (FOLDER / f"{name}.py").read_text()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
            code = [line for line in lines if line.strip() and not line.strip().startswith("#")]
            assert len(code) <= 80, node.name


@pytest.mark.parametrize("name", NAMES)
def test_runs_by_itself(name, tmp_path):
    command = [sys.executable, "-W", "error", str(FOLDER / f"{name}.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    printed = {
        "censored": ["-64.73147062", "1.12161285", "0.22598472"],
        "turnbull": ["0.954", "0.586", "0.466"],
        "student_t": ["-463.289613605", "0.184921908", "-421.774705897", "-312.553413855"],
        "dyestuff": ["327.327059881", "319.654276842", "1764.050000000", "2451.250000000"],
        "nile": ["-632.545625", "15098.518400", "1469.176300"],
        "lsat6": ["-2466.65337740", "0.825660", "0.25812"],
        "tomography": ["by L-BFGS-B", "ordered subsets"],
    }[name]
    for number in [*printed, "The climb converged"]:
        assert number in done.stdout


def test_data_are_what_their_sources_say():
    folder = FOLDER / "data"
    for name, source in tomllib.loads((folder / "sources_2.toml").read_text()).items():
        header, *rows = (folder / f"{name}.csv").read_text().split()
        assert header.split(",") == list(source["columns"])
        assert len(rows) == source["rows"]
        assert source["origin"]
        assert source["licence"]


@pytest.mark.parametrize("case", ["censored", "remission"])
def test_censored_as_survreg(case):
    for name, (found, published) in report(case).items():
        assert found == pytest.approx(published, rel=1e-6), name


@pytest.mark.parametrize("case", ["censored", "remission"])
def test_censored_by_direct_maximisation(case):
    (left, right), params = problem(case)[1].x.T, fitted(case).params

    def cost(b):
        law = stats.weibull_min(b[1], scale=np.exp(b[0]))
        seen = left == right
        return -(law.logpdf(left[seen]).sum() + np.log(law.sf(left) - law.sf(right))[~seen].sum())

    options = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 4000}
    with np.errstate(divide="ignore"):  # of rows where the date is known
        found = minimize(cost, [3.0, 1.0], method="Nelder-Mead", options=options)
    assert -found.fun == pytest.approx(fitted(case).loglik, abs=1e-9)
    assert found.x == pytest.approx(np.array(params), rel=1e-6)


def test_censored_integrals():
    """Expected complete-data terms of one interval, by SciPy's adaptive quadrature."""
    model = load("censored").Weibull()
    for left, right in [(0.0, 3.0), (2.0, 2.5), (50.0, np.inf), (0.0, np.inf)]:
        ends = np.array([[left, right]]) ** 1.7 * 0.02
        z, share = model.nodes(ends[:, 0], ends[:, 1], np.array([False]))
        u = stats.expon
        mass = u.sf(ends[0, 0]) - u.sf(ends[0, 1])
        for term in (np.log, lambda v: v, lambda v: v * np.log(v) ** 2):
            args = {"lb": ends[0, 0], "ub": min(ends[0, 1], ends[0, 0] + 60), "epsabs": 1e-13}
            expected = u.expect(term, **args, limit=200) / mass
            assert share @ term(np.exp(z))[0] == pytest.approx([expected], rel=1e-8)


def test_turnbull_is_the_maximum():
    """No mass can be moved with a gain: necessary and sufficient, the likelihood being concave."""
    model, data = problem("turnbull")
    mass = fitted("turnbull").params.mass
    slopes = model.slopes(fitted("turnbull").params, data)
    assert mass.sum() == pytest.approx(1, abs=1e-12)
    assert np.abs(slopes[mass > 1e-9]).max() < 1e-5
    assert slopes[mass <= 1e-9].max() < 0
    assert (mass > 1e-9).sum() == 8  # the steps of survfit's curve that are above 1e-3
    # what is left to gain is at most n log max(1 + slope) (Lindsay 1983)
    assert 46 * np.log1p(slopes.max()) < 1e-4


def test_turnbull_by_an_independent_solver():
    """On intervals found by brute force; as a Poisson likelihood the masses need not sum to 1."""
    model, data = problem("turnbull")
    left, right = data.x.T
    pairs = [(a, b) for a in set(left) for b in set(right) if a < b]
    ends = np.concatenate([left, right])
    inner = sorted((a, b) for a, b in pairs if not ((ends > a) & (ends < b)).any())
    assert inner == [tuple(pair) for pair in model.ends]
    inside = np.array([[lo <= a and b <= hi for a, b in inner] for lo, hi in data.x], float)

    def cost(p):
        total = inside @ p
        return 46 * p.sum() - np.log(total).sum(), 46 - (inside / total[:, None]).sum(axis=0)

    p = np.full(len(inner), 1 / len(inner))
    options = {"ftol": 0, "gtol": 1e-11, "maxiter": 10_000}
    bounds = [(0, None)] * len(p)
    p = minimize(cost, p, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    p[p < 1e-4] = 0  # and the rest by Newton's method, since that one may stop early
    some = p > 0
    for _ in range(20):
        each = inside[:, some] / (inside @ p)[:, None]
        p[some] -= np.linalg.lstsq(each.T @ each, cost(p)[1][some], rcond=None)[0]
    assert (cost(p)[1] > -1e-9).all()  # no mass wants to grow: with these, the maximum
    assert np.log(inside @ p).sum() == pytest.approx(fitted("turnbull").loglik, abs=1e-8)
    assert p == pytest.approx(fitted("turnbull").params.mass, abs=1e-5)


def test_turnbull_as_printed():
    module = load("turnbull")
    for name, found, published in module.report(fitted("turnbull"), None):
        assert found == pytest.approx(published, abs=6e-4), name


@pytest.mark.parametrize("case", ["t", "normal", "uniform"])
def test_student_t_as_recorded(case):
    for name, (found, recorded) in report(case).items():
        tolerance = 1e-5 if name.startswith("SE") else 1e-7
        assert found == pytest.approx(recorded, rel=tolerance, abs=1e-9), name


@pytest.mark.parametrize("case", ["normal", "uniform"])
@pytest.mark.parametrize("accelerate", ["none", "squarem", "auto"])
def test_no_heavy_tail_ends_at_exactly_zero(case, accelerate):
    model, data = problem(case)
    for seed in range(3):
        fit = EM(accelerate=accelerate).fit(model, data, rng=seed)
        assert fit.status.name == "CONVERGED"
        assert fit.params.inv_df == 0
        assert "inv_df" in fit.certificate.on_boundary
        normal = stats.norm(data.x.mean(), data.x.std()).logpdf(data.x).sum()
        assert fit.loglik == pytest.approx(normal, abs=1e-5)


def test_student_t_likelihood_down_to_the_normal():
    module, (model, data) = load("student_t"), problem("t")
    at = module.Params(np.array(9.5), np.array(1.7), np.array(0.0))
    x = data.x[:, 0]
    for eta in (3.0, 0.3, 0.031, 0.029, 1e-3):
        value = model.e_step(at._replace(inv_df=np.array(eta)), data).loglik
        assert value == pytest.approx(stats.t(1 / eta, 9.5, 1.7).logpdf(x).sum(), rel=1e-11)
    normal = stats.norm(9.5, 1.7).logpdf(x).sum()
    assert model.e_step(at, data).loglik == pytest.approx(normal, rel=1e-14)
    d = ((x - 9.5) / 1.7) ** 2
    slope = (d**2 - 2 * d - 1).sum() / 4  # Taylor's first term at the normal
    assert model.e_step(at, data).stats.slope == pytest.approx(slope, rel=1e-12)
    tiny = model.e_step(at._replace(inv_df=np.array(1e-9)), data)
    assert tiny.loglik - normal == pytest.approx(1e-9 * slope, rel=1e-3)


def test_student_t_series_meet():
    """Value and slope on both sides of where the series take over."""
    module = load("student_t")
    for low, high in [
        (module.log_norm(0.03 * (1 - 1e-12)), module.log_norm(0.03)),
        (module.log1p_over(np.array(0.03 * (1 - 1e-12))), module.log1p_over(np.array(0.03))),
    ]:
        assert float(low[0]) == pytest.approx(float(high[0]), rel=1e-11)
        assert float(low[1]) == pytest.approx(float(high[1]), rel=1e-9)


def test_student_t_leaves_zero_only_where_the_tails_are_heavy():
    for case, heavy in [("t", True), ("uniform", False)]:
        model, data = problem(case)
        start = model.start(data, np.random.default_rng(0))._replace(inv_df=np.array(0.0))
        step = model.m_step(model.e_step(start, data), start)
        assert (step.inv_df > 0) == heavy
        fit = EM().fit(model, data, start=start)
        assert fit.loglik == pytest.approx(fitted(case).loglik, abs=1e-4)


def test_dyestuff_as_lme4():
    for case in ("dyestuff", "reml"):
        for name, (found, published) in report(case).items():
            assert found == pytest.approx(published, rel=3e-8), name


def test_dyestuff_by_whole_covariances():
    """At any parameters: the joint normal of all yields, and of 29 error contrasts for REML."""
    (model, data), (restricted, whole) = problem("dyestuff"), problem("reml")
    module, y = load("dyestuff"), data.x.ravel()
    covariance = 900.0 * np.kron(np.eye(6), np.ones((5, 5))) + 3000.0 * np.eye(30)
    at = module.Params(np.array(1500.0), np.array(900.0), np.array(3000.0))
    joint = stats.multivariate_normal(np.full(30, 1500.0), covariance).logpdf(y)
    assert model.e_step(at, data).loglik == pytest.approx(joint, rel=1e-12)
    contrasts = np.linalg.qr(np.c_[np.ones(30), np.eye(30)[:, 1:]])[0][:, 1:]
    law = stats.multivariate_normal(np.zeros(29), contrasts.T @ covariance @ contrasts)
    expected = law.logpdf(contrasts.T @ y) - np.log(30) / 2  # the flat prior's unit of the mean
    at = module.Components(np.array(900.0), np.array(3000.0))
    assert restricted.e_step(at, whole).loglik == pytest.approx(expected, rel=1e-12)


def test_nile_as_published():
    fit = fitted("nile")
    assert fit.loglik == pytest.approx(-632.545625, abs=5e-7)
    assert fit.params.noise == pytest.approx(15098.5184, rel=1e-6)
    assert fit.params.step == pytest.approx(1469.1763, rel=1e-6)
    fast = EM().fit(*problem("nile"))
    assert fast.status.name == "CONVERGED"
    assert fast.certificate.n_steps <= 25
    assert fit.loglik - fast.loglik <= 1e-4


def test_nile_by_differences():
    """The first differences are jointly normal, and a diffuse start knows nothing else."""
    (model, data), module = problem("nile"), load("nile")
    difference = np.diff(np.eye(100), axis=0)
    for noise, step in [(15098.5, 1469.2), (4000.0, 9000.0), (20000.0, 10.0)]:
        covariance = step * np.eye(99) + noise * difference @ difference.T
        law = stats.multivariate_normal(np.zeros(99), covariance)
        at = module.Params(np.array(noise), np.array(step))
        expected = law.logpdf(difference @ data.x[0])
        assert model.e_step(at, data).loglik == pytest.approx(expected, rel=1e-12)


def test_lsat6_as_published():
    found = report("lsat6")
    assert found["loglik"][0] == pytest.approx(-2466.65337740, abs=5e-8)
    for j in range(5):
        assert found[f"a[{j + 1}]"][0] == pytest.approx(found[f"a[{j + 1}]"][1], abs=1.5e-6)
        assert found[f"SE(a)[{j + 1}]"][0] == pytest.approx(found[f"SE(a)[{j + 1}]"][1], abs=1e-5)


def test_lsat6_by_plain_sums():
    """Likelihood and standard errors with 1,201 equidistant abilities and numerical Hessian."""
    _, data = problem("lsat6")
    ability = np.linspace(-9, 9, 1201)
    weight = stats.norm.pdf(ability) * (ability[1] - ability[0])

    def loglik(b):
        p = 1 / (1 + np.exp(-np.outer(b[:5], ability) - b[5:, None]))
        each = np.prod(np.where(data.x[:, :, None] == 1, p, 1 - p), axis=1) @ weight
        return data.weights @ np.log(each)

    b = np.concatenate(fitted("lsat6").params)
    assert loglik(b) == pytest.approx(fitted("lsat6").loglik, abs=1e-8)
    hessian, h = np.empty((10, 10)), 4e-3 * np.eye(10)
    for i in range(10):
        for j in range(10):
            plus = loglik(b + h[i] + h[j]) + loglik(b - h[i] - h[j])
            hessian[i, j] = (plus - loglik(b + h[i] - h[j]) - loglik(b - h[i] + h[j])) / 6.4e-5
    expected = np.sqrt(np.diagonal(np.linalg.inv(-hessian)))
    assert np.concatenate(errors("lsat6")) == pytest.approx(expected, rel=1e-4)


def test_lsat6_patterns_are_persons():
    model, patterns = problem("lsat6")
    answers = np.genfromtxt(FOLDER / "data" / "lsat6.csv", delimiter=",", skip_header=1)
    assert patterns.weights.sum() == len(answers) == 1000
    params = model.start(patterns, np.random.default_rng(1))
    whole = model.e_step(params, Rows.of(answers)).loglik
    assert model.e_step(params, patterns).loglik == pytest.approx(whole, rel=1e-12)


def test_tomography_strips_are_areas():
    module = load("tomography")
    area = module.strips(5, 3).toarray().reshape(3, -1, 25)
    assert area.sum(axis=1) == pytest.approx(
        np.ones((3, 25)), abs=1e-6
    )  # every pixel lies in some strips
    fine = (np.arange(400) + 0.5) / 400 - 0.5
    dx, dy = np.meshgrid(fine, fine)
    for k in range(3):
        angle = np.pi * (k + 0.5) / 3
        x, y = dx + 1, dy - 2  # pixel in the last row, fourth column
        bins = np.floor(x * np.cos(angle) + y * np.sin(angle)).astype(int) + area.shape[1] // 2
        share = np.bincount(bins.ravel(), minlength=area.shape[1]) / bins.size
        assert area[k, :, 23] == pytest.approx(share, abs=2e-3)


def test_tomography_is_the_maximum():
    model, data = problem("tomography")
    fit = fitted("tomography")
    slopes, image = model.slopes(fit.params, data), fit.params.image
    assert (image * np.abs(slopes)).max() < 1e-4
    assert slopes.max() < 1e-3
    assert (image < 1e-6).sum() > 40
    assert fit.loglik == pytest.approx(load("tomography").by_bounds(model, data), abs=1e-5)


def test_tomography_stops_near_the_maximum():
    model, data = problem("tomography")
    fit = EM(max_iter=20_000).fit(model, data, rng=0)
    assert fit.status.name == "CONVERGED"
    assert load("tomography").by_bounds(model, data) - fit.loglik < 1e-4  # ten times tol


def test_ordered_subsets_are_faster_at_first_and_do_not_converge():
    module, (model, data) = load("tomography"), problem("tomography")
    start = model.start(data, np.random.default_rng(0))
    plain = start
    for _ in range(3):
        plain = model.m_step(model.e_step(plain, data), plain)
    history = module.ordered_subsets(model, data, start, 10, 60)
    far = [fitted("tomography").loglik - model.e_step(p, data).loglik for p in (plain, history[2])]
    assert far[1] < far[0] / 2
    ends = [fitted("tomography").loglik - model.e_step(p, data).loglik for p in history[-2:]]
    assert min(ends) > 1
