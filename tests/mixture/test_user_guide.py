"""The examples of scikit-learn's user guide for mixtures, with the import line changed."""

import numpy as np
import pytest
from sklearn import datasets
from sklearn.cluster import kmeans_plusplus
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from latentia.mixture import GaussianMixture


def test_density_estimation():
    rng = np.random.RandomState(0)
    shifted = rng.randn(300, 2) + np.array([20, 20])
    stretched = np.dot(rng.randn(300, 2), np.array([[0.0, -0.7], [3.5, 0.7]]))
    clf = GaussianMixture(n_components=2, covariance_type="full")
    clf.fit(np.vstack([shifted, stretched]))
    grid = np.array(np.meshgrid(np.linspace(-20.0, 30.0), np.linspace(-20.0, 40.0)))
    assert np.isfinite(clf.score_samples(grid.reshape(2, -1).T)).all()
    np.testing.assert_allclose(np.sort(clf.weights_), [0.5, 0.5], atol=0.01)


@pytest.mark.parametrize("kind", ["spherical", "diag", "tied", "full"])
def test_covariances_on_iris_from_class_means(kind):
    iris = datasets.load_iris()
    train, _ = next(iter(StratifiedKFold(n_splits=4).split(iris.data, iris.target)))
    x, y = iris.data[train], iris.target[train]
    estimator = GaussianMixture(n_components=3, covariance_type=kind, max_iter=20, random_state=0)
    estimator.means_init = np.array([x[y == i].mean(axis=0) for i in range(3)])
    estimator.fit(x)
    assert np.mean(estimator.predict(x) == y) > 0.8


def test_selection_by_grid_search():
    rng = np.random.RandomState(0)
    general = np.dot(rng.randn(500, 2), np.array([[0.0, -0.1], [1.7, 0.4]]))
    spherical = 0.7 * rng.randn(500, 2) + np.array([-4, 1])
    x = np.concatenate([general, spherical])
    search = GridSearchCV(
        GaussianMixture(),
        param_grid={
            "n_components": range(1, 5),
            "covariance_type": ["spherical", "tied", "diag", "full"],
        },
        scoring=lambda estimator, rows: -estimator.bic(rows),
    ).fit(x)
    assert search.best_params_ == {"covariance_type": "full", "n_components": 2}


@pytest.mark.parametrize("method", ["kmeans", "random_from_data", "k-means++", "random"])
def test_initialisation(method):
    x, _ = datasets.make_blobs(n_samples=400, centers=4, cluster_std=0.6, random_state=0)
    x = x[:, ::-1]
    _, indices = kmeans_plusplus(x, 4, random_state=0)
    gmm = GaussianMixture(
        n_components=4,
        means_init=x[indices],
        init_params=method,
        tol=1e-9,
        max_iter=2000,
        random_state=0,
    ).fit(x)
    assert gmm.converged_
