"""Standard errors against numerical Hessians in plain coordinates, and intervals."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from latentia import EM, GaussianMixture, datasets
from latentia.engine import Status

DATA = {name: datasets.load(name).values for name in ("faithful", "iris", "acidity")}
TIGHT = EM(tol=1e-11, max_iter=5000)


def _fitted(name, k, kind, weights=None):
    gm = GaussianMixture(
        k, covariance_type=kind, reg_covar=0, random_state=0, n_init=3, em=TIGHT
    ).fit(DATA[name], sample_weight=weights)
    # a second climb from the top brings the parameters to the last digits
    return gm.set_params(warm_start=True).fit(DATA[name], sample_weight=weights)


class Plain:
    """The likelihood in K-1 weights, means, and the free entries of the covariances."""

    def __init__(self, kind, k, d):
        self.kind, self.k, self.d = kind, k, d
        self.triangle = np.tril_indices(d)

    def flat(self, weights, means, covariances):
        free = {
            "full": lambda c: c[:, *self.triangle],
            "tied": lambda c: c[self.triangle],
        }.get(self.kind, lambda c: c)
        return np.concatenate([weights[:-1], np.ravel(means), np.ravel(free(covariances))])

    def matrices(self, free):
        k, d = self.k, self.d
        if self.kind == "diag":
            return [np.diag(row) for row in free.reshape(k, d)]
        if self.kind == "spherical":
            return [v * np.eye(d) for v in free]
        rows = free.reshape(-1, len(self.triangle[0]))
        out = []
        for row in rows:
            matrix = np.zeros((d, d))
            matrix[self.triangle] = row
            out.append(matrix + np.tril(matrix, -1).T)
        return out if self.kind == "full" else out * k

    def loglik(self, flat, x, w):
        k, d = self.k, self.d
        weights = np.append(flat[: k - 1], 1 - flat[: k - 1].sum())
        means = flat[k - 1 : k - 1 + k * d].reshape(k, d)
        matrices = self.matrices(flat[k - 1 + k * d :])
        joint = [
            np.log(a) + np.atleast_1d(multivariate_normal(m, c).logpdf(x))
            for a, m, c in zip(weights, means, matrices, strict=True)
        ]
        return float(w @ np.logaddexp.reduce(joint, axis=0))


def _hessian(function, at, steps):
    """Fourth-order differences along the axes and along the diagonals between them."""

    def second(direction):
        f = [function(at + m * direction) for m in (-2, -1, 0, 1, 2)]
        return (-f[0] + 16 * f[1] - 30 * f[2] + 16 * f[3] - f[4]) / 12

    axes = np.diag(steps)
    along = np.array([second(axis) for axis in axes])
    out = np.diag(along)
    for i in range(len(at)):
        for j in range(i):
            both = second((axes[i] + axes[j]) / 2)
            other = second((axes[i] - axes[j]) / 2)
            out[i, j] = out[j, i] = both - other
    return out / np.outer(steps, steps)


@pytest.mark.parametrize(
    ("name", "k", "kind", "weighted"),
    [
        ("faithful", 2, "full", False),
        ("faithful", 2, "tied", False),
        ("faithful", 2, "diag", False),
        ("faithful", 2, "spherical", False),
        ("faithful", 3, "tied", False),
        ("faithful", 2, "full", True),
        ("faithful", 2, "tied", True),
        ("faithful", 2, "diag", True),
        ("faithful", 2, "spherical", True),
        ("iris", 2, "full", False),
        ("iris", 3, "full", False),
        ("iris", 3, "tied", False),
        ("iris", 2, "diag", False),
        ("acidity", 2, "full", False),
        ("acidity", 2, "full", True),
    ],
)
def test_standard_errors_are_those_of_a_numerical_hessian(name, k, kind, weighted):
    x = DATA[name]
    n, d = x.shape
    w = np.random.default_rng(0).integers(1, 4, size=n).astype(float) if weighted else np.ones(n)
    gm = _fitted(name, k, kind, w)
    assert gm.fit_.status is Status.CONVERGED
    se, plain = gm.standard_errors(), Plain(kind, k, d)
    assert se.note == ""
    flat = plain.flat(gm.weights_, gm.means_, gm.covariances_)
    ours = plain.flat(se.weights, se.means, se.covariances)
    hessian = _hessian(lambda at: plain.loglik(at, x, w), flat, 0.02 * ours)
    theirs = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    # the last weight is one less the others
    block = np.linalg.inv(-hessian)[: k - 1, : k - 1]
    assert se.weights[-1] == pytest.approx(np.sqrt(block.sum()), rel=1e-4)


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_one_component_has_the_textbooks_errors(kind):
    x = DATA["faithful"]
    gm = GaussianMixture(1, covariance_type=kind, reg_covar=0).fit(x)
    se, n = gm.standard_errors(), len(x)
    covariance = gm.covariance_matrices()[0]
    variances = np.diagonal(covariance)
    np.testing.assert_allclose(se.means[0], np.sqrt(variances / n), rtol=1e-6)
    expected = {
        "full": np.sqrt((np.outer(variances, variances) + covariance**2) / n),
        "tied": np.sqrt((np.outer(variances, variances) + covariance**2) / n),
        "diag": variances * np.sqrt(2 / n),
        "spherical": variances[0] * np.sqrt(1 / n),  # of 2 n numbers
    }[kind]
    np.testing.assert_allclose(np.squeeze(se.covariances), expected, rtol=1e-5)
    np.testing.assert_array_equal(se.weights, [0.0])


def test_errors_scale_with_the_data():
    gm = _fitted("faithful", 2, "full")
    scaled = GaussianMixture(2, reg_covar=0, random_state=0, n_init=3, em=TIGHT)
    scaled.fit(1000 * DATA["faithful"] + 1e6)
    one, other = gm.standard_errors(), scaled.standard_errors()
    order = np.argsort(gm.means_[:, 0]), np.argsort(scaled.means_[:, 0])
    np.testing.assert_allclose(1000 * one.means[order[0]], other.means[order[1]], rtol=1e-4)
    np.testing.assert_allclose(
        1e6 * one.covariances[order[0]], other.covariances[order[1]], rtol=1e-4
    )


def test_weights_are_replication_in_the_errors():
    counts = np.random.default_rng(1).integers(0, 3, size=272)
    x, given = DATA["faithful"], {"reg_covar": 0, "random_state": 0, "em": TIGHT}
    weighted = GaussianMixture(2, **given).fit(x, sample_weight=counts).standard_errors()
    repeated = GaussianMixture(2, **given).fit(np.repeat(x, counts, axis=0)).standard_errors()
    for a, b in zip(weighted[:3], repeated[:3], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_errors_are_computed_once_and_again_for_other_data():
    gm = _fitted("faithful", 2, "full")
    assert gm.standard_errors() is gm.standard_errors()
    double = gm.standard_errors(np.repeat(DATA["faithful"], 2, axis=0))
    once = gm.standard_errors(DATA["faithful"])
    np.testing.assert_allclose(double.means, once.means / np.sqrt(2), rtol=1e-6)
    weighted = gm.standard_errors(DATA["faithful"], np.full(272, 2.0))
    np.testing.assert_allclose(weighted.means, double.means, rtol=1e-6)
    with pytest.raises(ValueError, match="got method='magic', expected one of"):
        gm.standard_errors(method="magic")


def test_floors_are_named_and_the_rest_has_errors():
    x = np.c_[DATA["faithful"], np.full(272, 3.0)]
    with pytest.warns(UserWarning, match="constant"):
        gm = GaussianMixture(1, covariance_type="diag", random_state=0).fit(x)
    se = gm.standard_errors()
    assert "Held by a floor" in se.note
    assert "covariances[0, 2]" in se.note
    variances = gm.covariances_[0, :2]
    np.testing.assert_allclose(se.means[0, :2], np.sqrt(variances / 272), rtol=1e-6)
    assert se.covariances[0, 2] == 0


# -- intervals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_the_table_has_every_free_number_once(kind):
    gm = GaussianMixture(3, covariance_type=kind, random_state=0).fit(DATA["iris"])
    rows = gm.parameter_table()
    assert len({row.name for row in rows}) == len(rows) == gm.n_parameters_ + 1  # all K weights
    for row in rows:
        assert row.lower < row.value < row.upper
        assert row.se > 0
        if row.name.startswith("weight"):
            assert 0 < row.lower < row.upper < 1
        if row.name.startswith("variance"):
            assert row.lower > 0


def test_intervals_are_walds_each_on_its_scale():
    gm = GaussianMixture(2, random_state=0).fit(DATA["faithful"])
    se, rows = gm.standard_errors(), {row.name: row for row in gm.parameter_table(level=0.9)}
    z = norm.ppf(0.95)
    mean = rows["mean[0, x1]"]
    assert mean.value == gm.means_[0, 1]
    assert mean[3:] == pytest.approx(
        (mean.value - z * se.means[0, 1], mean.value + z * se.means[0, 1])
    )
    variance = rows["variance[1, x0]"]
    width = z * se.covariances[1, 0, 0] / gm.covariances_[1, 0, 0]
    assert np.log(variance[3:]) == pytest.approx(np.log(variance.value) + np.array([-width, width]))
    weight = rows["weight[0]"]
    w = gm.weights_[0]
    width = z * se.weights[0] / (w * (1 - w))
    logits = [np.log(p / (1 - p)) for p in weight[3:]]
    assert logits == pytest.approx(np.log(w / (1 - w)) + np.array([-width, width]))
    covariance = rows["covariance[0, x0, x1]"]
    assert covariance.upper - covariance.value == pytest.approx(z * se.covariances[0, 0, 1])


@pytest.mark.parametrize("level", [0.0, 1.0, 95, -0.1, np.nan])
def test_levels_are_probabilities(level):
    gm = GaussianMixture(2, random_state=0).fit(DATA["faithful"])
    with pytest.raises(ValueError, match="got level="):
        gm.parameter_table(level)
