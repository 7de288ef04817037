"""Covariates and outcomes in three steps: another program's numbers, and what is true."""

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime
from sklearn.exceptions import NotFittedError

import latentia
from latentia import EM, LatentClass, Mixture
from latentia.latent_class import Assignment, logit, three_step

PARITY = Path(__file__).parents[1] / "parity"
RECORDED = json.loads((PARITY / "stepmix_three_step.json").read_text(encoding="utf-8"))
ROWS = pd.read_csv(PARITY / "stepmix_three_step.csv")
ITEMS, Z, Y = ROWS[list("ABCDEF")], ROWS[["z"]], ROWS["y"]
TIGHT = EM(tol=1e-11, max_iter=5000, starts=10)
CASES = [("none", "modal"), ("none", "proportional"), ("bch", "modal"), ("bch", "proportional")]


@pytest.fixture(scope="module")
def measured():
    return LatentClass(3, random_state=0, em=TIGHT).fit(ITEMS)


@pytest.fixture(scope="module")
def order(measured):
    """Our class for each of the recorded ones."""
    mine = np.array([p[:, 1] for p in measured.probabilities_]).T
    known = np.array(RECORDED["probabilities"])
    best = min(permutations(range(3)), key=lambda p: np.abs(mine[list(p)] - known).max())
    np.testing.assert_allclose(mine[list(best)], known, atol=1e-5)
    return list(best)


# -- StepMix 3.0.0 ------------------------------------------------------------------------------
# tests/parity/stepmix_three_step.py. Its ML with soft assignment is another estimator (a product
# of powers of errors for each row), so that one is not compared.


def test_the_measurement_is_the_same(measured, order):
    assert measured.loglik_ == pytest.approx(RECORDED["loglik"], abs=1e-5)
    np.testing.assert_allclose(measured.weights_[order], RECORDED["weights"], atol=1e-5)


@pytest.mark.parametrize(("correction", "assignment"), [*CASES, ("ml", "modal")])
def test_class_regression_is_stepmixs(measured, order, correction, assignment):
    assigned = measured.assign(ITEMS, assignment=assignment)
    found = assigned.regress(Z, correction=correction, reference=order[0])
    assert found.names == ("intercept", "z")
    words = {"proportional": "soft"}.get(assignment, assignment)
    expected = RECORDED[f"covariate {correction} {words}"]
    np.testing.assert_allclose(found.coefficients[order], expected, atol=1e-4)


def test_answers_and_a_number_tell_classes_together_as_in_stepmix():
    rows = np.column_stack([ITEMS.to_numpy(float), Y])
    family = {(0, 1, 2, 3, 4, 5): "bernoulli", 6: "gaussian"}
    mixture = Mixture(family, 3, random_state=0, em=TIGHT).fit(rows)
    answers, numbers = mixture.params_
    order = [int(np.abs(numbers.means[:, 0] - m).argmin()) for m in RECORDED["mixed means"]]
    np.testing.assert_allclose(numbers.means[order, 0], RECORDED["mixed means"], atol=1e-5)
    found = answers.probabilities[order]
    np.testing.assert_allclose(found, RECORDED["mixed probabilities"], atol=1e-5)
    assigned = Assignment.of(mixture.predict_proba(rows))
    for correction in ("bch", "ml"):
        third = assigned.regress(Z, correction=correction, reference=order[0])
        expected = RECORDED[f"mixed covariate {correction}"]
        np.testing.assert_allclose(third.coefficients[order], expected, atol=1e-4)


def test_memberships_of_a_latent_class_model_are_assigned_as_its_own(measured):
    own = measured.assign(ITEMS, first_step=False)
    again = Assignment.of(measured.predict_proba(ITEMS))
    np.testing.assert_array_equal(again.share, own.share)
    np.testing.assert_allclose(again.error, own.error, rtol=1e-12)
    with pytest.raises(ValueError, match=r"got memberships \[0.5, 0.4\] at row 1, expected"):
        Assignment.of([[0.5, 0.5], [0.5, 0.4]])
    with pytest.raises(ValueError, match=r"of shape \(2,\), expected \(n, K\)"):
        Assignment.of([0.5, 0.5])


@pytest.mark.parametrize(("correction", "assignment"), CASES)
def test_outcome_means_are_stepmixs(measured, order, correction, assignment):
    found = measured.assign(ITEMS, assignment=assignment).means(Y, correction=correction)
    words = {"proportional": "soft"}.get(assignment, assignment)
    expected = RECORDED[f"outcome {correction} {words}"]
    np.testing.assert_allclose(found.means[order, 0], expected, atol=1e-4)
    assert found.names == ("y",)


# -- what is true -------------------------------------------------------------------------------

TRUE = np.array([[0.0, 0.0], [0.5, 1.0], [-0.5, -1.0]])
MEANS = np.array([-1.0, 0.0, 1.0])


def drawn(n, seed):
    """Items, covariate, outcome; classes overlap so that one row in six is assigned wrongly."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    shares = np.exp(np.column_stack([np.ones(n), z]) @ TRUE.T)
    shares /= shares.sum(axis=1, keepdims=True)
    c = (rng.random((n, 1)) > shares.cumsum(axis=1)[:, :-1]).sum(axis=1)
    p = np.array([[0.8] * 6, [0.8] * 3 + [0.2] * 3, [0.2] * 6])
    x = (rng.random((n, 6)) < p[c]).astype(int)
    return x, z, MEANS[c] + rng.normal(size=n)


def true_order(model):
    p = np.array([each[:, 1] for each in model.probabilities_]).T
    return [int(np.argmax(p[:, 3:].sum(axis=1))), None, int(np.argmin(p.sum(axis=1)))]


@pytest.fixture(scope="module")
def many():
    x, z, y = drawn(20_000, 5)
    model = LatentClass(3, random_state=0).fit(x)
    first, _, last = true_order(model)
    return model, x, z, y, [first, ({0, 1, 2} - {first, last}).pop(), last]


@pytest.mark.parametrize("assignment", three_step.ASSIGNMENTS)
@pytest.mark.parametrize("correction", ["ml", "bch"])
def test_corrected_logits_are_the_true_ones_and_naive_ones_are_not(many, correction, assignment):
    model, x, z, _, order = many
    assigned = model.assign(x, assignment=assignment)
    corrected = assigned.regress(z, correction=correction, reference=order[0])
    gap = np.abs(corrected.coefficients[order] - TRUE)
    assert (gap[1:] < 4 * corrected.standard_errors[order][1:]).all()
    naive = assigned.regress(z, correction="none", reference=order[0])
    biased = np.abs(naive.coefficients[order] - TRUE)[1:, 1]
    assert (biased > 8 * naive.standard_errors[order][1:, 1]).all()


@pytest.mark.parametrize("assignment", three_step.ASSIGNMENTS)
def test_corrected_means_are_the_true_ones_and_naive_ones_are_not(many, assignment):
    model, x, _, y, order = many
    assigned = model.assign(x, assignment=assignment)
    found = assigned.means(y)
    assert (np.abs(found.means[order, 0] - MEANS) < 4 * found.standard_errors[order, 0]).all()
    naive = assigned.means(y, correction="none")
    ends = np.array(order)[[0, 2]]
    biased = np.abs(naive.means[ends, 0] - MEANS[[0, 2]])
    assert (biased > 8 * naive.standard_errors[ends, 0]).all()


# -- properties ---------------------------------------------------------------------------------


def test_bch_weights_add_up_and_give_the_sizes_of_the_classes(measured):
    resp = measured.predict_proba(ITEMS)
    weights = np.random.default_rng(0).gamma(2.0, size=len(resp))
    for assignment in three_step.ASSIGNMENTS:
        assigned = three_step.assign(resp, weights, assignment)
        np.testing.assert_allclose(assigned.error.sum(axis=1), 1.0)
        each = assigned.bch_weights()
        np.testing.assert_allclose(each.sum(axis=1), 1.0)
        np.testing.assert_allclose(weights @ each, weights @ resp)
        assert (each < 0).any()


def test_sure_memberships_need_no_correction():
    """Every estimator is then the multinomial logit of the classes themselves."""
    rng = np.random.default_rng(2)
    c, z = rng.integers(0, 3, 300), rng.normal(size=300)
    assigned = three_step.assign(np.eye(3)[c], np.ones(300), "modal")
    one, *others = (assigned.regress(z, correction=each) for each in three_step.CORRECTIONS)
    for other in others:
        np.testing.assert_allclose(other.coefficients, one.coefficients, atol=1e-7)
        np.testing.assert_allclose(other.standard_errors, one.standard_errors, rtol=1e-5)
    means = assigned.means(z)
    np.testing.assert_allclose(means.means[:, 0], [z[c == t].mean() for t in range(3)])
    errors = [z[c == t].std() / np.sqrt((c == t).sum()) for t in range(3)]
    np.testing.assert_allclose(means.standard_errors[:, 0], errors)


@pytest.mark.parametrize("correction", three_step.CORRECTIONS)
def test_weights_are_repetitions_and_units_do_not_matter(measured, correction):
    counts = np.random.default_rng(1).integers(0, 3, size=len(ITEMS))
    weighted = measured.assign(ITEMS, counts).regress(Z, correction=correction)
    again = np.repeat(np.arange(len(ITEMS)), counts)
    rows = measured.assign(ITEMS.iloc[again])
    repeated = rows.regress(1e4 * Z.iloc[again], correction=correction)
    scale = np.array([1.0, 1e4])
    np.testing.assert_allclose(repeated.coefficients * scale, weighted.coefficients, atol=1e-6)
    np.testing.assert_allclose(
        repeated.standard_errors * scale, weighted.standard_errors, rtol=1e-5, atol=1e-9
    )


@pytest.mark.parametrize("correction", three_step.CORRECTIONS)
def test_another_reference_is_the_same_fit(measured, correction):
    assigned = measured.assign(ITEMS)
    one = assigned.regress(Z, correction=correction, reference=0)
    other = assigned.regress(Z, correction=correction, reference=2)
    moved = one.coefficients - one.coefficients[2]
    np.testing.assert_allclose(other.coefficients, moved, atol=1e-6)
    assert other.wald("z")[0] == pytest.approx(one.wald("z")[0], rel=1e-5)
    assert other.wald("z")[1:] == (2, pytest.approx(one.wald("z")[2], rel=1e-3))


def test_slopes_and_information_are_the_derivatives_of_the_objective():
    rng = np.random.default_rng(3)
    z = np.column_stack([np.ones(40), rng.normal(size=(40, 2))])
    weights, share = rng.gamma(2.0, size=40), rng.dirichlet(np.ones(3), size=40)
    error = rng.dirichlet([1.0, 1.0, 1.0], size=3) * 0.3 + 0.7 * np.eye(3)
    negative = share @ np.linalg.inv(error)
    for objective in (
        logit.assigned(z, weights, negative),
        logit.misclassified(z, weights, share, error),
    ):

        def value(at, objective=objective):
            return objective(at.reshape(2, 3)).value

        def gradient(at, objective=objective):
            scores = objective(at.reshape(2, 3)).scores
            return np.tensordot(weights, scores, axes=1).ravel()

        at = rng.normal(size=6)
        np.testing.assert_allclose(gradient(at), approx_fprime(at, value, 1e-6), atol=1e-4)
        slopes = np.array(
            [approx_fprime(at, lambda a, i=i: gradient(a)[i], 1e-6) for i in range(6)]
        )
        information = objective(at.reshape(2, 3)).information
        np.testing.assert_allclose(information, -slopes, atol=1e-3)


def test_shares_of_categories_and_equality(measured, order):
    levels = np.where(Y > 0.5, "high", np.where(Y < -0.5, "low", "middle"))
    found = measured.assign(ITEMS).means(levels)
    assert found.names == ("high", "low", "middle")
    np.testing.assert_allclose(found.means.sum(axis=1), 1.0)
    assert found.equal()[1] == 4
    assert found.equal()[2] < 1e-6
    noise = np.random.default_rng(0).normal(size=len(ITEMS))
    statistic, df, tail = measured.assign(ITEMS).means(noise).equal()
    assert (statistic < 15, df) == (True, 2)
    assert 0 <= tail <= 1
    table = {e.name: e for e in found.table()}
    assert table[f"mean[{order[2]}, high]"].value > 0.4


def test_tables_name_classes_and_covariates(measured):
    found = measured.assign(ITEMS).regress(Z, reference=1)
    assert [e.name for e in found.table()] == [
        "coefficient[0, intercept]",
        "coefficient[0, z]",
        "coefficient[2, intercept]",
        "coefficient[2, z]",
    ]
    (ratio, _), (slope, _) = found.odds_ratios(), found.table()[1::2]
    assert ratio.name == "odds_ratio[0, z]"
    assert ratio.value == pytest.approx(np.exp(slope.value))
    assert ratio.lower == pytest.approx(np.exp(slope.lower))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"covariates": np.ones(600)}, "follows from the others"),
        ({"covariates": np.column_stack([Z, 2 * Z])}, "follows from the others"),
        ({"covariates": Z[:9]}, "got 9 rows of covariates, expected 600"),
        (
            {"covariates": np.where(np.arange(600) == 4, np.nan, 1.0)},
            "nothing at row 4 of the covariate 'z0'",
        ),
        ({"covariates": pd.DataFrame({"w": ["a"] * 600})}, "got 'a' at row 0 of the covariate 'w'"),
        ({"correction": "em"}, "correction='em', expected 'ml', 'bch' or 'none'"),
        ({"reference": 3}, "reference=3, expected a class from 0 to 2"),
    ],
)
def test_what_cannot_be_is_one_sentence(measured, asked, message):
    given = {"covariates": Z, **asked}
    with pytest.raises(ValueError, match=message):
        measured.assign(ITEMS).regress(**given)


def test_of_one_class_nothing_depends():
    model = LatentClass(1).fit(ITEMS)
    with pytest.raises(ValueError, match="got a model of one class"):
        model.assign(ITEMS).regress(Z)
    assert model.assign(ITEMS).means(Y).means[0, 0] == pytest.approx(Y.mean())


def test_covariates_that_separate_classes_are_an_error_not_a_number(measured):
    assigned, labels = measured.assign(ITEMS), measured.predict(ITEMS)
    for correction in three_step.CORRECTIONS:
        with pytest.raises(ValueError, match="grow without end"):
            assigned.regress(np.eye(3)[labels][:, :2], correction=correction)


def test_a_class_that_no_row_is_assigned_to_is_named():
    resp = np.column_stack([np.full(50, 0.6), np.full(50, 0.4)])
    assigned = three_step.assign(resp, np.ones(50), "modal")
    with pytest.raises(ValueError, match="hardly a row is assigned to class 1; use assign"):
        assigned.bch_weights()
    with pytest.raises(ValueError, match="correction='em', expected 'bch', 'ml' or 'none'"):
        assigned.means(np.ones(50), correction="em")
    with pytest.raises(ValueError, match="no outcome at row 1"):
        three_step.read_outcome([1.0, np.nan], 2)
    with pytest.raises(ValueError, match="assignment='soft', expected 'modal' or 'proportional'"):
        three_step.assign(resp, np.ones(50), "soft")


def test_errors_count_how_uncertain_the_classes_are():
    """Over samples from a known model, intervals hold the truth as often as they say."""
    truth, held = np.array([0.3, 1.0]), {True: [], False: []}
    p = np.array([[0.75] * 5, [0.3] * 5])
    for seed in range(80):
        rng = np.random.default_rng(seed)
        z = rng.normal(size=500)
        c = (rng.random(500) > 1 / (1 + np.exp(truth[0] + truth[1] * z))).astype(int)
        x = (rng.random((500, 5)) < p[c]).astype(int)
        model = LatentClass(2, n_init=2, random_state=0).fit(x)
        first = int(np.argmax([each[1] for each in model.probabilities_[0]]))
        for counted in (True, False):
            found = model.assign(x, first_step=counted).regress(z, reference=first)
            gap = found.coefficients[1 - first] - truth
            held[counted].append(np.abs(gap) < 1.96 * found.standard_errors[1 - first])
    shares = {counted: np.mean(each, axis=0) for counted, each in held.items()}
    assert (shares[True] > 0.88).all()  # 95 % less three standard errors of 80 samples
    assert shares[False][0] < 0.85


def test_the_data_of_the_fit_are_asked_for_where_they_are_needed(measured, tmp_path):
    measured.save(tmp_path / "m.safetensors")
    loaded = latentia.load(tmp_path / "m.safetensors")
    with pytest.raises(NotFittedError, match=r"remember\(X\), or give first_step=False"):
        loaded.assign(ITEMS)
    known = loaded.assign(ITEMS, first_step=False).regress(Z)
    assert (known.standard_errors[1:] > 0).all()
    again = loaded.remember(ITEMS).assign(ITEMS).regress(Z)
    expected = measured.assign(ITEMS).regress(Z)
    np.testing.assert_allclose(again.standard_errors, expected.standard_errors, rtol=1e-6)
    assert (again.standard_errors[1:] > known.standard_errors[1:]).all()
