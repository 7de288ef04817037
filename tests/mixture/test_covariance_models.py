"""`GaussianMixture` with mclust's fourteen covariance models, from the fit to the file."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import latentia
from latentia import EM, GaussianMixture, datasets, select
from latentia.families.covariance import MODELS, PATTERNS

FAITHFUL = datasets.load("faithful").values
IRIS = datasets.load("iris").values
GALAXIES = datasets.load("galaxies").values
every_model = pytest.mark.parametrize("kind", list(PATTERNS))
ALIASES = {"VVV": "full", "EEE": "tied", "VVI": "diag", "VII": "spherical"}


def _fitted(kind, k=2, x=IRIS, **given):
    return GaussianMixture(k, covariance_type=kind, random_state=0, em=EM(tol=1e-8), **given).fit(x)


@every_model
def test_attributes_are_matrices_of_the_pattern(kind, tmp_path):
    gm = _fitted(kind)
    assert gm.converged_
    for name in ("covariances_", "precisions_", "precisions_cholesky_"):
        assert getattr(gm, name).shape == (2, 4, 4)
    np.testing.assert_allclose(gm.covariances_ @ gm.precisions_, [np.eye(4)] * 2, atol=1e-8)
    constraint = MODELS[kind].space(np.ones(4), 0.0)
    own = np.array(MODELS[kind].of_matrices(gm.covariances_))
    assert constraint.violation(own, own) is None
    density = sum(
        w * multivariate_normal(m, c).pdf(IRIS)
        for w, m, c in zip(gm.weights_, gm.means_, gm.covariances_, strict=True)
    )
    np.testing.assert_allclose(gm.score_samples(IRIS), np.log(density), rtol=1e-9)
    assert gm.loglik_ == pytest.approx(np.log(density).sum())
    assert gm.bic(IRIS) == pytest.approx(gm.criteria()["bic"])
    assert gm.n_parameters_ == PATTERNS[kind].n_free(2, 4) + 2 * 4 + 1

    errors = gm.standard_errors()
    assert errors.covariances.shape == (2, 4, 4)
    assert np.isfinite(errors.covariances).all()
    if kind in ALIASES:
        theirs = _fitted(ALIASES[kind]).standard_errors()
        np.testing.assert_allclose(errors.means, theirs.means, rtol=1e-3)
    assert np.isfinite([row.se for row in gm.parameter_table()]).all()
    assert kind in str(gm.summary())

    gm.save(tmp_path / "model.safetensors")
    again = latentia.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.covariances_, gm.covariances_)
    np.testing.assert_array_equal(again.standard_errors().covariances, errors.covariances)
    np.testing.assert_array_equal(again.predict(IRIS), gm.predict(IRIS))


@every_model
def test_given_starts_are_kept(kind):
    gm = _fitted(kind)
    given = {
        "weights_init": gm.weights_,
        "means_init": gm.means_,
        "precisions_init": gm.precisions_,
    }
    again = GaussianMixture(2, covariance_type=kind, max_iter=0, **given).fit(IRIS)
    np.testing.assert_allclose(again.covariances_, gm.covariances_, atol=1e-9)
    assert again.loglik_ == pytest.approx(gm.loglik_)


@every_model
def test_precisions_of_another_pattern_are_taken_to_the_nearest(kind):
    precisions = _fitted("VVV").precisions_
    start = GaussianMixture(2, covariance_type=kind, max_iter=0, precisions_init=precisions)
    own = np.array(MODELS[kind].of_matrices(start.fit(IRIS).covariances_))
    assert MODELS[kind].space(np.ones(4), 0.0).violation(own, own) is None


@every_model
def test_single_precision_and_going_on(kind):
    x = FAITHFUL.astype(np.float32)
    gm = GaussianMixture(2, covariance_type=kind, warm_start=True, random_state=0).fit(x)
    assert gm.covariances_.dtype == np.float32
    first = gm.loglik_
    assert gm.fit(x).loglik_ >= first - 1e-3
    double = _fitted(kind, x=FAITHFUL)
    assert gm.loglik_ == pytest.approx(double.loglik_, abs=0.1)


@pytest.mark.parametrize(("kind", "alias"), ALIASES.items())
def test_scikit_learns_names_are_the_same_models(kind, alias):
    ours, theirs = _fitted(kind), _fitted(alias)
    assert ours.loglik_ == theirs.loglik_
    np.testing.assert_array_equal(ours.covariances_, theirs.covariance_matrices())


def test_nested_models_nest():
    # from the maximum of the smaller the larger climbs no lower
    smaller = {"EEE": ["EII", "EEI"], "VEV": ["VEE", "EEV"], "VVE": ["EVE", "VVI"], "VVV": ["VEV"]}
    for larger, names in smaller.items():
        for name in names:
            gm = _fitted(name, k=3)
            start = {
                "weights_init": gm.weights_,
                "means_init": gm.means_,
                "precisions_init": gm.precisions_,
            }
            assert _fitted(larger, k=3, **start).loglik_ >= gm.loglik_ - 1e-6


def test_one_column():
    for name, alias in {"E": "tied", "V": "full"}.items():
        gm = _fitted(name, k=3, x=GALAXIES)
        assert gm.loglik_ == _fitted(alias, k=3, x=GALAXIES).loglik_
        assert gm.covariances_.shape == (3, 1, 1)
    for name in PATTERNS:  # all models but for the volume are the same
        assert _fitted(name, k=3, x=GALAXIES).n_parameters_ == (6 if name[0] == "E" else 8)
    with pytest.raises(ValueError, match="got covariance_type='V' for 2 columns, expected one of"):
        _fitted("V", x=FAITHFUL)


def test_a_sweep_of_all():
    grid = {"n_components": [1, 2, 3], "covariance_type": list(PATTERNS)}
    base = GaussianMixture(init_params="hierarchical", random_state=0, em=EM())
    chosen = select(base, FAITHFUL, grid)
    # mclust 6.0.0's best of K = 1..9: EEE, 3; converged -1126.315928
    assert chosen.best_settings == {"n_components": 3, "covariance_type": "EEE"}
    assert chosen.best_estimator.loglik_ == pytest.approx(-1126.315928, abs=1e-4)


@pytest.mark.parametrize("kind", ["VEI", "EVI", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV"])
def test_floors_hold_up_what_would_collapse(kind):
    x = np.vstack([FAITHFUL[:60], np.repeat([[2.0, 50.0]], 20, axis=0)])
    gm = GaussianMixture(3, covariance_type=kind, random_state=0, em=EM(max_iter=300)).fit(x)
    assert np.linalg.eigvalsh(gm.covariances_).min() >= 1e-6 * (1 - 1e-6)
    assert np.isfinite(gm.loglik_)


@pytest.mark.parametrize("kind", ["VVI", "EVI", "VEV", "EVE", "EII"])
def test_compiled_and_plain_passes_agree(kind):
    x = np.tile(IRIS, (300, 1)) + np.random.default_rng(0).normal(size=(45_000, 4)) * 0.05
    gm = GaussianMixture(2, covariance_type=kind, random_state=0, em=EM(tol=1e3)).fit(x)
    assert gm.score_samples(x).sum() == pytest.approx(gm.loglik_, rel=1e-10)
