"""select: every combination fitted, judged, and the best proper one chosen."""

import dask.array as da
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest

from latentia import (
    EM,
    FactorAnalysis,
    GaussianMixture,
    Mixture,
    MixtureRegression,
    datasets,
    load,
    select,
)
from latentia.backends.errors import ClusterError
from latentia.engine import CheckpointError, NotConvergedWarning, Status
from latentia.engine.backend import Backend, Threads
from latentia.selection import SMALLEST_VARIANCE

FAITHFUL = datasets.load("faithful").values
KINDS = ["full", "tied", "diag", "spherical"]


def test_the_winner_among_four_types():
    chosen = select(
        GaussianMixture(n_init=4, random_state=0, em=EM(tol=1e-6)),
        FAITHFUL,
        {"n_components": range(1, 6), "covariance_type": KINDS},
    )
    assert chosen.best_settings == {"n_components": 3, "covariance_type": "tied"}
    winner = chosen.candidates[chosen.best]
    assert winner.bic == pytest.approx(2314.2957, abs=1e-3)  # mclust 6.0.0 EEE, G=3, converged
    assert winner.loglik == pytest.approx(-1126.315928, abs=1e-5)
    assert winner.status is Status.CONVERGED
    assert winner.note == ""
    assert chosen.best_estimator.loglik_ == winner.loglik
    assert len(chosen.candidates) == 20
    # mclust's next best of these four: VVV, G=2 (converged -1130.26396, 11 parameters)
    by_settings = {tuple(c.settings.values()): c for c in chosen.candidates}
    second = by_settings[2, "full"]
    assert second.n_parameters == 11
    assert second.bic == pytest.approx(2 * 1130.26396 + 11 * np.log(272), abs=1e-3)
    best = [row for row in chosen.table if not row["note"]]
    assert [best[0]["n_components"], best[0]["covariance_type"]] == [3, "tied"]
    assert [row["bic"] for row in best] == sorted(row["bic"] for row in best)


@pytest.mark.parametrize("criterion", ["bic", "aic", "icl", "aicc", "sabic"])
def test_criteria_are_those_of_the_estimators(criterion):
    grid = {"n_components": [1, 2, 3]}
    base = GaussianMixture(random_state=0)
    chosen = select(base, FAITHFUL, grid, criterion=criterion, exchange=0)
    fitted = [GaussianMixture(k, random_state=0).fit(FAITHFUL) for k in (1, 2, 3)]
    for candidate, gm in zip(chosen.candidates, fitted, strict=True):
        assert candidate.loglik == gm.loglik_
        assert candidate.n_parameters == gm.n_parameters_
        for name, value in gm.criteria().items():
            assert getattr(candidate, name) == value
        assert candidate.n_steps == gm.n_iter_
    values = [gm.criteria()[criterion] for gm in fitted]
    assert chosen.best == int(np.argmin(values))
    assert chosen.criterion == criterion


def test_the_estimator_and_its_settings_are_left_alone():
    base = GaussianMixture(7, random_state=0, em=EM(tol=1e-4))
    select(base, FAITHFUL, {"n_components": [1, 2], "em__tol": [1e-3, 1e-6]})
    assert base.get_params()["n_components"] == 7
    assert base.em.tol == 1e-4
    assert not hasattr(base, "means_")


def test_no_more_processes_are_started_than_there_are_candidates(monkeypatch):
    from latentia.selection import sweep

    asked = []

    def parallel(n_jobs, **options):
        asked.append(n_jobs)
        return joblib.Parallel(n_jobs=1, **options)

    monkeypatch.setattr(sweep, "Parallel", parallel)
    grid = {"n_components": [1, 2, 3]}
    for n_jobs in (1000, 2, -1):
        select(GaussianMixture(random_state=0), FAITHFUL, grid, n_jobs=n_jobs)
    assert asked == [3, 2, -1]


def test_the_number_of_processes_does_not_matter():
    grid = {"n_components": [1, 2, 3]}
    base = GaussianMixture(random_state=0, n_init=2)
    one, two = (select(base, FAITHFUL, grid, n_jobs=n) for n in (1, 2))
    for a, b in zip(one.candidates, two.candidates, strict=True):
        assert (a.settings, a.loglik, a.bic, a.note) == (b.settings, b.loglik, b.bic, b.note)
    np.testing.assert_array_equal(one.best_estimator.means_, two.best_estimator.means_)
    for chosen in (one, two):  # the data of the fit are at hand either way
        assert np.isfinite(chosen.best_estimator.standard_errors().means).all()


def test_weights_are_replication():
    counts = np.random.default_rng(0).integers(0, 3, size=len(FAITHFUL))
    grid = {"n_components": [1, 2]}
    base = GaussianMixture(random_state=0, em=EM(tol=1e-8))
    weighted = select(base, FAITHFUL, grid, sample_weight=counts)
    repeated = select(base, np.repeat(FAITHFUL, counts, axis=0), grid)
    for a, b in zip(weighted.candidates, repeated.candidates, strict=True):
        assert a.bic == pytest.approx(b.bic, rel=1e-9)


def test_callbacks_see_every_candidate_in_order():
    seen = []
    chosen = select(
        GaussianMixture(random_state=0),
        FAITHFUL,
        {"n_components": [1, 2, 3]},
        callback=lambda done, total, candidate: seen.append((done, total, candidate)),
    )
    assert seen == [(i + 1, 3, c) for i, c in enumerate(chosen.candidates)]


# -- what candidates have from one another -----------------------------------------------------

SOME = {"n_components": [3, 4, 5], "covariance_type": ["VII", "VVI"]}


def test_exchanged_starts_only_raise_and_do_not_depend_on_processes():
    base = GaussianMixture(init_params="random_from_data", random_state=1, em=EM(tol=1e-4))
    alone = select(base, FAITHFUL, SOME, exchange=0, n_jobs=1)
    one, two = (select(base, FAITHFUL, SOME, exchange=1, n_jobs=n) for n in (1, 2))
    gains = [b.loglik - a.loglik for a, b in zip(alone.candidates, one.candidates, strict=True)]
    assert min(gains) >= 0
    assert max(gains) > 1
    for a, b in zip(one.candidates, two.candidates, strict=True):
        assert (a.settings, a.loglik, a.n_steps, a.note) == (
            b.settings,
            b.loglik,
            b.n_steps,
            b.note,
        )
    np.testing.assert_array_equal(one.best_estimator.means_, two.best_estimator.means_)
    assert np.isfinite(two.best_estimator.standard_errors().means).all()


def test_climbing_together_only_raises_and_does_not_depend_on_processes():
    base = GaussianMixture(init_params="random_from_data", random_state=1, em=EM(tol=1e-4))
    alone = select(base, FAITHFUL, SOME, exchange=0, n_jobs=1)
    one, two = (select(base, FAITHFUL, SOME, n_jobs=n) for n in (1, 2))
    gains = [b.loglik - a.loglik for a, b in zip(alone.candidates, one.candidates, strict=True)]
    assert min(gains) > -1e-4
    assert max(gains) > 1
    logliks = [[c.loglik for c in swept.candidates] for swept in (one, two)]
    assert logliks[0] == logliks[1]
    assert np.isfinite(two.best_estimator.standard_errors().means).all()


def test_what_climbed_together_first_is_said(tmp_path):
    alone, together = (
        select(GaussianMixture(random_state=0), FAITHFUL, {"n_components": [2, 3]}, exchange=e)
        for e in (0, None)
    )
    told = "climbed together first"
    assert (alone.n_begun, together.n_begun) == (0, 2)
    assert told not in str(alone)
    assert told in str(together)
    path = tmp_path / "best.safetensors"
    together.best_estimator.save(path)
    for fitted in (together.best_estimator, load(path)):
        sentences = " ".join(fitted.certificate_.sentences())
        assert "One start was made" not in sentences
        assert "candidates of a sweep found together" in sentences
    assert together.best_estimator.start_ == "sweep"
    assert "sweep" not in " ".join(alone.best_estimator.certificate_.sentences())


def test_what_settles_a_fit_by_itself_is_left_to_it():
    grid = {"n_components": [2, 3]}
    for given in (
        {"prior": "conjugate"},
        {"noise": 0.1},
        {"max_iter": 0},
        {"em": EM(race=True, starts=3)},
        {"em": EM(accelerate="none")},
        {"init_params": "portfolio"},
    ):
        base = GaussianMixture(random_state=0, **given)
        alone, together = (select(base, FAITHFUL, grid, exchange=e) for e in (0, None))
        assert [c.loglik for c in alone.candidates] == [c.loglik for c in together.candidates]


@pytest.mark.parametrize("made", [pd.DataFrame, pl.DataFrame, np.ndarray.tolist, da.from_array])
def test_a_sweep_is_the_same_whatever_the_rows_come_in(made):
    grid, base = {"n_components": [3, 4]}, GaussianMixture(random_state=0)
    one, other = (select(base, x, grid) for x in (FAITHFUL, made(FAITHFUL)))
    assert [c.loglik for c in one.candidates] == [c.loglik for c in other.candidates]
    assert [c.n_steps for c in one.candidates] == [c.n_steps for c in other.candidates]


@pytest.mark.parametrize("exchange", [3, None])
def test_a_general_model_is_no_lower_than_its_special_case_after_an_exchange(exchange):
    base = GaussianMixture(init_params="random", random_state=3, em=EM(tol=1e-6))
    grid = {"n_components": [4], "covariance_type": ["EII", "VII", "VVI", "VVV"]}
    swept = select(base, FAITHFUL, grid, exchange=exchange, n_jobs=1)
    heights = [c.loglik for c in swept.candidates if not c.note]
    assert heights == sorted(heights)


def test_mixtures_of_any_family_exchange_starts():
    days = np.repeat(np.arange(10), [162, 267, 271, 185, 111, 61, 27, 8, 3, 1])[:, None]
    base = Mixture("poisson", init_params="random", random_state=0, em=EM(tol=1e-8))
    grid = {"n_components": [1, 2], "family": ["poisson", "negative-binomial"]}
    swept = select(base, days, grid, exchange=1, n_jobs=1)
    two = {tuple(c.settings.values()): c.loglik for c in swept.candidates}[2, "poisson"]
    assert two == pytest.approx(-1989.945859883, abs=1e-6)  # Hasselblad (1969)


@pytest.mark.parametrize("rounds", [-1, 1.5, True, "all"])
def test_rounds_of_exchange_are_whole(rounds):
    with pytest.raises(ValueError, match=r"^got exchange=.*, expected a whole number of rounds"):
        select(GaussianMixture(), FAITHFUL, {"n_components": [1]}, exchange=rounds)


def test_estimators_that_exchange_nothing_are_refused_by_name():
    with pytest.raises(ValueError, match=r"^got exchange=1 for MixtureRegression, expected a"):
        select(MixtureRegression("y ~ x"), None, {"n_components": [1]}, exchange=1)


# -- who may not win ---------------------------------------------------------------------------


def test_a_spurious_component_cannot_win():
    # three rows that nearly coincide: the more components, the higher the likelihood there
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(size=(60, 2)), [1.0, 1.0] + 1e-3 * rng.normal(size=(3, 2))]
    centres = np.array([[0.0, 0.0], [1.0, 1.0]])
    tiny = np.stack([np.eye(2), np.eye(2) * 1e5])
    base = GaussianMixture(random_state=0, reg_covar=0, max_iter=500)
    spurious = GaussianMixture(
        2,
        reg_covar=0,
        weights_init=[0.95, 0.05],
        means_init=centres,
        precisions_init=tiny,
        max_iter=500,
    ).fit(x)
    assert spurious.smallest_variance() < SMALLEST_VARIANCE
    assert spurious.bic(x) < GaussianMixture(1).fit(x).bic(x)
    base.set_params(weights_init=[0.95, 0.05], means_init=centres, precisions_init=tiny)
    chosen = select(base, x, {"n_components": [2], "covariance_type": ["full"], "tol": [1e-3, 10]})
    assert all("thinner than a thousandth" in c.note for c in chosen.candidates)
    single = GaussianMixture(random_state=0, reg_covar=0, n_init=8, max_iter=500)
    winner = select(single, x, {"n_components": [1, 2, 3]}).best_estimator
    assert winner.smallest_variance() > SMALLEST_VARIANCE


def test_what_collapses_or_is_held_by_a_floor_cannot_win():
    clumps = np.repeat([[0.0, 0], [1, 1], [5, 5], [9, 1]], 10, axis=0)
    grid = {"n_components": [1, 4], "reg_covar": [0, 1e-6]}
    chosen = select(GaussianMixture(random_state=0), clumps, grid)
    notes = {tuple(c.settings.values()): c.note for c in chosen.candidates}
    assert notes[1, 0] == notes[1, 1e-6] == ""
    assert "ill-defined empirical covariance" in notes[4, 0]
    assert "held up by a floor: components.covariances" in notes[4, 1e-6]
    assert chosen.best_settings["n_components"] == 1
    failed = chosen.candidates[2]
    assert failed.status is Status.DEGENERATE
    assert np.isnan([failed.loglik, failed.bic]).all()
    assert [row["note"] == "" for row in chosen.table] == [True, True, False, False]


def test_what_did_not_converge_wins_only_if_nothing_did():
    grid = {"n_components": [2], "max_iter": [2, 500]}
    chosen = select(GaussianMixture(random_state=0), FAITHFUL, grid)
    assert "max_iter" in chosen.candidates[0].note
    assert chosen.best_settings["max_iter"] == 500
    with pytest.warns(NotConvergedWarning, match="no candidate is a converged and proper maximum"):
        select(GaussianMixture(random_state=0), FAITHFUL, {"n_components": [3], "max_iter": [1]})


def test_too_few_rows_for_aicc_is_said():
    rows = FAITHFUL[::30]  # 10 rows; two components with full covariances have 11 parameters
    grid = {"n_components": [1, 2]}
    chosen = select(GaussianMixture(random_state=0), rows, grid, criterion="aicc")
    assert chosen.candidates[1].aicc == np.inf
    assert chosen.best == 0
    assert "AICC" in str(chosen)
    with pytest.raises(ValueError, match="too many parameters for aicc on so few rows"):
        select(GaussianMixture(random_state=0), rows, {"n_components": [2]}, criterion="aicc")


def test_a_class_is_no_estimator():
    with pytest.raises(TypeError, match=r"got the class GaussianMixture.*GaussianMixture\(...\)"):
        select(GaussianMixture, np.zeros((4, 1)), {"n_components": [1]})


def test_a_single_candidate_that_fails_says_why_and_no_more():
    x = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(ValueError, match=r"^got n_components=7 for 2 columns"):
        select(FactorAnalysis(), x, {"n_components": [7]})


def test_nothing_that_can_be_fitted_is_said():
    grid = {"n_components": [5, 6]}
    with pytest.raises(ValueError, match="none of the 2 candidates could be fitted: Expected"):
        select(GaussianMixture(), FAITHFUL[:4], grid)


@pytest.mark.parametrize(
    ("grid", "criterion", "sentence"),
    [
        ({"k": [1]}, "bic", "got 'k' in the grid, expected settings of GaussianMixture"),
        ({}, "bic", "got an empty grid"),
        ({"n_components": []}, "bic", "got an empty grid"),
        ({"n_components": 3}, "bic", "got n_components=3 in the grid, expected a list of values"),
        ({"covariance_type": "full"}, "bic", "got covariance_type='full' in the grid, expected a"),
        ({"n_components": [1]}, "waic", "got criterion='waic', expected one of bic, aic, icl"),
    ],
)
def test_senseless_questions_are_refused(grid, criterion, sentence):
    with pytest.raises(ValueError, match=sentence):
        select(GaussianMixture(), FAITHFUL, grid, criterion=criterion)


def test_a_checkpoint_is_of_one_fit(tmp_path):
    path = tmp_path / "fit"
    kept = GaussianMixture(random_state=0, em=EM(checkpoint=path))
    with pytest.raises(
        ValueError, match=r"^got em\.checkpoint='.*' for several fits, expected None"
    ):
        select(kept, FAITHFUL, {"n_components": [1, 2]})
    assert not path.exists()
    alone = select(kept, FAITHFUL, {"n_components": [2]})
    assert path.exists()
    assert alone.best_settings == {"n_components": 2}
    # the file is of another fit, which says nothing of this candidate
    with pytest.raises(CheckpointError):
        select(kept, FAITHFUL, {"n_components": [3]})
    apart = [EM(checkpoint=tmp_path / name) for name in ("a", "b")]
    assert not any(c.note for c in select(kept, FAITHFUL, {"em": apart}).candidates)


def test_a_selection_can_be_read():
    chosen = select(GaussianMixture(random_state=0), FAITHFUL, {"n_components": [1, 2]})
    told = str(chosen)
    assert "winner" in told
    assert f"{chosen.candidates[1].bic:.2f}" in told.replace(",", "")
    assert "<table" in chosen._repr_html_()


class Failing(Backend):
    """A cluster that is lost at the second fit."""

    def __init__(self):
        self.opened = 0

    def __deepcopy__(self, memo):
        return self

    def open(self, model, source):
        self.opened += 1
        if self.opened == 2:
            raise ClusterError("the connection was lost; fit again")
        return Threads(1).open(model, source)


def test_a_lost_cluster_says_nothing_of_a_candidate_and_ends_the_sweep():
    backend, done = Failing(), []
    with pytest.raises(ClusterError, match=r"^the connection was lost; fit again$"):
        select(
            GaussianMixture(random_state=0, em=EM(backend=backend)),
            FAITHFUL,
            {"n_components": [1, 2, 3]},
            callback=lambda *told: done.append(told),
        )
    assert len(done) == 1
    assert backend.opened == 2
