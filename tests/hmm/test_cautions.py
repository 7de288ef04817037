"""Sequences that say too little for so many states: what is said of them."""

import warnings

import numpy as np
import pytest

from latentia.data.sequences import sequences
from latentia.hmm import GMMHMM, GaussianHMM, HiddenMarkov, PoissonHMM
from latentia.hmm.cautions import BLOCK, constant, different, lack
from latentia.mixture.errors import DataWarning

SAME = np.full((40, 1), 3.0)


@pytest.mark.parametrize("n_states", [1, 2])
def test_a_floor_that_holds_states_up_is_told_at_once(n_states):
    with pytest.warns(DataWarning, match=r"column 0 is constant \(every value is 3\): a floor"):
        model = HiddenMarkov("gaussian", n_states, random_state=0).fit(SAME)
    assert len(model.certificate_.active_floors) == n_states
    two = np.array([[1.0], [2.0]] * 20)
    with pytest.warns(DataWarning, match="X has only 2 different steps for 3 states"):
        HiddenMarkov("gaussian", 3, random_state=0).fit(two)


@pytest.mark.parametrize("model", [GaussianHMM(2, random_state=0), GMMHMM(2, 2, random_state=0)])
def test_a_collapse_names_what_the_data_lack(model):
    with pytest.raises(ValueError, match=r"^Column 0 is constant \(every value is 3\)\. Fitting"):
        model.fit(SAME)
    with pytest.raises(ValueError, match=r"^X has only 2 different steps for 2 states\. Fitting"):
        model.fit(np.array([[1.0], [2.0]] * 20))


def test_more_states_than_steps_are_named():
    counts = np.array([[1], [np.nan], [2], [7]])
    with pytest.warns(DataWarning, match="got 3 steps for 5 states"):
        PoissonHMM(5, random_state=0).fit(counts)
    with pytest.warns(DataWarning, match="got 3 steps for 5 states"):
        HiddenMarkov("poisson", 5, random_state=0).fit(counts)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PoissonHMM(3, random_state=0).fit(counts)


def test_what_the_data_lack():
    x = np.column_stack([np.arange(6.0), [2.0, np.nan, 2.0, 2.0, np.nan, 2.0]])
    assert constant(x) == 1
    assert constant(x[:, :1]) is None
    assert lack(sequences(x[:, :1]), 3) == ""
    repeated = np.repeat([[1.0], [np.nan], [2.0]], BLOCK, axis=0)
    assert different(repeated, 9) == 2  # nan is no step, and blocks are looked at together
    assert different(np.arange(5000.0)[:, None], 9) == 9
