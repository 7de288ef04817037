"""The examples of scikit-learn's user guide for mixtures, with the import line changed."""

import warnings

import matplotlib as mpl
import numpy as np
import pytest
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from latentia.mixture import GaussianMixture

mpl.use("Agg")


def test_plot_gmm_pdf():
    import matplotlib.pyplot as plt
    from matplotlib.colors import LogNorm

    n_samples = 300
    rng = np.random.RandomState(0)
    shifted_gaussian = rng.randn(n_samples, 2) + np.array([20, 20])
    C = np.array([[0.0, -0.7], [3.5, 0.7]])
    stretched_gaussian = np.dot(rng.randn(n_samples, 2), C)
    X_train = np.vstack([shifted_gaussian, stretched_gaussian])
    clf = GaussianMixture(n_components=2, covariance_type="full")
    clf.fit(X_train)
    X, Y = np.meshgrid(np.linspace(-20.0, 30.0), np.linspace(-20.0, 40.0))
    Z = -clf.score_samples(np.array([X.ravel(), Y.ravel()]).T).reshape(X.shape)
    figure = plt.figure()
    plt.contour(X, Y, Z, norm=LogNorm(vmin=1.0, vmax=1000.0), levels=np.logspace(0, 3, 10))
    plt.close(figure)
    assert np.isfinite(Z).all()
    np.testing.assert_allclose(np.sort(clf.weights_), [0.5, 0.5], atol=0.01)
    low = int(np.argmin(clf.means_[:, 0]))
    np.testing.assert_allclose(clf.covariances_[low], C.T @ C, atol=1.5)


def _axes(gmm, kind):
    """The matrices as the example plot_gmm_covariances draws them."""
    for n in range(gmm.n_components):
        if kind == "full":
            yield gmm.covariances_[n][:2, :2]
        elif kind == "tied":
            yield gmm.covariances_[:2, :2]
        elif kind == "diag":
            yield np.diag(gmm.covariances_[n][:2])
        elif kind == "spherical":
            yield np.eye(gmm.means_.shape[1]) * gmm.covariances_[n]


def test_plot_gmm_covariances():
    iris = datasets.load_iris()
    train, test = next(iter(StratifiedKFold(n_splits=4).split(iris.data, iris.target)))
    X_train, y_train = iris.data[train], iris.target[train]
    X_test, y_test = iris.data[test], iris.target[test]
    estimators = {
        cov_type: GaussianMixture(
            n_components=3, covariance_type=cov_type, max_iter=20, random_state=0
        )
        for cov_type in ["spherical", "diag", "tied", "full"]
    }
    for name, estimator in estimators.items():
        estimator.means_init = np.array([X_train[y_train == i].mean(axis=0) for i in range(3)])
        estimator.fit(X_train)
        for matrix in _axes(estimator, name):
            assert (np.linalg.eigh(matrix)[0] > 0).all()
        assert np.mean(estimator.predict(X_train).ravel() == y_train.ravel()) > 0.85
        assert np.mean(estimator.predict(X_test).ravel() == y_test.ravel()) > 0.85


def gmm_bic_score(estimator, X):
    # as in the example: make it negative since GridSearchCV expects a score to maximize
    return -estimator.bic(X)


def test_plot_gmm_selection():
    n_samples = 500
    rng = np.random.RandomState(0)
    C = np.array([[0.0, -0.1], [1.7, 0.4]])
    component_1 = np.dot(rng.randn(n_samples, 2), C)
    component_2 = 0.7 * rng.randn(n_samples, 2) + np.array([-4, 1])
    X = np.concatenate([component_1, component_2])
    param_grid = {
        "n_components": range(1, 4),
        "covariance_type": ["spherical", "tied", "diag", "full"],
    }
    grid_search = GridSearchCV(GaussianMixture(), param_grid=param_grid, scoring=gmm_bic_score)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        grid_search.fit(X)
    assert grid_search.best_params_ == {"covariance_type": "full", "n_components": 2}
    best = grid_search.best_estimator_
    assert best.predict(X).shape == (2 * n_samples,)
    assert len(best.means_) == len(best.covariances_) == 2


def get_initial_means(X, init_params, r):
    # as in the example: run a GaussianMixture with max_iter=0 to output the initial means
    return (
        GaussianMixture(
            n_components=4, init_params=init_params, tol=1e-9, max_iter=0, random_state=r
        )
        .fit(X)
        .means_
    )


@pytest.mark.parametrize("init_params", ["kmeans", "random_from_data", "k-means++", "random"])
def test_plot_gmm_init(init_params):
    X, _ = datasets.make_blobs(n_samples=4000, centers=4, cluster_std=0.60, random_state=0)
    X = X[:, ::-1]
    r = np.random.RandomState(seed=1234)
    init = get_initial_means(X, init_params, r)
    assert init.shape == (4, 2)
    gmm = GaussianMixture(
        n_components=4,
        means_init=init,
        init_params=init_params,
        tol=1e-9,
        max_iter=2000,
        random_state=r,
    ).fit(X)
    assert gmm.converged_
    assert gmm.n_iter_ < 2000
    assert gmm.predict(X).shape == (4000,)


def test_initial_means_raise_no_warning():
    # scikit-learn is silent for max_iter=0
    X, _ = datasets.make_blobs(n_samples=400, centers=4, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        get_initial_means(X, "kmeans", 0)


@pytest.mark.parametrize("kind", ["spherical", "diag", "tied", "full"])
def test_plot_gmm_sine_curve(kind):
    # the first half of the example: a mixture on a noisy sine curve, and what it generates
    n_samples = 100
    rng = np.random.RandomState(0)
    X = np.zeros((n_samples, 2))
    step = 4.0 * np.pi / n_samples
    for i in range(X.shape[0]):
        x = i * step - 6.0
        X[i, 0] = x + rng.normal(0, 0.1)
        X[i, 1] = 3.0 * (np.sin(x) + rng.normal(0, 0.2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        gmm = GaussianMixture(n_components=10, covariance_type=kind, max_iter=100).fit(X)
    X_s, y_s = gmm.sample(n_samples=200)
    assert X_s.shape == (200, 2)
    assert set(y_s) <= set(range(10))


def test_faithful_to_the_docstring():
    # the doctest of scikit-learn's class
    X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    gm = GaussianMixture(n_components=2, random_state=0).fit(X)
    np.testing.assert_allclose(sorted(gm.means_.tolist()), [[1.0, 2.0], [10.0, 2.0]], atol=1e-6)
    labels = gm.predict([[0, 0], [12, 3]])
    assert labels[0] != labels[1]
