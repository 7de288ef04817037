import datetime
import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import multivariate_normal
from sklearn.utils.estimator_checks import parametrize_with_checks

import latentia
from latentia import EM, IncompleteNormal, datasets
from latentia.mixture import DataWarning

from .samples import correlated

empty_rows = pytest.mark.filterwarnings("ignore:.*no value.*:latentia.mixture.errors.DataWarning")

DIGITS = {"rtol": 0, "atol": 5.1e-7}  # of numbers given to six decimals


@parametrize_with_checks([IncompleteNormal(ridge=0.1)])
def test_conventions(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        check(estimator)


# -- known maxima ------------------------------------------------------------------------------


def test_apple_crops():
    # Little & Rubin (1987), section 6.2.3; recomputed from the factored likelihood to these digits
    normal = IncompleteNormal(tol=1e-13).fit(datasets.load("apple").values)
    np.testing.assert_allclose(normal.mean_, [14.722222, 49.333333], **DIGITS)
    known = [[89.533951, -90.696729], [-90.696729, 114.694955]]
    np.testing.assert_allclose(normal.covariance_, known, **DIGITS)
    assert normal.loglik_ == pytest.approx(-101.785632, abs=5e-7)


def test_cement():
    # 631 E-steps of plain EM for these digits
    normal = IncompleteNormal(tol=1e-11).fit(datasets.load("missvals").values)
    known = [6.655166, 49.965259, 11.769231, 27.047089, 95.423077]
    np.testing.assert_allclose(normal.mean_, known, **DIGITS)
    assert normal.loglik_ == pytest.approx(-132.925250, abs=5e-7)
    assert normal.n_iter_ <= 63


def test_airquality():
    # lavaan's EM of the saturated model at tolerance 1e-12, four columns
    x = datasets.load("airquality").values[:, :4]
    normal = IncompleteNormal(tol=1e-12).fit(x)
    np.testing.assert_allclose(normal.mean_, [41.871173, 184.846806, 9.957516, 77.882353], **DIGITS)
    assert normal.loglik_ == pytest.approx(-2326.697383, abs=5e-7)


def test_nhanes():
    # lavaan's EM of the saturated model at tolerance 1e-12
    normal = IncompleteNormal(tol=1e-13).fit(datasets.load("nhanes").values)
    np.testing.assert_allclose(normal.mean_, [1.76, 26.522560, 1.229397, 194.446804], **DIGITS)
    assert normal.loglik_ == pytest.approx(-150.858686, abs=5e-7)


@pytest.mark.parametrize("name", ["near", "sparse", "units"])
def test_hostile_holes_have_the_estimates_of_lavaan(name):
    # R 4.2.2, lavaan 0.6-14's EM of the saturated model at 1e-12: tests/parity/incomplete.R
    folder = Path(__file__).parents[1] / "parity"
    rows = pd.read_csv(folder / "incomplete_rows.csv")
    known = pd.read_csv(folder / "incomplete.csv")
    known = known[known["set"] == name].set_index("what")["value"]
    normal = IncompleteNormal(tol=1e-10).fit(rows[rows["set"] == name].iloc[:, 1:].to_numpy())
    mean = known[[f"mean {j}" for j in range(1, 5)]].to_numpy()
    covariance = known[[f"covariance {j}" for j in range(1, 17)]].to_numpy().reshape(4, 4)
    spread = np.sqrt(np.diagonal(covariance))
    assert normal.loglik_ == pytest.approx(known["loglik"], rel=0, abs=1e-7)
    np.testing.assert_allclose(normal.mean_ / spread, mean / spread, rtol=0, atol=1e-6)
    unit = np.outer(spread, spread)
    np.testing.assert_allclose(normal.covariance_ / unit, covariance / unit, rtol=0, atol=1e-6)


def test_littles_statistic():
    # converged maximum-likelihood estimates; naniar, which stops earlier, asserts 35.1061288690
    test = IncompleteNormal(tol=1e-12).fit(datasets.load("airquality").values).little_test()
    assert test.statistic == pytest.approx(35.1061749, abs=5e-8)
    assert (test.df, test.n_patterns) == (14, 4)
    assert test.p_value == pytest.approx(0.00142, abs=5e-6)  # naniar::mcar_test(airquality)


def test_whole_rows_leave_littles_test_without_an_answer():
    test = IncompleteNormal().fit(correlated(30, 2, np.random.default_rng(0))[0]).little_test()
    assert (test.df, test.n_patterns) == (0, 1)
    assert np.isnan(test.p_value)
    assert "no answer" in str(test)


# -- standard errors and densities -------------------------------------------------------------


def test_errors_of_whole_rows_are_the_textbook_ones():
    whole, _ = correlated(80, 3, np.random.default_rng(1))
    normal = IncompleteNormal(tol=1e-11).fit(whole)
    found, c = normal.standard_errors(), normal.covariance_
    np.testing.assert_allclose(found.mean, np.sqrt(np.diag(c) / 80), rtol=1e-5)
    both = np.sqrt((np.outer(np.diag(c), np.diag(c)) + c**2) / 80)
    np.testing.assert_allclose(found.covariance, both, rtol=1e-5)


def test_errors_of_two_columns_one_with_holes():
    # Anderson (1957): the likelihood factors; var(mean 2) is
    # s22.1 (1/m + (mean_all - mean_seen)^2 / (m s11_seen)) + b^2 s11 / n, of expected information
    # at the maximum and observed x
    x = datasets.load("apple").values
    normal = IncompleteNormal(tol=1e-13).fit(x)
    seen = x[~np.isnan(x[:, 1])]
    n, m = len(x), len(seen)
    slope = np.cov(seen.T, bias=True)[0, 1] / seen[:, 0].var()
    left = seen[:, 1].var() - slope**2 * seen[:, 0].var()
    away = x[:, 0].mean() - seen[:, 0].mean()
    variance = left * (1 / m + away**2 / (m * seen[:, 0].var())) + slope**2 * x[:, 0].var() / n
    assert normal.standard_errors().mean[1] == pytest.approx(np.sqrt(variance), rel=1e-5)


def test_densities_are_scipys_of_what_was_seen():
    rng = np.random.default_rng(2)
    _, x = correlated(30, 4, rng, 0.4)
    x[7] = np.nan
    with pytest.warns(DataWarning):
        normal = IncompleteNormal(ridge=1).fit(x)
    for row, density in zip(x, normal.score_samples(x), strict=True):
        s = ~np.isnan(row)
        known = 0.0
        if s.any():
            c = normal.covariance_[np.ix_(s, s)]
            known = multivariate_normal.logpdf(row[s], normal.mean_[s], c)
        assert density == pytest.approx(known, rel=1e-10)
    assert normal.score_samples(x).sum() == pytest.approx(normal.loglik_, rel=1e-12)


@empty_rows
def test_names_of_parameters():
    import pandas as pd

    air = datasets.load("airquality")
    frame = pd.DataFrame(air.values[:, :2], columns=list(air.columns[:2]))
    table = IncompleteNormal().fit(frame).parameter_table()
    names = ["mean[Ozone]", "mean[Solar.R]", "variance[Ozone]", "variance[Solar.R]"]
    assert [e.name for e in table] == [*names, "covariance[Ozone, Solar.R]"]
    assert all(e.lower < e.value < e.upper and e.se > 0 for e in table)


# -- properties --------------------------------------------------------------------------------


@empty_rows
def test_weights_are_repeated_rows():
    rng = np.random.default_rng(3)
    _, x = correlated(60, 3, rng)
    times = rng.integers(0, 4, 60)
    one = IncompleteNormal(tol=1e-11).fit(x, sample_weight=times)
    many = IncompleteNormal(tol=1e-11).fit(np.repeat(x, times, axis=0))
    np.testing.assert_allclose(one.covariance_, many.covariance_, rtol=1e-7)
    assert one.loglik_ == pytest.approx(many.loglik_, rel=1e-12)
    assert one.patterns_.rows.sum() == times.sum()


def test_units_and_order_of_columns_change_nothing():
    _, x = correlated(100, 4, np.random.default_rng(4))
    scale, shift = np.array([1e-6, 1.0, 1e5, 30.0]), np.array([1e3, 0.0, -1e9, 7.0])
    one = IncompleteNormal(tol=1e-12).fit(x)
    other = IncompleteNormal(tol=1e-12).fit((x * scale + shift)[:, ::-1])
    np.testing.assert_allclose(other.mean_[::-1], one.mean_ * scale + shift, rtol=1e-6)
    np.testing.assert_allclose(other.correlation_[::-1, ::-1], one.correlation_, atol=1e-5)


@empty_rows
def test_the_compiled_fit_is_the_one_of_numpy(monkeypatch):
    from latentia.missing import conditional

    _, x = correlated(200, 5, np.random.default_rng(5), 0.3)
    one = IncompleteNormal(tol=1e-11).fit(x)
    monkeypatch.setattr(conditional, "WORTH_COMPILING", 0)
    other = IncompleteNormal(tol=1e-11).fit(x)
    np.testing.assert_allclose(other.covariance_, one.covariance_, rtol=1e-6, atol=1e-6)


def test_a_file_brings_it_back(tmp_path):
    x = datasets.load("airquality").values.astype(np.float32)
    normal = IncompleteNormal(random_state=0).fit(x)
    errors = normal.standard_errors()
    normal.save(tmp_path / "air.safetensors")
    for again in (latentia.load(tmp_path / "air.safetensors"), pickle.loads(pickle.dumps(normal))):
        assert again.mean_.dtype == np.float32
        np.testing.assert_array_equal(again.covariance_, normal.covariance_)
        np.testing.assert_array_equal(again.standard_errors().covariance, errors.covariance)
        np.testing.assert_array_equal(again.complete(x), normal.complete(x))
        np.testing.assert_array_equal(again.sample(3), normal.sample(3))
        assert str(again.patterns_) == str(normal.patterns_)
        assert again.little_test(x).df == 14
        assert "44 of 918 cells" in str(again.summary())


def test_pictures(tmp_path):
    normal = IncompleteNormal().fit(datasets.load("airquality").values)
    display = normal.plot.patterns()
    cells, bars = display.axes_
    assert len(cells.patches) == 4 * 6
    assert [bar.get_width() for bar in bars.patches] == [111, 35, 5, 2]
    assert normal.plot.climb().figure_ is not None


# -- what cannot be estimated ------------------------------------------------------------------


def rows():
    return np.random.default_rng(6).normal(size=(40, 3))


def test_a_column_without_a_value():
    x = rows()
    x[:, 1] = np.nan
    with pytest.raises(ValueError, match=r"'x1' has no value at all.*the other 2 can be estimated"):
        IncompleteNormal(ridge=1).fit(x)


def test_a_column_with_one_value():
    x = rows()
    x[1:, 1] = np.nan
    with pytest.raises(ValueError, match=r"'x1' has one value.*only its mean; leave it out"):
        IncompleteNormal().fit(x)
    x[:, 1] = 3
    with pytest.raises(ValueError, match=r"'x1' has the same value \(3\) in every row"):
        IncompleteNormal().fit(x)


def test_a_row_without_a_value():
    x = rows()
    x[3] = np.nan
    with pytest.warns(DataWarning, match=r"row 3 has no value: .* of the other 39"):
        normal = IncompleteNormal().fit(x)
    np.testing.assert_allclose(normal.mean_, np.delete(x, 3, axis=0).mean(axis=0), rtol=1e-10)


def test_columns_that_follow_from_one_another():
    x = np.column_stack([rows(), np.random.default_rng(7).normal(size=40)])
    x[:, 2] = 2 * x[:, 0] - x[:, 1]
    x[np.random.default_rng(8).random(x.shape) < 0.1] = np.nan
    with pytest.raises(
        ValueError, match=r"follow from one another.*singular.*or give ridge=1"
    ) as e:
        IncompleteNormal().fit(x)
    assert all(f"'x{j}'" in str(e.value) for j in (0, 1, 2))
    assert "'x3'" not in str(e.value)
    whole = np.column_stack([rows(), rows()[:, 0] + rows()[:, 2]])
    with pytest.raises(ValueError, match=r"columns ('x[023]'(, )?){3} follow"):
        IncompleteNormal().fit(whole)
    normal = IncompleteNormal(ridge=1).fit(x)
    assert normal.converged_
    assert np.linalg.eigvalsh(normal.correlation_)[0] > 0


def test_fewer_rows_than_columns():
    with pytest.raises(ValueError, match=r"\(3 rows of 3 columns\)"):
        IncompleteNormal().fit(rows()[:3])
    assert IncompleteNormal(ridge=1).fit(rows()[:3]).converged_


def test_two_columns_never_seen_together():
    x = rows()
    x[:20, 0], x[20:, 1] = np.nan, np.nan
    with pytest.warns(DataWarning, match=r"'x0' and 'x1' are never seen together, so their cov"):
        normal = IncompleteNormal(tol=1e-10).fit(x)
    assert normal.apart_ == [(0, 1)]
    assert normal.n_parameters_ == 9 - 1
    errors = normal.standard_errors()
    missing = np.isnan(errors.covariance)
    assert np.argwhere(missing).tolist() == [[0, 1], [1, 0]]
    # the rest is what each half says with the third column: x0 | x2 from the rows that have both
    for j, mine in ((0, slice(20, None)), (1, slice(None, 20))):
        slope = np.cov(x[mine, j], x[mine, 2])[0, 1] / x[mine, 2].var(ddof=1)
        known = x[mine, j].mean() + slope * (x[:, 2].mean() - x[mine, 2].mean())
        assert normal.mean_[j] == pytest.approx(known, abs=1e-5)


def test_infinity_is_named():
    x = rows()
    x[4, 2] = np.inf
    with pytest.raises(ValueError, match=r"inf \(infinity\) at row 4, column 'x2'"):
        IncompleteNormal().fit(x)


def test_settings_of_the_climb_are_those_given():
    x = datasets.load("nhanes").values
    plain = IncompleteNormal(em=EM(accelerate="none"), tol=1e-9).fit(x)
    assert plain.certificate_.em_rate is not None
    assert plain.certificate_.tol == 1e-9


@pytest.mark.parametrize("library", [pd, pl])
def test_dates_are_refused_by_name(library):
    days = [datetime.datetime(2024, 1, day) for day in (1, 2, 3)]
    table = library.DataFrame({"height": [1.0, 2.0, 4.0], "seen": days})
    with pytest.raises(TypeError, match="column 'seen' holds dates or times, expected numbers"):
        IncompleteNormal().fit(table)


@pytest.mark.parametrize("unit", [1e-140, 1e140])
def test_standard_errors_keep_to_any_unit(unit):
    _, x = correlated(80, 3, np.random.default_rng(6), 0.25)
    one, other = IncompleteNormal().fit(x), IncompleteNormal().fit(x * unit)
    errors, moved = one.standard_errors(), other.standard_errors()
    np.testing.assert_allclose(moved.mean / unit, errors.mean, rtol=1e-6)
    np.testing.assert_allclose(moved.covariance / unit / unit, errors.covariance, rtol=1e-6)
