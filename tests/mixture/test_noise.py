"""`GaussianMixture` with noise."""

import numpy as np
import pytest

import latentia
from latentia import EM, GaussianMixture
from latentia.data.arrays import Rows
from latentia.engine.relabel import align
from latentia.mixture.model import MixtureParams
from latentia.mixture.noise import loneliest
from latentia.mixture.weighting import Constant

RNG = np.random.default_rng(0)
X = np.vstack(
    [
        RNG.normal([0, 0], 0.5, (150, 2)),
        RNG.normal([4, 2], [0.3, 1], (100, 2)),
        RNG.uniform([-4, -5], [8, 7], (80, 2)),
    ]
)


def _fitted(**given):
    return GaussianMixture(2, random_state=0, em=EM(tol=1e-8), **given).fit(X)


def test_it_takes_up_what_is_from_no_component():
    gm = _fitted(noise=True)
    # 80 of 330 rows, of which some lie inside the clusters
    assert gm.noise_weight_ == pytest.approx(80 / 330, abs=0.05)
    assert gm.weights_.sum() + gm.noise_weight_ == pytest.approx(1)
    clear = _fitted()
    assert np.linalg.det(gm.covariances_).max() < np.linalg.det(clear.covariances_).max()
    assert gm.bic(X) < clear.bic(X)
    assert gm.n_parameters_ == clear.n_parameters_ + 1


def test_what_it_says_of_rows_is_bayes_rule():
    gm = _fitted(noise=True)
    volume = np.exp(gm.noise_box_.log_volume)
    noise = gm.noise_weight_ / volume / np.exp(gm.score_samples(X))
    proba = gm.predict_proba(X)
    assert proba.shape == (330, 2)
    np.testing.assert_allclose(proba.sum(axis=1) + noise, 1)
    expected = np.where(noise > proba.max(axis=1), -1, proba.argmax(axis=1))
    np.testing.assert_array_equal(gm.predict(X), expected)
    assert gm.loglik_ == pytest.approx(gm.score_samples(X).sum())
    assert gm.icl(X) == pytest.approx(gm.criteria()["icl"])
    x, y = gm.sample(3000)
    assert (y == -1).mean() == pytest.approx(gm.noise_weight_, abs=0.04)
    assert len(x) == 3000


def test_starts_of_every_kind_come_to_the_same():
    flagged = np.arange(330) >= 250
    heights = [_fitted(noise=noise).loglik_ for noise in (True, 0.3, flagged)]
    np.testing.assert_allclose(heights, heights[0], atol=1e-5)
    assert len(_fitted(noise=True, n_init=4).certificate_.optima) == 1  # up to renumbering


def test_weights_are_replication():
    counts = np.random.default_rng(1).integers(1, 3, size=330)
    settings = {"noise": 0.2, "random_state": 0, "em": EM(tol=1e-10)}
    weighted = GaussianMixture(2, **settings).fit(X, sample_weight=counts)
    repeated = GaussianMixture(2, **settings).fit(np.repeat(X, counts, axis=0))
    assert weighted.loglik_ == pytest.approx(repeated.loglik_)
    assert weighted.noise_weight_ == pytest.approx(repeated.noise_weight_)


def test_files_and_tables(tmp_path):
    gm = _fitted(noise=True, covariance_type="VEV")
    names = [row.name for row in gm.parameter_table()]
    assert names[:3] == ["weight[0]", "weight[1]", "weight[noise]"]
    assert np.isfinite([row.se for row in gm.parameter_table()]).all()
    assert "of 2 components with VEV covariances, and noise" in str(gm.summary())
    gm.save(tmp_path / "model.safetensors")
    again = latentia.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(X), gm.predict(X))
    assert again.parameter_table() == gm.parameter_table()


def test_renumbering_leaves_noise_last():
    space = MixtureParams(Constant(3, noise=True).space, Constant(2).space)
    here = MixtureParams(np.array([0.5, 0.3, 0.2]), np.array([0.9, 0.1]))
    there = MixtureParams(np.array([0.3, 0.5, 0.2]), np.array([0.1, 0.9]))
    np.testing.assert_array_equal(align(space, there, here).weights, here.weights)


def test_the_loneliest_rows_are_far_out():
    x = np.vstack([np.random.default_rng(0).normal(size=(90, 2)), [[50.0, 50.0], [-60.0, 50.0]]])
    assert np.flatnonzero(loneliest(Rows.of(x), 0.022)).tolist() == [90, 91]


@pytest.mark.parametrize("noise", [0.0, 1.5, [True, False], np.zeros(330, bool)])
def test_what_is_no_noise_is_refused(noise):
    with pytest.raises(ValueError, match="noise"):
        GaussianMixture(2, noise=noise).fit(X)


def test_what_does_not_go_with_it_is_refused():
    holes = X.copy()
    holes[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"NaN at row 0, .*: noise needs finite numbers"):
        GaussianMixture(2, noise=True).fit(holes)
    fitted = GaussianMixture(2, noise=True, random_state=0).fit(X)
    with pytest.raises(ValueError, match=r"NaN at row 0, .*: noise needs finite numbers"):
        fitted.predict(holes)
    with pytest.raises(ValueError, match="got weights_init and noise"):
        GaussianMixture(2, noise=True, weights_init=[0.5, 0.5]).fit(X)
    with pytest.raises(ValueError, match="got noise for partial_fit"):
        GaussianMixture(2, noise=True).partial_fit(X)


def test_intervals_of_weights_are_on_the_logit_scale():
    fitted = GaussianMixture(2, noise=True, random_state=0, em=EM()).fit(X)
    rows = [each for each in fitted.parameter_table() if each.name.startswith("weight")]
    assert [each.name for each in rows] == ["weight[0]", "weight[1]", "weight[noise]"]
    for each in rows:
        spread = 1.959963984540054 * each.se / (each.value * (1 - each.value))
        logits = np.log(
            np.array([each.lower, each.upper]) / (1 - np.array([each.lower, each.upper]))
        )
        centre = np.log(each.value / (1 - each.value))
        np.testing.assert_allclose(logits, [centre - spread, centre + spread], rtol=1e-9)
