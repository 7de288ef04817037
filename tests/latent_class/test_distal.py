"""Outcomes by maximum likelihood in a third step: StepMix's numbers, and the likelihood itself."""

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime, minimize
from scipy.special import log_softmax, logsumexp
from scipy.stats import norm

from latentia import EM, LatentClass, check_model
from latentia.latent_class import distal, three_step

PARITY = Path(__file__).parents[1] / "parity"
RECORDED = json.loads((PARITY / "stepmix_distal.json").read_text(encoding="utf-8"))
ROWS = pd.read_csv(PARITY / "stepmix_three_step.csv")
ITEMS, Y = ROWS[list("ABCDEF")], ROWS["y"].to_numpy()
LEVELS = np.digitize(Y, [-0.5, 0.5])
TIGHT = EM(tol=1e-11, max_iter=5000, starts=10)


@pytest.fixture(scope="module")
def assigned():
    """Rows in StepMix's order of classes, by memberships alone."""
    model = LatentClass(3, random_state=0, em=TIGHT).fit(ITEMS)
    mine = np.array([p[:, 1] for p in model.probabilities_]).T
    known = np.array(RECORDED["probabilities"])
    order = list(min(permutations(range(3)), key=lambda p: np.abs(mine[list(p)] - known).max()))
    return three_step.Assignment.of(model.predict_proba(ITEMS)[:, order])


def of_stepmix(name, assigned):
    """Its model in our terms, its parameters, and the rows."""
    values = Y[:, None] if name == "gaussian" else np.eye(3)[LEVELS]
    found = distal.fitted(values, assigned.share, assigned.error, assigned.weights)
    theirs = RECORDED[name]
    if name == "gaussian":
        components = found.params.components._replace(
            means=np.array(theirs["means"]),
            covariances=np.reshape(theirs["covariances"], (3, 1, 1)),
        )
    else:
        components = type(found.params.components)(np.array(theirs["pis"])[:, None, :])
    return found, found.params._replace(
        weights=np.array(RECORDED[f"{name} weights"]), components=components
    )


@pytest.mark.parametrize("name", ["gaussian", "categorical"])
def test_stepmixs_estimate_stays_under_our_m_step_of_the_outcome(assigned, name):
    """StepMix 3.0.0 (tests/parity/stepmix_distal.py) leaves the sizes of the classes as they were

    in the first step. At these its outcome is where ours is highest, and ours, with sizes free, is
    no lower.
    """
    found, theirs = of_stepmix(name, assigned)
    suff = found.model.e_step(theirs, found.rows)
    moved = found.model.m_step(suff, theirs).components
    for ours, known in zip(moved[:2], theirs.components[:2], strict=False):
        np.testing.assert_allclose(ours, known, atol=2e-6)
    assert found.model.e_step(found.params, found.rows).loglik >= suff.loglik - 1e-9
    np.testing.assert_allclose(
        found.means, np.asarray(theirs.components[0]).reshape(found.means.shape), atol=0.15
    )


def written_out(at, error, share, y, names):
    """Each row's log-likelihood at logits of the sizes and of shares, or means and log-sds."""
    k, m = len(error), len(names)
    log_size = log_softmax(np.append(at[: k - 1], 0.0))
    rest = at[k - 1 :].reshape(k, -1)
    if m == 1:
        log_f = norm.logpdf(y[:, None], rest[:, 0], np.exp(rest[:, 1]))
    else:
        log_f = log_softmax(np.column_stack([rest, np.zeros(k)]), axis=1)[:, y].T
    joint = (log_size + log_f)[:, :, None] + np.log(error)
    return (share * logsumexp(joint, axis=1)).sum(axis=1)


@pytest.mark.parametrize("outcome", [Y, np.array(["a", "b", "c"])[LEVELS]], ids=["number", "text"])
@pytest.mark.parametrize("assignment", three_step.ASSIGNMENTS)
def test_means_and_errors_are_those_of_the_likelihood_written_out(assigned, outcome, assignment):
    model = LatentClass(3, random_state=0, em=TIGHT).fit(ITEMS)
    made = model.assign(ITEMS, assignment=assignment, first_step=False)
    found = made.means(outcome, correction="ml")
    m, y = len(found.names), LEVELS if len(found.names) > 1 else Y
    args = (made.error, made.share, y, found.names)
    if m == 1:
        guess = np.column_stack([found.means, np.zeros(3)])
    else:
        guess = np.log(found.means[:, :-1] / found.means[:, -1:])
    start = np.concatenate([np.zeros(2), guess.ravel()])
    best = minimize(lambda at: -written_out(at, *args).sum(), start, tol=1e-10).x

    def means(at):
        rest = at[2:].reshape(3, -1)
        if m == 1:
            return rest[:, 0]
        return np.exp(log_softmax(np.column_stack([rest, np.zeros(3)]), axis=1)).ravel()

    np.testing.assert_allclose(found.means.ravel(), means(best), atol=2e-5)

    def scores(at):
        steps = 1e-4 * np.eye(len(at))
        sides = (written_out(at + s, *args) - written_out(at - s, *args) for s in steps)
        return np.array(list(sides)) / 2e-4

    each = scores(best)
    hessian = approx_fprime(best, lambda at: scores(at).sum(axis=1), 1e-4)
    bread = np.linalg.inv(-(hessian + hessian.T) / 2)
    jacobian = approx_fprime(best, means, 1e-6)
    covariance = jacobian @ bread @ (each @ each.T) @ bread @ jacobian.T
    errors = np.sqrt(np.diagonal(covariance))
    np.testing.assert_allclose(found.standard_errors.ravel(), errors, rtol=2e-3)


@pytest.mark.parametrize("m", [1, 3])
def test_the_contract_holds(m):
    rng = np.random.default_rng(0)
    error = 0.7 * np.eye(2) + 0.3 * rng.dirichlet(np.ones(2), size=2)
    weights, share = rng.gamma(2.0, size=60), rng.dirichlet(np.ones(2), size=60)
    values = rng.normal(size=(60, 1)) if m == 1 else np.eye(m)[rng.integers(0, m, 60)]
    found = distal.fitted(values, share, error, weights)
    check_model(found.model, found.rows, 0, points=2)


def test_truth_is_met_and_with_known_classes_more_precisely_than_by_bch():
    """Three classes, five items, normal outcomes of known means; a first step that is uncertain."""
    rng = np.random.default_rng(4)
    c = rng.integers(0, 3, 4000)
    p = np.array([[0.8] * 5, [0.8, 0.8, 0.2, 0.2, 0.2], [0.15] * 5])
    x, y = rng.random((4000, 5)) < p[c], rng.normal(np.array([-1.0, 0.0, 2.0])[c], 1.0)
    model = LatentClass(3, n_init=3, random_state=0).fit(x)
    mine = np.array([q[:, 1] for q in model.probabilities_]).T
    order = list(min(permutations(range(3)), key=lambda q: np.abs(mine[list(q)] - p).max()))
    made = model.assign(x)
    ml = made.means(y, correction="ml")
    gap = ml.means[order, 0] - [-1.0, 0.0, 2.0]
    assert (np.abs(gap) < 4 * ml.standard_errors[order, 0]).all()
    sure = model.assign(x, first_step=False)
    known, bch = (sure.means(y, correction=each) for each in ("ml", "bch"))
    assert (known.standard_errors**2).sum() < (bch.standard_errors**2).sum()
    assert (known.standard_errors <= ml.standard_errors).all()
    level = made.means(np.where(y > 1, "high", "low"), correction="ml")
    truth = norm.sf(1.0, [-1.0, 0.0, 2.0])
    assert (np.abs(level.means[order, 0] - truth) < 4 * level.standard_errors[order, 0]).all()


def test_sure_memberships_are_the_classes_themselves():
    rng = np.random.default_rng(2)
    c, y = rng.integers(0, 3, 300), rng.normal(size=300)
    made = three_step.Assignment.of(np.eye(3)[c]).means(y, correction="ml")
    np.testing.assert_allclose(made.means[:, 0], [y[c == t].mean() for t in range(3)])
    errors = [y[c == t].std() / np.sqrt((c == t).sum()) for t in range(3)]
    np.testing.assert_allclose(made.standard_errors[:, 0], errors, rtol=1e-5)


def test_weights_are_repetitions_and_units_do_not_matter(assigned):
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 3, len(Y))
    again = np.repeat(np.arange(len(Y)), counts)
    weighted = assigned._replace(weights=counts.astype(float)).means(Y, correction="ml")
    repeated = assigned._replace(share=assigned.share[again], weights=np.ones(len(again)))
    moved = repeated.means(1e6 * Y[again] + 1e9, correction="ml")
    np.testing.assert_allclose((moved.means - 1e9) / 1e6, weighted.means, atol=1e-4)
    np.testing.assert_allclose(moved.standard_errors / 1e6, weighted.standard_errors, rtol=1e-3)


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (np.ones(len(Y)), "outcome 1 in every row, expected one that varies.*'bch'"),
        (np.where(Y > 0, 0.0, np.nan), "got no outcome at row"),
        (Y[:5], "got an outcome of shape"),
    ],
)
def test_what_cannot_be_is_one_sentence(assigned, outcome, message):
    with pytest.raises(ValueError, match=message):
        assigned.means(outcome, correction="ml")


def test_an_outcome_that_is_the_class_has_no_density(assigned):
    y = assigned.share.argmax(axis=1).astype(float)
    with pytest.raises(ValueError, match=r"no proper maximum: the outcome hardly varies.*'bch'"):
        three_step.Assignment.of(assigned.share).means(y, correction="ml")
