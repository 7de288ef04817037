"""Rows whose components are known in part."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import poisson

from latentia import EM, Mixture, check_model
from latentia.data.arrays import Rows
from latentia.families import Poisson
from latentia.mixture import MixtureModel
from latentia.mixture.labels import (
    LabelledRows,
    LabelledSource,
    digest,
    guided,
    of_allowed,
    of_labels,
    patterns,
)
from latentia.mixture.start_general import GeneralGuesses

RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 2, size=300)
X = RNG.poisson(np.array([2.0, 5.0])[TRUTH]).astype(float)[:, None]
LABELS = np.where(RNG.uniform(size=300) < 0.3, TRUTH, -1)
TIGHT = EM(tol=1e-11)


def fitted(**known):
    return Mixture("poisson", 2, em=TIGHT, random_state=0).fit(X, **known)


def height(theta, labels):
    """The log-likelihood, written out from the definition."""
    w, rates = 1 / (1 + np.exp(-theta[0])), np.exp(theta[1:])
    joint = np.array([w, 1 - w]) * poisson.pmf(X, rates)
    known = np.where(labels >= 0, joint[np.arange(300), labels], joint.sum(axis=1))
    return float(np.log(known).sum())


def test_the_maximum_is_scipys():
    mixture = fitted(labels=LABELS)
    best = minimize(
        lambda t: -height(t, LABELS),
        [0.0, 1.0, 1.5],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-11, "maxfev": 5000},
    )
    assert mixture.loglik_ == pytest.approx(-best.fun, abs=1e-7)
    np.testing.assert_allclose(mixture.params_.rates.ravel(), np.exp(best.x[1:]), rtol=1e-5)
    assert mixture.weights_[0] == pytest.approx(1 / (1 + np.exp(-best.x[0])), rel=1e-5)


def test_all_labels_give_each_components_own_fit():
    mixture = fitted(labels=TRUTH)
    means = [X[k == TRUTH].mean() for k in (0, 1)]
    np.testing.assert_allclose(mixture.params_.rates.ravel(), means, rtol=1e-9)
    np.testing.assert_allclose(mixture.weights_, np.bincount(TRUTH) / 300, rtol=1e-9)
    errors = mixture.standard_errors()
    own = np.sqrt(np.array(means) / np.bincount(TRUTH))
    np.testing.assert_allclose(errors.components.rates.ravel(), own, rtol=1e-5)


def test_components_have_the_numbers_of_their_labels():
    for turn in (LABELS, np.where(LABELS >= 0, 1 - LABELS, -1)):
        mixture = fitted(labels=turn)
        known = turn >= 0
        assert (mixture.predict(X[known]) == turn[known]).mean() > 0.7


def test_no_label_at_all_is_the_fit_without():
    free, none = fitted(), fitted(labels=np.full(300, -1))
    assert none.loglik_ == pytest.approx(free.loglik_, abs=1e-9)


def test_allowed_says_the_same_as_labels_and_more():
    mask = of_labels(LABELS, 300, 2)
    one, other = fitted(labels=LABELS), fitted(allowed=mask)
    np.testing.assert_array_equal(one.params_.rates, other.params_.rates)
    x = np.repeat([[1.0], [20.0], [50.0]], 20, axis=0)
    allowed = np.ones((60, 3), dtype=bool)
    allowed[20:40, 2] = False  # not the third, whichever of the others
    allowed[40:, :2] = False
    mixture = Mixture("poisson", 3, em=TIGHT, random_state=0).fit(x, allowed=allowed)
    assert mixture.params_.rates[2, 0] == pytest.approx(50, rel=1e-6)


def test_weights_are_replication_beside_labels():
    times = RNG.integers(1, 4, size=300)
    weighted = fitted(labels=LABELS, sample_weight=times)
    repeated = Mixture("poisson", 2, em=TIGHT, random_state=0).fit(
        np.repeat(X, times, axis=0), labels=np.repeat(LABELS, times)
    )
    np.testing.assert_allclose(weighted.params_.rates, repeated.params_.rates, rtol=1e-7)
    assert weighted.loglik_ == pytest.approx(repeated.loglik_, rel=1e-12)


def test_labels_are_asked_for_again_by_remember(tmp_path):
    mixture = fitted(labels=LABELS)
    errors = mixture.standard_errors()
    again = mixture.remember(X, labels=LABELS).standard_errors()
    np.testing.assert_allclose(again.weights, errors.weights, rtol=1e-9)
    assert (mixture.remember(X).standard_errors().weights > errors.weights).all()


def test_the_model_keeps_the_contract_on_labelled_rows():
    model = MixtureModel(Poisson(2), 2, GeneralGuesses(2, "random"))
    weights = RNG.gamma(2.0, size=300)
    rows = LabelledRows(X, weights, of_labels(LABELS, 300, 2))
    check_model(model, rows, 2, points=2)
    with pytest.raises(TypeError, match="rows with labels cannot be drawn anew"):
        model.simulate(model.start(rows, np.random.default_rng(0)), rows, RNG)


def test_equal_rows_become_patterns_only_where_they_say_the_same():
    mask = of_labels(LABELS, 300, 2)
    source = LabelledSource(LabelledRows(X, np.ones(300), mask))
    (chunk,) = source.chunks()
    seen = {(x, *allowed) for x, allowed in zip(X[:, 0], mask.tolist(), strict=True)}
    assert len(chunk) == len(seen)
    assert chunk.weights.sum() == 300
    different = Rows.of(RNG.normal(size=(50, 1)))
    assert patterns(different).rows is different
    assert len(patterns(Rows.of(X)).rows) == len(np.unique(X))


def test_the_digest_is_of_the_set_of_rows():
    order = RNG.permutation(300)
    assert digest(patterns(Rows.of(X))) == digest(patterns(Rows.of(X[order])))
    assert digest(patterns(Rows.of(X))) != digest(patterns(Rows.of(X[:-1])))


def test_guesses_are_numbered_by_the_labels_and_keep_to_them():
    rows = LabelledRows(X, np.ones(300), of_labels(LABELS, 300, 2))
    resp = np.eye(2)[1 - TRUTH]
    made = guided(resp, rows)
    np.testing.assert_allclose(made.sum(axis=1), 1)
    assert (made[~rows.allowed] == 0).all()
    np.testing.assert_array_equal(made[LABELS < 0], np.eye(2)[TRUTH][LABELS < 0])
    assert guided(resp, Rows.of(X)) is resp


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([0, 1], r"got labels of shape \(2,\), expected \(3,\)"),
        ([0, 2, -1], r"got labels\[1\] = .*2.*, expected a component from 0 to 1, or -1"),
        ([0, 0.5, -1], r"got labels\[1\]"),
        (["a", "b", "a"], r"got labels\[0\]"),
    ],
)
def test_labels_are_components(labels, told):
    with pytest.raises(ValueError, match=told):
        of_labels(labels, 3, 2)


def test_allowed_is_a_mask():
    with pytest.raises(ValueError, match=r"expected booleans of shape \(3, 2\)"):
        of_allowed(np.ones((2, 2)), 3, 2)
    with pytest.raises(ValueError, match="expected booleans"):
        of_allowed(np.full((3, 2), 0.5), 3, 2)
    with pytest.raises(ValueError, match=r"got allowed\[1\] all False"):
        of_allowed([[1, 0], [0, 0], [1, 1]], 3, 2)
    with pytest.raises(ValueError, match="expected one of the two"):
        fitted(labels=LABELS, allowed=np.ones((300, 2)))
