"""EM: its settings, the starts it makes, and what it returns."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM, DegenerateFitError, NotConvergedWarning, Status
from latentia.engine.callbacks import Recorder
from latentia.engine.chart import ConstraintError

from .models import (
    DEATHS,
    WAITS,
    NormalMean,
    PoissonParams,
    ScatteredStarts,
    StartsOutside,
    TwoNormals,
    TwoPoissons,
)


def test_one_normal_mean_is_the_average():
    fit = EM().fit(NormalMean(), Rows.of([1.0, 2.0, 6.0], [1.0, 1.0, 2.0]), 0)
    assert float(fit.params.mean) == pytest.approx(15 / 4, abs=1e-9)
    assert (fit.n_units, fit.n_obs, fit.n_free) == (4, 4, 1)
    assert fit.loglik == fit.objective


# -- starts ------------------------------------------------------------------------------------


def _same(one, other):
    assert one.objective == other.objective
    np.testing.assert_array_equal(one.params.rates, other.params.rates)
    np.testing.assert_array_equal(one.params.weights, other.params.weights)
    np.testing.assert_array_equal(one.trace.objective, other.trace.objective)


def test_the_same_seed_gives_the_same_bits():
    fits = [EM(starts=3).fit(ScatteredStarts(), DEATHS, 7) for _ in range(2)]
    for one, other in zip(fits[0].climbs, fits[1].climbs, strict=True):
        _same(one, other)
    generator = EM(starts=3).fit(ScatteredStarts(), DEATHS, np.random.default_rng(7))
    _same(fits[0], generator)


def test_each_start_can_be_made_alone():
    model, together = ScatteredStarts(), EM(starts=5).fit(ScatteredStarts(), DEATHS, 3)
    for child, climb in zip(np.random.default_rng(3).spawn(5), together.climbs, strict=True):
        alone = EM().fit(model, DEATHS, start=model.start(DEATHS, child))
        _same(alone.climbs[0], climb)


def test_more_starts_begin_with_the_same_ones():
    few = EM(starts=2).fit(ScatteredStarts(), DEATHS, 3)
    many = EM(starts=4).fit(ScatteredStarts(), DEATHS, 3)
    for one, other in zip(few.climbs, many.climbs, strict=False):
        _same(one, other)
    assert many.objective >= few.objective - few.certificate.rounding


def test_the_best_start_wins_and_optima_are_counted():
    fit = EM(tol=1e-8, starts=6).fit(ScatteredStarts(), DEATHS, 0)
    assert fit.objective == fit.climbs[fit.best].objective
    assert fit.objective >= max(c.objective for c in fit.climbs) - fit.certificate.rounding
    assert fit.trace is fit.climbs[fit.best].trace
    (optimum,) = fit.certificate.optima  # one maximum up to the order of the components
    assert (optimum.hits, fit.certificate.n_starts) == (6, 6)
    assert "Of 6 starts 6 reached this maximum" in " ".join(fit.certificate.sentences())


def test_two_optima_are_told_apart():
    # three clumps and two components: which two clumps are joined depends on the start
    x = Rows.of(np.r_[np.linspace(-1, 1, 30), np.linspace(9, 11, 30), np.linspace(29, 31, 31)])
    starts = [
        TwoNormals().start(x, None)._replace(means=np.array(m), variances=np.array(v))
        for m, v in (([0.0, 20.0], [1.0, 100.0]), ([5.0, 30.0], [25.0, 1.0]))
    ]
    fit = EM().fit(TwoNormals(), x, start=[*starts, starts[0]])
    heights = [optimum.objective for optimum in fit.certificate.optima]
    assert len(heights) == 2
    assert heights == sorted(heights, reverse=True)
    assert fit.objective == heights[0]
    assert sorted(optimum.hits for optimum in fit.certificate.optima) == [1, 2]


def test_a_degenerate_start_does_not_spoil_the_others():
    good = TwoPoissons().start(DEATHS, None)
    bad = PoissonParams(good.weights, np.array([np.inf, 1.0]))
    with pytest.raises(ConstraintError, match="`rates` is inf"):
        EM().fit(TwoPoissons(), DEATHS, start=[bad, good])
    spike = Rows.of(np.r_[np.zeros(10), np.linspace(4, 6, 20)])
    starts = [
        TwoNormals().start(spike, None)._replace(means=np.array(m), variances=np.array(v))
        for m, v in (([0.0, 5.0], [1e-3, 1.0]), ([4.5, 5.5], [30.0, 30.0]))
    ]
    fit = EM(max_iter=5, on_degenerate="status").fit(TwoNormals(), spike, start=starts[:1])
    assert fit.status is Status.DEGENERATE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        fit = EM(max_iter=5).fit(TwoNormals(), spike, start=starts)
    assert fit.status is not Status.DEGENERATE
    assert fit.best == 1
    assert fit.certificate.n_degenerate == 1
    assert "1 start collapsed and was left out" in " ".join(fit.certificate.sentences())


def test_given_parameters_reach_the_model():
    rates = np.array([1.25, 2.75])
    with pytest.warns(NotConvergedWarning):
        fit = EM(max_iter=0).fit(ScatteredStarts(), DEATHS, 0, given=PoissonParams(None, rates))
    np.testing.assert_array_equal(fit.params.rates, rates)


def test_a_start_outside_the_space_is_refused():
    with pytest.raises(ConstraintError, match="weights"):
        EM().fit(StartsOutside(), DEATHS, 0)


# -- weights and relabelling -------------------------------------------------------------------


def test_weights_are_replication():
    counts = DEATHS.weights.astype(int)
    repeated = Rows.of(np.repeat(DEATHS.x, counts, axis=0))
    weighted = EM(tol=1e-9).fit(TwoPoissons(), DEATHS, 0)
    replicated = EM(tol=1e-9).fit(TwoPoissons(), repeated, 0)
    assert replicated.objective == pytest.approx(weighted.objective, rel=1e-9)
    np.testing.assert_allclose(replicated.params.rates, weighted.params.rates, rtol=1e-5)
    assert (replicated.n_units, replicated.n_obs) == (weighted.n_units, weighted.n_obs)


@pytest.mark.parametrize("method", ["none", "squarem", "quasi-newton", "auto"])
def test_components_may_be_renumbered(method):
    start = TwoPoissons().start(DEATHS, None)._replace(weights=np.array([0.3, 0.7]))
    turned = PoissonParams(*(leaf[::-1] for leaf in start))
    settings = EM(tol=1e-8, max_iter=5000, accelerate=method)
    one, other = (settings.fit(TwoPoissons(), DEATHS, start=s) for s in (start, turned))
    assert one.objective == pytest.approx(other.objective, rel=1e-9)
    np.testing.assert_allclose(one.params.rates, other.params.rates[::-1], rtol=1e-3)


def test_rows_may_come_in_any_order():
    order = np.random.default_rng(0).permutation(len(WAITS))
    one = EM(tol=1e-9).fit(TwoNormals(), WAITS, 0)
    other = EM(tol=1e-9).fit(TwoNormals(), WAITS.take(order), 0)
    assert one.objective == pytest.approx(other.objective, rel=1e-9)
    np.testing.assert_allclose(one.params.means, other.params.means, rtol=1e-6)


# -- going on ----------------------------------------------------------------------------------


def _in_bits(method, most, size):
    fit, n = None, 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        while n < most:
            n += 1
            bit = EM(max_iter=size, accelerate=method, tol=1e-8)
            fit = bit.fit(TwoPoissons(), DEATHS, 0, resume=fit)
            if fit.status is Status.CONVERGED:
                break
    return fit, n


def test_plain_steps_go_on_to_the_same_bits():
    with pytest.warns(NotConvergedWarning):
        long = EM(max_iter=60, accelerate="none", tol=1e-8).fit(TwoPoissons(), DEATHS, 0)
    for size in (1, 6, 20):
        fit, _ = _in_bits("none", 60 // size, size)
        assert fit.objective == long.objective
        np.testing.assert_array_equal(fit.params.rates, long.params.rates)


@pytest.mark.parametrize("method", ["squarem", "quasi-newton", "auto"])
@pytest.mark.parametrize("size", [1, 5])
def test_accelerated_steps_go_on_from_what_was_learnt(method, size):
    long = EM(max_iter=2000, accelerate=method, tol=1e-8).fit(TwoPoissons(), DEATHS, 0)
    fit, n = _in_bits(method, 2000, size)
    assert fit.status is Status.CONVERGED
    assert fit.objective == pytest.approx(long.objective, abs=1e-6)
    assert n * size <= 1.5 * long.certificate.n_steps + size


# -- settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value", "kind"),
    [
        ("tol", -1, ValueError),
        ("tol", np.nan, ValueError),
        ("tol", np.inf, ValueError),
        ("tol", "small", TypeError),
        ("tol", True, TypeError),
        ("max_iter", 1.5, TypeError),
        ("max_iter", -1, ValueError),
        ("starts", 0, ValueError),
        ("starts", None, TypeError),
        ("accelerate", "fast", ValueError),
        ("accelerate", None, ValueError),
        ("backend", "gpu", ValueError),
        ("on_degenerate", "ignore", ValueError),
        ("workers", 0, ValueError),
        ("workers", "two", TypeError),
    ],
)
def test_settings_are_refused_in_a_sentence(setting, value, kind):
    with pytest.raises(kind, match=f"got {setting}="):
        EM(**{setting: value}).fit(NormalMean(), Rows.of([1.0, 2.0]), 0)


def test_numpy_numbers_are_settings_too():
    fit = EM(tol=np.float32(1e-3), max_iter=np.int64(50), starts=np.int32(2)).fit(
        ScatteredStarts(), DEATHS, 0
    )
    assert len(fit.climbs) == 2


def test_settings_are_a_scikit_learn_estimators():
    em = EM(tol=1e-3, starts=4)
    assert em.get_params()["tol"] == 1e-3
    assert clone(em).get_params() == em.get_params()
    assert pickle.loads(pickle.dumps(em)).get_params() == em.get_params()
    assert repr(em) == "EM(starts=4, tol=0.001)"


def test_a_fit_takes_a_snapshot_of_the_settings():
    class Meddles:
        def __init__(self, em):
            self.em = em

        def on_start(self, plan):
            pass

        def on_step(self, step):
            self.em.max_iter = 0

        def on_end(self, fit):
            pass

    em = EM()
    em.callbacks = [Meddles(em)]
    assert em.fit(TwoPoissons(), DEATHS, 0).status is Status.CONVERGED


MIXED = PoissonParams(np.array([0.5, 0.5]), np.array([1.0, 3.0]))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": 3}, "got model=3, expected an instance of Model"),
        ({"model": TwoPoissons}, "got model=TwoPoissons, expected an instance of Model"),
        (
            {"data": np.ones((4, 1))},
            r"got data of type ndarray, expected a Chunk or a Source; wrap an array as Rows\.of",
        ),
        ({"data": None}, "got data of type NoneType, expected a Chunk or a Source"),
        ({"start": []}, r"got start=\[\], expected parameters of the type PoissonParams"),
        ({"start": tuple(MIXED)}, "expected parameters of the type PoissonParams"),
        ({"start": 3}, "got start=3, expected parameters of the type PoissonParams"),
        ({"start": [MIXED, 3]}, "expected parameters of the type PoissonParams"),
        ({"resume": 3}, "got resume=3, expected a Fit of the same model"),
    ],
)
def test_arguments_are_refused_in_a_sentence(given, said):
    call = {"model": TwoPoissons(), "data": DEATHS, "rng": 0, **given}
    with pytest.raises(TypeError, match=said):
        EM().fit(**call)


def test_a_start_elsewhere_than_the_fit_to_resume_is_refused():
    fit = EM().fit(TwoPoissons(), DEATHS, 0)
    with pytest.raises(ValueError, match=r"got start= and resume= .* expected one of the two"):
        EM().fit(TwoPoissons(), DEATHS, 0, start=MIXED, resume=fit)
    again = EM().fit(TwoPoissons(), DEATHS, 0, start=fit.params, resume=fit)
    assert again.objective >= fit.objective


@pytest.mark.parametrize("value", [3, [3], [Recorder], "bar", Recorder()])
def test_callbacks_are_refused_in_a_sentence(value):
    with pytest.raises(TypeError, match="expected objects with on_start, on_step and on_end"):
        EM(callbacks=value).fit(TwoPoissons(), DEATHS, 0)


def test_no_data_is_said():
    with pytest.raises(ValueError, match="no units of data"):
        EM().fit(NormalMean(), Rows.of(np.empty((0, 1))), 0)
    with pytest.raises(ValueError, match="no units of data"):
        EM().fit(NormalMean(), RowSource(Rows.of(np.empty((0, 1)))), 0)


def test_warnings_are_scikit_learns():
    assert issubclass(NotConvergedWarning, ConvergenceWarning)
    with pytest.warns(ConvergenceWarning, match="nats are estimated to remain"):
        EM(max_iter=3).fit(TwoPoissons(), DEATHS, 0)


def test_a_warning_does_not_tell_of_infinite_nats():
    with pytest.warns(NotConvergedWarning, match="How much remains is not known yet"):
        EM(max_iter=0).fit(TwoPoissons(), DEATHS, 0)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_an_objective_that_is_not_finite_at_the_start_is_no_collapse(value):
    class Nowhere(TwoPoissons):
        def e_step(self, params, chunk):
            return super().e_step(params, chunk)._replace(loglik=value)

    with pytest.raises(DegenerateFitError, match=f"^The objective is {value} at the start"):
        EM().fit(Nowhere(), DEATHS, 0)


def test_a_fit_can_be_pickled():
    fit = EM().fit(TwoPoissons(), DEATHS, 0)
    back = pickle.loads(pickle.dumps(fit))
    _same(back, fit)
    assert repr(back.certificate) == repr(fit.certificate)  # nan is nan here


def test_a_fit_and_its_certificate_are_frozen():
    fit = EM().fit(NormalMean(), Rows.of([1.0, 2.0]), 0)
    with pytest.raises(AttributeError):
        fit.objective = 0.0
    with pytest.raises(AttributeError):
        fit.certificate.monotone = False


@pytest.mark.parametrize("status", list(Status))
def test_a_status_is_the_sentence_the_user_reads(status):
    assert str(status) == status.value
    assert status.value.endswith(".")
