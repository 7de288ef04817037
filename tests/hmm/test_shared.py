"""States that make the same, and parameters that are known."""

import numpy as np
import pytest

from latentia import EM, HiddenMarkov, check_model, datasets, load
from latentia.data.groups import GroupedRows
from latentia.engine.space import Simplex
from latentia.families import making
from latentia.hmm.chains import FreeStart
from latentia.hmm.model import HiddenMarkovModel, HiddenMarkovParams
from latentia.hmm.shared import Shared
from latentia.hmm.start import StateGuesses

from .kinds import ROWS, parts_of
from .paths import enumerated

QUAKES = datasets.load("earthquakes").values[:, 1:]
GROUPS = np.array([0, 1, 0])


def tied(kind):
    """A model of three states, of which the first and last make the same."""
    x = ROWS[kind]()
    family = Shared(making.built(parts_of(kind, x), 2), GROUPS)
    chain = FreeStart(3, Simplex(), Simplex())
    return HiddenMarkovModel(family, StateGuesses(3, "random"), chain), x


@pytest.mark.parametrize("kind", ["poisson", "gaussian", "categorical", "gamma"])
def test_tied_states_keep_the_contract(kind):
    model, x = tied(kind)
    check_model(model, GroupedRows(x, np.ones(4), np.array([10, 12, 3, 15])), 1, points=1)


def test_tied_states_beside_a_sum_over_all_paths():
    model, x = tied("poisson")
    rng = np.random.default_rng(0)
    params = HiddenMarkovParams(
        rng.dirichlet(np.ones(3)),
        rng.dirichlet(np.ones(3), size=3),
        model.family.start(x, rng.dirichlet(np.ones(3), size=len(x))),
    )
    chunk = GroupedRows(x[:7], np.ones(1), np.array([7]))
    logs = model.family.family.log_density(params.emissions, x[:7])[:, GROUPS]
    by_hand = enumerated(params.start, params.transitions, logs)
    known = model.posterior(params, chunk)
    assert known.log_density[0] == pytest.approx(by_hand.loglik, abs=1e-10)
    np.testing.assert_allclose(known.resp, by_hand.resp, atol=1e-10)


def test_two_states_behind_one_rate_are_one_rate(tmp_path):
    """A spell of two phases: three states, two rates, and no lower than two states."""
    two = HiddenMarkov("poisson", 2, random_state=0, em=EM(tol=1e-6, starts=4)).fit(QUAKES)
    model = HiddenMarkov("poisson", 3, shared=[0, 1, 0], random_state=0, em=EM(tol=1e-6, starts=12))
    model.fit(QUAKES)
    assert model.params_.rates.shape == (2, 1)
    assert model._n_free() == 2 + 6 + 2
    assert model.loglik_ > two.loglik_ - 1e-4
    assert np.isfinite(model.standard_errors().emissions.rates).all()
    assert str(model.summary())
    drawn, states = model.sample(50)
    assert drawn.shape == (50, 1)
    assert set(states) <= {0, 1, 2}
    model.save(tmp_path / "chain.safetensors")
    again = load(tmp_path / "chain.safetensors")
    assert again.shared == [0, 1, 0]
    assert again.score(QUAKES) == model.score(QUAKES)


@pytest.mark.parametrize("start", ["free", "stationary"])
def test_known_rates_stay_and_are_not_counted(start, tmp_path):
    known = {"rates": np.array([[15.0], [26.0]])}
    model = HiddenMarkov("poisson", 2, start=start, held=known, random_state=0).fit(QUAKES)
    np.testing.assert_array_equal(model.params_.rates, known["rates"])
    assert model._n_free() == 2 + (start == "free")
    free = HiddenMarkov("poisson", 2, start=start, random_state=0).fit(QUAKES)
    assert free.loglik_ - 1 < model.loglik_ < free.loglik_
    model.save(tmp_path / "chain.safetensors")
    again = load(tmp_path / "chain.safetensors")
    assert again._n_free() == model._n_free()
    np.testing.assert_array_equal(again.held["rates"], known["rates"])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"shared": [0, 2]}, r"shared=\[0, 2\], expected for each of 2 states"),
        ({"shared": [0, 0, 1]}, "expected for each of 2 states"),
        ({"held": {"mean": 1.0}}, r"held=\['mean'\], expected names of rates"),
        ({"held": {"rates": [1.0, 2.0]}}, r"held\['rates'\] of shape \(2,\), expected \(2, 1\)"),
        ({"held": {"rates": [[-1.0], [2.0]]}}, "rates"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, told):
    with pytest.raises(ValueError, match=told):
        HiddenMarkov("poisson", 2, **settings).fit(QUAKES)
