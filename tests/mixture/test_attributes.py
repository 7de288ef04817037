"""Attributes made of parameters, and parameters made of attributes."""

import numpy as np
import pytest

from latentia import EM, GaussianMixture, datasets
from latentia.data.arrays import Rows
from latentia.engine import tree
from latentia.families.covariance import STRUCTURES
from latentia.mixture import attributes

IRIS = datasets.load("iris").values
WIDE = sorted(name for name in STRUCTURES if name not in ("E", "V"))


@pytest.mark.parametrize("covariance_type", WIDE)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_parameters_survive_as_attributes(covariance_type, dtype):
    gm = GaussianMixture(
        2, covariance_type=covariance_type, init_params="hierarchical", random_state=0, em=EM()
    ).fit(IRIS.astype(dtype))
    back = attributes.params(gm)
    tolerance = 0 if dtype is np.float64 else 1e-5
    for mine, fitted in zip(tree.leaves(back), tree.leaves(gm.fit_.params), strict=True):
        np.testing.assert_allclose(mine, fitted, rtol=tolerance, atol=tolerance)
    space = attributes.model(gm, gm._frame).space  # so they do where single precision rounded
    for constraint, leaf in zip(tree.leaves(space), tree.leaves(back), strict=True):
        assert constraint.violation(leaf, leaf) is None


@pytest.mark.parametrize("noise", [None, True])
def test_free_parameters_are_counted_as_the_engine_counts_them(noise):
    for covariance_type in ("full", "VEI", "EEV", "tied"):
        gm = GaussianMixture(2, covariance_type=covariance_type, noise=noise, random_state=0)
        assert attributes.n_free(gm.fit(IRIS)) == gm.n_parameters_


def test_the_weight_of_noise_is_the_last_and_is_shown_apart():
    gm = GaussianMixture(2, noise=0.1, random_state=0).fit(IRIS)
    weights = attributes.params(gm).weights
    assert len(weights) == 3
    assert weights[-1] == gm.noise_weight_
    assert weights.sum() == pytest.approx(1, abs=1e-12)


def test_a_fit_begins_at_the_noise_that_is_given():
    rows, flagged = Rows.of(IRIS), np.zeros(len(IRIS), dtype=bool)
    flagged[::10] = True
    gm = GaussianMixture(2, noise=flagged, random_state=0).fit(IRIS)
    begun = attributes.around_noise(gm, rows, flagged, gm._frame)
    assert begun.weights[-1] == pytest.approx(flagged.mean(), abs=1e-12)
    others = np.average(IRIS[~flagged], axis=0)
    mixed = begun.weights[:-1] @ begun.components.means / begun.weights[:-1].sum()
    np.testing.assert_allclose(mixed, others, rtol=1e-10)


def test_components_have_the_density_they_had_without_rows_at_hand():
    gm = GaussianMixture(3, covariance_type="VVI", random_state=0).fit(IRIS)
    family = attributes.unframed_family(gm)
    made = family.log_density(attributes.params(gm).components, IRIS) + np.log(gm.weights_)
    np.testing.assert_allclose(np.logaddexp.reduce(made, axis=1), gm.score_samples(IRIS))
