"""A uniform density on a fixed box: noise around other components."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentia.engine.space import Fixed

from .cells import counted, first_fault
from .family import Family

Array = NDArray[np.float64]


class UniformParams(NamedTuple):
    """The bounds of each component's box, both (K, d), which stay as they are."""

    lower: Array
    upper: Array


class UniformStats(NamedTuple):
    """Of each component and column.

    Attributes
    ----------
    count : array of shape (K, d)
        sum_i r_ik over the cells that are known.
    """

    count: Array


@final
class Uniform(Family[UniformParams, UniformStats]):
    """The same density everywhere in a box, whose bounds are given.

    Bounds are not estimated: the likelihood has no slope in them, since the density leaps to zero
    there, so it is highest where a side touches a row, and EM cannot take a row back that a box
    has once left out. A component for noise (Banfield & Raftery 1993) needs none of
    that: its box is that of all rows. Missing cells (nan) are left out.

    Parameters
    ----------
    n_components : int
    n_features : int, default=1
        The number of columns.
    lower, upper : float or array of shape (d,) or (K, d)
        The bounds, allowed themselves.

    Raises
    ------
    ValueError
        If a lower bound is not below its upper one, if one is not finite, or if there are more
        or fewer than columns.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families import Uniform
    >>> noise = Uniform.around(1, np.array([[0.0, 5.0], [4.0, 6.0], [1.0, 5.5]]))
    >>> rows = np.array([[1.0, 5.1], [np.nan, 5.1], [1.0, 8.0]])
    >>> np.exp(noise.log_density(noise.start(rows, np.ones((3, 1))), rows)).ravel()
    array([0.25, 1.  , 0.  ])
    """

    takes_missing = True

    def __init__(
        self, n_components: int, n_features: int = 1, *, lower: ArrayLike, upper: ArrayLike
    ) -> None:
        self.n_components, self.n_features = n_components, n_features
        bounds = (np.asarray(bound, dtype=np.float64) for bound in (lower, upper))
        try:
            low, high = (np.array(np.broadcast_to(b, (n_components, n_features))) for b in bounds)
        except ValueError:
            raise ValueError(
                f"got lower={lower!r} and upper={upper!r}, expected a number for each of "
                f"{n_features} columns, or one for all"
            ) from None
        if not (np.isfinite(low) & np.isfinite(high) & (low < high)).all():
            raise ValueError(
                f"got lower={lower!r} and upper={upper!r}, expected finite numbers, each lower "
                "bound below its upper one"
            )
        self.box = UniformParams(low, high)

    @classmethod
    def around(cls, n_components: int, x: Array) -> Uniform:
        """The smallest box that holds all rows x (n, d), the same for all components.

        Raises
        ------
        ValueError
            If a column does not vary.
        """
        lower, upper = np.nanmin(x, axis=0), np.nanmax(x, axis=0)
        return cls(n_components, x.shape[1], lower=lower, upper=upper)

    @property
    def space(self) -> UniformParams:
        return UniformParams(*(cast(Any, Fixed(exchangeable=(0,))) for _ in range(2)))

    def start(self, x: Array, resp: Array) -> UniformParams:
        return self.box

    def _log_height(self, params: UniformParams) -> Array:
        return -np.log(params.upper - params.lower)

    def log_density(self, params: UniformParams, x: Array) -> Array:
        x = np.asarray(x, dtype=np.float64)
        missing = np.isnan(x)
        heights = self._log_height(params)
        made = np.where(missing[:, None], 0.0, heights).sum(axis=-1)
        cell = x[:, None]
        outside = (cell < params.lower) | (cell > params.upper)
        return np.where(outside.any(axis=-1), -np.inf, made)

    def stats(self, params: UniformParams, x: Array, resp: Array) -> UniformStats:
        return UniformStats(counted(np.asarray(x, dtype=np.float64), resp))

    def m_step(self, stats: UniformStats, params: UniformParams) -> UniformParams:
        return params

    def q(self, params: UniformParams, stats: UniformStats) -> float:
        return float((stats.count * self._log_height(params)).sum())

    def score(self, params: UniformParams, stats: UniformStats) -> UniformParams:
        slope = stats.count / (params.upper - params.lower)
        return UniformParams(slope, -slope)

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        lower, upper = self.box.lower.min(axis=0), self.box.upper.max(axis=0)
        wrong = (x < lower) | (x > upper)
        return first_fault(wrong, lambda j: f"expected a number from {lower[j]:g} to {upper[j]:g}")

    def cdf(self, params: UniformParams, x: Array) -> Array:
        lower, upper = params.lower[:, 0], params.upper[:, 0]
        return np.clip((x - lower) / (upper - lower), 0.0, 1.0)

    def draw(
        self, params: UniformParams, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        return rng.uniform(params.lower[labels], params.upper[labels])
