"""`LogLinear` and `GeneralLocation`: against direct maximisation and sums over all cells."""

from importlib import import_module

import numpy as np
import pandas
import pytest
from scipy import optimize, stats
from scipy.special import logsumexp

from latentia import GeneralLocation, IncompleteNormal, LogLinear, check_model, load
from latentia.contingency.model import CellModel
from latentia.contingency.terms import design, hierarchy
from latentia.data.arrays import Frame, Rows

LEVELS = (2, 3, 2)


def drawn(n, seed, numbers=2, holes=0.2):
    """Codes of three columns and some numbers, with holes."""
    rng = np.random.default_rng(seed)
    own = design(LEVELS, hierarchy(2, "abc", "interactions"))
    mass = np.exp(own @ rng.normal(0, 0.5, own.shape[1]))
    cell = rng.choice(12, size=n, p=mass / mass.sum())
    codes = np.stack(np.unravel_index(cell, LEVELS), axis=1).astype(float)
    main = np.hstack([np.ones((12, 1)), design(LEVELS, hierarchy(1, "abc", "means"))])
    mean = main @ rng.normal(0, 2, (main.shape[1], numbers)) + 50
    z = mean[cell] + rng.normal(size=(n, numbers)) @ rng.normal(0, 1, (numbers, numbers))
    x = np.hstack([codes, z])
    x[rng.uniform(size=x.shape) < holes] = np.nan
    return x


def by_all_cells(x, log_mass, means=None, covariance=None):
    """The log-likelihood of each row, summed over every cell of the table in a plain loop."""
    found = []
    for row in x:
        seen = ~np.isnan(row[3:])
        terms = []
        for c, at in enumerate(np.ndindex(*LEVELS)):
            if any(not np.isnan(v) and v != k for v, k in zip(row[:3], at, strict=True)):
                continue
            height = log_mass[c]
            if seen.any():
                normal = stats.multivariate_normal(means[c][seen], covariance[np.ix_(seen, seen)])
                height += normal.logpdf(row[3:][seen])
            terms.append(height)
        found.append(logsumexp(terms))
    return np.array(found)


def height_of(x, log_mass, means=None, spread=1.0):
    """The same for at most one number, all rows at once."""
    at = np.stack(np.unravel_index(np.arange(12), LEVELS), axis=1)
    codes = x[:, None, :3]
    possible = (np.isnan(codes) | (codes == at)).all(axis=2)
    height = np.where(possible, log_mass, -np.inf)
    if means is not None:
        seen = stats.norm.logpdf(x[:, 3:], means, spread)
        height = height + np.where(np.isnan(seen), 0.0, seen)
    return float(logsumexp(height, axis=1).sum())


def test_a_table_with_supplemental_margins_is_that_of_the_textbook():
    """Little & Rubin (2002), example 13.2: estimates .28, .17, .24 and .31."""
    rows = [[0, 0], [0, 1], [1, 0], [1, 1], [0, np.nan], [1, np.nan], [np.nan, 0], [np.nan, 1]]
    counts = [100, 50, 75, 75, 30, 60, 28, 60]
    fitted = LogLinear("saturated", tol=1e-9).fit(rows, sample_weight=counts)
    np.testing.assert_allclose(fitted.probabilities_.ravel(), [0.28, 0.17, 0.24, 0.31], atol=0.005)


@pytest.mark.parametrize("interactions", [1, 2, ["a:b", "c"]])
def test_log_linear_estimates_are_those_of_direct_maximisation(interactions):
    x = drawn(120, 0, 0)
    own = design(LEVELS, hierarchy(interactions, "abc", "interactions"))

    def height(effects):
        raised = own @ effects
        return -height_of(x, raised - logsumexp(raised))

    best = optimize.minimize(height, np.zeros(own.shape[1]), method="BFGS", options={"gtol": 1e-5})
    frame = pandas.DataFrame(x, columns=list("abc"))
    fitted = LogLinear(interactions, tol=1e-10).fit(frame)
    assert fitted.loglik_ == pytest.approx(-best.fun, abs=1e-6)
    np.testing.assert_allclose(fitted.fit_.params.effects, best.x, atol=1e-3)
    assert fitted.n_parameters_ == own.shape[1]


def test_a_general_location_model_is_that_of_direct_maximisation():
    x = drawn(60, 1, 1)
    x = x[~np.isnan(x).all(axis=1)]
    own = design(LEVELS, hierarchy(1, "abc", "interactions"))
    main = np.hstack([np.ones((12, 1)), own])
    scale, middle = np.nanstd(x[:, 3]), np.nanmean(x[:, 3])

    def height(theta):
        raised = own @ theta[:4]
        means = (main @ theta[4:9]) * scale + middle
        return -height_of(x, raised - logsumexp(raised), means, np.exp(theta[9] / 2) * scale)

    best = optimize.minimize(height, np.zeros(10), method="BFGS", options={"gtol": 1e-4})
    fitted = GeneralLocation([0, 1, 2], interactions=1, tol=1e-9).fit(x)
    assert fitted.loglik_ == pytest.approx(-best.fun, abs=1e-5)
    assert fitted.covariance_[0, 0] == pytest.approx(np.exp(best.x[9]) * scale**2, rel=1e-3)


def test_rows_are_worth_their_sum_over_all_cells():
    x = drawn(90, 2, holes=0.3)
    fitted = GeneralLocation([0, 1, 2], tol=1).fit(x)
    means = fitted.means_.reshape(12, -1)
    brute = by_all_cells(x, np.log(fitted.probabilities_.ravel()), means, fitted.covariance_)
    np.testing.assert_allclose(fitted.score_samples(x), brute, atol=1e-9)
    assert fitted.score(x) == pytest.approx(brute.mean(), abs=1e-10)


def test_complete_rows_give_shares_means_and_the_covariance_within():
    x = drawn(2000, 3, holes=0)
    fitted = GeneralLocation([0, 1, 2], interactions="saturated", means="saturated").fit(x)
    cell = np.ravel_multi_index(x[:, :3].astype(int).T, LEVELS)
    count = np.bincount(cell, minlength=12)
    np.testing.assert_allclose(fitted.probabilities_.ravel(), count / 2000, atol=1e-9)
    means = np.stack([x[cell == c, 3:].mean(axis=0) for c in range(12)])
    np.testing.assert_allclose(fitted.means_.reshape(12, -1), means, rtol=1e-9)
    off = x[:, 3:] - means[cell]
    np.testing.assert_allclose(fitted.covariance_, off.T @ off / 2000, rtol=1e-9)


def test_without_categories_it_is_the_normal_distribution():
    x = drawn(100, 4, 3)[:, 3:]
    fitted, normal = GeneralLocation(tol=1e-9).fit(x), IncompleteNormal(tol=1e-9).fit(x)
    assert fitted.loglik_ == pytest.approx(normal.loglik_, abs=1e-6)
    np.testing.assert_allclose(fitted.covariance_, normal.covariance_, rtol=1e-4)


@pytest.mark.parametrize("saturated", [True, False])
@pytest.mark.parametrize("numbers", [0, 2])
@pytest.mark.parametrize("prior", [0.0, 0.5])
def test_the_model_keeps_the_contract(saturated, numbers, prior):
    x, w = drawn(50, 5, numbers), np.arange(1.0, 51.0)
    own = None if saturated else design(LEVELS, hierarchy(2, "abc", "interactions"))
    main = np.hstack([np.ones((12, 1)), design(LEVELS, hierarchy(1, "abc", "means"))])
    frame = Frame.of(Rows(x[:, 3:], w)) if numbers else None
    model = CellModel(LEVELS, frame, own, main, prior)
    assert "the M-step maximises q" in check_model(model, Rows(x, w)).passed


def test_weights_are_replication_and_units_do_not_matter():
    x, w = drawn(60, 6), np.random.default_rng(0).integers(1, 4, 60)
    plain = GeneralLocation([0, 1, 2], tol=1e-9).fit(x, sample_weight=w)
    moved = np.repeat(x, w, axis=0)[::-1] * [1, 1, 1, 1e3, 1] + [0, 0, 0, 1e6, 0]
    again = GeneralLocation([0, 1, 2], tol=1e-9).fit(moved)
    np.testing.assert_allclose(plain.probabilities_, again.probabilities_, atol=1e-5)
    np.testing.assert_allclose(plain.covariance_[0, 0] * 1e6, again.covariance_[0, 0], rtol=1e-4)


def test_goodness_of_fit_is_g_squared_of_complete_tables():
    rows = [[i, j] for i in range(2) for j in range(3)]
    counts = np.array([20, 30, 25, 40, 10, 15])
    fitted = LogLinear(1, tol=1e-10).fit(rows, sample_weight=counts)
    expected = stats.chi2_contingency(counts.reshape(2, 3), lambda_="log-likelihood")
    found = fitted.goodness_of_fit()
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-5)
    assert found.df == expected.dof
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-4)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_keep_their_kind_and_what_was_seen(library):
    frames = import_module(library)
    x = drawn(80, 7)
    letters = [None if np.isnan(v) else "xyz"[int(v)] for v in x[:, 1]]
    weights = [None if np.isnan(v) else float(v) for v in x[:, 3]]
    frame = frames.DataFrame({"colour": letters, "weight": weights, "n": list(range(80))})
    fitted = GeneralLocation(random_state=0).fit(frame)
    for made in (fitted.complete(frame), fitted.complete(frame, draw=True)):
        assert type(made) is type(frame)
        assert list(made.columns) == ["colour", "weight", "n"]
        assert made["n"].to_list() == list(range(80))
        for before, after in zip(letters, made["colour"].to_list(), strict=True):
            assert after == before if before is not None else after in {"x", "y", "z"}
        for before, after in zip(weights, made["weight"].to_list(), strict=True):
            assert after == before if before is not None else np.isfinite(after)


def test_imputations_are_centred_on_the_estimate_and_follow_from_the_seed():
    x = drawn(400, 8, holes=0.3)
    fitted = GeneralLocation([0, 1, 2], random_state=3).fit(x)
    made = fitted.impute(x, 8)
    again = GeneralLocation([0, 1, 2], random_state=3).fit(x).impute(x, 8)
    np.testing.assert_array_equal(made[5], again[5])
    seen = ~np.isnan(x)
    assert all(np.array_equal(each[seen], x[seen]) for each in made)
    share = np.mean([np.mean(each[:, 0] == 0) for each in made])
    assert share == pytest.approx(fitted.probabilities_[0].sum(), abs=0.03)
    assert len({float(each[:, 3].mean()) for each in made}) == 8


@pytest.mark.parametrize("kind", [LogLinear, GeneralLocation])
def test_a_saved_table_is_the_same(kind, tmp_path):
    rows = [["yes", "a"], ["yes", "b"], ["no", "b"], ["no", None], [None, "a"], ["no", "a"]]
    fitted = kind(interactions=["x0", "x1"]).fit(rows)
    fitted.standard_errors()
    fitted.save(tmp_path / "table.safetensors")
    again = load(tmp_path / "table.safetensors")
    np.testing.assert_array_equal(again.probabilities_, fitted.probabilities_)
    assert str(again.summary()) == str(fitted.summary())
    assert again.complete(rows).tolist() == fitted.complete(rows).tolist()


@pytest.mark.parametrize(
    ("estimator", "x", "words"),
    [
        (LogLinear(["a:b"]), [[0, 1], [1, 0]], "the term 'a:b'"),
        (LogLinear(), [[0, np.nan], [1, np.nan]], "'x1' has no value"),
        (GeneralLocation(["sex"]), [[0, 1.0], [1, 2.0]], "got 'sex' in categorical"),
        (GeneralLocation([0]), [[0, 5.0], [1, 5.0], [1, np.nan]], "'x1' is 5 wherever"),
        (LogLinear(-1), [[0, 1], [1, 0]], "interactions"),
    ],
)
def test_what_cannot_be_estimated_is_refused_in_a_sentence(estimator, x, words):
    with pytest.raises(ValueError, match=words):
        estimator.fit(x)


def test_a_table_too_large_is_refused_with_what_to_do():
    x = np.random.default_rng(0).integers(0, 9, (60, 9))
    with pytest.raises(ValueError, match="LatentClass"):
        LogLinear().fit(x)


def test_unknown_categories_are_named():
    fitted = LogLinear().fit([["a", "x"], ["b", "y"], ["a", "y"]])
    with pytest.raises(ValueError, match="'c' at row 0"):
        fitted.complete([["c", "x"]])


def test_rows_that_are_drawn_have_the_frequencies_of_the_table():
    rows = [["yes", 1], ["yes", 2], ["no", 2], ["no", 1], ["yes", None], [None, 1]]
    fitted = LogLinear(random_state=1).fit(rows, sample_weight=[30, 10, 25, 15, 20, 12])
    drawn = fitted.sample(20_000)
    assert drawn.shape == (20_000, 2)
    assert set(map(type, drawn[0])) <= {str, int, float}
    counts = [
        [sum(drawn[:, 0][drawn[:, 1] == second] == first) for second in fitted.categories_[1]]
        for first in fitted.categories_[0]
    ]
    expected = 20_000 * fitted.probabilities_
    assert stats.chisquare(np.ravel(counts), expected.ravel()).pvalue > 1e-3
    again = LogLinear(random_state=1).fit(rows, sample_weight=[30, 10, 25, 15, 20, 12])
    assert again.sample(20_000).tolist() == drawn.tolist()
    with pytest.raises(ValueError, match="n_samples"):
        fitted.sample(0)


def test_numbers_that_are_drawn_are_normal_within_the_cells():
    rng = np.random.default_rng(0)
    code = rng.integers(0, 2, 300)
    z = rng.multivariate_normal([0, 5], [[1, 0.6], [0.6, 2]], size=300) + 3 * code[:, None]
    table = [[a, "ab"[c], b] for (a, b), c in zip(z.tolist(), code, strict=True)]
    fitted = GeneralLocation(random_state=0).fit(table)
    drawn = fitted.sample(20_000)
    at = (drawn[:, 1] == "b").astype(int)
    assert at.mean() == pytest.approx(fitted.probabilities_[1], abs=4 * 0.5 / np.sqrt(20_000))
    left = drawn[:, [0, 2]].astype(float) - fitted.means_[at]
    white = np.linalg.solve(np.linalg.cholesky(fitted.covariance_), left.T)
    for each in white:
        assert stats.kstest(each, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(white)[0, 1]) < 4 / np.sqrt(20_000)


def test_an_interrupt_among_imputations_ends_them_all(monkeypatch):
    x = np.random.default_rng(0).integers(0, 3, size=(200, 3)).astype(float)
    x[::5, 1] = np.nan
    fitted = LogLinear(tol=1e-10).fit(x)
    step, calls = CellModel.m_step, []

    def interrupted(self, suff, params):
        calls.append(None)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return step(self, suff, params)

    monkeypatch.setattr(CellModel, "m_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fitted.impute(x, 20)
    assert len(calls) == 3


@pytest.mark.parametrize("estimator", [LogLinear(), GeneralLocation()])
def test_dates_are_refused_by_name(estimator):
    table = pandas.DataFrame(
        {"sex": ["f", "m", "f"], "born": pandas.to_datetime(["2001-02-03"] * 3)}
    )
    with pytest.raises(TypeError, match=r"column 'born' holds dates or times .* such as the month"):
        estimator.fit(table)


def test_columns_of_measurements_are_no_table():
    """Each value would be a category, and their interactions more than memory holds."""
    measured = np.random.default_rng(0).normal(size=(60, 3))
    with pytest.raises(ValueError, match="216000 cells and 10620 effects of 60, 60, 60 categories"):
        LogLinear().fit(measured)


def test_numbers_that_follow_from_one_another_are_named():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(60, 3))
    z[:, 2] = z[:, 0] - z[:, 1]
    z[rng.random(z.shape) < 0.15] = np.nan
    x = np.column_stack([rng.integers(0, 2, 60), z])
    with pytest.raises(ValueError, match=r"'x1', 'x2', 'x3' follow .*leave one of them out"):
        GeneralLocation([0]).fit(x)


@pytest.mark.parametrize("means", [1, "saturated"])
def test_without_categories_tables_have_the_numbers_alone(means):
    x = np.random.default_rng(0).normal(size=(40, 2))
    fitted = GeneralLocation(means=means).fit(x)
    assert [e.name for e in fitted.estimates()] == [
        "x0 ~ 1",
        "x1 ~ 1",
        "covariance[x0, x0]",
        "covariance[x0, x1]",
        "covariance[x1, x1]",
    ]
