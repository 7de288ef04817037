"""Transitions that are forbidden or known: kept through a fit, counted, and checked."""

import numpy as np
import pytest

from latentia import EM, HiddenMarkov, check_model, datasets, load
from latentia.data.groups import GroupedRows
from latentia.hmm.chains import FreeStart, StationaryStart
from latentia.hmm.structures import blocks, cyclic, left_right, structure

from .kinds import model_of

QUAKES = datasets.load("earthquakes").values[:, 1:]
NAN = np.nan
KNOWN = np.array([[0.9, NAN, NAN], [0.0, NAN, NAN], [0.2, 0.3, 0.5]])


@pytest.mark.parametrize(
    ("start", "shape", "n_free"),
    [
        ("free", "left-right", 3),
        ("free", "bakis", 3),
        ("free", "cyclic", 3),
        ("free", blocks([2, 1]), 2),
        ("free", KNOWN, 2),
        ("stationary", "cyclic", 3),
        ("stationary", KNOWN, 2),
    ],
)
def test_structures_keep_the_contract_and_are_counted(start, shape, n_free):
    constraint, values = structure(shape, 3)
    free = start == "free"
    chain = StationaryStart(3, constraint, values)
    if free:
        chain = FreeStart(3, None, constraint, values)
    model = model_of("poisson", QUAKES, 3, chain)
    chunk = GroupedRows(QUAKES[:40], np.ones(4), np.array([10, 12, 3, 15]))
    made = model.start(model.prepare(chunk), np.random.default_rng(0))
    check_model(model, chunk, 2, params=made, points=1)
    fit = EM(tol=1e-7).fit(model, chunk, 0)
    assert fit.n_free == (2 if free else 0) + n_free + 3


def test_known_transitions_stay_what_they_are(tmp_path):
    model = HiddenMarkov("poisson", 3, transitions=KNOWN, n_init=4, random_state=0).fit(QUAKES)
    held = ~np.isnan(KNOWN)
    np.testing.assert_array_equal(model.transmat_[held], KNOWN[held])
    np.testing.assert_allclose(model.transmat_.sum(axis=1), 1)
    assert model.n_parameters_ <= 2 + 2 + 3
    assert model._n_free() == 2 + 2 + 3
    model.save(tmp_path / "chain.safetensors")
    again = load(tmp_path / "chain.safetensors")
    np.testing.assert_array_equal(again.transitions, KNOWN)
    assert again.score(QUAKES) == model.score(QUAKES)


def test_shapes_by_hand():
    assert left_right(3).sum() == 6
    assert left_right(5, 2).sum() == 5 + 4 + 3
    assert cyclic(4)[3, 0]
    assert cyclic(4).sum() == 8
    assert cyclic(1).all()
    assert structure(None, 3).constraint is None


@pytest.mark.parametrize(
    ("transitions", "told"),
    [
        ("ring", "expected one of left-right, bakis, cyclic"),
        (np.array([[0.5, 0.4], [NAN, NAN]]), r"\[0.5, 0.4\] in row 0"),
        (np.array([[0.5, 0.5], [1.0, NAN]]), "leave something for those that are nan"),
        (np.array([[1.5, -0.5], [NAN, NAN]]), "expected probabilities"),
        (np.eye(3, dtype=bool), r"transitions of shape \(3, 3\)"),
    ],
)
def test_what_is_no_structure_is_refused(transitions, told):
    with pytest.raises(ValueError, match=told):
        HiddenMarkov("poisson", 2, transitions=transitions).fit(QUAKES)
