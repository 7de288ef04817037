"""`LatentClass`: the fit, what it says of rows, its errors, files and conventions."""

import pickle
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

import latentia
from latentia import EM, LatentClass, datasets, select
from latentia.engine import Status
from latentia.estimator import Estimate

CARCINOMA = datasets.load("carcinoma").values
TIGHT = EM(tol=1e-10, max_iter=5000, starts=20)


@pytest.fixture(scope="module")
def answers():
    """Three classes, six items of two to four categories, some answers missing."""
    rng = np.random.default_rng(0)
    z = rng.choice(3, size=600, p=[0.5, 0.3, 0.2])
    columns = {}
    for j, levels in enumerate((2, 3, 3, 4, 2, 3)):
        p = rng.dirichlet(np.full(levels, 0.3), size=3)
        codes = (rng.random((600, 1)) > p.cumsum(axis=1)[z, :-1]).sum(axis=1)
        texts = np.array(["never", "now and then", "often", "always"], dtype=object)[codes]
        texts[rng.random(600) < 0.15] = None
        columns[f"item {j}"] = texts
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def fitted(answers):
    return LatentClass(3, random_state=0, em=TIGHT).fit(answers)


def exempt(estimator):
    """Numbers are categories here, and one that only rows of no weight have is not known."""
    return {"check_sample_weight_equivalence_on_dense_data": "predicts categories never learnt"}


@parametrize_with_checks([LatentClass(2, n_init=2, random_state=0)], expected_failed_checks=exempt)
def test_conventions(estimator, check):
    check(estimator)


# -- the fit -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "loglik"), [(2, -317.25684), (3, -293.70498), (4, -289.28585)])
def test_carcinoma_reaches_the_maxima(k, loglik):
    """poLCA's, recomputed to convergence."""
    model = LatentClass(k, random_state=0).fit(CARCINOMA)
    assert model.converged_
    assert model.loglik_ == pytest.approx(loglik, abs=1e-4)
    assert model.n_parameters_ == k - 1 + 7 * k


def free_parameters(model):
    """Logits of weights and interior probabilities of two-category items, and the way back."""
    weights = np.array(model.weights_)
    p = np.array([each[:, 1] for each in model.probabilities_]).T
    inner = (p > 0) & (p < 1)
    start = np.concatenate([np.log(weights[1:] / weights[0]), logit(p[inner])])

    def unpack(theta):
        w = np.exp(np.append(0.0, theta[: len(weights) - 1]))
        full = p.copy()
        full[inner] = 1 / (1 + np.exp(-theta[len(weights) - 1 :]))
        return w / w.sum(), full

    return start, unpack, inner


@pytest.mark.parametrize("k", [2, 3, 4])
def test_standard_errors_are_those_of_a_numerical_hessian(k):
    """Second differences of the log-likelihood written out; what is 0 or 1 is held."""
    model = LatentClass(k, random_state=0, em=TIGHT).fit(CARCINOMA)
    x, (theta, unpack, inner) = CARCINOMA - 1, free_parameters(model)

    def loglik(at):
        w, p = unpack(at)
        each = np.where(x[:, None, :] == 1, p, 1 - p).prod(axis=2)
        return float(np.log(each @ w).sum())

    m, h = len(theta), 2e-3
    steps = np.eye(m) * h
    hessian = np.empty((m, m))
    for i, j in product(range(m), range(m)):
        far = [theta + s * steps[i] + t * steps[j] for s, t in product((1, -1), (1, -1))]
        twice = [theta + 2 * s * steps[i] + 2 * t * steps[j] for s, t in product((1, -1), (1, -1))]
        near_, far_ = (
            sum(f * g for f, g in zip((1, -1, -1, 1), map(loglik, each), strict=True))
            for each in (far, twice)
        )
        hessian[i, j] = (16 * near_ - far_) / (12 * (2 * h) ** 2) * 1.0
    covariance = np.linalg.inv(-hessian)
    jacobian = np.array(
        [
            (
                np.concatenate([each.ravel() for each in unpack(theta + s)])
                - np.concatenate([each.ravel() for each in unpack(theta - s)])
            )
            / (2 * h)
            for s in steps
        ]
    ).T
    expected = np.sqrt(np.einsum("ij,jk,ik->i", jacobian, covariance, jacobian))
    found = model.standard_errors()
    np.testing.assert_allclose(found.weights, expected[:k], rtol=1e-4)
    mine = found.components.probabilities[:, :, 1]
    np.testing.assert_allclose(mine, expected[k:].reshape(k, 7), rtol=1e-4, atol=1e-9)
    assert (mine[~inner] == 0).all()
    assert "On the edge" in found.note


def test_an_item_that_separates_a_class_perfectly_ends_in_a_named_status():
    rng = np.random.default_rng(3)
    z = rng.integers(0, 2, 300)
    x = np.column_stack([z, *(rng.random((6, 300)) < np.where(z, 0.9, 0.1))])
    model = LatentClass(2, random_state=0).fit(x)
    assert model.fit_.status is Status.CONVERGED
    assert sorted(model.probabilities_[0][:, 1].tolist()) == [0.0, 1.0]
    assert any(name.startswith("probability[") for name in model.certificate_.on_boundary)
    table = np.array([e[1:] for e in model.parameter_table()])
    assert np.isfinite(table).all()
    assert np.isfinite(model.score_samples(x)).all()


def test_more_classes_than_different_rows_are_fitted_or_refused():
    x = np.repeat([[0, 0], [1, 1]], 10, axis=0)
    model = LatentClass(4, random_state=0).fit(x)
    assert model.converged_
    assert model.loglik_ == pytest.approx(-20 * np.log(2))
    assert not np.isnan(np.concatenate([p.ravel() for p in model.probabilities_])).any()
    with pytest.raises(ValueError, match="n_components = 21, n_samples = 20"):
        LatentClass(21).fit(x)


def test_missing_answers_are_integrated_out(answers, fitted):
    """The log-likelihood of a row is that of all rows that it may stand for, summed."""
    probabilities, weights = fitted.probabilities_, fitted.weights_
    for row, density in zip(
        answers.iloc[:60].values, fitted.score_samples(answers[:60]), strict=True
    ):
        total = 0.0
        choices = [
            range(len(c)) if pd.isna(cell) else [c.index(cell)]
            for cell, c in zip(row, fitted.categories_, strict=True)
        ]
        for cells in product(*choices):
            each = [p[:, code] for p, code in zip(probabilities, cells, strict=True)]
            total += float(weights @ np.prod(each, axis=0))
        assert density == pytest.approx(np.log(total), rel=1e-12)


def test_weights_are_repetitions_and_rows_may_be_permuted(answers, fitted):
    counts = np.random.default_rng(1).integers(0, 3, size=len(answers))
    weighted = LatentClass(3, random_state=0, em=TIGHT).fit(answers, sample_weight=counts)
    repeated = answers.loc[answers.index.repeat(counts)]
    other = LatentClass(3, random_state=0, em=TIGHT).fit(repeated.sample(frac=1, random_state=0))
    assert weighted.loglik_ == pytest.approx(other.loglik_, abs=1e-8)
    np.testing.assert_allclose(np.sort(weighted.weights_), np.sort(other.weights_), atol=1e-5)
    assert weighted.goodness_of_fit().g2 == pytest.approx(other.goodness_of_fit().g2, rel=1e-7)


def test_what_only_rows_of_no_weight_answer_is_no_category():
    x = [["a"], ["b"], ["c"]]
    model = LatentClass(1).fit(x, sample_weight=[1, 1, 0])
    assert model.categories_ == [("a", "b")]
    assert model.loglik_ == pytest.approx(-2 * np.log(2))


def test_known_classes(answers, fitted):
    """Labels that a fit gave pin its classes and their numbers; forbidden classes stay empty."""
    labels = fitted.predict(answers)
    given = np.where(np.arange(len(labels)) < 60, (labels + 1) % 3, -1)
    model = LatentClass(3, random_state=0).fit(answers, labels=given)
    agreed = (model.predict(answers) == (labels + 1) % 3).mean()
    assert agreed > 0.8
    resp = np.concatenate([model._fitted().posterior(rows).resp for rows in model._data.chunks()])
    assert ((resp == 1).sum(axis=1) == 1).sum() >= 10  # different patterns among the 60 known
    allowed = np.ones((len(labels), 3), dtype=bool)
    allowed[:, 2] = False
    assert LatentClass(3, random_state=0).fit(answers, allowed=allowed).weights_[2] == 0


# -- what it says ------------------------------------------------------------------------------


def test_memberships_follow_from_bayes(answers, fitted):
    whole = answers.dropna()[:20]
    expected = []
    for row in whole.values:
        each = [
            p[:, c.index(cell)]
            for p, c, cell in zip(fitted.probabilities_, fitted.categories_, row, strict=True)
        ]
        joint = fitted.weights_ * np.prod(each, axis=0)
        expected.append(joint / joint.sum())
    np.testing.assert_allclose(fitted.predict_proba(whole), expected, atol=1e-12)


def test_names_say_items_and_categories(answers, fitted):
    names = [e.name for e in fitted.parameter_table()]
    assert names[:3] == ["weight[0]", "weight[1]", "weight[2]"]
    assert names == fitted.parameter_names()
    by_name = {e.name: e for e in fitted.parameter_table()}
    at = fitted.categories_[1].index("often")
    found = by_name["probability[2, item 1=often]"]
    assert isinstance(found, Estimate)
    assert found.value == fitted.probabilities_[1][2, at]
    assert 0 <= found.lower <= found.value <= found.upper <= 1
    assert "item 1=often" in str(fitted.summary())


def test_what_is_known_of_the_fit_is_known_of_the_same_rows(answers, fitted):
    assert fitted.classification().entropy == pytest.approx(
        fitted.classification(answers).entropy, rel=1e-9
    )
    icl, bic = (fitted.criteria()[name] for name in ("icl", "bic"))
    assert (icl - bic) / 2 == pytest.approx(fitted.classification().entropy, rel=1e-6)
    residual = fitted.bivariate_residuals(answers).residual
    np.testing.assert_allclose(fitted.bivariate_residuals().residual, residual, rtol=1e-9)
    assert fitted.bivariate_residuals().items == tuple(answers.columns)


def test_drawn_rows_have_the_categories_and_their_shares(fitted):
    x, labels = fitted.sample(20_000)
    np.testing.assert_allclose(np.bincount(labels) / 20_000, fitted.weights_, atol=0.015)
    for j, known in enumerate(fitted.categories_):
        expected = fitted.weights_ @ fitted.probabilities_[j]
        shares = [(x[:, j] == category).mean() for category in known]
        np.testing.assert_allclose(shares, expected, atol=0.015)
    numbers, _ = LatentClass(2, random_state=0).fit(CARCINOMA).sample(10)
    assert numbers.dtype == np.float64
    assert set(np.unique(numbers)) <= {1.0, 2.0}


def test_select_finds_the_number_of_classes(answers):
    chosen = select(LatentClass(random_state=0, n_init=5), answers, {"n_components": [1, 2, 3, 4]})
    assert chosen.best_settings == {"n_components": 3}


# -- files and copies --------------------------------------------------------------------------


def test_a_file_holds_all_but_the_data(answers, fitted, tmp_path):
    errors = fitted.standard_errors()
    fitted.save(tmp_path / "m.safetensors")
    again = latentia.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict_proba(answers), fitted.predict_proba(answers))
    assert again.categories_ == fitted.categories_
    assert list(again.feature_names_in_) == list(answers.columns)
    assert again.get_params(deep=False)["n_components"] == 3
    assert again.em.tol == TIGHT.tol
    assert str(again.summary()) == str(fitted.summary())
    np.testing.assert_array_equal(again.standard_errors().weights, errors.weights)
    with pytest.raises(NotFittedError, match="data of the fit are not kept in model files"):
        again.classification()
    again.remember(answers)
    np.testing.assert_allclose(again.standard_errors().weights, errors.weights, rtol=1e-9)
    assert again.goodness_of_fit() == fitted.goodness_of_fit()


def test_copies(answers, fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict(answers), fitted.predict(answers))
    assert not hasattr(clone(fitted), "weights_")
    with pytest.raises(NotFittedError):
        clone(fitted).predict(answers)


def test_other_methods_of_errors_agree_roughly(answers, fitted):
    observed = fitted.standard_errors().weights
    for method in ("opg", "sandwich"):
        np.testing.assert_allclose(
            fitted.standard_errors(method=method).weights, observed, rtol=0.4
        )


def test_the_edge_is_told_by_the_names_of_tables(tmp_path):
    """One item tells the classes perfectly; an array's columns have no names but those given."""
    x = np.array([["no", "a"], ["no", "b"], ["no", "a"], ["yes", "b"], ["yes", "c"]] * 8)
    model = LatentClass(2, n_init=3, random_state=0).fit(x)
    edge = model.certificate_.on_boundary
    assert edge
    assert set(edge) <= {e.name for e in model.estimates()}
    assert all(name in model.standard_errors().note for name in edge[:3])
    model.save(tmp_path / "m.safetensors")
    loaded = latentia.load(tmp_path / "m.safetensors")
    assert loaded.certificate_.on_boundary == edge
    named = loaded.rename_columns(["smokes", "drink"]).certificate_
    assert [each.replace("x0", "smokes").replace("x1", "drink") for each in edge] == list(
        named.on_boundary
    )
    assert any("smokes=" in sentence for sentence in named.sentences())
    with pytest.raises(ValueError, match="got 1 names, expected 2"):
        loaded.rename_columns(["smokes"])


def test_pleural_thickening_is_lems_and_mpluss():
    """Dayton (1998), Latent Class Scaling Analysis, table 3.1, three readers of 1,692 X-rays.

    LEM and Mplus, as UCLA's pages of textbook examples print them: log-likelihood -891.14280,
    7 parameters, BIC 1834.3213, sizes and shares below.
    """
    cells = np.array(list(np.ndindex(2, 2, 2)))
    counts = [1513, 23, 59, 12, 21, 19, 11, 34]
    for seed in range(3):
        model = LatentClass(2, random_state=seed).fit(cells, sample_weight=counts)
        assert model.loglik_ == pytest.approx(-891.14280, abs=1e-5)
        assert model.bic(np.repeat(cells, counts, axis=0)) == pytest.approx(1834.3213, abs=2e-4)
        well = int(model.weights_.argmax())
        np.testing.assert_allclose(model.weights_[[well, 1 - well]], [0.9455, 0.0545], atol=6e-5)
        shares = [p[[well, 1 - well], 0] for p in model.probabilities_]
        known = [[0.9900, 0.2510], [0.9646, 0.3566], [0.9891, 0.2350]]
        np.testing.assert_allclose(shares, known, atol=3e-4)
