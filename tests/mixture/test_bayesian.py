"""BayesianGaussianMixture beside scikit-learn's, and what it has beyond it."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.mixture
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

import latentia
from latentia import EM, BayesianGaussianMixture, datasets
from latentia.engine import CheckpointError
from latentia.mixture import DataWarning, highest_density_regions, merge_components

FAITHFUL = datasets.load("faithful").values
KINDS = ["full", "tied", "diag", "spherical"]
PRIORS = ["dirichlet_process", "dirichlet_distribution"]
every_kind = pytest.mark.parametrize("kind", KINDS)
every_prior = pytest.mark.parametrize("prior", PRIORS)
POSTERIOR = (
    "weight_concentration_",
    "mean_precision_",
    "means_",
    "degrees_of_freedom_",
    "covariances_",
)
FITTED = (*POSTERIOR, "weights_", "precisions_", "precisions_cholesky_")
GIVEN = (
    "weight_concentration_prior_",
    "mean_precision_prior_",
    "mean_prior_",
    "degrees_of_freedom_prior_",
    "covariance_prior_",
)


@parametrize_with_checks(
    [
        *(BayesianGaussianMixture(covariance_type=kind) for kind in KINDS),
        BayesianGaussianMixture(
            n_components=2, weight_concentration_prior_type=PRIORS[1], em=EM(tol=1e-7)
        ),
    ]
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def _ours(kind="full", prior=PRIORS[0], **settings):
    given = {"n_components": 3, "random_state": 0, "reg_covar": 0, **settings}
    made = BayesianGaussianMixture(
        covariance_type=kind, weight_concentration_prior_type=prior, **given
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return made.fit(FAITHFUL)


class _Theirs(sklearn.mixture.BayesianGaussianMixture):
    """scikit-learn's, from the start that is set as `begun`."""

    def _initialize_parameters(self, X, random_state, xp=None):
        for name in (*POSTERIOR, "precisions_cholesky_"):
            setattr(self, name, getattr(self.begun, name))


def _theirs(kind, prior, begun, **settings):
    given = {"n_components": 3, "random_state": 0, "reg_covar": 0, **settings}
    made = _Theirs(covariance_type=kind, weight_concentration_prior_type=prior, **given)
    made.begun = begun
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return made.fit(FAITHFUL)


# -- the original beside it --------------------------------------------------------------------


def test_signature_and_defaults_are_the_originals():
    theirs = sklearn.mixture.BayesianGaussianMixture
    ours = BayesianGaussianMixture().get_params()
    assert ours.pop("em") is None
    assert ours == theirs().get_params()
    keywords = list(BayesianGaussianMixture.__init__.__kwdefaults__)
    assert keywords[:-1] == list(theirs.__init__.__kwdefaults__)
    public = {name for name in dir(theirs) if not name.startswith("_")}
    assert public <= set(dir(BayesianGaussianMixture))


@every_prior
@every_kind
def test_as_many_plain_steps_give_the_originals_numbers(kind, prior):
    plain = EM(accelerate="none", tol=0)
    begun = _ours(kind, prior, em=plain, max_iter=0)
    theirs = _theirs(kind, prior, begun, max_iter=9, tol=0)
    ours = _ours(kind, prior, em=plain, max_iter=9)
    assert ours.n_iter_ == theirs.n_iter_ == 9
    for name in (*FITTED, *GIVEN):
        one, other = getattr(ours, name), getattr(theirs, name)
        assert isinstance(one, tuple) == isinstance(other, tuple), name
        assert np.shape(one) == np.shape(other), name
        assert np.asarray(one).dtype == np.asarray(other, dtype=float).dtype, name
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9, err_msg=name)
    for name in ("predict", "predict_proba", "score_samples"):
        one, other = getattr(ours, name)(FAITHFUL), getattr(theirs, name)(FAITHFUL)
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-9)
    assert ours.score(FAITHFUL) == pytest.approx(theirs.score(FAITHFUL), rel=1e-9)
    # theirs is of the memberships from before an M-step, ours of the best for these parameters
    mine, bounds = np.array(ours.lower_bounds_), np.ravel(theirs.lower_bounds_)
    assert len(mine) == len(bounds)
    assert (bounds <= mine + 1e-9).all()
    assert (mine[:-1] <= bounds[1:] + 1e-9).all()


@every_prior
@every_kind
def test_where_it_ends_the_bound_is_the_originals(kind, prior):
    ours = _ours(kind, prior, em=EM(tol=1e-10), max_iter=3000)
    theirs = _theirs(kind, prior, ours, max_iter=20, tol=0)
    assert ours.converged_
    assert ours.lower_bound_ == pytest.approx(np.ravel(theirs.lower_bound_)[0], abs=1e-7)
    assert ours.lower_bound_ == ours.lower_bounds_[-1]
    np.testing.assert_allclose(ours.means_, theirs.means_, atol=1e-3)


@every_kind
def test_samples_are_the_originals_in_shape(kind):
    ours = _ours(kind)
    theirs = _theirs(kind, PRIORS[0], ours, max_iter=1)
    one, other = ours.sample(7), theirs.sample(7)
    assert [(a.shape, a.dtype) for a in one] == [(a.shape, a.dtype) for a in other]


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_single_precision_in_gives_single_precision_out(kind):
    x = FAITHFUL.astype(np.float32)
    made = BayesianGaussianMixture(n_components=2, covariance_type=kind, random_state=0).fit(x)
    for name in FITTED:
        assert np.asarray(getattr(made, name)).dtype == np.float32, name
    double = BayesianGaussianMixture(n_components=2, covariance_type=kind, random_state=0)
    np.testing.assert_allclose(made.means_, double.fit(x.astype(float)).means_, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"degrees_of_freedom_prior": 1.0}, r"should be greater than 1, but got 1\.000\."),
        ({"mean_prior": [1.0]}, r"parameter 'means' should have the shape of \(2,\)"),
        ({"covariance_prior": np.eye(3)}, r"'full covariance_prior' should have the shape"),
        ({"covariance_prior": -np.eye(2)}, "'full covariance_prior' should be symmetric, positive"),
        ({"covariance_prior": [1.0, -1.0], "covariance_type": "diag"}, "should be positive"),
        ({"covariance_prior": 0.0, "covariance_type": "spherical"}, "covariance_prior"),
        ({"mean_precision_prior": 0}, "mean_precision_prior"),
        ({"weight_concentration_prior": -1}, "weight_concentration_prior"),
        ({"weight_concentration_prior_type": "dirichlet"}, "weight_concentration_prior_type"),
        ({"covariance_type": "VEV"}, "covariance_type"),
    ],
)
def test_priors_that_make_no_sense(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        BayesianGaussianMixture(n_components=2, **settings).fit(FAITHFUL)


def test_holes_are_refused_by_name():
    holes = pd.DataFrame(FAITHFUL, columns=["eruptions", "waiting"])
    holes.loc[3, "waiting"] = np.nan
    told = "NaN at row 3, column 'waiting'.*BayesianGaussianMixture needs finite numbers"
    with pytest.raises(ValueError, match=told):
        BayesianGaussianMixture().fit(holes)
    fitted = BayesianGaussianMixture().fit(FAITHFUL)
    with pytest.raises(ValueError, match="NaN at row 3"):
        fitted.predict(holes.to_numpy())


# -- beyond it ---------------------------------------------------------------------------------


@every_prior
@every_kind
def test_weights_are_replication(kind, prior):
    counts = np.random.default_rng(1).integers(0, 4, size=len(FAITHFUL))
    settings = {"n_components": 3, "covariance_type": kind, "random_state": 0}
    settings |= {"weight_concentration_prior_type": prior, "em": EM(tol=1e-9), "max_iter": 2000}
    weighted = BayesianGaussianMixture(**settings).fit(FAITHFUL, sample_weight=counts)
    repeated = BayesianGaussianMixture(**settings).fit(np.repeat(FAITHFUL, counts, axis=0))
    assert weighted.loglik_ == pytest.approx(repeated.loglik_, abs=1e-6)
    assert weighted.lower_bound_ == pytest.approx(repeated.lower_bound_, abs=1e-6)
    np.testing.assert_allclose(weighted.means_, repeated.means_, rtol=1e-4)
    for name in GIVEN:
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-10)


def test_neither_the_order_nor_the_origin_of_rows_matters():
    rng = np.random.default_rng(0)
    settings = {"n_components": 4, "random_state": 0, "max_iter": 2000, "em": EM(tol=1e-8)}
    plain = BayesianGaussianMixture(**settings).fit(FAITHFUL)
    shuffled = BayesianGaussianMixture(**settings).fit(rng.permutation(FAITHFUL))
    moved = BayesianGaussianMixture(**settings).fit(FAITHFUL + 64)
    for other, shift in ((shuffled, 0), (moved, 64)):
        assert other.lower_bound_ == pytest.approx(plain.lower_bound_, abs=1e-6)
        np.testing.assert_allclose(other.means_ - shift, plain.means_, atol=1e-4)
        np.testing.assert_allclose(other.weights_, plain.weights_, atol=1e-5)


@every_kind
@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_units_do_not_matter(kind, scale):
    settings = {"n_components": 3, "covariance_type": kind, "reg_covar": 0, "random_state": 0}
    settings |= {"em": EM(tol=1e-7), "max_iter": 2000}
    plain = BayesianGaussianMixture(**settings).fit(FAITHFUL)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        scaled = BayesianGaussianMixture(**settings).fit(FAITHFUL * scale)
    assert scaled.converged_
    moved = FAITHFUL.size * np.log(scale)
    assert scaled.loglik_ + moved == pytest.approx(plain.loglik_, abs=1e-5)
    np.testing.assert_allclose(scaled.means_ / scale, plain.means_, rtol=1e-3)
    one, other = scaled.standard_errors().covariances, plain.standard_errors().covariances
    np.testing.assert_allclose(one / scale / scale, other, rtol=1e-2)


@every_prior
def test_components_that_the_rows_do_not_need_stay_empty(prior):
    rng = np.random.default_rng(0)
    x = np.vstack([rng.normal(size=(150, 2)), rng.normal([12, 0], size=(50, 2))])
    made = BayesianGaussianMixture(
        n_components=6,
        weight_concentration_prior_type=prior,
        weight_concentration_prior=1e-3,
        random_state=0,
        max_iter=1000,
        n_init=10,
    ).fit(x)
    np.testing.assert_allclose(np.sort(made.weights_)[-2:], [0.25, 0.75], atol=0.01)
    assert np.sort(made.weights_)[:-2].sum() < 1e-3
    assert len(np.unique(made.predict(x))) == 2


def test_the_larger_the_concentration_the_more_components_are_used():
    # the data of scikit-learn's example plot_concentration_prior
    rng = np.random.RandomState(2)
    sizes, heights = (200, 500, 200), (-0.7, 0.0, 0.7)
    spreads = ([0.7, 0.1], [0.5, 0.1], [0.5, 0.1])
    parts = zip(heights, spreads, sizes, strict=True)
    x = np.vstack([rng.multivariate_normal([0, m], np.diag(v), n) for m, v, n in parts])
    used = []
    for concentration in (1e-3, 1.0, 1e3):
        made = BayesianGaussianMixture(
            n_components=6,
            weight_concentration_prior_type=PRIORS[1],
            weight_concentration_prior=concentration,
            mean_precision_prior=0.8,
            reg_covar=0,
            init_params="random",
            random_state=2,
            max_iter=1500,
        ).fit(x)
        used.append(int((made.weights_ > 0.01).sum()))
    assert used == [1, 3, 6]  # as scikit-learn 1.9.1 finds


def test_the_bound_prefers_what_made_the_rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2)) + 8 * rng.integers(0, 3, size=300)[:, None]
    dense = {"weight_concentration_prior_type": PRIORS[1], "weight_concentration_prior": 1.0}
    heights = [
        BayesianGaussianMixture(n_components=k, random_state=0, max_iter=1000, **dense)
        .fit(x)
        .loglik_
        for k in (1, 2, 3)
    ]
    assert heights[0] < heights[1] < heights[2]


def test_far_proposals_have_no_bound_that_rounding_makes():
    galaxies = datasets.load("galaxies").values
    made = BayesianGaussianMixture(
        n_components=2,
        weight_concentration_prior_type=PRIORS[1],
        mean_precision_prior=0.05,
        degrees_of_freedom_prior=3,
        covariance_prior=[[0.5]],
        n_init=20,
        max_iter=1000,
        random_state=0,
    ).fit(galaxies)
    assert made.converged_
    assert made.certificate_.monotone
    # the bound is the sum over rows less a divergence, which is not negative
    assert made.loglik_ <= made.score(galaxies) * len(galaxies)


@every_kind
def test_acceleration_climbs_to_where_plain_steps_go(kind):
    # a start near enough for all to be on one hill
    plain = _ours(kind, em=EM(tol=1e-9, accelerate="none"), max_iter=20_000)
    fast = BayesianGaussianMixture(
        n_components=3, covariance_type=kind, reg_covar=0, warm_start=True, max_iter=30, tol=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fast.set_params(random_state=0, em=EM(accelerate="none")).fit(FAITHFUL)
    fast.set_params(em=EM(tol=1e-9), max_iter=2000, tol=1e-3).fit(FAITHFUL)
    assert plain.converged_
    assert fast.converged_
    assert fast.lower_bound_ >= plain.lower_bound_ - 1e-6
    assert (np.diff(fast.lower_bounds_) >= -1e-9).all()


def test_the_certificate_claims_a_bound_and_no_more():
    made = _ours()
    assert made.certificate_.monotone
    told = " ".join(made.certificate_.sentences())
    assert "The E-step is approximate: the objective is a bound, not the likelihood." in told
    assert made.score(FAITHFUL) * len(FAITHFUL) > made.loglik_


def test_a_warm_start_goes_on_and_a_prior_changed_is_minded():
    settings = {"random_state": 0, "warm_start": True, "max_iter": 2000}
    made = _ours(em=EM(tol=1e-8), **settings)
    bound = made.lower_bound_
    assert made.fit(FAITHFUL).lower_bound_ == pytest.approx(bound, abs=1e-7)
    assert made.n_iter_ <= 4
    made.set_params(mean_precision_prior=20.0).fit(FAITHFUL)
    assert made.converged_
    assert made.mean_precision_prior_ == 20
    assert made.lower_bound_ != pytest.approx(bound, abs=1)
    other = made.set_params(weight_concentration_prior_type=PRIORS[1]).fit(FAITHFUL)
    assert other.weight_concentration_.shape == (3,)
    assert clone(made).get_params()["mean_precision_prior"] == 20


def test_what_stands_for_standard_errors_are_deviations_of_the_posterior():
    made = _ours("full", PRIORS[1])
    errors = made.standard_errors()
    assert "standard deviations of the variational posterior" in errors.note
    share, total = made.weights_, made.weight_concentration_.sum()
    np.testing.assert_allclose(errors.weights, np.sqrt(share * (1 - share) / (total + 1)))
    assert errors.means.shape == (3, 2)
    assert errors.covariances.shape == (3, 2, 2)
    with pytest.raises(ValueError, match="got method='bootstrap', expected 'observed'"):
        made.standard_errors(method="bootstrap")
    table = {e.name: e for e in made.parameter_table()}
    mean = table["mean[0, x0]"]
    assert (mean.value, mean.se) == (made.means_[0, 0], errors.means[0, 0])
    assert mean.upper - mean.lower == pytest.approx(2 * 1.959964 * mean.se, rel=1e-6)
    assert all(e.lower > 0 and e.upper < 1 for n, e in table.items() if n.startswith("weight"))


@every_prior
@every_kind
def test_files_hold_all_but_the_data(tmp_path, kind, prior):
    frame = pd.DataFrame(FAITHFUL, columns=["eruptions", "waiting"])
    made = BayesianGaussianMixture(
        n_components=3,
        covariance_type=kind,
        weight_concentration_prior_type=prior,
        mean_precision_prior=0.5,
        random_state=0,
    ).fit(frame)
    made.save(tmp_path / "model.safetensors")
    for back in (latentia.load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(made))):
        assert back.get_params() == made.get_params()
        for name in (*FITTED, *GIVEN):
            one, other = getattr(back, name), getattr(made, name)
            assert isinstance(one, tuple) == isinstance(other, tuple)
            assert np.asarray(one).dtype == np.asarray(other).dtype
            np.testing.assert_array_equal(one, other)
        for name in ("lower_bound_", "lower_bounds_", "loglik_", "n_iter_", "converged_"):
            assert getattr(back, name) == getattr(made, name), name
        np.testing.assert_array_equal(back.predict_proba(frame), made.predict_proba(frame))
        assert str(back.summary()) == str(made.summary())
        assert back.criteria() == pytest.approx(made.criteria(), rel=1e-12)
        for one, other in zip(back.standard_errors()[:3], made.standard_errors()[:3], strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_summary_speaks_of_a_bound_and_of_a_posterior():
    text = " ".join(str(_ours().summary()).split())
    assert text.startswith("Bayesian Gaussian mixture of 3 components with full covariances")
    assert "log evidence at least -" in text
    assert "weight_concentration=0.333, mean_precision=1, degrees_of_freedom=2" in text
    assert "posterior dev." in text
    for word in ("BIC", "AIC", "log-likelihood", "std. error", "(no name)"):
        assert word not in text


def test_a_checkpoint_of_another_prior_is_refused(tmp_path):
    em = EM(checkpoint=tmp_path / "fit.checkpoint")
    settings = {"n_components": 2, "random_state": 0, "max_iter": 2000, "em": em}
    made = BayesianGaussianMixture(**settings).fit(FAITHFUL)
    again = BayesianGaussianMixture(**settings).fit(FAITHFUL)
    assert again.loglik_ == made.loglik_
    with pytest.raises(CheckpointError, match="other hyper-parameters"):
        BayesianGaussianMixture(**settings, weight_concentration_prior=3.0).fit(FAITHFUL)


def test_what_is_made_of_any_mixture():
    made = _ours()
    assert merge_components(made, FAITHFUL).n_components == 3
    x, _ = made.sample(2000)
    (half,) = highest_density_regions(made, [0.5])
    inside = (made.score_samples(x) >= half.log_density).mean()
    assert inside == pytest.approx(0.5, abs=0.05)
    assert len(made.plot.pairs(FAITHFUL).axes_) == 1
    assert made.plot.classification(FAITHFUL).ax_ is not None


def test_rows_that_do_not_vary():
    flat = np.column_stack([FAITHFUL[:, 0], np.ones(len(FAITHFUL))])
    with pytest.warns(DataWarning, match="column 1 is constant"):
        made = BayesianGaussianMixture(n_components=2, random_state=0).fit(flat)
    assert np.isfinite(made.covariances_).all()
    with pytest.raises(ValueError, match="Column 1 is constant"):
        BayesianGaussianMixture(reg_covar=0).fit(flat)
    line = np.column_stack([FAITHFUL[:, 0], 2 * FAITHFUL[:, 0]])
    with pytest.raises(ValueError, match="do not vary in some direction"):
        BayesianGaussianMixture(reg_covar=0).fit(line)
    with pytest.raises(ValueError, match="sums to 1 or less"):
        BayesianGaussianMixture().fit(FAITHFUL, sample_weight=np.full(len(FAITHFUL), 1e-3))


def test_unfitted_ones_say_so():
    made = BayesianGaussianMixture()
    for use in (
        lambda: made.predict(FAITHFUL),
        made.sample,
        made.standard_errors,
        made.summary,
        made.covariance_matrices,
        made.smallest_variance,
    ):
        with pytest.raises(NotFittedError, match="not fitted"):
            use()
