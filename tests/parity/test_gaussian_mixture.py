"""Gaussian mixtures against other software: recorded maxima, and scikit-learn's own steps.

Numbers marked "mclust" are of mclust 6.0.0 (Scrucca, Fop, Murphy & Raftery 2016), whose BIC has
the opposite sign; "converged" ones were recomputed from there until they stood still. Its models
VVV, EEE, VVI and VII are our full, tied, diag and spherical; V and E those of one column. Where
mclust stops at its own tolerance its log-likelihood is a lower bound.
"""

import warnings

import numpy as np
import pytest
import sklearn.mixture
from sklearn.exceptions import ConvergenceWarning

from latentia import EM, GaussianMixture, datasets

DATA = {
    name: datasets.load(name).values
    for name in ("faithful", "galaxies", "acidity", "diabetes", "iris")
}
KINDS = ["full", "tied", "diag", "spherical"]
every_kind = pytest.mark.parametrize("kind", KINDS)
TIGHT = EM(tol=1e-9, max_iter=5000)


def _fit(name, k, kind, n_init, **given):
    gm = GaussianMixture(
        k, covariance_type=kind, n_init=n_init, random_state=0, reg_covar=0, em=TIGHT, **given
    )
    return gm.fit(DATA[name])


@pytest.mark.parametrize(
    ("name", "k", "kind", "loglik", "bic"),
    [
        ("faithful", 3, "tied", -1126.315928, 2314.2957),  # EEE: the sweep's winner, converged
        ("faithful", 2, "full", -1130.26396, None),  # VVV, converged
        ("acidity", 2, "tied", -185.9493, 392.0723),  # E
        ("diabetes", 3, "full", -2303.49184, 4751.3090),  # VVV, converged
    ],
)
def test_recorded_maxima(name, k, kind, loglik, bic):
    gm = _fit(name, k, kind, n_init=10)
    digits = 1e-5 if name == "faithful" else 1e-4
    assert gm.loglik_ == pytest.approx(loglik, abs=digits)
    assert gm.converged_
    assert gm.certificate_.active_floors == ()
    if bic is not None:
        assert gm.bic(DATA[name]) == pytest.approx(bic, abs=2e-4)


@pytest.mark.parametrize(
    ("k", "loglik", "bic"),
    [
        (3, -203.1792, 441.612),  # V, G=3
        (4, -197.4538, 443.38),  # V, G=4: mclust stops at -199.2545; recomputed
    ],
)
def test_galaxies(k, loglik, bic):
    # the likelihood has spurious maxima without bound; the proper ones are those that a
    # user would take: no component thinner than a thousandth of the pooled variance
    found = []
    for seed in range(30):
        gm = GaussianMixture(k, reg_covar=0, random_state=seed, init_params="k-means++", em=TIGHT)
        try:
            gm.fit(DATA["galaxies"])
        except ValueError:
            continue  # it collapsed
        if gm.converged_ and gm.smallest_variance() > 1e-3:
            found.append((gm.loglik_, gm.bic(DATA["galaxies"])))
    near = [(height, b) for height, b in found if abs(height - loglik) < 1e-3]
    assert near, sorted(found)
    assert near[0][1] == pytest.approx(bic, abs=5e-3)


def test_waiting_times_in_two_normals():
    # mixtools 2.0.0, normalmixEM on faithful$waiting
    waiting = DATA["faithful"][:, 1:]
    gm = GaussianMixture(2, reg_covar=0, random_state=0, em=TIGHT).fit(waiting)
    assert gm.loglik_ == pytest.approx(-1034.002, abs=6e-4)


@pytest.mark.parametrize(
    ("kind", "k", "bic"),
    [
        # mclust, Mclust(iris[, -5]): the table of BIC as published with the package norMmix,
        # which optimises the same likelihoods by other means and agrees to the last digit
        ("spherical", 1, 1804.0854),
        ("diag", 1, 1522.1202),
        ("tied", 1, 829.9782),
        ("full", 1, 829.9782),
        ("spherical", 2, 1012.2352),
        ("diag", 2, 857.5515),
        ("tied", 2, 688.0972),
        ("full", 2, 574.0178),
    ],
)
def test_iris(kind, k, bic):
    gm = _fit("iris", k, kind, n_init=6)
    assert gm.bic(DATA["iris"]) == pytest.approx(bic, abs=1e-4)


@pytest.mark.parametrize(
    ("kind", "k", "bic"), [("tied", 3, 632.9647), ("full", 3, 580.8396), ("spherical", 3, 853.8090)]
)
def test_iris_is_no_worse_where_others_stop_early(kind, k, bic):
    # the same table; VII as norMmix has it, 0.0054 below mclust's
    gm = _fit("iris", k, kind, n_init=10)
    assert gm.bic(DATA["iris"]) <= bic + 1e-3


def test_old_faithful_whatever_the_start():
    # mclust VVV, G=2, converged; some starts end on another hill, none in between
    heights = []
    for seed in range(30):
        gm = GaussianMixture(
            2, random_state=seed, init_params="random_from_data", reg_covar=0, em=TIGHT
        ).fit(DATA["faithful"])
        assert gm.converged_
        heights.append(gm.loglik_)
    reached = [height for height in heights if height > -1131]
    assert len(reached) >= 20
    assert reached == pytest.approx([-1130.26396] * len(reached), abs=1e-5)


@pytest.mark.parametrize("method", ["none", "squarem", "quasi-newton", "auto"])
def test_old_faithful_by_every_method(method):
    em = EM(tol=1e-9, max_iter=20_000, accelerate=method)
    gm = GaussianMixture(2, random_state=0, em=em).fit(DATA["faithful"])
    assert gm.loglik_ == pytest.approx(-1130.26396, abs=1e-5)


# -- scikit-learn ------------------------------------------------------------------------------


def _clumps(seed, n=400, k=3, d=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + 2 * rng.integers(0, k, size=(n, 1)) * rng.normal(size=d)


def _given(kind, x, k=3):
    d = x.shape[1]
    spread = x.var(axis=0).mean()
    eye = np.eye(d) / spread
    precisions = {
        "full": np.stack([eye] * k),
        "tied": eye,
        "diag": np.full((k, d), 1 / spread),
        "spherical": np.full(k, 1 / spread),
    }[kind]
    rng = np.random.default_rng(0)
    return {
        "n_components": k,
        "covariance_type": kind,
        "reg_covar": 0,
        "weights_init": rng.dirichlet([5.0] * k),
        "means_init": x[rng.choice(len(x), k, replace=False)],
        "precisions_init": precisions,
    }


def _twenty(kind, x):
    """Both after twenty steps; ours may stop before where the rounding is reached."""
    given = _given(kind, x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        plain = EM(accelerate="none", tol=0, max_iter=20)
        ours = GaussianMixture(**given, em=plain).fit(x)
        steps = ours.n_iter_ if ours.converged_ else 20
        theirs = sklearn.mixture.GaussianMixture(**given, max_iter=steps, tol=0).fit(x)
    assert ours.n_iter_ == theirs.n_iter_
    return ours, theirs


@every_kind
@pytest.mark.parametrize("seed", range(4))
def test_twenty_plain_steps_are_scikit_learns(kind, seed):
    x = _clumps(seed)
    ours, theirs = _twenty(kind, x)
    for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-9, err_msg=name
        )


@every_kind
def test_methods_agree_for_the_same_parameters(kind):
    x = _clumps(7)
    ours, theirs = _twenty(kind, x)
    for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        setattr(ours, name, getattr(theirs, name))
    new = _clumps(8, n=50)
    np.testing.assert_allclose(ours.score_samples(new), theirs.score_samples(new), rtol=1e-10)
    np.testing.assert_allclose(ours.predict_proba(new), theirs.predict_proba(new), atol=1e-10)
    np.testing.assert_array_equal(ours.predict(new), theirs.predict(new))
    assert ours.score(new) == pytest.approx(theirs.score(new), rel=1e-10)
    assert ours.aic(new) == pytest.approx(theirs.aic(new), rel=1e-10)
    assert ours.bic(new) == pytest.approx(theirs.bic(new), rel=1e-10)
    ours.random_state = theirs.random_state = 5
    (one, labels), (other, same) = ours.sample(40), theirs.sample(40)
    np.testing.assert_allclose(one, other, rtol=1e-10)
    np.testing.assert_array_equal(labels, same)


@every_kind
def test_the_bound_is_scikit_learns(kind):
    # scikit-learn's bound is that of the parameters before the last M-step
    x = _clumps(2)
    ours, theirs = _twenty(kind, x)
    np.testing.assert_allclose(ours.lower_bounds_[:19], theirs.lower_bounds_[1:20], rtol=1e-10)


@every_kind
def test_no_worse_than_scikit_learn_run_to_its_end(kind):
    x = _clumps(3)
    given = _given(kind, x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = sklearn.mixture.GaussianMixture(**given, max_iter=5000, tol=1e-13).fit(x)
    ours = GaussianMixture(**given, em=EM(tol=1e-8, accelerate="none", max_iter=5000)).fit(x)
    assert ours.loglik_ == pytest.approx(len(x) * theirs.score(x), abs=1e-5)
