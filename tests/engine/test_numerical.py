"""Scores with a prior: its gradient given, or found by differences."""

import numpy as np
import pytest

from latentia.data.arrays import Rows
from latentia.engine import check_model
from latentia.engine.chart import Chart
from latentia.engine.check import ModelFault
from latentia.engine.numerical import chart_score, with_score

from .models import Location, NormalMean, WithPrior

ROWS = Rows.of(np.array([1.0, 2.0, 3.0, 6.0]), [1.0, 1.0, 1.0, 2.0])
HERE = Location(np.array(0.7), np.array(7.0))


class WithPriorsGradient(WithPrior):
    def prior_score(self, params):
        return Location(-4 * params.mean, np.zeros_like(params.held))


class WithBothGradients(WithPriorsGradient):
    def score(self, params, suff):
        n, total, _ = suff.stats
        return Location(np.asarray(total - n * params.mean), np.zeros_like(params.held))


class WithAWrongGradient(WithPrior):
    def prior_score(self, params):
        return Location(-2 * params.mean, np.zeros_like(params.held))


@pytest.mark.parametrize("kind", [WithPrior, WithPriorsGradient, WithBothGradients])
def test_the_prior_is_in_the_score(kind):
    model = kind()
    suff, chart = model.e_step(HERE, ROWS), Chart(model.space, HERE)
    expected = [18 - 5 * 0.7 - 4 * 0.7]  # of sum w x - n m, and of -2 m^2
    assert chart_score(model, chart, HERE, suff) == pytest.approx(expected, rel=1e-8)
    assert with_score(model, chart, HERE, suff)[1] == pytest.approx(expected, rel=1e-8)
    check_model(model, ROWS)


def test_a_model_says_whether_it_has_a_prior():
    assert WithPrior().has_prior
    assert not NormalMean().has_prior


def test_a_wrong_gradient_of_the_prior_is_found_out():
    with pytest.raises(ModelFault, match="Fisher"):
        check_model(WithAWrongGradient(), ROWS)
