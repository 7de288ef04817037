"""Bad data get one sentence; data that collapse a component get scikit-learn's."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import latentia
from latentia import EM, GaussianMixture, HiddenMarkov, MixtureDiscriminant, datasets
from latentia.engine import DecreasedWarning, Status
from latentia.mixture import DataWarning

FAITHFUL = datasets.load("faithful").values
KINDS = ["full", "tied", "diag", "spherical"]
every_kind = pytest.mark.parametrize("kind", KINDS)


def _with(value, row=3, column=1):
    x = FAITHFUL.copy()
    x[row, column] = value
    return x


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (_with(np.inf, 7, 0), r"contains inf \(infinity\) at row 7, column 0"),
        (_with(-np.inf), r"contains inf \(infinity\) at row 3, column 1"),
        (
            pd.DataFrame(_with(np.inf), columns=["a", "wait"]),
            r"at row 3, column 'wait' .1 such cells",
        ),
        (np.full((9, 2), [1.0, np.nan]), "NaN in every row of column 1: there is nothing to learn"),
        (np.ones(5), "Expected 2D array, got 1D array"),
        (np.ones((5, 2, 2)), "dim 3"),
        (np.empty((0, 2)), "0 sample"),
        (np.empty((5, 0)), "0 feature"),
        (np.array([["a", "b"], ["c", "d"]]), "'a' at row 0, column 0"),
        (FAITHFUL[:1], "minimum of 2 is required"),
        (FAITHFUL.astype(complex), "Complex data not supported"),
    ],
)
def test_data_that_cannot_be_used(x, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        GaussianMixture(1).fit(x)
    assert "Traceback" not in str(caught.value)


def test_infinity_is_refused_in_prediction_too():
    gm = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    for use in (gm.predict, gm.predict_proba, gm.score_samples, gm.score, gm.bic, gm.aic, gm.icl):
        with pytest.raises(ValueError, match=r"inf .infinity. at row 3, column 1"):
            use(_with(np.inf))


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (-np.ones(272), r"sample_weight\[0\] = -1"),
        (np.r_[np.ones(5), np.nan, np.ones(266)], r"sample_weight\[5\] = nan"),
        (np.r_[np.ones(271), np.inf], r"sample_weight\[271\] = inf"),
        (np.zeros(272), "zero everywhere"),
        (np.ones(271), r"shape \(271,\), expected \(272,\)"),
        (np.ones((272, 1)), r"shape \(272, 1\), expected \(272,\)"),
        (np.r_[np.ones(1), np.zeros(271)], "n_components = 2, n_samples = 1"),
    ],
)
def test_weights_that_cannot_be_used(weights, sentence):
    with pytest.raises(ValueError, match=sentence):
        GaussianMixture(2).fit(FAITHFUL, sample_weight=weights)


def test_fewer_rows_than_components():
    with pytest.raises(
        ValueError, match=r"n_samples >= n_components but got n_components = 9, n_samples = 5"
    ):
        GaussianMixture(9).fit(FAITHFUL[:5])


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("n_components", 0),
        ("n_components", 1.5),
        ("covariance_type", "round"),
        ("tol", -1.0),
        ("reg_covar", -1.0),
        ("max_iter", -1),
        ("n_init", 0),
        ("init_params", "best"),
        ("em", "fast"),
        ("warm_start", "no"),
        ("verbose_interval", 0),
    ],
)
def test_settings_are_refused_as_scikit_learn_does(setting, value):
    with pytest.raises(ValueError, match=f"The '{setting}' parameter of GaussianMixture must be"):
        GaussianMixture(**{"n_components": 2, setting: value}).fit(FAITHFUL)


# -- constant columns and high floors ----------------------------------------------------------


@every_kind
def test_constant_columns(kind):
    x = np.c_[FAITHFUL, np.full(len(FAITHFUL), 3.0)]
    with pytest.raises(ValueError, match=r"Column 2 is constant \(every value is 3\).*drop it"):
        GaussianMixture(2, covariance_type=kind, reg_covar=0).fit(x)
    with pytest.warns(DataWarning, match=r"column 2 is constant .* held at reg_covar=1e-06"):
        gm = GaussianMixture(2, covariance_type=kind, random_state=0).fit(x)
    if kind != "spherical":
        assert gm.certificate_.active_floors
        assert gm.smallest_variance() > 0
    names = pd.DataFrame(x, columns=["a", "b", "same"])
    with pytest.warns(DataWarning, match="column 'same' is constant"):
        GaussianMixture(2, covariance_type=kind, random_state=0).fit(names)


def test_rows_of_no_weight_do_not_make_a_column_vary():
    x = np.c_[FAITHFUL, np.r_[np.full(271, 3.0), 4.0]]
    with pytest.raises(ValueError, match="Column 2 is constant"):
        GaussianMixture(2, reg_covar=0).fit(x, sample_weight=np.r_[np.ones(271), 0.0])


def test_a_high_floor_is_said_to_be_one():
    with pytest.warns(DataWarning, match="is a floor under the eigenvalues"):
        gm = GaussianMixture(2, reg_covar=0.5, random_state=0).fit(FAITHFUL)
    assert np.linalg.eigvalsh(gm.covariances_).min() == pytest.approx(0.5, rel=1e-9)
    assert gm.certificate_.active_floors == (
        "components.covariances[0]",
        "components.covariances[1]",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        GaussianMixture(2, random_state=0).fit(FAITHFUL)


# -- collapse ----------------------------------------------------------------------------------

CLUMPS = np.repeat([[0.0, 0], [1, 1], [5, 5], [9, 1]], 10, axis=0)
LINE = np.c_[np.arange(20.0), 3 * np.arange(20.0)]


@every_kind
@pytest.mark.parametrize("seed", range(3))
def test_duplicates_that_collapse_a_component(kind, seed):
    settings = {"n_components": 4, "covariance_type": kind, "random_state": seed}
    with pytest.raises(ValueError, match="ill-defined empirical covariance") as caught:
        GaussianMixture(**settings, reg_covar=0).fit(CLUMPS)
    assert not isinstance(caught.value, np.linalg.LinAlgError)
    quiet = EM(on_degenerate="status")
    gm = GaussianMixture(**settings, reg_covar=0, em=quiet).fit(CLUMPS)
    assert gm.fit_.status is Status.DEGENERATE
    assert not gm.converged_


@every_kind
@pytest.mark.parametrize("seed", range(3))
def test_a_floor_holds_up_duplicates_and_is_named(kind, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("error", DecreasedWarning)  # nothing is wrong with the model
        gm = GaussianMixture(4, covariance_type=kind, random_state=seed).fit(CLUMPS)
    assert gm.certificate_.active_floors
    assert all("covariances" in name for name in gm.certificate_.active_floors)
    assert np.linalg.eigvalsh(gm.covariance_matrices()).min() == pytest.approx(1e-6, rel=1e-6)
    assert gm.converged_
    assert "Held by a floor" in gm.standard_errors().note


@every_kind
def test_one_value_repeated_beside_real_data(kind):
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(size=(60, 2)), np.full((30, 2), 4.0)]
    gm = GaussianMixture(3, covariance_type=kind, reg_covar=0, n_init=3, random_state=0)
    if kind == "tied":  # the shared covariance stays that of the rest
        assert gm.fit(x).converged_
    else:
        with pytest.raises(ValueError, match="ill-defined empirical covariance"):
            gm.fit(x)


@pytest.mark.parametrize("kind", ["full", "tied"])
def test_rows_on_a_line(kind):
    with pytest.raises(ValueError, match="ill-defined empirical covariance"):
        GaussianMixture(2, covariance_type=kind, reg_covar=0, random_state=0).fit(LINE)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DecreasedWarning)
        gm = GaussianMixture(2, covariance_type=kind, random_state=0).fit(LINE)
    assert gm.certificate_.active_floors
    for free in ("diag", "spherical"):
        assert GaussianMixture(2, covariance_type=free, reg_covar=0, random_state=0).fit(LINE)


@given(
    seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(KINDS), floor=st.sampled_from([0, 1e-6])
)
@example(seed=4452, kind="diag", floor=0)
@settings(max_examples=40)
def test_coarse_data_never_end_in_a_traceback_of_linear_algebra(seed, kind, floor):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, size=(int(rng.integers(4, 25)), 2)).astype(float)
    k = int(rng.integers(1, 4))
    gm = GaussianMixture(k, covariance_type=kind, reg_covar=floor, random_state=0, max_iter=300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DataWarning)
        warnings.simplefilter("ignore", latentia.engine.NotConvergedWarning)
        try:
            gm.fit(x)
        except ValueError as error:
            told = error
        else:
            told = None
    if told is None:
        assert np.isfinite(gm.loglik_)
        assert np.isfinite(gm.score_samples(x)).all()
    else:
        assert floor == 0, told
        assert "ill-defined empirical covariance" in str(told)
        assert not isinstance(told, np.linalg.LinAlgError)


def test_a_very_thin_component_is_no_fault_of_the_model():
    # three rows a millionth apart: their covariance is lost in the rounding of second moments
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(size=(60, 2)), [1.0, 1.0] + 1e-6 * rng.normal(size=(3, 2))]
    with warnings.catch_warnings():
        warnings.simplefilter("error", DecreasedWarning)
        gm = GaussianMixture(
            2,
            reg_covar=0,
            weights_init=[0.95, 0.05],
            means_init=[[0.0, 0.0], [1.0, 1.0]],
            precisions_init=[np.eye(2), 1e10 * np.eye(2)],
        ).fit(x)
    assert gm.fit_.status is not Status.DECREASED


def test_masked_cells_are_missing():
    hidden = np.random.default_rng(0).uniform(size=FAITHFUL.shape) < 0.1
    masked = GaussianMixture(2, random_state=0).fit(np.ma.MaskedArray(FAITHFUL, hidden))
    holes = GaussianMixture(2, random_state=0).fit(np.where(hidden, np.nan, FAITHFUL))
    np.testing.assert_array_equal(masked.means_, holes.means_)
    assert masked.predict(np.ma.MaskedArray(FAITHFUL, hidden)).shape == (len(FAITHFUL),)


def test_a_column_of_dates_is_named():
    table = pd.DataFrame(FAITHFUL, columns=["a", "b"]).assign(day=pd.Timestamp("2020-02-01"))
    with pytest.raises(TypeError, match="column 'day' holds dates or times, expected numbers"):
        GaussianMixture(2).fit(table)


@pytest.mark.parametrize("kind", ["datetime64[D]", "timedelta64[ns]"])
def test_dates_are_not_counted_as_numbers(kind):
    days = np.arange(40, dtype="int64").reshape(20, 2).astype(kind)
    for estimator in (GaussianMixture(2), MixtureDiscriminant(), HiddenMarkov("gaussian", 2)):
        asked = () if not isinstance(estimator, MixtureDiscriminant) else (np.arange(20) % 2,)
        with pytest.raises((TypeError, ValueError), match="dates or times"):
            estimator.fit(days, *asked)
