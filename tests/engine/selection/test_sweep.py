"""Several models in one table."""

import math

import numpy as np
import pytest
from tests.engine.models import DEATHS
from tests.engine.selection.poissons import Poissons

from latentia import EM
from latentia.engine import Status
from latentia.engine.selection import posterior_entropy, sweep
from latentia.engine.space import DegenerateError

EM3 = EM(starts=3, tol=1e-7)
LADDER = {f"{k} Poissons": Poissons(k) for k in (1, 2, 3)}


class Collapsing(Poissons):
    def e_step(self, params, chunk):
        raise DegenerateError("a rate ran off")


def test_the_deaths_want_two_poissons():
    swept = sweep(LADDER, DEATHS, EM3, 0, entropy=posterior_entropy)
    best = swept.best()
    assert best.name == "2 Poissons"
    # Hasselblad (1969): loglik -1989.945859883 (turboEM, converged), 1,096 notices
    assert best.fit.loglik == pytest.approx(-1989.945859883, abs=1e-6)
    assert best.criteria["bic"] == pytest.approx(2 * 1989.945859883 + 3 * math.log(1096), abs=1e-5)
    assert all(one.criteria["icl"] >= one.criteria["bic"] for one in swept.models)
    assert swept.models[0].criteria["icl"] == pytest.approx(swept.models[0].criteria["bic"])
    rows = swept.table
    assert [row["model"] for row in rows] == list(LADDER)
    assert [row["n_free"] for row in rows] == [1, 3, 5]
    assert rows[2]["loglik"] >= rows[1]["loglik"] - 1e-6 >= rows[0]["loglik"]


def test_every_fit_can_be_made_alone():
    swept = sweep(list(LADDER.values()), DEATHS, EM3, 7)
    alone = EM3.fit(Poissons(3), DEATHS, np.random.default_rng(7).spawn(3)[2])
    np.testing.assert_array_equal(swept.models[2].fit.params.rates, alone.params.rates)
    assert swept.models[2].name == "2"


def test_what_failed_or_did_not_converge_cannot_be_chosen():
    models = {"falls": Collapsing(2), "fine": Poissons(1)}
    seen = []
    swept = sweep(models, DEATHS, EM(), 0, callback=lambda *told: seen.append(told))
    failed = swept.models[0]
    assert failed.fit is None
    assert failed.status is Status.DEGENERATE
    assert "a rate ran off" in failed.note
    assert swept.best().name == "fine"
    assert math.isnan(swept.table[0]["loglik"])
    assert seen == [(i + 1, 2, one) for i, one in enumerate(swept.models)]
    short = sweep({"two": Poissons(2)}, DEATHS, EM(max_iter=1), 0)
    assert "max_iter" in short.models[0].note
    assert short.best().name == "two"  # there is no other


def test_senseless_questions_are_refused():
    with pytest.raises(ValueError, match="got no models"):
        sweep({}, DEATHS)
    swept = sweep([Poissons(1)], DEATHS, EM(), 0)
    with pytest.raises(ValueError, match="got criterion='icl', expected one of aic, aicc, bic"):
        swept.best("icl")
    few = sweep([Poissons(2)], DEATHS.take(np.arange(3)).reweight(1 / DEATHS.weights[:3]), EM(), 0)
    with pytest.raises(ValueError, match="no model has a finite aicc"):
        few.best("aicc")


def test_a_checkpoint_is_of_one_fit(tmp_path):
    em = EM(checkpoint=tmp_path / "fit")
    with pytest.raises(
        ValueError, match=r"^got em\.checkpoint='.*' for several fits, expected None"
    ):
        sweep(LADDER, DEATHS, em, 0)
    assert sweep([Poissons(1)], DEATHS, em, 0).best().status is Status.CONVERGED
    assert (tmp_path / "fit").exists()
