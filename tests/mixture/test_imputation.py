"""Mixtures of rows with holes: fits, what they say of rows, and completed rows."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

import latentia
from latentia import EM, BayesianGaussianMixture, GaussianMixture, Mixture, datasets
from latentia.data.arrays import Frame
from latentia.families.covariance import PATTERNS
from latentia.mixture.errors import DataWarning
from latentia.mixture.imputation import Filled

X = datasets.load("iris").values
KIND = np.arange(150) // 50
HOLES = np.where(np.random.default_rng(0).uniform(size=X.shape) < 0.15, np.nan, X)
HOLES[7] = np.nan


@pytest.fixture(scope="module")
def fitted():
    return GaussianMixture(3, random_state=0, n_init=3, max_iter=500).fit(HOLES)


def brute_force(mixture, x):
    """log p of what was seen, row by row, from SciPy."""
    matrices = mixture.covariance_matrices()
    made = []
    for row in x:
        seen = np.flatnonzero(~np.isnan(row))
        each = [
            np.log(w)
            + (
                multivariate_normal(m[seen], c[np.ix_(seen, seen)]).logpdf(row[seen])
                if len(seen)
                else 0.0
            )
            for w, m, c in zip(mixture.weights_, mixture.means_, matrices, strict=True)
        ]
        made.append(np.logaddexp.reduce(each))
    return np.array(made)


def test_holes_are_integrated_out(fitted):
    assert fitted.converged_
    np.testing.assert_allclose(fitted.score_samples(HOLES), brute_force(fitted, HOLES), 1e-9, 1e-12)
    assert fitted.loglik_ == pytest.approx(brute_force(fitted, HOLES).sum(), rel=1e-10)
    np.testing.assert_allclose(fitted.predict_proba(HOLES)[7], fitted.weights_, rtol=1e-12)
    table = pd.crosstab(fitted.predict(HOLES), KIND)
    assert table.max(axis=0).sum() > 130


@pytest.mark.parametrize("name", list(PATTERNS))
def test_every_covariance_model_takes_holes(name):
    """The likelihood that was climbed is the integral, and higher than that of a few steps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        few, more = (
            GaussianMixture(2, covariance_type=name, random_state=0, max_iter=n).fit(HOLES)
            for n in (2, 25)
        )
    assert more.loglik_ == pytest.approx(brute_force(more, HOLES).sum(), rel=1e-10)
    assert more.loglik_ > few.loglik_


def test_entropy_is_that_of_the_memberships(fitted):
    """ICL from the fit, where log-likelihood less q is asked, and from the rows."""
    resp = fitted.predict_proba(HOLES)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nansum(np.where(resp > 0, resp * np.log(resp), 0.0))
    assert fitted.criteria()["icl"] == pytest.approx(fitted.icl(HOLES), rel=1e-8)
    assert fitted.icl(HOLES) - fitted.bic(HOLES) == pytest.approx(2 * entropy, rel=1e-8)


def test_single_floats_and_weights(fitted):
    again = GaussianMixture(3, random_state=0, n_init=3, max_iter=500)
    doubled = again.fit(HOLES, sample_weight=np.full(150, 2.0))
    assert doubled.loglik_ == pytest.approx(2 * fitted.loglik_, abs=1e-2)
    single = HOLES.astype(np.float32)
    loose = GaussianMixture(3, random_state=0, n_init=3, max_iter=500).fit(single)
    assert loose.means_.dtype == np.float32
    assert loose.loglik_ == pytest.approx(fitted.loglik_, abs=0.05)
    np.testing.assert_allclose(loose.score_samples(single), brute_force(loose, HOLES), atol=1e-2)


def test_standard_errors_files_summaries_and_batches(fitted, tmp_path):
    errors = fitted.standard_errors()
    complete = GaussianMixture(1, max_iter=500).fit(X).standard_errors()
    holed = GaussianMixture(1, max_iter=500).fit(HOLES).standard_errors()
    assert (holed.means > complete.means).all()  # less was seen
    assert errors.note or np.isfinite(errors.means).all()
    assert str(fitted.summary())
    fitted.save(tmp_path / "model.safetensors")
    back = latentia.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(back.predict_proba(HOLES), fitted.predict_proba(HOLES))
    np.testing.assert_array_equal(back.impute(HOLES), fitted.impute(HOLES))
    batches = GaussianMixture(2, random_state=0)
    for part in (HOLES[::2], HOLES[1::2]):
        batches = batches.partial_fit(part)
    assert np.isfinite(batches.means_).all()


def test_files_may_have_holes(fitted, tmp_path):
    frame = pd.DataFrame(HOLES, columns=list("abcd"))
    frame.to_csv(tmp_path / "t.csv", index=False)
    for part in range(3):
        frame[50 * part : 50 * (part + 1)].to_parquet(tmp_path / f"part-{part}.parquet")
    for path in (tmp_path / "t.csv", str(tmp_path / "*.parquet")):
        again = GaussianMixture(3, random_state=0, n_init=3, max_iter=500).fit(path)
        assert again.loglik_ == pytest.approx(fitted.loglik_, rel=1e-12)
        np.testing.assert_allclose(again.score_samples(path), fitted.score_samples(HOLES))
    mixture = Mixture("gaussian", 1).fit(tmp_path / "t.csv")
    assert mixture.loglik_ == pytest.approx(GaussianMixture(1).fit(HOLES).loglik_, abs=1e-2)
    with pytest.raises(ValueError, match="missing value"):
        Mixture("dirichlet", 1).fit(tmp_path / "t.csv")


# -- completed rows -----------------------------------------------------------------------------


def test_imputed_cells_are_expectations(fitted):
    """By drawing: the mean of many imputations; and what was seen stays to the bit."""
    imputed = fitted.impute(HOLES)
    seen = ~np.isnan(HOLES)
    np.testing.assert_array_equal(imputed[seen], HOLES[seen])
    drawn = fitted.sample_imputations(HOLES, 500)
    assert drawn.shape == (500, 150, 4)
    np.testing.assert_array_equal(drawn[:, seen], np.tile(HOLES[seen], (500, 1)))
    error = drawn.std(axis=0) / np.sqrt(500)
    assert (np.abs(drawn.mean(axis=0) - imputed) <= 5 * error + 1e-12).all()
    np.testing.assert_allclose(imputed[7], fitted.weights_ @ fitted.means_, rtol=1e-12)


def test_imputed_cells_are_nearer_than_column_means(fitted):
    hidden = np.isnan(HOLES)
    means = np.broadcast_to(np.nanmean(HOLES, axis=0), X.shape)
    error = np.abs(fitted.impute(HOLES) - X)[hidden].mean()
    assert error < 0.5 * np.abs(means - X)[hidden].mean()


@pytest.mark.parametrize("family", ["student_t(df='shared')", "factor_analyzers", "gaussian"])
def test_mixtures_of_vectors_complete_rows(family):
    mixture = Mixture(family, 2, random_state=0, em=EM(max_iter=40)).fit(HOLES)
    imputed, drawn = mixture.impute(HOLES), mixture.sample_imputations(HOLES, 3)
    seen = ~np.isnan(HOLES)
    for made in (imputed, *drawn):
        assert np.isfinite(made).all()
        np.testing.assert_array_equal(made[seen], HOLES[seen])
    again = mixture.sample_imputations(HOLES, 3)
    np.testing.assert_array_equal(drawn, again)  # random_state is the seed


def test_columns_of_other_kinds_are_drawn():
    rng = np.random.default_rng(0)
    counts = rng.poisson([[1.0, 8.0]] * 60 + [[7.0, 2.0]] * 60).astype(float)
    counts[rng.uniform(size=counts.shape) < 0.2] = np.nan
    mixture = Mixture("poisson", 2, random_state=0).fit(counts)
    drawn = mixture.sample_imputations(counts, 4)
    assert (drawn == np.round(drawn)).all()
    with pytest.raises(TypeError, match="Poisson does not define expectations of missing cells"):
        mixture.impute(counts)


def test_what_takes_no_holes_says_so():
    bayes = BayesianGaussianMixture(n_components=2, random_state=0).fit(X)
    with pytest.raises(TypeError, match="BayesianGaussianMixture takes no missing cells"):
        bayes.impute(X)
    with pytest.raises(ValueError, match="n_imputations=0, expected at least 1"):
        GaussianMixture(1).fit(X).sample_imputations(X, 0)


# -- what cannot be used ------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: GaussianMixture(2), lambda: Mixture("gaussian", 2)])
def test_a_column_without_any_value_is_refused(make):
    frame = pd.DataFrame(HOLES, columns=list("abcd"))
    frame["c"] = np.nan
    with pytest.raises(ValueError, match="NaN in every row of column 'c': there is nothing to"):
        make().fit(frame)


def test_infinity_is_refused_where_nan_is_not():
    wrong = HOLES.copy()
    wrong[5, 1] = np.inf
    with pytest.raises(ValueError, match=r"inf .infinity. at row 5, column 1 .1 such cells"):
        GaussianMixture(2).fit(wrong)


def test_a_constant_column_with_holes_is_named():
    same = HOLES.copy()
    same[:, 3] = np.where(np.isnan(same[:, 3]), np.nan, 2.0)
    same[0, 3] = np.nan
    with pytest.warns(DataWarning, match="column 3 is constant .every value is 2"):
        GaussianMixture(1).fit(same)


def test_first_guesses_see_filled_rows():
    seen = []

    def guesses(sample, rng):
        seen.append(sample.x)
        return []

    rows = latentia.data.arrays.Rows.of(HOLES)
    Filled(guesses, Frame.of(rows))(rows, np.random.default_rng(0))
    filled, hidden = seen[0], np.isnan(HOLES)
    np.testing.assert_allclose(filled[~hidden], HOLES[~hidden], rtol=1e-12)
    means = np.broadcast_to(np.nanmean(HOLES, axis=0), X.shape)
    assert np.abs(filled - X)[hidden].mean() < 0.7 * np.abs(means - X)[hidden].mean()
