"""Plain EM steps beside scikit-learn's, and beside EM in extended precision."""

import warnings

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture as Theirs

from latentia import EM, GaussianMixture

STEPS = 20


NAMES = ("weights_", "means_", "covariances_")


def _start(kind, means):
    k, d = means.shape
    precisions = {
        "full": np.stack([np.eye(d)] * k),
        "tied": np.eye(d),
        "diag": np.ones((k, d)),
        "spherical": np.ones(k),
    }
    return {
        "weights_init": np.full(k, 1 / k),
        "means_init": means,
        "precisions_init": precisions[kind],
    }


def _both(x, k, kind, start):
    told = {"reg_covar": 0, "max_iter": STEPS, "tol": 0, "covariance_type": kind, **start}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = GaussianMixture(k, em=EM(accelerate="none", tol=0), **told).fit(x)
        theirs = Theirs(k, **told).fit(x)
    assert ours.n_iter_ == theirs.n_iter_ == STEPS
    return ours, theirs


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize(
    ("n", "d", "k"), [(700, 2, 3), (60_000, 2, 3), (30_000, 12, 4), (9_000, 30, 4)]
)
def test_twenty_steps_are_scikit_learns(n, d, k, kind, order):
    rng = np.random.default_rng(d)
    means = rng.normal(size=(k, d)) * (1.0 if d < 10 else 0.3)
    x = np.asarray(means[rng.integers(k, size=n)] + rng.normal(size=(n, d)), order=order)
    ours, theirs = _both(x, k, kind, _start(kind, means))
    for name in NAMES:
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-9)


def _cholesky(matrix):
    d = len(matrix)
    lower = np.zeros((d, d), matrix.dtype)
    for i in range(d):
        for j in range(i + 1):
            left = matrix[i, j] - (lower[i, :j] * lower[j, :j]).sum()
            lower[i, j] = np.sqrt(left) if i == j else left / lower[j, j]
    return lower


def _extended(x, weights, means, covariances):
    """EM in the longest floats there are."""
    x, w, m, c = (np.array(part, np.longdouble) for part in (x, weights, means, covariances))
    for _ in range(STEPS):
        columns = []
        for k in range(len(w)):
            lower = _cholesky(c[k])
            y, z = x - m[k], np.zeros_like(x)
            for i in range(len(lower)):
                z[:, i] = (y[:, i] - z[:, :i] @ lower[i, :i]) / lower[i, i]
            height = np.log(w[k]) - np.log(np.diag(lower)).sum()
            columns.append(height - (z**2).sum(axis=1) / 2)
        joint = np.stack(columns, axis=1)
        resp = np.exp(joint - joint.max(axis=1, keepdims=True))
        resp /= resp.sum(axis=1, keepdims=True)
        count = resp.sum(axis=0)
        w = count / count.sum()
        for k in range(len(w)):
            m[k] = (resp[:, k, None] * x).sum(axis=0) / count[k]
            c[k] = (resp[:, k, None] * (x - m[k])).T @ (x - m[k]) / count[k]
    return w, m, c


def _thin(seed, spread):
    """Axes turned at random, and the precision of a component of these standard deviations."""
    axes, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(spread), len(spread))))
    precision = axes @ np.diag(1 / spread**2) @ axes.T
    return axes, (precision + precision.T) / 2


def _apart(one, other):
    """The largest difference of any parameter, relative to the largest entry of its array."""
    return max(
        float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(one, other, strict=True)
    )


def _parameters(fit):
    return [getattr(fit, name) for name in NAMES]


THIN = np.array([1.0, 1.0, 1e-5])


# In the twelve cases of seeds 0 to 5 the largest difference was 1.6e-8. Against EM in extended
# precision latentia was at most 2.2e-10 off, scikit-learn 1.6e-8.
@pytest.mark.parametrize("shift", [0.0, 10.0])
@pytest.mark.parametrize("seed", [0, 2])
def test_one_component_of_condition_1e10_among_others_is_scikit_learns(seed, shift):
    rng, n = np.random.default_rng(seed), 100_000
    axes, precision = _thin(seed, THIN)
    label, z = rng.integers(3, size=n), rng.normal(size=(n, 3))
    centres = np.array([[0.0, 0.0, 0.0], [1.0, 0.5, 0.5], [-1.0, 0.5, -0.5]])
    x = (z * np.where(label[:, None] == 0, THIN, 1.0) + centres[label]) @ axes.T + shift
    start = {
        "weights_init": np.full(3, 1 / 3),
        "means_init": 0.8 * centres @ axes.T + shift,
        "precisions_init": np.stack([precision, np.eye(3), np.eye(3)]),
    }
    ours, theirs = _both(x, 3, "full", start)
    assert _apart(_parameters(ours), _parameters(theirs)) < 1e-6


# Two thin components in one plane, between which little decides. In 32 cases of 100,000 rows (two
# such designs, eight seeds, two shifts) they differed by more than 1e-6 in 22, by 3.6e-5 at most.
# It is scikit-learn's error: from extended precision latentia is at most 2.6e-7 away.
@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="no longer floats here")
@pytest.mark.parametrize("shift", [0.0, 10.0])
@pytest.mark.parametrize("n", [2_000, 80_000])
def test_components_of_condition_1e10_keep_their_digits(n, shift):
    rng = np.random.default_rng(1)
    axes, precision = _thin(1, THIN)
    side = np.where(rng.uniform(size=n) < 0.5, 0.7, -0.7)
    x = (rng.normal(size=(n, 3)) * THIN + side[:, None] * np.eye(3)[0]) @ axes.T + shift
    covariance = np.linalg.inv(precision)
    start = {
        "weights_init": [0.5, 0.5],
        "means_init": np.stack([shift + 0.3 * axes[:, 0], shift - 0.5 * axes[:, 0]]),
        "precisions_init": np.stack([precision] * 2),
    }
    ours, theirs = _both(x, 2, "full", start)
    covariances = np.stack([(covariance + covariance.T) / 2] * 2)
    exact = _extended(x, start["weights_init"], start["means_init"], covariances)
    off = _apart(_parameters(ours), exact)
    assert off < 1e10 * np.finfo(float).eps  # as far as such matrices hold their own digits
    if n > 10_000:  # compiled; few rows go through NumPy, and are rounded as scikit-learn's are
        assert off < _apart(_parameters(theirs), exact)
