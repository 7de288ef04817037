"""`MarkovRegression` beside other software and beside simpler models, and what it refuses."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils import check_random_state

import latentia
from latentia import HiddenMarkov, MarkovRegression, MixtureRegression, datasets
from latentia.data.errors import DataError

SPEED = datasets.load("speed")
FRAME = dict(zip(SPEED.columns, SPEED.values.T, strict=True))
BOTH = {"formula": ["rt ~ 1", "correct ~ 1"], "family": ["gaussian", "binomial"]}

# depmixS4 1.5 of CRAN, tests/test4examples.R: what its EM, which stops early, is checked against
DEPMIX_PLAIN = -296.107777497663
DEPMIX_PACC = -248.972216763550
DEPMIX_MISSING = -247.430638392413
SHORT = 1e-4  # what that EM leaves, at most


@pytest.fixture(scope="module")
def paid():
    model = MarkovRegression(**BOTH, transitions="~ payoff", n_init=4, random_state=0)
    return model.fit(FRAME, id="series")


def test_depmix_is_reached_without_covariates():
    fitted = MarkovRegression(**BOTH, n_init=4, random_state=0).fit(FRAME, id="series")
    assert fitted.loglik_ == pytest.approx(DEPMIX_PLAIN, abs=2e-6)
    assert fitted.n_parameters_ == 1 + 2 + 4 + 2


def test_depmix_is_reached_with_a_covariate_of_moves(paid):
    assert paid.converged_
    assert paid.certificate_.monotone
    assert DEPMIX_PACC - 1e-9 < paid.loglik_ < DEPMIX_PACC + SHORT
    assert paid.n_parameters_ == 1 + 4 + 4 + 2
    assert paid.criteria()["bic"] == pytest.approx(
        -2 * paid.loglik_ + 11 * np.log(len(FRAME["rt"])), abs=1e-9
    )


def test_depmix_is_reached_with_missing_responses():
    holes = {name: values.copy() for name, values in FRAME.items()}
    holes["rt"][1] = holes["correct"][2] = np.nan
    model = MarkovRegression(**BOTH, transitions="~ payoff", n_init=4, random_state=0)
    assert DEPMIX_MISSING - 1e-9 < model.fit(holes, id="series").loglik_ < DEPMIX_MISSING + SHORT


def test_units_of_a_covariate_are_no_matter(paid):
    scaled = {**FRAME, "payoff": 1e4 * FRAME["payoff"] - 3e3}
    other = clone(paid).fit(scaled, id="series")
    assert other.loglik_ == pytest.approx(paid.loglik_, abs=1e-6)
    ratio = paid.transition_coefficients_[:, 1, 1] / other.transition_coefficients_[:, 1, 1]
    np.testing.assert_allclose(ratio, 1e4, rtol=1e-3)


def test_without_covariates_it_is_a_hidden_markov_model():
    years = datasets.load("earthquakes")
    data = dict(zip(years.columns, years.values.T, strict=True))
    ours = MarkovRegression("count ~ 1", 3, family="poisson", random_state=0).fit(data)
    other = HiddenMarkov("poisson", 3, tol=1e-6, random_state=0).fit(data["count"])
    assert ours.loglik_ == pytest.approx(other.loglik_, abs=1e-5)
    order = np.argsort(ours.params_.responses[0].coefficients[:, 0])
    rates = np.sort(other.params_.rates[:, 0])
    np.testing.assert_allclose(
        np.exp(ours.params_.responses[0].coefficients[order, 0]), rates, rtol=1e-3
    )
    assert ours.score(data) == pytest.approx(ours.loglik_, abs=1e-9)


def test_sequences_of_one_step_are_a_mixture_of_regressions():
    rows = datasets.load("npreg")
    data = dict(zip(rows.columns, rows.values.T, strict=True))
    ours = MarkovRegression("yp ~ x", family="poisson", n_init=4, random_state=0)
    ours.fit(data, np.ones(200, dtype=int))
    mixed = MixtureRegression("yp ~ x", family="poisson", random_state=0).fit(data)
    assert ours.loglik_ == pytest.approx(mixed.loglik_, abs=1e-4)


def test_covariates_of_the_start_are_found():
    rng = np.random.default_rng(3)
    w = np.repeat(rng.normal(size=400), 3)
    state = (rng.uniform(size=400) < 1 / (1 + np.exp(-(0.5 + 1.5 * w[::3])))).repeat(3)
    data = {"w": w, "y": 5.0 * state + rng.normal(size=1200)}
    fitted = MarkovRegression("y ~ 1", start="~ w", n_init=2, random_state=0)
    fitted.fit(data, np.full(400, 3))
    lines, begin = fitted.params_.responses[0].coefficients[:, 0], fitted.start_coefficients_
    sign = 1 if lines[1] > lines[0] else -1
    errors = fitted.standard_errors().start.coefficients[1]
    assert (np.abs(sign * begin[1] - [0.5, 1.5]) < 4 * errors).all()


def test_lines_states_and_moves_are_found_again():
    rng = np.random.default_rng(0)
    n, z, x = 3000, np.zeros(3000), rng.normal(size=3000)
    z[:] = rng.normal(size=n)
    stay = 1 / (1 + np.exp(-(2.0 + 1.0 * z)))
    state = np.zeros(n, dtype=int)
    for t in range(1, n):
        state[t] = state[t - 1] if rng.uniform() < stay[t - 1] else 1 - state[t - 1]
    y = np.where(state, 1.0 - x, -1.0 + 2.0 * x) + 0.5 * rng.normal(size=n)
    fitted = MarkovRegression("y ~ x", transitions="~ z", n_init=2, random_state=0)
    data = {"y": y, "x": x, "z": z}
    fitted.fit(data)
    lines = fitted.params_.responses[0].coefficients
    one = int(np.argmin(lines[:, 1]))
    np.testing.assert_allclose(lines[[1 - one, one]], [[-1, 2], [1, -1]], atol=0.06)
    assert (fitted.predict(data) == (state if one else 1 - state)).mean() > 0.95
    wald = {e.name: e for e in fitted.parameter_table()}
    for i, sign in ((0, -1), (1, 1)):  # to state 1: leaving state 0, staying in state 1
        slope = wald[f"transition_logit[{i}, 1, z]"]
        assert abs(sign * slope.value - 1.0) < 4 * slope.se < 1.0
    moved = fitted.transition_probabilities(data)
    np.testing.assert_allclose(moved.sum(axis=2), 1.0)
    np.testing.assert_allclose(moved[:, one, one], stay, atol=0.12)


def test_drawn_responses_give_the_parameters_back(paid):
    y, states = paid.sample(FRAME, id="series", random_state=0)
    assert y.shape == (439, 2)
    assert set(np.unique(y[:, 1])) <= {0.0, 1.0}
    means = [y[states == k, 0].mean() for k in range(2)]
    np.testing.assert_allclose(means, paid.params_.responses[0].coefficients[:, 0], atol=0.1)


def test_files_carry_all_of_it(paid, tmp_path):
    paid.save(tmp_path / "m.safetensors")
    again = latentia.load(tmp_path / "m.safetensors")
    assert again.score(FRAME, id="series") == pytest.approx(paid.loglik_, abs=1e-9)
    np.testing.assert_array_equal(
        again.predict(FRAME, id="series"), paid.predict(FRAME, id="series")
    )
    assert again.get_params()["formula"] == BOTH["formula"]
    assert "no standard errors" in str(again.summary())
    assert [e.value for e in again.estimates()] == [e.value for e in paid.estimates()]
    again.remember(FRAME, id="series")
    assert "transition_logit" not in str(again.summary())  # the part is the table's title
    assert "-15.8" in str(again.summary())


def test_rows_come_back_in_the_order_given(paid):
    order = check_random_state(0).permutation(439)
    step = np.arange(439.0)
    mixed = {name: values[order] for name, values in {**FRAME, "step": step}.items()}
    states = paid.predict(mixed, id="series", time="step")
    np.testing.assert_array_equal(states, paid.predict(FRAME, id="series")[order])


def test_weights_are_repetition():
    sizes = np.array([168, 134, 137])
    third = {name: values[302:] for name, values in FRAME.items()}
    twice = {name: np.concatenate([FRAME[name], third[name]]) for name in FRAME}
    model = MarkovRegression("rt ~ 1", transitions="~ payoff", n_init=1, random_state=0, tol=1e-9)
    weighted = clone(model).fit(FRAME, sizes, [1, 1, 2])
    repeated = clone(model).fit(twice, [*sizes, 137])
    assert weighted.loglik_ == pytest.approx(repeated.loglik_, abs=1e-7)
    assert weighted.criteria()["bic"] == pytest.approx(repeated.criteria()["bic"], abs=1e-6)


@pytest.mark.parametrize(
    ("asked", "told", "sentence"),
    [
        ({"formula": "rt ~ 1", "transitions": "~ nothing"}, {}, "nothing"),
        ({"formula": "rt ~ payoff + I(2 * payoff)"}, {}, "linear combination"),
        ({"formula": "rt ~ 1", "transitions": "~ payoff + I(3 * payoff)"}, {}, "transitions"),
        ({"formula": "rt ~ 1", "family": "poisson"}, {}, "got the response .* of rt at row 0"),
        ({"formula": ["rt ~ 1"], "family": ["gaussian", "poisson"]}, {}, "for 1 responses"),
        ({"formula": "rt ~ 1"}, {"lengths": [1, 2]}, "add up to the rows"),
        ({"formula": "rt ~ 1"}, {"lengths": [439], "id": "series"}, "one of the two"),
        ({"formula": "rt ~ 1"}, {"sample_weight": [1.0, 2.0]}, "one weight a sequence"),
        ({"formula": "rt ~ __import__('os')"}, {}, "__import__"),
        (
            {"formula": "correct ~ 1", "family": "binomial", "shared_dispersion": True},
            {},
            "no disp",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(asked, told, sentence):
    with pytest.raises((ValueError, DataError), match=sentence):
        MarkovRegression(**asked).fit(FRAME, **told)


def test_a_missing_covariate_is_named():
    holes = {**FRAME, "payoff": np.where(np.arange(439) == 7, np.nan, FRAME["payoff"])}
    with pytest.raises(ValueError, match="NaN at row 7, 'payoff'"):
        MarkovRegression("rt ~ 1", transitions="~ payoff").fit(holes)
    silent = {**FRAME, "rt": np.full(439, np.nan)}
    with pytest.raises(ValueError, match="got no response rt that is known"):
        MarkovRegression("rt ~ 1").fit(silent)


def test_a_covariate_that_tells_moves_apart_ends_finite():
    rng = np.random.default_rng(0)
    z = np.where(np.arange(400) % 40 < 20, 1.0, -1.0)
    state = np.append(0, z[:-1] > 0)  # where the next step is follows from z without error
    data = {"y": 3.0 * state + 0.3 * rng.normal(size=400), "z": z}
    fitted = MarkovRegression("y ~ 1", transitions="~ z", n_init=2, random_state=0).fit(data)
    assert fitted.converged_
    assert fitted.certificate_.monotone
    assert np.isfinite(fitted.transition_coefficients_).all()
    lines = fitted.params_.responses[0].coefficients[:, 0]
    np.testing.assert_array_equal(fitted.predict(data), state if lines[1] > 1 else 1 - state)


def test_one_state_is_a_plain_regression():
    fitted = MarkovRegression("rt ~ payoff", 1, transitions="~ payoff", random_state=0)
    fitted.fit(FRAME, id="series")
    design = np.column_stack([np.ones(439), FRAME["payoff"]])
    line, left, *_ = np.linalg.lstsq(design, FRAME["rt"], rcond=None)
    np.testing.assert_allclose(fitted.params_.responses[0].coefficients[0], line, rtol=1e-8)
    assert fitted.n_parameters_ == 3
    assert fitted.loglik_ == pytest.approx(
        -439 / 2 * (np.log(2 * np.pi * left[0] / 439) + 1), abs=1e-6
    )


def test_states_given_the_rows_so_far_and_how_long_they_last():
    rng = np.random.default_rng(0)
    y = rng.normal(size=60) + 3 * (np.arange(60) // 12 % 2)
    data = {"y": y, "z": rng.normal(size=60)}
    model = MarkovRegression("y ~ 1", n_init=4, random_state=0).fit(data)
    until, before = (model.predict_proba(data, given=g) for g in ("so-far", "before"))
    for t in (20, 45):
        shorter = {name: values[:t] for name, values in data.items()}
        np.testing.assert_allclose(until[t - 1], model.predict_proba(shorter)[-1], atol=1e-10)
        np.testing.assert_allclose(before[t], until[t - 1] @ model.transmat_, atol=1e-10)
    np.testing.assert_allclose(model.expected_durations(), 1 / (1 - model.transmat_.diagonal()))
    moved = MarkovRegression("y ~ 1", transitions="~ z", n_init=4, random_state=0).fit(data)
    stays = moved.transition_probabilities(data)[:, [0, 1], [0, 1]]
    np.testing.assert_allclose(moved.expected_durations(data), 1 / (1 - stays))
    with pytest.raises(ValueError, match="expected rows with those of transitions='~ z'"):
        moved.expected_durations()
    with pytest.raises(ValueError, match="got given='others'"):
        model.predict_proba(data, given="others")
    one_by_one = model.predict_proba(data)
    total, states = model.decode(data, algorithm="map")
    np.testing.assert_array_equal(states, one_by_one.argmax(axis=1))
    assert total == pytest.approx(one_by_one.max(axis=1).sum())
    with pytest.raises(TypeError, match="got the argument 'weights', expected offset or trials"):
        model.score(data, weights=1.0)
    with pytest.raises(ValueError, match="got start='stationary', expected a formula"):
        MarkovRegression("y ~ 1", start="stationary").fit(data)
