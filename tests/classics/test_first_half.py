"""The first half of the classics: linkage, ABO, Hasselblad, holes, factors, classes, alignment.

Published numbers are those of each file's docstring. Beside them stand closed forms and direct
evaluations that share no code with the models.
"""

import ast
import csv
import importlib.util
import os
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.special import xlogy
from scipy.stats import multivariate_normal

from latentia import EM, check_model
from latentia.engine.backend import Threads
from latentia.engine.certificate import Status
from latentia.engine.inference import observed_information

FOLDER = Path(__file__).parents[2] / "examples" / "classics"
NAMES = [
    "linkage",
    "abo",
    "hasselblad",
    "normal_with_holes",
    "joreskog",
    "carcinoma",
    "word_alignment",
]
CASES = [
    ("linkage", ()),
    ("abo", ()),
    ("hasselblad", ()),
    ("normal_with_holes", ("apple",)),
    ("normal_with_holes", ("missvals",)),
    ("joreskog", ()),
    ("carcinoma", (2,)),
    ("carcinoma", (3,)),
    ("carcinoma", (4,)),
    ("word_alignment", ()),
]
IDS = ["-".join([name, *map(str, options)]) for name, options in CASES]
CLIMBS = [
    pytest.param(*case, accelerate, id=f"{label}-{accelerate}")
    for case, label in zip(CASES, IDS, strict=True)
    for accelerate in ("none", "squarem", "auto")
    if (label, accelerate) != ("joreskog", "none")  # 8,000 steps
]


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fitted(module, *options, **settings):
    """The model, its data and the best fit that the example would make."""
    model, data = module.problem(*options)
    em = EM(**{"tol": 1e-11, "max_iter": 20_000, "starts": 20} | settings)
    start = getattr(module, "START", None)
    return model, data, em.fit(model, data, 0, start=start)


@cache
def maximum(name, options):
    """The log-likelihood at the top of the hill on which the first start stands."""
    _, _, fit = fitted(load(name), *options, starts=1)
    return fit.loglik


def errors_at(model, data, fit):
    return observed_information(model, data, fit.params, Threads(1)).standard_errors()


def tolerance(name, what, number):
    """One unit of the last printed digit, of four decimals at least.

    Hasselblad's parameters have standard errors of .2 to .35, and the rounding of his likelihood,
    4e-12 nats, is 3e-6 of one: no climb that looks at the likelihood finds the seventh digit.
    """
    least = 1e-6 if name == "hasselblad" and what != "loglik" else 0.0
    return max(10.0 ** -max(len(str(number).partition(".")[2]), 4), least)


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_the_contract_is_kept(name, options):
    assert check_model(*load(name).problem(*options)).passed


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_published_digits(name, options):
    module = load(name)
    model, data, fit = fitted(module, *options)
    assert fit.status is Status.CONVERGED
    wants_errors = name in ("linkage", "hasselblad")
    errors = errors_at(model, data, fit) if wants_errors else None
    rows = module.report(fit, errors)
    assert rows
    for what, found, published in rows:
        assert found == pytest.approx(published, rel=0, abs=tolerance(name, what, published)), what


@pytest.mark.parametrize("name", NAMES)
def test_every_published_number_is_reported(name):
    module = load(name)
    reported = set()
    for of, options in CASES:
        if of == name:
            model, data, fit = fitted(module, *options, tol=1e-2, starts=1)
            errors = errors_at(model, data, fit) if name in ("linkage", "hasselblad") else None
            reported |= {(what, published) for what, _, published in module.report(fit, errors)}
    assert reported == set(module.PUBLISHED.items())


@pytest.mark.parametrize("name", NAMES)
def test_each_file_runs_by_itself(name, tmp_path):
    command = [sys.executable, "-W", "error", str(FOLDER / f"{name}.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    for what, published in load(name).PUBLISHED.items():
        assert str(published) in done.stdout, what
    assert "The climb converged" in done.stdout
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_short(name):
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    lines = source.splitlines()
    models = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(b) == "Model" for b in node.bases)
    ]
    assert len(models) == 1
    body = lines[models[0].lineno - 1 : models[0].end_lineno]
    code = [line for line in body if line.strip() and not line.strip().startswith("#")]
    assert len(code) <= 80


def test_every_data_file_has_its_source():
    sources = tomllib.loads((FOLDER / "data" / "sources_1.toml").read_text(encoding="utf-8"))
    for name, source in sources.items():
        with (FOLDER / "data" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        assert header == source["columns"]
        assert len(rows) == source["rows"]
        assert source["origin"]
        assert source["licence"]


@pytest.mark.parametrize(("name", "options", "accelerate"), CLIMBS)
def test_each_method_stops_within_ten_tolerances(name, options, accelerate):
    """Compared with the maximum that a far stricter fit reaches from the same start."""
    _, _, fit = fitted(load(name), *options, tol=1e-5, accelerate=accelerate, starts=1)
    assert fit.status is Status.CONVERGED
    assert fit.certificate.monotone
    assert 0 <= maximum(name, options) - fit.loglik + 1e-8 <= 1e-4


@pytest.mark.parametrize(("name", "most"), [("hasselblad", 30), ("joreskog", 300)])
def test_acceleration_is_quick_where_em_is_slow(name, most):
    _, _, fit = fitted(load(name), tol=1e-5)
    assert fit.status is Status.CONVERGED
    assert fit.certificate.n_steps <= most


def test_standard_errors_of_abo_are_those_of_a_hessian_of_the_counts():
    module = load("abo")
    model, data, fit = fitted(module)
    counts = np.array([186, 38, 13, 284])

    def loglik(free):
        p, q = free
        r = 1 - p - q
        return xlogy(counts, [p * p + 2 * p * r, q * q + 2 * q * r, 2 * p * q, r * r]).sum()

    at, h = fit.params.frequency[:2], 1e-4
    hessian = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            a, b = h * np.eye(2)[i], h * np.eye(2)[j]
            around = loglik(at + a + b) - loglik(at + a - b)
            hessian[i, j] = (around - loglik(at - a + b) + loglik(at - a - b)) / (4 * h * h)
    covariance = np.linalg.inv(-hessian)
    expected = np.sqrt([*np.diag(covariance), covariance.sum()])  # r = 1 - p - q
    np.testing.assert_allclose(errors_at(model, data, fit).frequency, expected, rtol=1e-4)


def test_the_certificate_of_plain_em_tells_its_rate():
    """99.567 % at Hasselblad's maximum, from the largest eigenvalue of the EM map's Jacobian."""
    _, _, fit = fitted(load("hasselblad"), accelerate="none", tol=1e-8)
    assert fit.certificate.em_rate == pytest.approx(0.99567, abs=1e-5)


def test_hasselblad_from_anywhere():
    module = load("hasselblad")
    model, data = module.problem()
    fit = EM(tol=1e-9, starts=5).fit(model, data, 1)
    assert [optimum.hits for optimum in fit.certificate.optima] == [5]
    assert len({tuple(climb.trace.objective[:1]) for climb in fit.climbs}) == 5
    rows = module.report(fit, errors_at(model, data, fit))
    assert all(found == pytest.approx(published, abs=1e-4) for _, found, published in rows)


def test_apple_crop_in_closed_form():
    """Where the holes are nested the likelihood factors (Anderson 1957, JASA 52, 200-203)."""
    _, rows, fit = fitted(load("normal_with_holes"), "apple")
    size, worms = rows.x.T
    seen = ~np.isnan(worms)
    variance = size.var()
    slope = np.cov(size[seen], worms[seen])[0, 1] / size[seen].var(ddof=1)
    mean = worms[seen].mean() + slope * (size.mean() - size[seen].mean())
    left = (worms[seen] - worms[seen].mean() - slope * (size[seen] - size[seen].mean())).var()
    covariance = [[variance, slope * variance], [slope * variance, left + slope**2 * variance]]
    np.testing.assert_allclose(fit.params.mean, [size.mean(), mean], rtol=1e-7)
    np.testing.assert_allclose(fit.params.covariance, covariance, rtol=1e-6)


@pytest.mark.parametrize("name", ["apple", "missvals"])
def test_likelihood_with_holes_is_that_of_what_was_seen(name):
    _, rows, fit = fitted(load("normal_with_holes"), name)
    mean, covariance = fit.params
    total = 0.0
    for row in rows.x:
        seen = ~np.isnan(row)
        total += multivariate_normal.logpdf(
            row[seen], mean[seen], covariance[np.ix_(seen, seen)], allow_singular=False
        )
    assert fit.loglik == pytest.approx(total, abs=1e-9)


def test_a_covariance_that_is_not_definite_has_no_likelihood():
    module = load("normal_with_holes")
    model, rows = module.problem("apple")
    params = module.Params(np.zeros(2), np.array([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(np.linalg.LinAlgError):
        model.e_step(params, model.prepare(rows))


def test_a_row_without_anything_seen_changes_nothing():
    model, rows = load("normal_with_holes").problem("apple")
    more = type(rows)(np.vstack([rows.x, [[np.nan, np.nan]]]), np.append(rows.weights, 3.0))
    params = model.start(model.prepare(rows), np.random.default_rng(0))
    with_it, without = (model.e_step(params, model.prepare(chunk)) for chunk in (more, rows))
    assert with_it.loglik == without.loglik
    assert with_it.n_units == without.n_units + 3


def test_likelihood_of_factors_is_that_of_their_covariance():
    model, data = load("joreskog").problem()
    for seed in range(3):
        loadings, uniquenesses = params = model.start(data, np.random.default_rng(seed))
        sigma = loadings @ loadings.T + np.diag(uniquenesses)
        fitted_trace = np.trace(np.linalg.solve(sigma, data.x[0]))
        direct = -72.5 * (9 * np.log(2 * np.pi) + np.linalg.slogdet(sigma)[1] + fitted_trace)
        assert model.e_step(params, data).loglik == pytest.approx(direct, rel=1e-12)


def test_free_parameters_of_factors():
    """27 loadings and 9 uniquenesses, less the one way to turn the first two factors."""
    _, _, fit = fitted(load("joreskog"), tol=1e-3)
    assert fit.n_free == 35
    assert (fit.params.loadings[~load("joreskog").FREE] == 0).all()


def test_one_latent_class_is_independence():
    model, slides = load("carcinoma").problem(1)
    fit = EM(tol=1e-9).fit(model, slides)
    n, yes = slides.weights.sum(), slides.weights @ slides.x
    assert fit.loglik == pytest.approx(
        float((xlogy(yes, yes / n) + xlogy(n - yes, 1 - yes / n)).sum())
    )


def test_likelihood_of_classes_slide_by_slide():
    model, slides = load("carcinoma").problem(3)
    weights, probabilities = params = model.start(slides, np.random.default_rng(0))
    total = 0.0
    for row, count in zip(slides.x.astype(int), slides.weights, strict=True):
        each = [np.prod([p[j, row[j]] for j in range(7)]) for p in probabilities]
        total += count * np.log(weights @ each)
    assert slides.weights.sum() == 118
    assert model.e_step(params, slides).loglik == pytest.approx(total, rel=1e-12)


def test_carcinoma_has_several_maxima_and_exact_zeros():
    _, _, fit = fitted(load("carcinoma"), 4, tol=1e-7)
    assert len(fit.certificate.optima) > 1
    assert fit.certificate.on_boundary


def test_word_alignment_ends_in_a_dictionary():
    """The likelihood is concave; its maximum gives each word of each pair a chance of 1/2."""
    _, _, fit = fitted(load("word_alignment"), tol=1e-9)
    np.testing.assert_allclose(fit.params.table, np.eye(4), atol=1e-6)
    assert fit.loglik == pytest.approx(-3 * np.log(4), abs=1e-6)


@pytest.mark.parametrize("name", ["linkage", "abo", "hasselblad", "carcinoma"])
def test_simulated_data_lead_back_to_the_parameters(name):
    """Of a hundred times as many units; each parameter within five of its standard errors."""
    module = load(name)
    options = (2,) if name == "carcinoma" else ()
    model, data, fit = fitted(module, *options)
    many = data.reweight(np.full(len(data), 100.0))
    drawn = model.simulate(fit.params, many, np.random.default_rng(0))
    assert drawn.weights.sum() == 100 * fit.n_units
    again = EM(tol=1e-9).fit(model, drawn, start=module.START if not options else fit.params)
    errors = errors_at(model, many, fit)
    for found, true, error in zip(again.params, fit.params, errors, strict=True):
        assert (np.abs(found - true) <= 5 * error + 1e-9).all()
