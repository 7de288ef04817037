"""The engine on hidden Markov models: accelerators, checkpoints, resampling, selection."""

import numpy as np
import pytest

from latentia import EM, HiddenMarkov, datasets, select
from latentia.data.groups import GroupedRows
from latentia.engine import NotConvergedWarning, Status, tree
from latentia.engine.accelerate import ACCELERATORS
from latentia.engine.selection import bootstrap_lrt, cross_validate

QUAKES = datasets.load("earthquakes").values[:, 1]


@pytest.fixture(scope="module")
def two():
    return HiddenMarkov("poisson", 2, random_state=0, em=EM(tol=1e-9, starts=2)).fit(QUAKES)


@pytest.mark.parametrize("name", [n for n in ACCELERATORS if n != "auto"])
def test_every_accelerator_ends_at_the_same_maximum(two, name):
    em = EM(tol=1e-7, accelerate=name, starts=2)
    fitted = HiddenMarkov("poisson", 2, random_state=0, em=em).fit(QUAKES)
    assert fitted.converged_
    assert fitted.certificate_.monotone
    assert fitted.loglik_ == pytest.approx(two.loglik_, abs=1e-6)


def test_a_fit_goes_on_from_its_checkpoint_with_the_same_bits(tmp_path):
    class Stop(Exception):
        pass

    class Killed:
        """A callback that ends the process's work in the middle of the second start."""

        def __init__(self):
            self.n = 0

        def on_start(self, plan):
            pass

        def on_step(self, step):
            self.n += 1
            if self.n == 25:
                raise Stop

        def on_end(self, fit):
            pass

    settings = {"tol": 1e-7, "starts": 4, "race": True}
    whole = HiddenMarkov("poisson", 3, random_state=0, em=EM(**settings)).fit(QUAKES)
    kept = {"checkpoint": tmp_path / "quakes", "every": 0}
    with pytest.raises(Stop):
        HiddenMarkov(
            "poisson", 3, random_state=0, em=EM(**settings, **kept, callbacks=[Killed()])
        ).fit(QUAKES)
    assert (tmp_path / "quakes").exists()
    resumed = HiddenMarkov("poisson", 3, random_state=0, em=EM(**settings, **kept)).fit(QUAKES)
    assert resumed.loglik_ == whole.loglik_
    for a, b in zip(tree.leaves(resumed.fit_.params), tree.leaves(whole.fit_.params), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_parametric_bootstrap_draws_sequences(two):
    """Its errors are near those of the curvature, by the number of replicates; data are alike."""
    found = two.standard_errors(method="parametric-bootstrap", replicates=60)
    known = two.standard_errors()
    for a, b in (
        (found.emissions.rates, known.emissions.rates),
        (found.transitions, known.transitions),
    ):
        assert (a > 0.6 * b).all()
        assert (a < 1.9 * b).all()
    model, params = two._fitted()
    shape = GroupedRows(np.array([[1.0], [np.nan], [2.0], [3.0]]), np.ones(2), np.array([3, 1]))
    drawn = model.simulate(params, shape, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn.sizes, [3, 1])
    np.testing.assert_array_equal(np.isnan(drawn.x[:, 0]), [False, True, False, False])


def test_resampled_sequences_need_several(two):
    with pytest.raises(ValueError, match="sandwich"):
        two.standard_errors(method="sandwich")
    many = HiddenMarkov("poisson", 1).fit(list(QUAKES[:96].reshape(48, 2)))
    for method in ("sandwich", "opg", "bootstrap", "sem"):
        errors = many.standard_errors(method=method, replicates=50)
        assert np.isfinite(errors.emissions.rates).all()
    # of one Poisson rate the sandwich is that of sums: Zeileis (2006), eq. 3
    robust = many.standard_errors(method="sandwich").emissions.rates[0, 0]
    pairs = QUAKES[:96].reshape(48, 2).sum(axis=1) - 2 * QUAKES[:96].mean()
    assert robust == pytest.approx(np.sqrt((pairs**2).sum()) / 96, rel=0.03)


def test_states_are_chosen_by_any_criterion_and_by_a_test():
    """BIC and AIC agree on the earthquakes; a second state is no chance, a third may be."""
    base = HiddenMarkov("poisson", start="stationary", random_state=0, n_init=3)
    for criterion in ("aic", "bic", "icl"):
        swept = select(base, QUAKES, {"n_states": [1, 2]}, criterion=criterion)
        assert swept.best_settings == {"n_states": 2}
    one, both = (
        HiddenMarkov("poisson", k, random_state=0, n_init=1).fit(QUAKES)._fitted().model
        for k in (1, 2)
    )
    data = GroupedRows(QUAKES[:, None], np.ones(1), np.array([107]))
    told = bootstrap_lrt(one, both, data, EM(tol=1e-4, starts=2), 0, replicates=19)
    assert told.statistic == pytest.approx(2 * (391.918928 - 341.878701), abs=1e-4)
    assert told.p_value == pytest.approx(1 / 20)


def test_sequences_are_left_out_whole_in_cross_validation():
    rng = np.random.default_rng(0)
    rates = np.array([2.0, 12.0])
    series = [rng.poisson(rates[np.repeat(rng.integers(0, 2, size=5), 4)]) for _ in range(12)]
    x = np.concatenate(series)[:, None].astype(float)
    data = GroupedRows(x, np.ones(12), np.full(12, 20))
    held = []
    for k in (1, 2):
        fitted = HiddenMarkov("poisson", k, random_state=0, n_init=2).fit(series)
        model = fitted._fitted().model
        found = cross_validate(model, data, EM(tol=1e-4, starts=2), 0, folds=4)
        held.append(found.loglik)
    assert held[1] > held[0] + 100


def test_interrupted_fits_return_the_best_so_far():
    class Interrupt:
        def on_start(self, plan):
            pass

        def on_step(self, step):
            if step.n_steps == 3:
                raise KeyboardInterrupt

        def on_end(self, fit):
            pass

    em = EM(tol=1e-9, accelerate="none", callbacks=[Interrupt()])
    with pytest.warns(NotConvergedWarning):
        fitted = HiddenMarkov("poisson", 2, random_state=0, em=em).fit(QUAKES)
    assert fitted.fit_.status is Status.INTERRUPTED
    assert np.isfinite(fitted.loglik_)
