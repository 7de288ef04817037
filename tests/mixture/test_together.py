"""Brief climbs: steps are those of the engine's model, and cells learn from one another."""

from itertools import pairwise

import numpy as np
import pytest

from latentia import datasets
from latentia.data.arrays import Frame, Rows
from latentia.families.covariance import PATTERNS, structure_of
from latentia.families.covariance.kernels import CODE
from latentia.families.gaussian import Gaussian, GaussianParams
from latentia.mixture import MixtureModel
from latentia.mixture import brief_kernels as brief
from latentia.mixture.kmeans import clustered
from latentia.mixture.model import MixtureParams

IRIS = datasets.load("iris").values
CLOSED = ("EII", "VII", "EEI", "EVI", "VVI", "EEE", "EEV", "EVV", "VVV")
"""Patterns whose M-step is in closed form."""


def _setting(name, k=3, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.5, 2.0, size=len(IRIS))
    frame = Frame.of(Rows(IRIS, weights))
    columns = np.ascontiguousarray(frame.into(IRIS).T)
    code = np.array([CODE[letter] for letter in name])
    labels = clustered(frame.into(IRIS), weights, k, seed)
    resp = np.eye(k)[labels].T * weights
    return columns, weights, code, np.ascontiguousarray(resp)


def _begun(columns, weights, code, resp):
    k, d = len(resp), len(columns)
    made = np.empty(k), np.empty((k, d)), np.empty((k, d, d)), np.eye(d), np.empty((k, d)), resp
    height, _ = brief.climbed(columns, weights, code, 0.0, 0, 0.0, True, made)
    assert np.isfinite(height)
    return made


@pytest.mark.parametrize("name", CLOSED)
def test_a_step_is_the_models(name):
    columns, weights, code, resp = _setting(name)
    made = _begun(columns, weights, code, resp)
    begin = [np.copy(each) for each in made[:3]]
    reached, steps = brief.climbed(columns, weights, code, 0.0, 1, 0.0, False, made)
    structure = structure_of(name, 4)
    family = Gaussian(3, structure, Frame(np.zeros(4), 1.0, np.ones(4)), compiled=False)
    model = MixtureModel(family, 3, lambda rows, rng: [])
    rows = Rows(columns.T, weights)
    start = MixtureParams(begin[0], GaussianParams(begin[1], structure.of_matrices(begin[2])))
    moved = model.m_step(model.e_step(start, rows), start)
    assert steps == 2
    np.testing.assert_allclose(made[0], moved.weights, rtol=1e-12)
    np.testing.assert_allclose(made[1], moved.components.means, rtol=1e-10, atol=1e-12)
    theirs = structure.matrices(moved.components.covariances, 3, 4)
    np.testing.assert_allclose(made[2], theirs, rtol=1e-9, atol=1e-12)
    assert reached == pytest.approx(model.height(moved, rows), abs=1e-9)
    known = model.posterior(moved, rows)
    np.testing.assert_allclose(resp, known.resp.T * weights, rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize("name", PATTERNS)
def test_climbs_rise_to_where_the_models_step_stands_still(name):
    columns, weights, code, resp = _setting(name, k=2)
    made = _begun(columns, weights, code, resp)
    heights = [
        brief.climbed(columns, weights, code, 0.0, most, 0.0, False, made)[0]
        for most in (1, 1, 3, 5000)
    ]
    assert all(b >= a - 1e-9 for a, b in pairwise(heights))
    structure = structure_of(name, 4)
    family = Gaussian(2, structure, Frame(np.zeros(4), 1.0, np.ones(4)), compiled=False)
    model = MixtureModel(family, 2, lambda rows, rng: [])
    rows = Rows(columns.T, weights)
    params = MixtureParams(made[0], GaussianParams(made[1], structure.of_matrices(made[2])))
    assert model.height(params, rows) == pytest.approx(heights[-1], abs=1e-7)
    assert model.height_after_a_step(params, rows) <= heights[-1] + 1e-6


def test_a_climb_into_a_point_is_off():
    columns = np.array([[0.0, 0.0, 0.0, 5.0, 6.0, 7.0]])
    resp = np.array([[1.0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]])
    code = np.array([CODE[letter] for letter in "VVV"])
    weights = np.ones(6)
    made = _begun(columns, weights, code, resp)
    reached, _ = brief.climbed(columns, weights, code, 1e-6, 1000, 1e-9, False, made)
    assert reached == -np.inf


def test_halves_and_unions_share_out_what_there_was():
    rng = np.random.default_rng(1)
    white = np.vstack([np.r_[rng.normal(-4, 1, 50), rng.normal(4, 1, 50)], rng.normal(size=100)])
    resp = rng.dirichlet(np.ones(3), size=100).T
    made = np.empty((4, 100))
    assert brief.split(white, resp, 1, made)
    np.testing.assert_array_equal(made[[0, 2]], resp[[0, 2]])
    np.testing.assert_array_equal(made[1] + made[3], resp[1])
    sides = made[1] > 0
    assert sides[:50].all() != sides[50:].all()  # the two clumps
    united = np.empty((2, 100))
    brief.merge(resp, 0, 2, united)
    np.testing.assert_array_equal(united, [resp[0] + resp[2], resp[1]])


def test_the_pair_that_overlaps_most_has_the_largest_cosine():
    resp = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    cosines = brief.overlaps(np.ones(3), resp)
    assert cosines[1, 0] == pytest.approx(1.0)
    assert cosines[2, 0] == cosines[2, 1] == 0.0
