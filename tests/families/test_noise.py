"""Noise beside the components of a family."""

import numpy as np
import pytest

from latentia import check_model
from latentia.data.arrays import Frame, Rows
from latentia.families.conjugate import ConjugatePrior
from latentia.families.covariance import STRUCTURES
from latentia.families.gaussian import Gaussian
from latentia.families.noise import Box, WithNoise
from latentia.mixture import MixtureModel
from latentia.mixture.start import guesses
from latentia.mixture.weighting import Constant

X = np.random.default_rng(0).normal(size=(60, 3)) * [1.0, 3.0, 0.5]
ROWS = Rows.of(X, np.random.default_rng(1).gamma(2.0, size=60))


def _model(kind, prior=False):
    structure = STRUCTURES[kind]
    given = ConjugatePrior.of(ROWS, 2, structure) if prior else None
    family = Gaussian(2, structure, Frame.of(ROWS), prior=given)
    noisy = WithNoise(family, Box.around(X, ROWS.weights))
    return MixtureModel(
        noisy, 3, lambda rows, rng: guesses(rows, 3, "random", rng), Constant(3, noise=True)
    )


@pytest.mark.parametrize("kind", ["full", "VEV", "EEI", "spherical"])
@pytest.mark.parametrize("prior", [False, True])
def test_mixtures_with_it_keep_the_contract(kind, prior):
    check_model(_model(kind, prior), ROWS, 0)


def test_its_density_is_one_over_the_volume():
    model = _model("full")
    params = model.start(ROWS, np.random.default_rng(0))
    density = model.family.log_density(params.components, X)
    assert density.shape == (60, 3)
    volume = np.prod(np.ptp(X, axis=0))
    assert np.exp(-density[:, -1]).max() <= volume * (1 + 1e-9)
    np.testing.assert_allclose(density[:, -1], density[0, -1])


def test_the_box_is_the_smaller_one():
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(2, 2)))[0]
    flat = np.random.default_rng(3).uniform(-1, 1, size=(200, 2)) * [10.0, 0.1]
    turned = Box.around(flat @ turn.T, np.ones(200))
    straight = Box.around(flat, np.ones(200))
    assert turned.log_volume == pytest.approx(straight.log_volume, abs=0.1)
    assert turned.log_volume < np.log(np.ptp(flat @ turn.T, axis=0)).sum()
    drawn = turned.draw(1000, np.random.default_rng(0)) @ turned.axes
    assert (drawn >= turned.lower - 1e-12).all()
    assert (drawn <= turned.upper + 1e-12).all()


def test_rows_in_a_plane_have_no_box():
    with pytest.raises(ValueError, match="got noise for rows that are all in one plane"):
        Box.around(np.column_stack([np.arange(9.0), np.ones(9)]), np.ones(9))


def test_drawn_noise_is_in_the_box():
    model = _model("full")
    params = model.start(ROWS, np.random.default_rng(0)).components
    made = model.family.draw(params, np.full(500, 2), np.random.default_rng(0))
    box = model.family.box
    inside = made @ box.axes
    assert (inside >= box.lower - 1e-9).all()
    assert (inside <= box.upper + 1e-9).all()
