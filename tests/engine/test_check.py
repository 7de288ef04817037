"""check_model passes right models and names the fault of wrong ones."""

import pytest
from tests_engine_models import (
    CELLS,
    DEATHS,
    IgnoresWeights,
    Linkage,
    MissingConstant,
    NotLinear,
    NumericalMStep,
    TwoPoissons,
    WrongMStep,
)

from latentia import check_model
from latentia.engine import ModelFault


@pytest.mark.parametrize(
    ("model", "data"), [(TwoPoissons(), DEATHS), (Linkage(), CELLS), (NumericalMStep(), DEATHS)]
)
def test_right_models_pass(model, data):
    assert "the score is Fisher's" in check_model(model, data).passed


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (WrongMStep(), "the M-step maximises q"),
        (MissingConstant(), "the score is Fisher's"),
        (NotLinear(), "q is linear in the statistics"),
        (IgnoresWeights(), "weights are replication"),
    ],
)
def test_faults_are_named(model, fault):
    with pytest.raises(ModelFault, match=fault):
        check_model(model, DEATHS)
