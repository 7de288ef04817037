"""`Mixture`: any family in scikit-learn's conventions."""

import pickle
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, poisson
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

import latentia
from latentia import EM, GaussianMixture, Mixture, datasets, select
from latentia.engine.space import Positive, Real
from latentia.families import FromLogDensity, Poisson, registry
from latentia.report.summary import summarise_selection

DAYS = [162, 267, 271, 185, 111, 61, 27, 8, 3, 1]
COUNTS = np.arange(10.0)[:, None]
DEATHS = np.repeat(COUNTS, DAYS, axis=0)
FAITHFUL = datasets.load("faithful").values
TIGHT = EM(tol=1e-11, max_iter=5000)
RNG = np.random.default_rng(0)

GROUP = RNG.integers(0, 2, size=400)
MIXED = pd.DataFrame(
    {
        "visits": RNG.poisson(np.array([1.0, 6.0])[GROUP]).astype(float),
        "height": RNG.normal(np.array([0.0, 4.0])[GROUP]),
        "weight": RNG.normal(np.array([1.0, 0.0])[GROUP]),
        "region": RNG.integers(0, 1 + 2 * GROUP).astype(float),
    }
)
MIXED.loc[::7, "visits"] = np.nan
KINDS = {"visits": "poisson", ("height", "weight"): "gaussian", "region": "categorical"}


@pytest.fixture(scope="module")
def deaths():
    return Mixture("poisson", 2, em=TIGHT, random_state=0).fit(DEATHS)


@pytest.fixture(scope="module")
def mixed():
    return Mixture(KINDS, 2, random_state=0).fit(MIXED)


@parametrize_with_checks([Mixture("gaussian", 2, random_state=0)])
def test_conventions(estimator, check):
    check(estimator)


# -- the fit -----------------------------------------------------------------------------------


def test_hasselblads_deaths(deaths):
    """Hasselblad (1969); log-likelihood and errors as in examples/classics."""
    order = np.argsort(-deaths.params_.rates[:, 0])
    assert deaths.loglik_ == pytest.approx(-1989.945859883, abs=1e-8)
    np.testing.assert_allclose(deaths.params_.rates[order, 0], [2.663403, 1.256095], rtol=1e-5)
    np.testing.assert_allclose(deaths.weights_[order], [0.640114, 0.359886], rtol=1e-4)
    errors = deaths.standard_errors()
    np.testing.assert_allclose(errors.weights, 0.1946843, rtol=1e-5)
    np.testing.assert_allclose(errors.components.rates[order, 0], [0.2504783, 0.3500297], rtol=1e-4)


def test_repeated_rows_are_worked_on_once(deaths):
    weighted = Mixture("poisson", 2, em=TIGHT, random_state=0).fit(COUNTS, sample_weight=DAYS)
    np.testing.assert_allclose(weighted.params_.rates, deaths.params_.rates, rtol=1e-6)
    assert weighted.loglik_ == pytest.approx(deaths.loglik_, rel=1e-13)
    assert weighted.criteria() == pytest.approx(deaths.criteria(), rel=1e-9)
    assert len(deaths._data.rows) == 10
    for method in ("opg", "sandwich"):
        one, other = (m.standard_errors(method=method) for m in (weighted, deaths))
        np.testing.assert_allclose(one.weights, other.weights, rtol=1e-5)


def test_gaussian_components_are_those_of_gaussian_mixture():
    ours = Mixture("gaussian", 2, em=TIGHT, random_state=0).fit(FAITHFUL)
    theirs = GaussianMixture(2, em=TIGHT, random_state=0).fit(FAITHFUL)
    order, other = (np.argsort(m) for m in (ours.params_.means[:, 0], theirs.means_[:, 0]))
    assert ours.loglik_ == pytest.approx(theirs.loglik_, abs=1e-7)
    np.testing.assert_allclose(ours.params_.means[order], theirs.means_[other], rtol=1e-5)
    se, known = ours.standard_errors(), theirs.standard_errors()
    np.testing.assert_allclose(
        se.components.covariances[order], known.covariances[other], rtol=1e-4
    )
    names = {e.name for e in ours.parameter_table()}
    assert names == {e.name for e in theirs.parameter_table()}


def test_columns_of_different_kinds_with_holes(mixed):
    assert (mixed.predict(MIXED) == GROUP).mean() > 0.95 or (
        mixed.predict(MIXED) != GROUP
    ).mean() > 0.95
    poisson_, gaussian, categorical = mixed.params_
    assert poisson_.rates.shape == (2, 1)
    assert gaussian.covariances.shape == (2, 2, 2)
    assert categorical.probabilities.shape == (2, 1, 3)
    assert mixed.predict_proba(MIXED).shape == (400, 2)


def test_a_part_may_have_holes_where_another_may_not():
    holes = np.array([[2, 1, 0], [np.nan, 3, 1], [1, np.nan, 2]])
    with pytest.raises(ValueError, match="NaN at row 2, column 1: Multinomial needs every"):
        Mixture({0: "poisson", (1, 2): "multinomial"}, 1).fit(holes)


class Logistic(NamedTuple):
    location: object
    scale: object


def logistic(k, d):
    def log_density(theta, x):
        z = np.abs(x[:, 0] - theta.location) / theta.scale
        return -z - 2 * np.log1p(np.exp(-z)) - np.log(theta.scale)

    return FromLogDensity(k, log_density, Logistic(Real(), Positive()), Logistic(70.0, 5.0))


def test_a_family_of_ones_own(tmp_path):
    mixture = Mixture(logistic, 2, random_state=0).fit(FAITHFUL[:, 1:])
    assert mixture.loglik_ == pytest.approx(-1036.3464, abs=1e-3)
    assert [e.name for e in mixture.estimates()][2:] == [
        "location[0]",
        "location[1]",
        "scale[0]",
        "scale[1]",
    ]
    assert "location[0]" in str(mixture.summary())
    with pytest.raises(ValueError, match=r"of your own \(logistic\), expected one of bernoulli"):
        mixture.save(tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", registry.names())
def test_every_family_by_its_name(name, tmp_path):
    """Rows drawn from a fit to rows near enough; all that is offered of it runs."""
    angle = RNG.normal([0.3, 2.5], 0.2, size=(60, 2)).ravel()
    rows = {
        "bernoulli": RNG.integers(0, 2, size=(120, 3)),
        "beta": RNG.beta(2, [1, 5], size=(120, 2)),
        "binomial": RNG.binomial(9, [0.2, 0.7], size=(120, 2)),
        "categorical": RNG.integers(0, 3, size=(120, 4)),
        "dirichlet": RNG.dirichlet([1, 2, 6], size=120),
        "factor_analyzers": RNG.normal(size=(120, 4)) + RNG.normal(size=(120, 1)),
        "gaussian": RNG.normal(size=(120, 2)),
        "multinomial": RNG.multinomial(20, [0.2, 0.3, 0.5], size=120),
        "negative_binomial": RNG.negative_binomial(3, [0.2, 0.6], size=(120, 2)),
        "poisson": RNG.poisson([1, 8], size=(120, 2)),
        "uniform": RNG.uniform(size=(120, 2)),
        "von_mises_fisher": np.column_stack([np.cos(angle), np.sin(angle)]),
    }.get(name, RNG.gamma(2, [1, 5], size=(120, 2)))
    given = "binomial(trials=9)" if name == "binomial" else name
    x = rows.astype(float)
    mixture = Mixture(given, 2, random_state=0, em=EM(max_iter=2000)).fit(x)
    assert np.isfinite(mixture.loglik_)
    assert mixture.score_samples(x).sum() == pytest.approx(mixture.loglik_, rel=1e-9)
    drawn, labels = mixture.sample(30)
    assert drawn.shape == (30, x.shape[1])
    assert labels.shape == (30,)
    names = [e.name for e in mixture.estimates()]
    assert len(set(names)) == len(names)
    assert names == [e.name for e in mixture.parameter_table()]
    assert str(mixture.summary())
    mixture.save(tmp_path / "model.safetensors")
    back = latentia.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(back.predict_proba(x), mixture.predict_proba(x))
    assert repr(back.parameter_table()) == repr(mixture.parameter_table())  # nan is nan here


# -- what cannot be fitted -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (-1, "got -1 at row 70, column 'deaths' for Poisson, expected a whole number of at least"),
        (2.5, "got 2.5 at row 70, column 'deaths' for Poisson, expected a whole number"),
        (np.inf, "inf .infinity. at row 70, column 'deaths': Poisson needs finite numbers"),
    ],
)
def test_impossible_cells_are_named(cell, told):
    frame = pd.DataFrame(DEATHS, columns=["deaths"])
    good = Mixture("poisson", 1).fit(frame)
    frame.iloc[70, 0] = cell
    for use in (Mixture("poisson", 1).fit, good.predict, good.score_samples):
        with pytest.raises(ValueError, match=told):
            use(frame)


def test_rows_that_no_component_makes_keep_the_weights_as_memberships():
    mixture = Mixture("poisson", 2, random_state=0).fit(np.zeros((9, 1)))
    assert mixture.score_samples([[4.0]]) == -np.inf
    np.testing.assert_array_equal(mixture.predict_proba([[4.0]])[0], mixture.weights_)


def test_settings_are_checked():
    for wrong in ({"n_components": 0}, {"tol": -1}, {"init_params": "best"}, {"em": 3}):
        with pytest.raises(ValueError, match="Mixture must be"):
            Mixture("poisson").set_params(**wrong).fit(DEATHS)
    with pytest.raises(ValueError, match="got family='poison', expected one of"):
        Mixture("poison").fit(DEATHS)
    with pytest.raises(ValueError, match="Expected n_samples >= n_components"):
        Mixture("poisson", 5).fit([[1.0], [2.0]])


def test_collapse_is_a_sentence():
    x = np.repeat([[0.0], [1.0], [5.0], [9.0]], 10, axis=0)
    with pytest.raises(ValueError, match="some component collapsed onto too few different rows"):
        Mixture("gaussian(reg_covar=0)", 4, random_state=0).fit(x)


def test_what_needs_a_fit_says_so():
    mixture = Mixture("poisson", 2)
    for use in (
        lambda: mixture.predict(DEATHS),
        lambda: mixture.sample(),
        lambda: mixture.cdf(1),
        lambda: mixture.bic(DEATHS),
        mixture.estimates,
        mixture.standard_errors,
        mixture.summary,
        mixture.criteria,
        lambda: mixture.save("model"),
        lambda: mixture.plot,
    ):
        with pytest.raises(NotFittedError, match="not fitted"):
            use()


# -- what it says --------------------------------------------------------------------------------


def test_memberships_and_densities_are_bayes_rule(deaths):
    joint = deaths.weights_ * poisson.pmf(COUNTS, deaths.params_.rates[:, 0])
    np.testing.assert_allclose(
        deaths.predict_proba(COUNTS), joint / joint.sum(axis=1, keepdims=True), rtol=1e-10
    )
    np.testing.assert_allclose(deaths.score_samples(COUNTS), np.log(joint.sum(axis=1)), rtol=1e-12)
    np.testing.assert_array_equal(deaths.predict(COUNTS), joint.argmax(axis=1))
    assert deaths.score(DEATHS) * len(DEATHS) == pytest.approx(deaths.loglik_, rel=1e-12)


def test_criteria_on_the_data_of_the_fit_are_those_of_the_fit(deaths):
    for name, value in deaths.criteria().items():
        assert getattr(deaths, name)(DEATHS) == pytest.approx(value, rel=1e-10), name
    assert deaths.bic(DEATHS) == pytest.approx(2 * 1989.945859883 + 3 * np.log(1096), rel=1e-10)


def test_distribution_and_quantiles(deaths):
    w, rates = deaths.weights_, deaths.params_.rates[:, 0]
    at = np.array([[-1.0, 0.0, 0.5], [3.0, 7.0, np.nan]])
    below = deaths.cdf(at)
    np.testing.assert_allclose(below, poisson.cdf(at[..., None], rates) @ w, rtol=1e-12)
    for p, x in zip((0.1, 0.5, 0.999), deaths.quantile([0.1, 0.5, 0.999]), strict=True):
        assert deaths.cdf(x) >= p > deaths.cdf(x - 1)
    several = Mixture("poisson", 2).fit(np.ones((5, 2)))
    with pytest.raises(ValueError, match="got a mixture of 2 columns, expected one: cdf is"):
        several.cdf(1.0)


def test_drawn_rows_have_the_moments_of_the_mixture(deaths):
    x, labels = Mixture.sample(clone(deaths).fit(DEATHS), 50_000)
    assert (np.diff(labels) >= 0).all()
    w, rates = deaths.weights_, deaths.params_.rates[:, 0]
    mean = w @ rates
    variance = mean + w @ (rates - mean) ** 2
    assert x.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / 50_000))
    assert x.var() == pytest.approx(variance, rel=0.05)
    np.testing.assert_allclose(np.bincount(labels) / 50_000, w, atol=0.02)


def test_parameters_by_name(mixed):
    names = [e.name for e in mixed.estimates()]
    assert names[:4] == ["weight[0]", "weight[1]", "rate[0, visits]", "rate[1, visits]"]
    assert "variance[1, weight]" in names
    assert "covariance[0, height, weight]" in names
    assert "probability[1, region, 2]" in names
    rows = {e.name: e for e in mixed.parameter_table(0.9)}
    assert list(rows) == names
    rate, se = rows["rate[0, visits]"], mixed.standard_errors().components[0].rates[0, 0]
    width = norm.ppf(0.95) * se / rate.value
    assert np.log(rate[3:]) == pytest.approx(np.log(rate.value) + np.array([-width, width]))
    assert all(e.se != e.se for e in mixed.estimates())


def test_names_tell_apart_parts_without_columns():
    x = np.hstack([RNG.normal(size=(60, 4)), RNG.poisson(2, size=(60, 1))])
    round_ = "gaussian(covariance_type='spherical')"
    mixture = Mixture({(0, 1): round_, (2, 3): round_, 4: "poisson"}, 2, random_state=0).fit(x)
    names = [e.name for e in mixture.estimates()]
    assert "variance(x0+x1)[0]" in names
    assert len(set(names)) == len(names)


# -- files, copies, going on ---------------------------------------------------------------------


@pytest.mark.parametrize("family", ["poisson", Poisson, {0: "poisson"}])
def test_everything_comes_back(family, tmp_path):
    mixture = Mixture(family, 2, random_state=4, n_init=3).fit(DEATHS)
    mixture.save(tmp_path / "model.safetensors")
    back = latentia.load(tmp_path / "model.safetensors")
    for name in ("loglik_", "lower_bound_", "lower_bounds_", "n_iter_", "start_", "n_parameters_"):
        assert getattr(back, name) == getattr(mixture, name), name
    np.testing.assert_array_equal(back.params_[0], mixture.params_[0])
    assert back.criteria() == pytest.approx(mixture.criteria(), rel=1e-12)
    assert back.certificate_.sentences() == mixture.certificate_.sentences()
    np.testing.assert_array_equal(back.sample(9)[0], mixture.sample(9)[0])
    assert str(back.summary()).partition("\n")[0] == str(mixture.summary()).partition("\n")[0]
    with pytest.raises(NotFittedError, match=r"give them as standard_errors\(X\)"):
        back.standard_errors()
    errors = back.standard_errors(DEATHS)
    np.testing.assert_allclose(errors.weights, mixture.standard_errors().weights, rtol=1e-9)
    again = back.set_params(n_init=1).fit(DEATHS)
    assert again.loglik_ == pytest.approx(mixture.loglik_, abs=1e-2)


def test_mixed_models_and_their_errors_come_back(mixed, tmp_path):
    mixed.standard_errors()
    mixed.save(tmp_path / "model.safetensors")
    back = latentia.load(tmp_path / "model.safetensors")
    assert back.family == mixed.family
    assert back.parameter_table() == mixed.parameter_table()
    np.testing.assert_array_equal(back.predict_proba(MIXED), mixed.predict_proba(MIXED))


def test_clones_and_pickles(deaths):
    assert repr(clone(deaths)) == repr(deaths)
    back = pickle.loads(pickle.dumps(deaths))
    np.testing.assert_array_equal(back.predict(COUNTS), deaths.predict(COUNTS))
    assert back._data is None


def test_a_warm_start_goes_on_where_a_fit_stopped():
    settings = {"n_components": 3, "init_params": "random", "tol": 1e-6, "random_state": 0}
    whole = Mixture("poisson", **settings).fit(DEATHS)
    steps = Mixture("poisson", **settings, warm_start=True, max_iter=whole.n_iter_ // 2)
    with pytest.warns(ConvergenceWarning, match="did not converge"):
        steps.fit(DEATHS)
    first = steps.n_iter_
    steps.set_params(max_iter=100).fit(DEATHS)
    assert first + steps.n_iter_ == whole.n_iter_  # as if it had not stopped
    assert steps.loglik_ == whole.loglik_
    assert steps.start_ == "given"
    other = steps.set_params(n_components=2).fit(DEATHS)
    assert other.params_.rates.shape == (2, 1)


def test_a_sweep_over_families_and_components():
    grid = {"family": ["poisson", "negative_binomial"], "n_components": [1, 2]}
    chosen = select(Mixture("poisson", random_state=0), DEATHS, grid)
    assert len(chosen.candidates) == 4
    best = min(chosen.candidates, key=lambda c: c.bic)
    assert chosen.best_settings == best.settings
    assert "negative_binomial" in str(summarise_selection(chosen))


def test_the_portfolio_races_and_names_its_winner():
    mixture = Mixture("poisson", 2, init_params="portfolio", random_state=0).fit(DEATHS)
    assert mixture.start_ in (
        "hierarchical-VVV",
        "hierarchical-EII",
        "kmeans-whitened",
        "kmeans-plain",
        "k-means++",
        "random_from_data",
    )
