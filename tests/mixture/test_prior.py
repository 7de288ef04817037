"""`GaussianMixture` under the conjugate prior."""

import numpy as np
import pytest

import latentia
from latentia import EM, GaussianMixture, datasets
from latentia.families.conjugate import ConjugatePrior

IRIS = datasets.load("iris").values
CLUMP = np.vstack([IRIS[:40, :2], np.repeat([[9.0, 9.0]], 8, axis=0)])


def test_no_component_collapses_under_it():
    with pytest.raises(ValueError, match="collapsed"):
        GaussianMixture(3, reg_covar=0, random_state=0).fit(CLUMP)
    gm = GaussianMixture(3, reg_covar=0, prior="conjugate", random_state=0, em=EM()).fit(CLUMP)
    assert gm.converged_
    assert np.linalg.eigvalsh(gm.covariances_).min() > 1e-4
    assert "posterior mode" in " ".join(gm.certificate_.sentences())


def test_loglik_and_criteria_are_without_it(tmp_path):
    gm = GaussianMixture(2, covariance_type="VEV", prior="conjugate", random_state=0).fit(IRIS)
    free = GaussianMixture(2, covariance_type="VEV", random_state=0).fit(IRIS)
    assert gm.loglik_ == pytest.approx(gm.score_samples(IRIS).sum())
    assert gm.loglik_ < free.loglik_
    assert gm.fit_.objective != gm.loglik_
    assert gm.n_parameters_ == free.n_parameters_
    errors = gm.standard_errors()
    assert np.isfinite(errors.covariances).all()
    gm.save(tmp_path / "model.safetensors")
    again = latentia.load(tmp_path / "model.safetensors").remember(IRIS)
    for a, b in zip(again.prior_, gm.prior_, strict=True):
        np.testing.assert_array_equal(a, b)
    again._errors = None
    np.testing.assert_allclose(again.standard_errors().means, errors.means)


def test_a_prior_of_ones_own(tmp_path):
    prior = ConjugatePrior(np.zeros(4), 5.0, 50.0, np.eye(4))
    gm = GaussianMixture(1, prior=prior, em=EM(tol=1e-10)).fit(IRIS)
    np.testing.assert_allclose(gm.means_[0], IRIS.sum(axis=0) / 155)
    gm.save(tmp_path / "model.safetensors")
    assert latentia.load(tmp_path / "model.safetensors").prior.dof == 50
    with pytest.raises(ValueError, match="got a prior with a mean of shape"):
        GaussianMixture(1, prior=prior).fit(IRIS[:, :2])


def test_batches_have_none():
    with pytest.raises(ValueError, match="got prior for partial_fit"):
        GaussianMixture(2, prior="conjugate").partial_fit(IRIS)
