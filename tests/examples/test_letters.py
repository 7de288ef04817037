"""The letters of a novel, on its beginning."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from latentia import datasets

PATH = Path(__file__).parents[2] / "examples" / "letters.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("letters", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_text_is_the_novels():
    codes = datasets.load("alice").values[:, 0].astype(int)
    text = "".join(" abcdefghijklmnopqrstuvwxyz"[c] for c in codes)
    assert text.startswith("alice was beginning to get very tired of sitting by her sister on the")
    assert "  " not in text
    assert "down the rabbit hole" not in text  # the heading of the first chapter


def test_vowels_and_the_space_are_one_state(example):
    """Cave & Neuwirth (1980), with two states."""
    letters = datasets.load("alice").values
    found = example.two_states(letters)
    assert example.members(found)[0] == "_aeiou"
    np.testing.assert_allclose(found.shares.sum(axis=1), 1)
    figure = example.draw(found, found, letters)
    assert len(figure.axes) == 3


def test_states_beyond_two_are_found_from_starts_that_know_nothing(example):
    """Four states: the space has one of its own."""
    found = example.more_states(datasets.load("alice").values[:6000], 4, n_init=2)
    assert found.shares.shape == (27, 4)
    assert found.shares[0].max() > 0.9
