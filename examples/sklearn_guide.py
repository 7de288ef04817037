"""The mixture examples of scikit-learn's user guide, with only the import line changed.

    python examples/sklearn_guide.py

In short form and without their plots; what each shows is printed instead.
"""

import warnings

import numpy as np
from sklearn.cluster import kmeans_plusplus
from sklearn.datasets import load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from latentia import GaussianMixture  # was: from sklearn.mixture import GaussianMixture

# Density estimation for a Gaussian mixture: one round cloud, one stretched.
rng = np.random.RandomState(0)
shifted = rng.randn(300, 2) + np.array([20, 20])
stretched = np.dot(rng.randn(300, 2), np.array([[0.0, -0.7], [3.5, 0.7]]))
clf = GaussianMixture(n_components=2, covariance_type="full")
clf.fit(np.vstack([shifted, stretched]))
corner = clf.score_samples([[20.0, 20.0], [0.0, 0.0], [-20.0, 40.0]])
print("log-density at two centres and far out:", corner.round(2))

# GMM covariances: iris from the class means, four covariance types, at most 20 iterations.
iris = load_iris()
train, test = next(iter(StratifiedKFold(n_splits=4).split(iris.data, iris.target)))
for kind in ("spherical", "diag", "tied", "full"):
    gmm = GaussianMixture(n_components=3, covariance_type=kind, max_iter=20, random_state=0)
    in_class = [iris.data[train][iris.target[train] == i] for i in range(3)]
    gmm.means_init = np.array([rows.mean(axis=0) for rows in in_class])
    gmm.fit(iris.data[train])
    share = [np.mean(gmm.predict(iris.data[part]) == iris.target[part]) for part in (train, test)]
    print(f"iris, {kind:9}: {share[0]:.1%} of the training rows, {share[1]:.1%} of the test rows")

# GMM model selection: BIC in a grid search.
rng = np.random.RandomState(0)
general = np.dot(rng.randn(500, 2), np.array([[0.0, -0.1], [1.7, 0.4]]))
spherical = 0.7 * rng.randn(500, 2) + np.array([-4, 1])
grid_search = GridSearchCV(
    GaussianMixture(random_state=0),
    param_grid={
        "n_components": range(1, 5),
        "covariance_type": ["spherical", "tied", "diag", "full"],
    },
    scoring=lambda estimator, X: -estimator.bic(X),
)
with warnings.catch_warnings():
    # Four components where there are two leave a long climb; latentia says so where it is cut off.
    warnings.simplefilter("ignore", ConvergenceWarning)
    grid_search.fit(np.concatenate([general, spherical]))
print("grid search:", grid_search.best_params_)

# GMM initialization methods: four ways to begin.
X, _ = make_blobs(n_samples=4000, centers=4, cluster_std=0.60, random_state=0)
X = X[:, ::-1]
_, rows = kmeans_plusplus(X, 4, random_state=0)
for method in ("kmeans", "random_from_data", "k-means++", "random"):
    gmm = GaussianMixture(
        n_components=4,
        means_init=X[rows],
        init_params=method,
        tol=1e-9,
        max_iter=2000,
        random_state=0,
    ).fit(X)
    print(f"init_params={method!r}: {gmm.n_iter_} E-steps, converged: {gmm.converged_}")
