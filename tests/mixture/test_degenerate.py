"""Data that collapse a component end in a named status, a repaired fit or one sentence.

Never in nan, in a traceback of linear algebra or in a warning of NumPy's: for every family that
goes by a name and every way in which normal components may share covariances.
"""

import warnings

import numpy as np
import pytest

from latentia import GaussianMixture, LatentClass, Mixture
from latentia.engine import NotConvergedWarning, Status, tree
from latentia.families import registry
from latentia.families.covariance import STRUCTURES
from latentia.mixture import DataWarning

ARGUMENTS = {"binomial": "binomial(trials=5)"}
TWO_ROWS = {
    "bernoulli": ([0, 1], [1, 0]),
    "beta": ([0.2, 0.5], [0.7, 0.1]),
    "binomial": ([0, 5], [3, 2]),
    "categorical": ([0, 2], [1, 0]),
    "dirichlet": ([0.2, 0.3, 0.5], [0.6, 0.2, 0.2]),
    "factor_analyzers": ([1, 2, 3, 4], [5, 0, 1, 2]),
    "multinomial": ([0, 3, 2], [4, 1, 0]),
    "negative_binomial": ([0, 3], [4, 1]),
    "poisson": ([0, 3], [4, 1]),
    "von_mises_fisher": ([1, 0, 0], [0, 0.6, 0.8]),
}
"""Two rows that a family could make; of those that are not here any positive numbers."""

DRAWN = {
    "bernoulli": lambda rng, n: rng.integers(0, 2, size=(n, 2)),
    "beta": lambda rng, n: rng.beta(2, 3, size=(n, 2)),
    "binomial": lambda rng, n: rng.binomial(5, 0.4, size=(n, 2)),
    "categorical": lambda rng, n: rng.integers(0, 3, size=(n, 2)),
    "dirichlet": lambda rng, n: rng.dirichlet([2, 3, 4], n),
    "factor_analyzers": lambda rng, n: rng.normal(size=(n, 4)),
    "multinomial": lambda rng, n: rng.multinomial(5, [0.2, 0.3, 0.5], n),
    "negative_binomial": lambda rng, n: rng.poisson(3, size=(n, 2)),
    "poisson": lambda rng, n: rng.poisson(3, size=(n, 2)),
    "von_mises_fisher": lambda rng, n: directions(rng.normal(size=(n, 3))),
}
FAMILIES = registry.names()
CASES = ("one row", "two rows", "fewer rows than components", "a row repeated", "as many as rows")


def directions(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def cases(two, drawn, rng):
    """Rows and a number of components for each of `CASES`."""
    first, second = (np.tile(np.array(row, dtype=float), (8, 1)) for row in two)
    both = np.concatenate([first, second])
    return {
        "one row": (first, 2),
        "two rows": (both, 2),
        "fewer rows than components": (both, 4),
        "a row repeated": (np.concatenate([drawn(rng, 25), first, first]), 3),
        "as many as rows": (drawn(rng, 5), 5),
    }


def of_family(name, case):
    rng = np.random.default_rng(3)
    two = TWO_ROWS.get(name, ([1.0, 2.0], [5.0, 0.1]))
    return cases(two, DRAWN.get(name, lambda rng, n: rng.gamma(2, 1, size=(n, 2))), rng)[case]


def ends_well(mixture, x, **given):
    """Fit and use a mixture; what it ended as, or the sentence that refused it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DataWarning)
        warnings.simplefilter("ignore", NotConvergedWarning)
        refused = None
        try:
            mixture.fit(x, **given)
        except ValueError as error:
            refused = error
        if refused is not None:
            assert not isinstance(refused, np.linalg.LinAlgError)
            assert "\n" not in str(refused)
            return str(refused)
        for leaf in tree.leaves(mixture._params()):
            assert not np.isnan(leaf).any()
        assert np.isfinite(mixture.loglik_)
        assert np.isfinite(mixture.score_samples(x)).all()
        np.testing.assert_allclose(mixture.predict_proba(x).sum(axis=1), 1)
        mixture.standard_errors()
        assert str(mixture.summary())
        return mixture.fit_.status


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_ends_well(name, case):
    x, k = of_family(name, case)
    mixture = Mixture(ARGUMENTS.get(name, name), k, random_state=0, max_iter=200)
    ended = ends_well(mixture, x)
    if isinstance(ended, str):
        assert "collapsed onto too few different rows" in ended or "lower" in ended  # a uniform's
    else:
        assert ended in (Status.CONVERGED, Status.MAX_ITER)


@pytest.mark.parametrize("floor", [0, 1e-6])
@pytest.mark.parametrize("kind", STRUCTURES)
def test_every_covariance_ends_well(kind, floor):
    rng = np.random.default_rng(3)
    d = 1 if kind in ("E", "V") else 2
    two = np.array([[1.0, 2.0], [5.0, 0.1]])[:, :d]
    walk = cases(two, lambda rng, n: rng.normal(size=(n, d)), rng)
    walk["a line"] = np.arange(20.0)[:, None] * np.arange(1, d + 1), 2
    for case, (x, k) in walk.items():
        shared = {"random_state": 0, "max_iter": 200, "reg_covar": floor}
        ended = ends_well(GaussianMixture(k, covariance_type=kind, **shared), x)
        if isinstance(ended, str):
            assert not floor, (case, ended)
            assert "ill-defined" in ended or "is constant" in ended, case
        else:
            assert ended in (Status.CONVERGED, Status.MAX_ITER), case


@pytest.mark.parametrize("kind", STRUCTURES)
def test_a_component_that_loses_all_its_rows_weighs_nothing(kind):
    rng = np.random.default_rng(0)
    d = 1 if kind in ("E", "V") else 3
    x = np.concatenate([rng.normal(size=(40, d)), rng.normal(size=(40, d)) + 6])
    means = np.stack([np.zeros(d), np.full(d, 6.0), np.full(d, 1e4)])
    mixture = GaussianMixture(
        3, covariance_type=kind, weights_init=[0.4, 0.4, 0.2], means_init=means, max_iter=500
    )
    assert ends_well(mixture, x) is Status.CONVERGED
    assert mixture.weights_[2] == 0
    assert set(mixture.predict(x)) == {0, 1}
    alone = GaussianMixture(2, covariance_type=kind, means_init=means[:2], max_iter=500).fit(x)
    assert mixture.loglik_ == pytest.approx(alone.loglik_, abs=1e-2)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_component_that_no_row_may_be_from_weighs_nothing(name):
    rng = np.random.default_rng(1)
    x = np.asarray(DRAWN.get(name, lambda rng, n: rng.gamma(2, 1, size=(n, 2)))(rng, 30), float)
    mixture = Mixture(ARGUMENTS.get(name, name), 3, random_state=0, max_iter=200)
    assert ends_well(mixture, x, labels=np.arange(30) % 2) is Status.CONVERGED
    assert mixture.weights_.tolist() == [0.5, 0.5, 0]


@pytest.mark.parametrize(
    ("family", "rows"),
    [
        ("bernoulli", ([0, 1], [1, 0])),
        ("categorical", ([0, 2], [1, 0])),
        ("binomial(trials=5)", ([0, 5], [5, 0])),
        ("multinomial", ([5, 0, 0], [0, 3, 2])),
    ],
)
def test_classes_that_an_item_separates_perfectly_are_told_apart(family, rows):
    x = np.repeat(np.array(rows, dtype=float), [10, 20], axis=0)
    mixture = Mixture(family, 2, random_state=0)
    assert ends_well(mixture, x) is Status.CONVERGED
    np.testing.assert_allclose(np.sort(mixture.weights_), [1 / 3, 2 / 3], atol=1e-6)
    assert mixture.predict_proba(x).max(axis=1).min() > 1 - 1e-6
    assert len(set(mixture.predict(x[:10]))) == len(set(mixture.predict(x[10:]))) == 1


def test_latent_classes_that_an_item_separates_perfectly():
    x = np.repeat([[0.0, 1, 2], [1, 0, 0]], [10, 20], axis=0)
    for k in (2, 4):  # four classes for two patterns of answers
        classes = LatentClass(k, random_state=0)
        assert ends_well(classes, x) is Status.CONVERGED
        likeliest = np.log([1 / 3, 2 / 3]) @ [10, 20]
        assert classes.loglik_ == pytest.approx(likeliest, abs=1e-3)
