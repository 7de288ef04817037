import csv
import pickle
import warnings
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import multivariate_normal
from sklearn.utils.estimator_checks import parametrize_with_checks

import latentia
from latentia import EM, FactorAnalysis, datasets, select
from latentia.mixture import DataWarning

BFI = datasets.load("bfi")
WHOLE = BFI.values[~np.isnan(BFI.values).any(axis=1)]
EIGHT = ["A2", "A3", "A5", "E1", "E2", "E4", "N1", "N2"]
AT = [BFI.columns.index(name) for name in EIGHT]


def recorded():
    """R 4.2.2's factanal, GPArotation 2022.10-2 and lavaan 0.6-14: tests/parity/factanal.R."""
    made = defaultdict(dict)
    path = Path(__file__).parents[1] / "parity" / "factanal.csv"
    for row in csv.DictReader(path.read_text().splitlines()):
        made[row["what"]][row["name"]] = float(row["value"])
    return made


R = recorded()


def matched(loadings, known):
    """Loadings numbered and signed as the known ones, both (q, d)."""
    closeness = known @ loadings.T
    _, order = linear_sum_assignment(-np.abs(closeness))
    sign = np.sign(closeness[np.arange(len(order)), order])
    return loadings[order] * sign[:, None], order


def simulated(n=300, holes=0.0, seed=0):
    rng = np.random.default_rng(seed)
    loadings = np.array([[0.9, 0.8, 0.7, 0.1, 0.0, 0.2], [0.0, 0.1, 0.2, 0.8, 0.7, 0.9]])
    x = rng.normal(size=(n, 2)) @ loadings + 0.6 * rng.normal(size=(n, 6))
    x[rng.random(x.shape) < holes] = np.nan
    return x


@parametrize_with_checks([FactorAnalysis(), FactorAnalysis(1, rotation="oblimin")])
def test_conventions(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        check(estimator)


@pytest.mark.parametrize("seed", [0, 42])
def test_scikit_learns_own_test_passes_with_the_import_changed(seed, monkeypatch):
    theirs = import_module("sklearn.decomposition.tests.test_factor_analysis")
    monkeypatch.setattr(theirs, "FactorAnalysis", FactorAnalysis)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        theirs.test_factor_analysis(seed)


# -- beside R ----------------------------------------------------------------------------------


@pytest.mark.parametrize("q", [1, 3, 5])
def test_uniquenesses_and_test_of_fit_are_those_of_factanal(q):
    factors = FactorAnalysis(q).fit(WHOLE)
    known = [R[f"uniqueness{q}"][name] for name in BFI.columns]
    np.testing.assert_allclose(factors.noise_variance_ / WHOLE.var(axis=0), known, atol=1e-6)
    test = factors.fit_test()
    assert test.statistic == pytest.approx(R[f"statistic{q}"][""], abs=1e-5)
    assert test.df == R[f"df{q}"][""]


@pytest.mark.parametrize(
    ("known", "rotation", "kaiser", "digits"),
    [
        ("varimax", "varimax", False, 1e-6),
        ("varimax_kaiser", "varimax", True, 1e-6),
        ("quartimax", "quartimax", False, 1e-6),
        ("oblimin", "oblimin", False, 1e-6),
        ("promax_kaiser", "promax", True, 5e-5),  # R's promax stops its varimax at 1e-5
    ],
)
def test_rotations_are_those_of_r(known, rotation, kaiser, digits):
    z = (WHOLE - WHOLE.mean(axis=0)) / WHOLE.std(axis=0)
    factors = FactorAnalysis(3, rotation=rotation, kaiser=kaiser).fit(z)
    told = np.array([[R[known][f"{name} {k}"] for name in BFI.columns] for k in (1, 2, 3)])
    found, order = matched(factors.components_, told)
    np.testing.assert_allclose(found, told, atol=digits)
    if known == "oblimin":
        correlations = np.abs(factors.factor_correlations_[np.ix_(order, order)])
        phi = R["oblimin_correlation"]
        for i, j in ((1, 2), (1, 3), (2, 3)):
            assert correlations[i - 1, j - 1] == pytest.approx(abs(phi[f"{i} {j}"]), abs=1e-6)


def test_of_two_heywood_cases_the_likelier_is_found_and_turned_as_in_r():
    # R 4.2.2's factanal from 20 starts: tests/parity/heywood.R
    folder = Path(__file__).parents[1] / "parity"
    x = np.loadtxt(folder / "swiss.csv", delimiter=",", skiprows=1)
    made = defaultdict(list)
    for row in csv.DictReader((folder / "heywood.csv").read_text().splitlines()):
        made[row["what"]].append(float(row["value"]))
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    with pytest.warns(DataWarning, match="'x3' is held at 0.005 .* a Heywood case"):
        factors = FactorAnalysis(2, min_uniqueness=0.005).fit(z)
    np.testing.assert_allclose(factors.noise_variance_, made["uniqueness"], atol=1e-6)
    assert factors.fit_test().statistic == pytest.approx(made["statistic"][0], abs=1e-6)
    assert sum(optimum.hits for optimum in factors.certificate_.optima) == 2
    for rotation in ("varimax", "promax"):
        with pytest.warns(DataWarning):
            turned = FactorAnalysis(2, min_uniqueness=0.005, rotation=rotation, kaiser=True).fit(z)
        known = np.array([made[f"{rotation} 1"], made[f"{rotation} 2"]])
        np.testing.assert_allclose(matched(turned.components_, known)[0], known, atol=1e-6)


def test_several_starts_begin_apart():
    x = np.loadtxt(Path(__file__).parents[1] / "parity" / "swiss.csv", delimiter=",", skiprows=1)
    with pytest.warns(DataWarning, match="'x3' is held"):
        factors = FactorAnalysis(2, min_uniqueness=0.005, em=EM(starts=10)).fit(x)
    assert len(factors.certificate_.optima) == 2


@pytest.mark.parametrize("method", ["regression", "bartlett"])
def test_scores_are_those_of_factanal(method):
    # factanal's scores are of columns in units of their standard deviation with divisor n - 1
    z = (WHOLE - WHOLE.mean(axis=0)) / WHOLE.std(axis=0, ddof=1)
    factors = FactorAnalysis(3).fit(z * np.sqrt(len(z) / (len(z) - 1)))
    told = np.array(
        [[R[f"{method}_score"][f"row {i} {k}"] for k in (1, 2, 3)] for i in range(1, 6)]
    )
    found, _ = matched(factors.scores(z[:5], method).T, told.T)
    np.testing.assert_allclose(found.T, told, atol=2e-5)


@pytest.mark.parametrize("kind", ["listwise", "fiml"])
def test_holes_indices_and_standard_errors_are_those_of_lavaan(kind):
    x = BFI.values[:, AT]
    if kind == "listwise":
        x = x[~np.isnan(x).any(axis=1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # of rows without a value
        factors = FactorAnalysis(2, tol=1e-10).fit(x)
        test, known = factors.fit_test(), R[f"lavaan_{kind}"]
    assert factors.loglik_ == pytest.approx(known["logl"], abs=1e-6)
    assert test.likelihood_ratio == pytest.approx(known["chisq"], abs=1e-4)
    assert test.df == known["df"]
    for name in ("rmsea", "rmsea.ci.lower", "rmsea.ci.upper", "tli"):
        ours = name.replace(".ci", "").replace(".", "_")
        assert getattr(test, ours) == pytest.approx(known[name], abs=1e-7)
    errors = factors.standard_errors().noise_variance
    told = [R[f"lavaan_{kind}_uniqueness_se"][name] for name in EIGHT]
    np.testing.assert_allclose(errors, told, rtol=1e-4)


@pytest.mark.parametrize(("known", "rotation"), [("varimax", "varimax"), ("quartimin", "oblimin")])
def test_standard_errors_of_rotated_loadings_are_those_of_lavaan(known, rotation):
    x = BFI.values[:, AT]
    x = x[~np.isnan(x).any(axis=1)]
    factors = FactorAnalysis(2, tol=1e-10, rotation=rotation).fit(x)
    told, se = (
        np.array([[R[f"lavaan_{known}{what}"][f"{name} f{k}"] for name in EIGHT] for k in (1, 2)])
        for what in ("", "_se")
    )
    found, order = matched(factors.components_, told)
    np.testing.assert_allclose(found, told, atol=1e-4)
    np.testing.assert_allclose(factors.standard_errors().components[order], se, rtol=5e-4)
    phi = R[f"lavaan_{known}_correlation"]
    assert abs(factors.factor_correlations_[0, 1]) == pytest.approx(abs(phi["est"]), abs=1e-4)
    error = factors.standard_errors().factor_correlations[0, 1]
    assert error == pytest.approx(phi["se"], abs=1e-5)


# -- properties --------------------------------------------------------------------------------


def test_the_likelihood_is_that_of_the_cells_that_were_seen():
    x = simulated(80, 0.3)
    factors = FactorAnalysis(2).fit(x)
    covariance, told = factors.get_covariance(), []
    for row in x:
        k = ~np.isnan(row)
        part = covariance[np.ix_(k, k)]
        told.append(multivariate_normal.logpdf(row[k], factors.mean_[k], part) if k.any() else 0.0)
    np.testing.assert_allclose(factors.score_samples(x), told, atol=1e-10)
    assert factors.loglik_ == pytest.approx(sum(told), abs=1e-8)
    assert factors.score(x) == pytest.approx(np.mean(told), abs=1e-10)


@pytest.mark.parametrize("holes", [0.0, 0.2])
def test_weights_count_rows(holes):
    x = simulated(60, holes)
    counts = np.random.default_rng(1).integers(0, 4, size=60)
    weighted = FactorAnalysis(1, tol=1e-10).fit(x, sample_weight=counts)
    repeated = FactorAnalysis(1, tol=1e-10).fit(np.repeat(x, counts, axis=0))
    np.testing.assert_allclose(weighted.components_, repeated.components_, atol=1e-6)
    assert weighted.loglik_ == pytest.approx(repeated.loglik_, abs=1e-8)


@pytest.mark.parametrize("rotation", ["varimax", "quartimax", "promax", "oblimin"])
def test_rotations_change_no_covariance_and_no_units_of_scores(rotation):
    x = simulated(200, 0.1)
    plain, turned = (FactorAnalysis(2, rotation=r).fit(x) for r in (None, rotation))
    np.testing.assert_allclose(turned.get_covariance(), plain.get_covariance(), atol=1e-10)
    fitted = [f.mean_ + f.transform(x) @ f.components_ for f in (plain, turned)]
    np.testing.assert_allclose(fitted[1], fitted[0], atol=1e-9)
    np.testing.assert_allclose(np.diagonal(turned.factor_correlations_), 1.0)


def test_units_of_columns_scale_loadings_and_nothing_else():
    x, unit = simulated(100, 0.1), np.array([1e6, 1.0, 1e-3, 5.0, 2.0, 1e4])
    one, other = FactorAnalysis(2, tol=1e-9).fit(x), FactorAnalysis(2, tol=1e-9).fit(x * unit)
    np.testing.assert_allclose(other.components_ / unit, one.components_, atol=1e-5)
    np.testing.assert_allclose(other.transform(x * unit), one.transform(x), atol=1e-5)


def test_what_was_seen_is_kept_and_the_rest_is_expected():
    x = simulated(50, 0.3)
    factors = FactorAnalysis(2).fit(x)
    filled, known = factors.impute(x), ~np.isnan(x)
    np.testing.assert_array_equal(filled[known], x[known])
    i = int(np.flatnonzero((~known).any(axis=1) & known.any(axis=1))[0])
    k, covariance = known[i], factors.get_covariance()
    slope = np.linalg.solve(covariance[np.ix_(k, k)], covariance[np.ix_(k, ~k)])
    told = factors.mean_[~k] + (x[i, k] - factors.mean_[k]) @ slope
    np.testing.assert_allclose(filled[i, ~k], told, atol=1e-10)


def test_bartletts_scores_are_unbiased_given_the_factors():
    rng = np.random.default_rng(3)
    factors = FactorAnalysis(2, rotation="oblimin").fit(simulated(300))
    z = rng.normal(size=(4, 2))
    noiseless = factors.mean_ + z @ factors.components_
    np.testing.assert_allclose(factors.scores(noiseless, "bartlett"), z, atol=1e-10)


def test_bic_finds_the_number_of_factors():
    swept = select(FactorAnalysis(), simulated(400, 0.1), {"n_components": [0, 1, 2, 3]})
    assert swept.best_settings == {"n_components": 2}


def test_files_and_pickles_keep_the_fit(tmp_path):
    x = simulated(100, 0.1)
    factors = FactorAnalysis(2, rotation="oblimin").fit(x)
    factors.standard_errors()
    factors.save(tmp_path / "factors.safetensors")
    for again in (
        latentia.load(tmp_path / "factors.safetensors"),
        pickle.loads(pickle.dumps(factors)),
    ):
        np.testing.assert_array_equal(again.components_, factors.components_)
        np.testing.assert_array_equal(again.transform(x), factors.transform(x))
        assert again.parameter_table() == factors.parameter_table()
        assert again.fit_test(x) == factors.fit_test()


def test_the_sandwich_and_the_bootstrap_reach_rotated_loadings():
    x = simulated(400)
    factors = FactorAnalysis(2, rotation="varimax").fit(x)
    usual = factors.standard_errors().components
    for method, more in (("sandwich", {}), ("bootstrap", {"replicates": 40})):
        other = factors.standard_errors(method=method, **more).components
        assert 0.6 < float(np.median(other / usual)) < 1.6


# -- data that leave something without an estimate ---------------------------------------------


def test_a_heywood_case_is_named():
    x = simulated(200)
    x[:, 5] = x[:, 0]
    with pytest.warns(DataWarning, match=r"columns 'x0', 'x5' are held.*Heywood"):
        factors = FactorAnalysis(2).fit(x)
    assert factors.heywood_ == [0, 5]
    assert factors.standard_errors().note.count("Held by a floor") == 1
    assert np.isfinite(factors.loglik_)
    with pytest.raises(ValueError, match="'x0', 'x5' follow from one another"):
        factors.fit_test()


def test_more_factors_than_columns_can_tell_apart_are_said_to_be_a_choice():
    with pytest.warns(DataWarning, match="at most 3 factors apart"):
        factors = FactorAnalysis(4).fit(simulated(200))
    assert factors.n_parameters_ == 6 + 21
    assert np.isnan(factors.standard_errors().components).all()
    assert np.isfinite(factors.standard_errors().mean).all()
    assert "nothing to test" in str(factors.fit_test())
    np.testing.assert_allclose(
        factors.get_covariance(), np.cov(simulated(200).T, bias=True), atol=1e-6
    )


def test_fewer_rows_than_columns():
    x = simulated(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        factors = FactorAnalysis(1).fit(x)
    assert np.isfinite(factors.loglik_)
    assert np.linalg.eigvalsh(factors.get_covariance())[0] > 0


def test_columns_never_seen_together_are_named():
    x = simulated(200)
    x[:100, 0], x[100:, 3] = np.nan, np.nan
    with pytest.warns(DataWarning, match="'x0' and 'x3' are never seen together"):
        factors = FactorAnalysis(2).fit(x)
    assert factors.apart_ == [(0, 3)]
    assert np.isfinite(factors.get_covariance()).all()


def test_a_row_without_a_value_is_allowed():
    x = simulated(100)
    with pytest.warns(DataWarning, match="row 100 has no value"):
        factors = FactorAnalysis(1).fit(np.vstack([x, np.full(6, np.nan)]))
    assert factors.loglik_ == pytest.approx(FactorAnalysis(1).fit(x).loglik_, abs=1e-9)
    assert (factors.transform(np.full((1, 6), np.nan)) == 0).all()
    with pytest.warns(DataWarning, match="too few columns"):
        assert np.isnan(factors.scores(np.full((1, 6), np.nan), "bartlett")).all()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda x: x.__setitem__((slice(None), 2), np.nan), "'x2' has no value at all"),
        (lambda x: x.__setitem__((slice(None), 2), 7.0), r"'x2' has the same value \(7\)"),
        (lambda x: x.__setitem__((3, 1), np.inf), "inf .* row 3, column 'x1'"),
    ],
)
def test_columns_that_cannot_be_estimated_are_named(change, told):
    x = simulated(50)
    change(x)
    with pytest.raises(ValueError, match=told):
        FactorAnalysis(1).fit(x)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"n_components": 7}, "n_components=7 for 6 columns"),
        ({"noise_variance_init": [1.0, 2.0]}, r"shape \(2,\), expected \(6,\)"),
        ({"noise_variance_init": [1, 1, 1, 1, 1, 0]}, r"noise_variance_init\[5\] = 0"),
    ],
)
def test_settings_that_make_no_sense(settings, told):
    with pytest.raises(ValueError, match=told):
        FactorAnalysis(**settings).fit(simulated(50))


def test_a_summary_names_the_test_and_the_loadings():
    told = str(FactorAnalysis(2, rotation="oblimin").fit(simulated(200)).summary())
    for word in ("rotated by oblimin", "chi-squared", "RMSEA", "factor 1", "unique", "x5"):
        assert word in told
