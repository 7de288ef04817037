"""The drop-ins beside hmmlearn 0.3.3: recorded steps and scores, arguments, documented uses."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from latentia import EM, check_model, datasets, load
from latentia.data.groups import GroupedRows
from latentia.hmm import (
    GMMHMM,
    CategoricalHMM,
    GaussianHMM,
    HiddenMarkov,
    MultinomialHMM,
    PoissonHMM,
)
from latentia.hmm.monitor import Monitor

RECORDED = json.loads(
    (Path(__file__).parents[1] / "parity" / "hmmlearn_steps.json").read_text(encoding="utf-8")
)
LENGTHS = [30, 1, 19]
START = np.array([0.5, 0.3, 0.2])
MOVES = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.0, 0.3, 0.7]])
ONE_STEP = EM(accelerate="none", max_iter=1, tol=0.0)
QUAKES = datasets.load("earthquakes").values[:, 1:]

COVARS = {
    "diag": np.full((3, 2), 1.5),
    "spherical": np.full(3, 1.5),
    "full": np.tile([[1.5, 0.2], [0.2, 1.2]], (3, 1, 1)),
    "tied": np.array([[1.5, 0.2], [0.2, 1.2]]),
}
WIDE = {
    "diag": np.full((3, 2, 2), 1.5),
    "spherical": np.full((3, 2), 1.5),
    "full": np.tile([[1.5, 0.2], [0.2, 1.2]], (3, 2, 1, 1)),
    "tied": np.tile([[1.5, 0.2], [0.2, 1.2]], (3, 1, 1)),
}
PRIORS = {
    "none": {},
    "prior": {"covars_prior": 0.7, "startprob_prior": 2.0, "transmat_prior": 3.0},
    "held": {"params": "mt"},
    "apart": {"means_prior": 0.5, "means_weight": 2.0, "covars_prior": 0.3, "covars_weight": 5.0},
}


def as_recorded(name):
    """The model of a recorded case, its parameters set as in tests/parity/hmmlearn_steps.py."""
    kind, *more = name.split()
    if kind == "gaussian":
        model = GaussianHMM(3, more[0], **PRIORS[more[1]])
        model.means_ = np.array([[0.3, 0.1], [3.5, 1.2], [1.1, 4.0]])
        model.covars_ = COVARS[more[0]]
    elif kind == "poisson":
        model = PoissonHMM(3)
        model.lambdas_ = np.array([[1.5], [8.0], [5.0]])
    elif kind == "multinomial":
        model = MultinomialHMM(3, n_trials=7)
        model.emissionprob_ = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.3, 0.4, 0.3]])
    elif kind == "gmm":
        model = GMMHMM(3, 2, covariance_type=more[0], params="stmw")
        if more[1] == "covariances":
            model.set_params(params="stcw", weights_prior=1.7)
        model.weights_ = np.array([[0.6, 0.4], [0.5, 0.5], [0.2, 0.8]])
        centres = np.array([[0.3, 0.1], [3.5, 1.2], [1.1, 4.0]])
        model.means_ = centres[:, None] + np.array([[-0.5, 0.0], [0.4, 0.3]])
        model.covars_ = WIDE[more[0]]
    else:
        model = CategoricalHMM(3, emissionprob_prior=float(more[0]))
        model.emissionprob_ = [[0.4, 0.3, 0.2, 0.1], [0.1, 0.1, 0.4, 0.4], [0.25] * 4]
    model.startprob_, model.transmat_ = START, MOVES
    return model.set_params(init_params="", em=ONE_STEP)


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.filterwarnings("ignore::latentia.engine.NotConvergedWarning")
def test_scores_paths_and_a_step_are_hmmlearns(name):
    model, known = as_recorded(name), RECORDED[name]
    X = np.array(known["X"])
    assert model.score(X, LENGTHS) == pytest.approx(known["score"], abs=1e-9)
    height, states = model.decode(X, LENGTHS)
    assert height == pytest.approx(known["decoded"], abs=1e-9)
    np.testing.assert_array_equal(states, known["states"])
    model.fit(X, LENGTHS)
    for attribute, expected in known["after"].items():
        got = getattr(model, attribute)
        expected = np.array(expected)
        if attribute == "_covars_" and "spherical" in name:
            expected = expected.reshape(3, -1)[:, 0]
        np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-10, err_msg=attribute)


@pytest.mark.parametrize(
    "name",
    [n for n in RECORDED if n.split()[-1] in ("prior", "held", "apart", "covariances", "1.5")],
)
def test_priors_and_held_parameters_keep_the_contract(name):
    model = as_recorded(name)
    X = np.array(RECORDED[name]["X"])
    model._read(X, LENGTHS, reset=True)
    fitted = model._fitted()
    chunk = GroupedRows(X, np.ones(3), np.array(LENGTHS))
    check_model(fitted.model, chunk, 0, params=fitted.params, points=1)


@pytest.mark.parametrize("which", ["gaussian", "gmm"])
@pytest.mark.parametrize("kind", COVARS)
def test_covariances_about_means_that_are_held_keep_the_contract(which, kind):
    name = {"gaussian": "none", "gmm": "means"}[which]
    model = as_recorded(f"{which} {kind} {name}").set_params(params="tc")
    X = np.array(RECORDED["gaussian diag none"]["X"])
    model._read(X, LENGTHS, reset=True)
    fitted = model._fitted()
    chunk = GroupedRows(X, np.ones(3), np.array(LENGTHS))
    check_model(fitted.model, chunk, 0, params=fitted.params, points=1)


@pytest.mark.parametrize("kind", COVARS)
def test_a_conjugate_prior_of_means_and_covariances_keeps_the_contract(kind):
    """m imagined steps at the mean, and as many in the covariance."""
    behind = 2 if kind in ("full", "tied") else 1
    steps = 3 * 2.0 if kind == "tied" else 2.0
    model = as_recorded(f"gaussian {kind} none").set_params(
        means_prior=0.5, means_weight=2.0, covars_prior=0.3, covars_weight=steps + behind
    )
    X = np.array(RECORDED["gaussian diag none"]["X"])
    model._read(X, LENGTHS, reset=True)
    fitted = model._fitted()
    chunk = GroupedRows(X, np.ones(3), np.array(LENGTHS))
    assert not fitted.model.family.has_prior
    check_model(fitted.model, chunk, 0, params=fitted.params, points=1)


CONJUGATE = {
    "full": {"covars_prior": 0.3 * np.eye(2), "covars_weight": 2.0 - 4},
    "tied": {"covars_prior": 0.3 * np.eye(2), "covars_weight": 4.0 - 5},
    "diag": {"covars_prior": -0.5, "covars_weight": 0.15},
    "spherical": {"covars_prior": 0.0, "covars_weight": 0.15},
}


@pytest.mark.parametrize("kind", WIDE)
def test_a_conjugate_prior_of_mixed_states_keeps_the_contract(kind):
    """Two imagined steps at the mean of each density, and as many in its covariance."""
    model = as_recorded(f"gmm {kind} covariances")
    model.set_params(params="stmcw", means_prior=0.5, means_weight=2.0, **CONJUGATE[kind])
    X = np.array(RECORDED["gaussian diag none"]["X"])
    model._read(X, LENGTHS, reset=True)
    fitted = model._fitted()
    chunk = GroupedRows(X, np.ones(3), np.array(LENGTHS))
    assert not fitted.model.family.has_prior
    check_model(fitted.model, chunk, 0, params=fitted.params, points=1)


@pytest.mark.parametrize("kind", WIDE)
@pytest.mark.parametrize("steps", [0.0, 5.0])
def test_steps_of_means_may_differ_from_those_of_covariances(kind, steps):
    model = as_recorded(f"gmm {kind} covariances")
    model.set_params(params="stmcw", means_prior=0.5, means_weight=steps, **CONJUGATE[kind])
    X = np.array(RECORDED["gaussian diag none"]["X"])
    model._read(X, LENGTHS, reset=True)
    fitted = model._fitted()
    assert fitted.model.family.has_prior
    chunk = GroupedRows(X, np.ones(3), np.array(LENGTHS))
    check_model(fitted.model, chunk, 0, params=fitted.params, points=1)


@pytest.mark.parametrize("kind", COVARS)
def test_a_prior_of_covariances_alone_is_the_maximum_of_its_density(kind):
    """One state, so that the mode is known: (S + squares) / (n + steps), as an average of them."""
    X = np.array(RECORDED["gaussian diag none"]["X"])
    behind = 2 if kind in ("full", "tied") else 1
    model = GaussianHMM(1, kind, covars_prior=0.3, covars_weight=4.0 + behind)
    model.fit(X)
    scatter = (X - X.mean(axis=0)).T @ (X - X.mean(axis=0)) + 0.3
    known = scatter / (len(X) + 4.0)
    if kind == "diag":
        known = np.diag(np.diag(known))
    if kind == "spherical":
        known = np.diag(known).mean() * np.eye(2)
    np.testing.assert_allclose(model.covars_[0], known, rtol=1e-7)
    states = np.zeros(len(X))  # what is told of states changes nothing where there is one
    again = GaussianHMM(1, kind, covars_prior=0.3, covars_weight=4.0 + behind)
    np.testing.assert_allclose(again.fit(X, states=states).covars_[0], known, rtol=1e-7)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (GaussianHMM(2, means_weight=-1.0), "means_weight=-1.0, expected numbers of at least 0"),
        (GMMHMM(2, 2, means_weight=-1.0), "means_weight=-1.0, expected numbers of at least 0"),
        (GMMHMM(2, 2, covars_prior=-9.0), "by which -15 steps are imagined for covariances"),
    ],
)
def test_a_prior_of_less_than_nothing_is_refused(model, told):
    with pytest.raises(ValueError, match=told):
        clone(model).fit(QUAKES)


@pytest.mark.parametrize(("n_trials", "told"), [(6, "n_trials=6"), ([7, 7], "n_trials of shape")])
def test_counts_that_are_not_the_trials_are_refused(n_trials, told):
    X = np.array(RECORDED["multinomial"]["X"])
    with pytest.raises(ValueError, match=told):
        MultinomialHMM(2, n_trials=n_trials).fit(X)
    assert MultinomialHMM(2, n_trials=np.full(50, 7), random_state=0).fit(X).converged_


@pytest.mark.filterwarnings("ignore::latentia.engine.NotConvergedWarning")
def test_an_argument_that_a_fit_fills_in_stays_as_it_was_given(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, size=(60, 1))
    model = CategoricalHMM(2, random_state=0, n_iter=2, em=ONE_STEP)
    assert model.n_features is None
    assert model.fit(X).n_features == model.emissionprob_.shape[1] == 3
    assert model.get_params()["n_features"] is None
    assert clone(model).n_features is None
    assert model.fit(X + 1).n_features == 4  # the argument is open, so what is seen counts
    assert pickle.loads(pickle.dumps(model)).n_features == 4
    assert model.set_params(n_features=7).fit(X).n_features == 7
    tosses = np.column_stack([X[:, 0], 2 - X[:, 0]])
    thrown = MultinomialHMM(2, random_state=0, em=ONE_STEP).fit(tosses)
    np.testing.assert_array_equal(thrown.n_trials, 2)
    assert len(thrown.n_trials) == 60
    assert thrown.get_params()["n_trials"] is None
    thrown.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    assert (again.sample(30, random_state=0)[0].sum(axis=1) == 2).all()
    assert again.get_params()["n_trials"] is None
    again.n_trials = 9
    assert (again.sample(30, random_state=0)[0].sum(axis=1) == 9).all()


@pytest.mark.parametrize("n_trials", [None, [1, 2, 3]])
def test_steps_are_drawn_of_one_number_of_trials(n_trials):
    model = as_recorded("multinomial")
    assert (model.sample(20, random_state=0)[0].sum(axis=1) == 7).all()
    model.n_trials = n_trials
    with pytest.raises(ValueError, match="expected one number of trials"):
        model.sample(20)


@pytest.mark.filterwarnings("ignore::latentia.engine.NotConvergedWarning")
def test_kinds_of_numbers_are_hmmlearns():
    """Attributes in double precision whatever the data; counts and symbols drawn as integers."""
    model = GaussianHMM(2, "full", random_state=0, em=ONE_STEP)
    rows = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    for told in (model, GMMHMM(2, 2, random_state=0, em=ONE_STEP)):
        told.fit(rows)
        for name in ("startprob_", "transmat_", "means_", "covars_"):
            assert getattr(told, name).dtype == np.float64
        assert told.predict_proba(rows).dtype == told.sample(3)[0].dtype == np.float64
        assert told.predict(rows).dtype == np.int64
    for name in ("poisson", "categorical 1.0", "multinomial"):
        drawn, states = as_recorded(name).sample(9, random_state=0)
        assert drawn.dtype == states.dtype == np.int64


def test_their_poisson_example():
    """hmmlearn's documentation fits earthquakes with 1 to 4 states, ten seeds and the best kept."""
    model = PoissonHMM(3, random_state=0, tol=1e-6).fit(QUAKES)
    assert model.score(QUAKES) == pytest.approx(-328.527483, abs=1e-5)
    assert model.bic(QUAKES) == pytest.approx(2 * 328.527483 + 11 * np.log(107), abs=1e-4)
    assert model.aic(QUAKES) == pytest.approx(2 * 328.527483 + 22, abs=1e-4)
    assert model.monitor_.converged
    assert model.monitor_.history[-1] == pytest.approx(model.loglik_)
    assert len(model.monitor_.history) == model.monitor_.iter
    assert np.all(np.diff(model.monitor_.history) > -1e-9)
    np.testing.assert_allclose(
        np.sort(model.lambdas_.ravel()), [13.13376, 19.71316, 29.70972], atol=1e-3
    )
    np.testing.assert_allclose(
        model.get_stationary_distribution() @ model.transmat_, model.get_stationary_distribution()
    )


def test_their_gaussian_examples():
    """Drawn from an unfitted model, and fitted again: at least the likelihood of the truth."""
    model = GaussianHMM(n_components=4, covariance_type="full")
    model.startprob_ = np.array([0.6, 0.3, 0.1, 0.0])
    model.transmat_ = np.array(
        [[0.7, 0.2, 0.0, 0.1], [0.3, 0.5, 0.2, 0.0], [0.0, 0.3, 0.5, 0.2], [0.2, 0.0, 0.2, 0.6]]
    )
    model.means_ = np.array([[0.0, 0.0], [0.0, 11.0], [9.0, 10.0], [11.0, -1.0]])
    model.covars_ = 0.5 * np.tile(np.identity(2), (4, 1, 1))
    X, Z = model.sample(500, random_state=0)
    assert X.shape == (500, 2)
    assert set(Z) == {0, 1, 2, 3}
    again = GaussianHMM(4, "full", random_state=1).fit(X)
    assert again.score(X) > model.score(X)
    assert again.n_features == 2
    assert again.covars_.shape == (4, 2, 2)
    order = [int(np.argmin(((m - model.means_) ** 2).sum(axis=1))) for m in again.means_]
    assert sorted(order) == [0, 1, 2, 3]
    assert (np.array(order)[again.predict(X)] == Z).mean() > 0.99
    assert again.predict_proba(X).shape == (500, 4)


def test_attributes_that_were_set_are_gone_on_from():
    """As hmmlearn's tutorial fixes the transitions' zeros: what init_params leaves out stays."""
    model = PoissonHMM(2, init_params="l", params="tl", random_state=0)
    model.startprob_ = np.array([1.0, 0.0])
    model.transmat_ = np.array([[0.9, 0.1], [0.0, 1.0]])
    model.fit(QUAKES)
    np.testing.assert_array_equal(model.startprob_, [1.0, 0.0])
    assert model.transmat_[1, 0] == 0
    assert model.transmat_[0, 1] != 0.1
    assert model.n_parameters_ == 0 + 1 + 2
    assert model._n_free() == model.n_parameters_


def test_a_start_counts_the_transitions_of_states_that_are_set():
    """Whatever number a guess would have given them."""
    rng = np.random.default_rng(0)
    path = np.repeat([2, 0, 1], 40)
    X = np.array([0.0, 20.0, 40.0])[path, None] + rng.normal(size=(120, 1))
    for seed in range(4):
        model = GaussianHMM(3, init_params="st", random_state=seed)
        model.means_, model.covars_ = [[0.0], [20.0], [40.0]], np.ones((3, 1))
        model._init(X)
        assert np.argmax(model.startprob_) == 2
        assert model.transmat_[2, 0] > model.transmat_[2, 1]
        assert model.transmat_[0, 1] > model.transmat_[0, 2]
        np.testing.assert_array_equal(model.predict(X), path)


@pytest.mark.filterwarnings("ignore::latentia.engine.NotConvergedWarning")
def test_symbols_do_not_begin_where_no_step_leads_on():
    """States that are sets of symbols stay these: a fixed point that is no maximum."""
    for seed in range(6):
        X = np.random.default_rng(seed).choice(3, size=(100, 1), p=[0.2, 0.4, 0.4])
        model = CategoricalHMM(2, random_state=seed, n_iter=1)
        model._init(X, [10] * 10)
        model.init_params = ""
        heights = [model.fit(X, [10] * 10).loglik_ for _ in range(3)]
        assert heights[2] > heights[0] + 1e-6


def test_where_a_fit_would_begin_can_be_set_and_attributes_looked_at(caplog):
    """hmmlearn's `_init` and `_check`, which its users call too."""
    model = GaussianHMM(2, random_state=0)
    model._init(QUAKES, len(QUAKES))
    model._check()
    assert not caplog.records
    assert model.score(QUAKES) < model.fit(QUAKES).loglik_
    assert "will be overwritten" in caplog.records[0].getMessage()
    caplog.clear()
    short = GaussianHMM(3, "full", init_params="")
    short.startprob_, short.transmat_ = START, MOVES
    short.means_, short.covars_ = np.arange(6.0).reshape(3, 2), COVARS["full"]
    short._init(np.ones((4, 2)))
    (record,) = caplog.records
    assert "22 free parameters for 8 cells" in record.getMessage()  # 2 + 5 + 6 + 9
    short.transmat_ = MOVES[:2]
    with pytest.raises(ValueError, match="transmat_ of shape"):
        short._check()


def test_a_monitor_of_ones_own_is_told_the_climb():
    class Above(Monitor):
        @property
        def converged(self):
            return self.history[-1] >= -self.tol

    model = PoissonHMM(2, random_state=0, n_iter=50, tol=0.5)
    assert (model.monitor_.tol, model.monitor_.n_iter, model.monitor_.iter) == (0.5, 50, 0)
    assert not model.monitor_.converged
    model.monitor_ = Above(342.0, 50)
    assert model.fit(QUAKES).monitor_.converged
    assert model.monitor_.history[-1] == pytest.approx(model.loglik_)
    assert model.monitor_.iter == len(model.monitor_.history) > 1
    n = model.monitor_.iter
    assert model.fit(QUAKES).monitor_.iter == n
    assert not isinstance(clone(model).fit(QUAKES).monitor_, Above)


def test_what_is_not_set_is_made_and_what_is_overwritten_is_said(caplog):
    """As in hmmlearn: an attribute that `init_params` leaves out but nobody set is initialised."""
    model = PoissonHMM(2, init_params="", random_state=0)
    model.startprob_ = np.array([1.0, 0.0])
    assert model.fit(QUAKES).startprob_[1] == 0
    assert model.converged_
    assert not caplog.records
    again = PoissonHMM(2, random_state=0)
    again.startprob_ = np.array([0.5, 0.5])
    again.fit(QUAKES)
    again.fit(QUAKES)
    (record,) = caplog.records
    assert "startprob_ was set and will be overwritten" in record.getMessage()


def test_the_same_likelihood_as_hidden_markov():
    codes = (QUAKES > 20).astype(int) + (QUAKES > 15)
    ours = HiddenMarkov("categorical", 2, random_state=0, em=EM(tol=1e-8)).fit(codes)
    theirs = CategoricalHMM(2, random_state=0, em=EM(tol=1e-8)).fit(codes)
    assert theirs.loglik_ == pytest.approx(ours.loglik_, abs=1e-7)
    assert theirs.emissionprob_.shape == (2, 3)
    assert theirs.n_parameters_ == ours.n_parameters_ == 1 + 2 + 4


def test_missing_cells_and_a_limit_of_steps():
    X = np.array(RECORDED["gaussian diag none"]["X"])
    X[::7, 0] = np.nan
    X[11] = np.nan
    model = GaussianHMM(2, random_state=0).fit(X, LENGTHS)
    assert model.converged_
    with pytest.warns(UserWarning, match="max_iter"):
        short = GaussianHMM(3, n_iter=2, random_state=0).fit(X, LENGTHS)
    assert short.n_iter_ <= 2
    assert not short.monitor_.converged


@pytest.mark.filterwarnings("ignore::latentia.engine.NotConvergedWarning")
def test_verbose_tells_each_step_of_the_best_start_once(capsys):
    """Lines are hmmlearn's: a number, the log-likelihood, and what was gained."""
    model = PoissonHMM(2, random_state=0, verbose=True)
    again = clone(model).set_params(init_params="")  # one start: told as it climbs
    again.startprob_, again.transmat_ = START[:2] / 0.8, np.full((2, 2), 0.5)
    again.lambdas_ = [[10.0], [30.0]]
    for fitted in (model, again):
        lines = fitted.fit(QUAKES) and capsys.readouterr().err.splitlines()
        numbers, heights, gains = np.array([line.split() for line in lines], dtype=float).T
        np.testing.assert_array_equal(numbers, np.arange(1, len(lines) + 1))
        assert heights[-1] == pytest.approx(fitted.loglik_, abs=1e-8)
        assert np.isnan(gains[0])
        assert (gains[1:] > -1e-7).all()
        if fitted is model:
            np.testing.assert_allclose(heights, list(fitted.monitor_.history), atol=1e-8)
    model.set_params(em=ONE_STEP).fit(QUAKES)
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "attributes", "told"),
    [
        (PoissonHMM(2, params="sx"), {}, "expected letters of 'lst' alone"),
        (PoissonHMM(2, startprob_prior=0.5), {}, "startprob_prior=0.5, expected numbers of at"),
        (PoissonHMM(2, lambdas_prior=-1), {}, "lambdas_prior=-1"),
        (GaussianHMM(2, "round"), {}, "covariance_type"),
        (
            PoissonHMM(2, init_params="tl"),
            {"startprob_": [0.5, 0.4]},
            r"startprob_ must sum to 1 \(got 0.9\)",
        ),
        (PoissonHMM(2, init_params="tl"), {"startprob_": [1.0]}, "startprob_ of shape"),
        (PoissonHMM(2, init_params="st"), {"lambdas_": [[1.0]]}, "lambdas_ of shape"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(model, attributes, told):
    model = clone(model)
    for name, value in attributes.items():
        setattr(model, name, value)
    with pytest.raises(ValueError, match=told):
        model.fit(QUAKES)


@pytest.mark.parametrize("kind", ["tied", "full", "diag", "spherical"])
def test_densities_of_a_state_are_not_named_for_columns(kind):
    """Also where there are as many of them as columns."""
    model = as_recorded(f"gmm {kind} means").set_params(params="stmcw")
    model._fitted()
    names = model.parameter_names(["a", "b"])
    assert len(set(names)) == len(names)
    assert "weight[1, 0]" in names
    assert "mean[2, 1, b]" in names
    variance = {"tied": "variance[0, a]", "spherical": "variance[0, 1]"}
    assert variance.get(kind, "variance[0, 1, a]") in names


def test_what_is_wrong_with_cells_is_said_of_the_family():
    """Also where it is wrapped, as for a start that adds to variances."""
    with pytest.raises(ValueError, match="Gaussian needs finite numbers"):
        GaussianHMM(2).fit([[1.0], [np.inf], [3.0]])
    with pytest.raises(ValueError, match="got 5 at row 1, column 0 for Categorical, expected a"):
        CategoricalHMM(2, random_state=0).fit([[0], [1], [2]]).predict([[0], [5]])


def test_an_unfitted_model_says_what_it_lacks():
    with pytest.raises(NotFittedError, match="PoissonHMM has no startprob_"):
        PoissonHMM(2).predict(QUAKES)
    with pytest.raises(AttributeError, match="covars_ is not set"):
        _ = GaussianHMM(2).covars_


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_without_an_iteration_covariances_are_those_of_all_steps(kind):
    """hmmlearn's `_init`: np.cov of the rows and `min_covar` on the diagonal, for every state."""
    x = np.random.default_rng(0).normal(size=(80, 2)) * [1, 3] + np.repeat([[0], [9]], 40, axis=0)
    fitted = GaussianHMM(2, kind, n_iter=0, min_covar=0.5, random_state=0).fit(x)
    whole = np.cov(x.T) + 0.5 * np.eye(2)
    if kind in ("diag", "spherical"):
        whole = np.diag(np.diagonal(whole))
    if kind == "spherical":
        whole = np.eye(2) * np.trace(whole) / 2
    for each in fitted.covars_:
        np.testing.assert_allclose(each, whole, rtol=1e-9)
