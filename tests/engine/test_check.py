"""check_model passes right models and names the fault of wrong ones."""

import numpy as np
import pytest

from latentia import check_model
from latentia.data.arrays import Rows, RowSource
from latentia.engine import ModelFault
from latentia.engine.check import CHECKS

from .models import (
    CELLS,
    DEATHS,
    WAITS,
    ChangesShape,
    ForgetsThePrior,
    IgnoresWeights,
    KnownComponents,
    LeavesTheInterval,
    Linkage,
    MissingConstant,
    MovesTheFixed,
    NormalMean,
    NotAdditive,
    NotLinear,
    NumericalMStep,
    OverlongNewton,
    PrecisionForVariance,
    RightScore,
    ShiftedMeans,
    StartsOutside,
    SwappedWeights,
    TwoNormals,
    TwoPoissons,
    WithPrior,
    WithPriorNumerically,
    WrongLoglik,
    WrongMStep,
    WrongScore,
    WrongUnits,
)

NUMBERS = Rows.of(np.array([1.0, 2.0, 3.0, 6.0]), [1.0, 2.0, 0.5, 1.0])


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (TwoPoissons(), DEATHS),
        (RightScore(), DEATHS),
        (Linkage(), CELLS),
        (NumericalMStep(), DEATHS),
        (NormalMean(), NUMBERS),
        (WithPrior(), NUMBERS),
        (WithPriorNumerically(), NUMBERS),
        (TwoNormals(), WAITS),
        (KnownComponents([0.5, 1.0, 3.0]), DEATHS),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_right_models_pass(model, data, seed):
    checks = check_model(model, data, seed)
    assert checks.skipped == ("a tempered E-step at 1 is plain",)
    assert set(checks.passed) == set(CHECKS) - set(checks.skipped)
    assert "passed   the score is Fisher's" in str(checks)


@pytest.mark.parametrize(
    ("model", "data", "fault"),
    [
        (WrongMStep(), DEATHS, "the M-step maximises q"),
        (SwappedWeights(), DEATHS, "the M-step maximises q"),
        (ShiftedMeans(), WAITS, "the M-step maximises q"),
        (PrecisionForVariance(), WAITS, "the M-step maximises q"),
        (ForgetsThePrior(), NUMBERS, "the M-step maximises q"),
        (MissingConstant(), DEATHS, "the score is Fisher's"),
        (WrongLoglik(), DEATHS, "the score is Fisher's"),
        (WrongScore(), DEATHS, "the score is that of q"),
        (NotLinear(), DEATHS, "q is linear in the statistics"),
        (IgnoresWeights(), DEATHS, "weights are replication"),
        (NotAdditive(), DEATHS, "E-steps add up over chunks"),
        (WrongUnits(), DEATHS, "unit statistics add up"),
        (ChangesShape(), DEATHS, r"the M-step stays in the space: parameter `weights` has shape"),
        (MovesTheFixed(), NUMBERS, "the M-step stays in the space: parameter `held` changed"),
        (LeavesTheInterval(), NUMBERS, "the M-step stays in the space: parameter `mean` is"),
        (StartsOutside(), DEATHS, "the start is not in the space: parameter `weights` sums to"),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_faults_are_named(model, data, fault, seed):
    with pytest.raises(ModelFault, match=fault):
        check_model(model, data, seed)


@pytest.mark.parametrize("model", [WrongMStep(), ShiftedMeans(), PrecisionForVariance()])
def test_an_m_step_that_makes_the_objective_fall_is_called_that(model):
    data = WAITS if isinstance(model, TwoNormals) else DEATHS
    with pytest.raises(ModelFault, match=f"{type(model).__name__} breaks the contract") as caught:
        check_model(model, data, points=10)
    assert "the M-step raises q" in str(caught.value)
    assert "an EM step ascends" in str(caught.value)


def test_a_constant_that_is_not_in_the_statistics_is_not_linear():
    class Plus(TwoPoissons):
        def q(self, params, suff):
            return super().q(params, suff) + 100.0

    with pytest.raises(ModelFault, match="q is linear"):
        check_model(Plus(), DEATHS)


def test_what_the_flags_make_void_is_skipped():
    checks = check_model(OverlongNewton(), NUMBERS)
    assert {"the M-step maximises q", "the M-step raises q", "an EM step ascends"} <= set(
        checks.skipped
    )
    assert "skipped  the M-step maximises q" in str(checks)

    class Approximate(WrongLoglik):
        exact_e_step = False

    assert "the score is Fisher's" in check_model(Approximate(), DEATHS).skipped


def test_a_tempered_e_step_must_be_plain_at_one():
    class Tempered(TwoPoissons):
        def tempered_e_step(self, params, chunk, temperature):
            return self.e_step(params, chunk.reweight(np.full(len(chunk), self.factor)))

    Tempered.factor = 1.0
    assert "a tempered E-step at 1 is plain" in check_model(Tempered(), DEATHS).passed
    Tempered.factor = 0.9
    with pytest.raises(ModelFault, match="tempered"):
        check_model(Tempered(), DEATHS)


def test_sources_and_given_parameters_can_be_checked():
    source = RowSource(Rows.of(np.arange(20)), block=15)
    around = TwoPoissons().start(DEATHS, None)._replace(rates=np.array([5.0, 9.0]))
    assert check_model(TwoPoissons(), source, params=around, points=1).passed
