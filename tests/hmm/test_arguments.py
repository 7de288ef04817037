"""Arguments of the drop-ins that cannot be: each is refused in a sentence that names it."""

import warnings

import numpy as np
import pytest
import scipy.sparse

from latentia import datasets
from latentia.hmm import GMMHMM, CategoricalHMM, GaussianHMM, MultinomialHMM, PoissonHMM

QUAKES = datasets.load("earthquakes").values[:, 1:]
WRONG = np.ones(7)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (PoissonHMM(2, transmat_prior=1 + WRONG), r"got transmat_prior of shape \(7,\), expected"),
        (PoissonHMM(2, startprob_prior=1 + WRONG), r"startprob_prior of shape \(7,\)"),
        (PoissonHMM(2, lambdas_prior=WRONG), r"lambdas_prior of shape \(7,\), .* \(2, 1\)"),
        (PoissonHMM(2, lambdas_weight=WRONG), r"lambdas_weight of shape"),
        (GaussianHMM(2, means_prior=WRONG, means_weight=1.0), "means_prior of shape"),
        (GaussianHMM(2, means_weight=WRONG), "means_weight of shape"),
        (GaussianHMM(2, covars_prior=np.ones((7, 7))), "covars_prior of shape"),
        (GMMHMM(2, 2, means_prior=WRONG, means_weight=1.0), "means_prior of shape"),
        (GMMHMM(2, 2, covars_weight=WRONG), "covars_weight of shape"),
    ],
)
def test_priors_of_another_shape_are_named(model, told):
    with pytest.raises(ValueError, match=told):
        model.fit(QUAKES)


def test_symbols_are_one_column():
    symbols = (QUAKES > 20).astype(int)
    for wide in (symbols.T, np.hstack([symbols, symbols])):
        with pytest.raises(ValueError, match="columns, expected one, of symbols; give sequences"):
            CategoricalHMM(2).fit(wide)


@pytest.mark.parametrize("cell", [-1.0, 0.5, np.inf])
def test_counts_of_categories_are_named_where_they_are_none(cell):
    counts = np.ones((6, 3))
    counts[4, 1] = cell
    with pytest.raises(ValueError, match=r"at row 4, column 1 for Multinomial, expected a whole"):
        MultinomialHMM(2).fit(counts)


@pytest.mark.parametrize("state", [2, -1, 0.5])
def test_a_first_state_that_is_none_is_refused(state):
    model = PoissonHMM(2, random_state=0).fit(QUAKES)
    with pytest.raises(ValueError, match=r"currstate=.*, expected a state, .* from 0 to 1"):
        model.sample(3, currstate=state)
    assert model.sample(1, currstate=np.int64(1))[1] == [1]


def test_covariances_of_another_shape_are_named():
    model = GaussianHMM(2)
    model.startprob_, model.transmat_ = np.full(2, 0.5), np.full((2, 2), 0.5)
    model.means_, model.covars_ = np.zeros((2, 2)), np.ones((3, 2))
    with pytest.raises(ValueError, match=r"covars_ of shape \(3, 2\), expected \(2, 2\)"):
        model.score(np.zeros((4, 2)))


def test_lengths_may_be_whole_numbers_of_any_kind_and_matrices_are_dense():
    half = [len(QUAKES) // 2, len(QUAKES) - len(QUAKES) // 2]
    model = PoissonHMM(2, random_state=0).fit(QUAKES, half)
    assert model.score(QUAKES, np.array(half, dtype=float)) == model.score(QUAKES, half)
    with pytest.raises(ValueError, match="expected a whole number of steps"):
        model.score(QUAKES, [0.5 + half[0], half[1] - 0.5])
    with pytest.raises(ValueError, match="they are sparse; call its toarray"):
        model.score(scipy.sparse.csr_matrix(QUAKES))


def test_priors_of_the_chain_alone_warn_of_nothing():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, (50, 2)), rng.normal(5, 1, (50, 2))])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GaussianHMM(2, startprob_prior=2.0, transmat_prior=1.5, random_state=0).fit(x)
