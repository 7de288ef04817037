"""Components that are mixtures of normal densities themselves."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, xlogy

from latentia.data.arrays import Frame
from latentia.engine.space import Real, Simplex

from .cells import ratio, slope
from .covariance import STRUCTURES
from .covariance.grouped import Grouped
from .family import Family
from .gaussian import Gaussian, GaussianParams, GaussianStats

Array = NDArray[np.float64]

KINDS = ("full", "tied", "diag", "spherical")

ROUNDS = 20
"""Steps of k-means that a start takes at most."""


class GaussianMixturesParams(NamedTuple):
    """Of K components of M normal densities each.

    Attributes
    ----------
    weights : array of shape (K, M)
        The share of each density in its component.
    means : array of shape (K, M, d)
    covariances : array
        (K, M, d, d) for "full", (K, d, d) for "tied", (K, M, d) for "diag", (K, M) for
        "spherical".
    """

    weights: Array
    means: Array
    covariances: Array


class GaussianMixturesStats(NamedTuple):
    """Expected moments of the densities.

    Attributes
    ----------
    count : array of shape (K, M)
    normal : GaussianStats
        Of all K M densities.
    hidden : float
        The entropy of memberships inside the components, by which q is raised to be that of
        components alone.
    """

    count: Array
    normal: GaussianStats
    hidden: Any = 0.0


@final
class GaussianMixtures(Family[GaussianMixturesParams, GaussianMixturesStats]):
    """K components, each a mixture of M normal densities.

    f(x | k) = sum_m weight_km N(x; mean_km, covariance_km): memberships m are a second layer that
    is not seen, inside the first (Rabiner 1989, eqs. 49 to 54). q is that of both layers. Missing
    cells (nan) are integrated out.

    Parameters
    ----------
    n_components : int
    frame : Frame
        Origin and unit of the statistics.
    n_mix : int, default=1
        Densities of each component, M.
    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        "tied" is one matrix for all densities of a component.
    floor : float, default=0.0
        A bound under the eigenvalues of every covariance, in the user's units.

    Raises
    ------
    ValueError
        If there is no such type, or no density in a component.

    References
    ----------
    Rabiner (1989), A tutorial on hidden Markov models, Proceedings of the IEEE 77, 257-286.

    Examples
    --------
    Two states on a line, of which one is on either side of the other:

    >>> import numpy as np
    >>> from latentia import HiddenMarkov
    >>> rng = np.random.default_rng(0)
    >>> middle, outside = rng.normal(size=60), rng.normal(rng.choice([-9.0, 9.0], 60))
    >>> X = np.concatenate([middle[:30], outside[:30], middle[30:], outside[30:]])
    >>> model = HiddenMarkov("gaussian_mixtures(n_mix=2)", 2, random_state=0).fit(X)
    >>> states = model.predict(X).reshape(4, 30)
    >>> bool((states[0] == states[2]).all() and (states[1] == states[3]).all())
    True
    """

    takes_missing = True

    def __init__(
        self,
        n_components: int,
        frame: Frame,
        n_mix: int = 1,
        covariance_type: str = "full",
        floor: float = 0.0,
    ) -> None:
        if covariance_type not in KINDS:
            raise ValueError(
                f"got covariance_type={covariance_type!r}, expected one of {', '.join(KINDS)}"
            )
        if not (isinstance(n_mix, int | np.integer) and n_mix >= 1):
            raise ValueError(f"got n_mix={n_mix!r}, expected a whole number of at least 1")
        self.n_components, self.n_mix, self.n_features = n_components, n_mix, len(frame.origin)
        tied = covariance_type == "tied"
        self.covariance = Grouped(n_mix) if tied else STRUCTURES[covariance_type]
        self.normal = Gaussian(n_components * n_mix, self.covariance, frame, floor)

    @property
    def frame(self) -> Frame:
        """Origin and unit of the statistics."""
        return self.normal.frame

    @property
    def space(self) -> GaussianMixturesParams:
        means = Real(scale=self.frame.spread, exchangeable=(0,))
        covariances = self.normal.space.covariances
        made = (Simplex(exchangeable=(0,)), means, covariances)
        return GaussianMixturesParams(*cast(Any, made))

    # -- all densities, one behind the other -------------------------------------------------

    def flat(self, params: GaussianMixturesParams) -> GaussianParams:
        """The K M normal densities by themselves."""
        shape = self.covariance.shape(self.n_components * self.n_mix, self.n_features)
        means = np.reshape(params.means, (-1, self.n_features))
        return GaussianParams(means, np.reshape(params.covariances, shape))

    def _of_flat(self, weights: Array, made: GaussianParams) -> GaussianMixturesParams:
        k, m, d = self.n_components, self.n_mix, self.n_features
        covariances = made.covariances
        if not isinstance(self.covariance, Grouped):
            covariances = covariances.reshape(k, m, *covariances.shape[1:])
        return GaussianMixturesParams(weights, made.means.reshape(k, m, d), covariances)

    def _joint(self, params: GaussianMixturesParams, x: Array) -> Array:
        """log of weight times density of each density, (n, K, M)."""
        each = self.normal.log_density(self.flat(params), x)
        with np.errstate(divide="ignore"):
            weights = np.log(params.weights)
        return each.reshape(len(each), self.n_components, self.n_mix) + weights

    def memberships(self, params: GaussianMixturesParams, x: Array) -> Array:
        """P(density m | component k, x_i), shape (n, K, M)."""
        joint = self._joint(params, x)
        top = joint.max(axis=2, keepdims=True)
        share = np.exp(joint - np.where(np.isfinite(top), top, 0.0))
        total = share.sum(axis=2, keepdims=True)
        return np.where(total > 0, share / np.where(total > 0, total, 1.0), params.weights)

    # -- the family --------------------------------------------------------------------------

    def log_density(self, params: GaussianMixturesParams, x: Array) -> Array:
        made = np.asarray(logsumexp(self._joint(params, x), axis=2), dtype=np.float64)
        made[np.isnan(x).all(axis=1)] = 0.0
        return made

    def stats(self, params: GaussianMixturesParams, x: Array, resp: Array) -> GaussianMixturesStats:
        inside = self.memberships(params, x)
        inside[np.isnan(x).all(axis=1)] = 0.0  # a row without cells tells nothing
        each = resp[:, :, None] * inside
        k, m = each.shape[1:]
        normal = self.normal.stats(self.flat(params), x, each.reshape(len(each), k * m))
        hidden = -float(xlogy(each, inside).sum())
        return GaussianMixturesStats(each.sum(axis=0), normal, hidden)

    def m_step(
        self, stats: GaussianMixturesStats, params: GaussianMixturesParams
    ) -> GaussianMixturesParams:
        weights = ratio(stats.count, stats.count.sum(axis=1, keepdims=True), params.weights)
        return self._of_flat(weights, self.normal.m_step(stats.normal, self.flat(params)))

    def q(self, params: GaussianMixturesParams, stats: GaussianMixturesStats) -> float:
        shared = float(xlogy(stats.count, params.weights).sum())
        return shared + float(stats.hidden) + self.normal.q(self.flat(params), stats.normal)

    def score(
        self, params: GaussianMixturesParams, stats: GaussianMixturesStats
    ) -> GaussianMixturesParams:
        in_normal = self.normal.score(self.flat(params), stats.normal)
        return self._of_flat(slope(stats.count, params.weights), in_normal)

    def start(self, x: Array, resp: Array) -> GaussianMixturesParams:
        """Each component's rows are cut along their longest axis, and moved by k-means."""
        z = (np.asarray(x, dtype=np.float64) - self.frame.origin) / self.frame.spread
        z = np.where(np.isfinite(z), z, 0.0)
        each = np.stack([_split(z, r, self.n_mix) for r in resp.T], axis=1) * resp[:, :, None]
        made = self.normal.start(x, each.reshape(len(each), -1))
        count = each.sum(axis=0) + 1 / self.n_mix
        return self._of_flat(count / count.sum(axis=1, keepdims=True), made)

    # -- rows drawn and completed ------------------------------------------------------------

    def draw(
        self, params: GaussianMixturesParams, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        return self.normal.draw(
            self.flat(params), self._drawn(params.weights[labels], labels, rng), rng
        )

    def _drawn(
        self, shares: Array, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> NDArray[np.intp]:
        """A density of the component of each label, numbered among all of them."""
        below = np.cumsum(shares, axis=1)[:, :-1]
        return labels * self.n_mix + (rng.uniform(size=(len(labels), 1)) > below).sum(axis=1)

    def expected(self, params: GaussianMixturesParams, x: Array) -> Array:
        each = self.normal.expected(self.flat(params), x)
        shaped = each.reshape(len(each), self.n_components, self.n_mix, -1)
        return np.einsum("nkm,nkmd->nkd", self.memberships(params, x), shaped)

    def completed(
        self,
        params: GaussianMixturesParams,
        x: Array,
        labels: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> Array:
        shares = self.memberships(params, x)[np.arange(len(x)), labels]
        return self.normal.completed(self.flat(params), x, self._drawn(shares, labels, rng), rng)


def _split(z: Array, w: Array, m: int) -> Array:
    """Rows of weight w in m parts, (n, m) of zeros and ones: from quantiles of the longest axis."""
    parts = np.zeros((len(z), m))
    total = float(w.sum())
    if m == 1 or total <= 0:
        parts[:, 0] = 1.0
        return parts
    centred = z - w @ z / total
    _, axes = np.linalg.eigh((centred * w[:, None]).T @ centred)
    along = centred @ axes[:, -1]
    order = np.argsort(along, kind="stable")
    middle = (np.cumsum(w[order]) - w[order] / 2) / total
    label = np.empty(len(z), dtype=np.intp)
    label[order] = np.clip((middle * m).astype(np.intp), 0, m - 1)
    for _ in range(ROUNDS):
        held = np.stack([np.bincount(label, w * column, minlength=m) for column in z.T], axis=1)
        mass = np.bincount(label, w, minlength=m)
        alive = mass > 0
        centres = held[alive] / mass[alive, None]
        far = ((z[:, None, :] - centres) ** 2).sum(axis=2)
        moved = np.flatnonzero(alive)[far.argmin(axis=1)]
        if (moved == label).all():
            break
        label = moved
    parts[np.arange(len(z)), label] = 1.0
    return parts
