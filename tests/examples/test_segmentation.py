"""Segmentation of a photograph, on a piece of it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

PATH = Path(__file__).parents[2] / "examples" / "segmentation.py"


@pytest.fixture(scope="module")
def segmentation():
    spec = importlib.util.spec_from_file_location("segmentation", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_flower_and_leaves_are_told_apart(segmentation):
    photo = load_sample_image("flower.jpg")[150:250:2, 150:350:2]
    found = segmentation.segment(photo, range(1, 4))
    assert found.regions.shape == photo.shape[:2]
    assert len(found.colours) == found.chosen.best_settings["n_components"] > 1
    usable = [c.bic for c in found.chosen.candidates if not c.note]
    assert found.chosen.candidates[found.chosen.best].bic == min(usable)
    for k, colour in enumerate(found.colours):
        np.testing.assert_allclose(colour, photo[found.regions == k].mean(axis=0))
    red, blue = found.colours[:, 0], found.colours[:, 2]
    petals = np.isin(found.regions, np.flatnonzero(red > blue + 40))
    assert (photo[petals][:, 0].mean() - photo[~petals][:, 0].mean()) > 80


def test_a_picture_of_two_colours_has_two_regions(segmentation):
    rng = np.random.default_rng(1)
    left = np.arange(40) < 17
    photo = np.where(left[:, None], [200.0, 90, 40], [20, 60, 120]) + rng.normal(size=(30, 40, 3))
    found = segmentation.segment(photo.round().astype(np.uint8), range(1, 4))
    assert len(found.colours) == 2
    assert len(np.unique(found.regions[:, left])) == len(np.unique(found.regions[:, ~left])) == 1
    again = segmentation.segment(photo.round().astype(np.uint8), range(1, 4))
    np.testing.assert_array_equal(again.regions, found.regions)
