"""Files hold all of a fitted mixture but the data."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import latentia
from latentia import EM, GaussianMixture, datasets
from latentia.engine import Status
from latentia.persistence import ModelFileError

FAITHFUL = datasets.load("faithful").values
KINDS = ["full", "tied", "diag", "spherical"]
FITTED = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_")


def _round(gm, tmp_path):
    gm.save(tmp_path / "model.safetensors")
    return latentia.load(tmp_path / "model.safetensors")


def _assert_same(back, gm):
    for name in FITTED:
        one, other = getattr(back, name), getattr(gm, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    for name in ("loglik_", "lower_bound_", "lower_bounds_", "n_iter_", "converged_"):
        assert getattr(back, name) == getattr(gm, name), name
    assert back.n_parameters_ == gm.n_parameters_
    assert back.n_features_in_ == gm.n_features_in_
    assert repr(back.certificate_) == repr(gm.certificate_)  # nan is nan here
    assert back.certificate_.sentences() == gm.certificate_.sentences()
    assert back.criteria() == pytest.approx(gm.criteria(), rel=1e-12)
    x = FAITHFUL.astype(gm.means_.dtype)
    np.testing.assert_array_equal(back.predict_proba(x), gm.predict_proba(x))
    np.testing.assert_array_equal(back.score_samples(x), gm.score_samples(x))
    assert back.smallest_variance() == gm.smallest_variance()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_everything_comes_back(tmp_path, kind, dtype):
    x = FAITHFUL.astype(dtype)
    gm = GaussianMixture(3, covariance_type=kind, random_state=4, n_init=3).fit(x)
    back = _round(gm, tmp_path)
    _assert_same(back, gm)
    assert back.get_params() == gm.get_params()
    assert [c.status for c in back.fit_.climbs] == [c.status for c in gm.fit_.climbs]
    for one, other in zip(back.fit_.climbs, gm.fit_.climbs, strict=True):
        np.testing.assert_array_equal(one.trace.objective, other.trace.objective)
        np.testing.assert_array_equal(one.trace.accepted, other.trace.accepted)
    np.testing.assert_array_equal(back.sample(5)[0], gm.sample(5)[0])


def test_settings_of_the_climb_come_back(tmp_path):
    em = EM(tol=1e-7, max_iter=321, accelerate="squarem", starts=2, workers=1)
    gm = GaussianMixture(2, random_state=np.int64(3), em=em).fit(FAITHFUL)
    back = _round(gm, tmp_path)
    assert back.em.get_params() == em.get_params()
    assert back.random_state == 3
    again = back.fit(FAITHFUL)
    np.testing.assert_array_equal(again.means_, gm.means_)


def test_what_json_cannot_carry_is_left_out(tmp_path):
    gm = GaussianMixture(
        2, means_init=[[2.0, 55.0], [4.3, 80.0]], random_state=np.random.RandomState(0)
    ).fit(FAITHFUL)
    back = _round(gm, tmp_path)
    _assert_same(back, gm)
    assert back.means_init is None
    assert back.random_state is None


def test_standard_errors_are_kept_or_need_the_data(tmp_path):
    gm = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    bare = _round(gm, tmp_path)
    with pytest.raises(NotFittedError, match=r"give them as standard_errors\(X\)"):
        bare.standard_errors()
    se = gm.standard_errors()
    for made in (_round(gm, tmp_path).standard_errors(), bare.standard_errors(FAITHFUL)):
        for one, other in zip(made[:3], se[:3], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9)
        assert made.note == se.note
    assert _round(gm, tmp_path).parameter_table() == gm.parameter_table()


def test_names_come_back(tmp_path):
    frame = pd.DataFrame(FAITHFUL, columns=["eruptions", "wäiting"])
    gm = GaussianMixture(2, random_state=0).fit(frame)
    back = _round(gm, tmp_path)
    np.testing.assert_array_equal(back.feature_names_in_, gm.feature_names_in_)
    np.testing.assert_array_equal(back.predict(frame), gm.predict(frame))
    with pytest.raises(ValueError, match="feature names"):
        back.predict(frame[["wäiting", "eruptions"]])


def test_weights_and_floors_come_back(tmp_path):
    clumps = np.repeat([[0.0, 0], [1, 1], [5, 5], [9, 1]], 10, axis=0)
    weights = np.linspace(0.5, 1.5, 40)
    gm = GaussianMixture(2, covariance_type="diag", random_state=0)
    gm.fit(clumps, sample_weight=weights)
    back = _round(gm, tmp_path)
    assert back.certificate_.active_floors == gm.certificate_.active_floors
    assert back.fit_.n_units == gm.fit_.n_units == pytest.approx(40)


def test_a_degenerate_fit_can_be_saved(tmp_path):
    clumps = np.repeat([[0.0, 0], [1, 1], [5, 5], [9, 1]], 10, axis=0)
    quiet = EM(on_degenerate="status")
    gm = GaussianMixture(4, reg_covar=0, random_state=0, em=quiet).fit(clumps)
    assert gm.fit_.status is Status.DEGENERATE
    back = _round(gm, tmp_path)
    assert back.fit_.status is Status.DEGENERATE
    assert not back.converged_
    assert back.certificate_.detail == gm.certificate_.detail != ""


def test_a_warm_start_after_loading(tmp_path):
    gm = GaussianMixture(2, random_state=0, warm_start=True, tol=1e-8).fit(FAITHFUL)
    back = _round(gm, tmp_path).fit(FAITHFUL)
    assert back.converged_
    assert back.loglik_ == pytest.approx(gm.loglik_, abs=1e-7)


def test_saving_over_a_file_and_other_estimators(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"something else")
    GaussianMixture(2, random_state=0).fit(FAITHFUL).save(path)
    assert latentia.load(path).n_components == 2
    assert sorted(tmp_path.iterdir()) == [path]  # nothing half-written is left
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelFileError, match="cut short"):
        latentia.load(path)
