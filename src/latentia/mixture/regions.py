"""Highest-density regions of a fitted mixture."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

Array = NDArray[np.float64]


class Region(NamedTuple):
    """Where the density is at least as high as `log_density`.

    Attributes
    ----------
    mass : float
        The probability in the region.
    log_density : float
        Its bound, a logarithm.
    error : float
        Standard error of the mass that this bound encloses, from the number of draws.
    """

    mass: float
    log_density: float
    error: float

    def contains(self, mixture: Any, X: Any) -> NDArray[np.bool_]:
        """Whether each row is in the region, shape (n,)."""
        return np.asarray(mixture.score_samples(X) >= self.log_density)


def highest_density_regions(
    mixture: Any, masses: ArrayLike = (0.5, 0.95), n_samples: int = 100_000
) -> tuple[Region, ...]:
    """The smallest regions that hold given shares of the probability.

    The bound of the region that holds a share m is the (1 - m) quantile of log f(X), with X drawn
    from the fitted mixture. Rows outside the region of 0.99 are unusual under the model.

    Parameters
    ----------
    mixture : estimator
        Fitted, with `sample` and `score_samples`; draws follow from its `random_state`.
    masses : array-like of float
        Each between 0 and 1.
    n_samples : int, default=100_000
        Draws. The mass is off by sqrt(m (1 - m) / n_samples).

    Returns
    -------
    tuple of Region
        One for each mass.

    Raises
    ------
    ValueError
        If a mass is not between 0 and 1, or if there are fewer than 100 draws.

    References
    ----------
    Hyndman (1996), Computing and graphing highest density regions, The American Statistician 50,
    sec. 3.

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets
    >>> from latentia.mixture import highest_density_regions
    >>> X = datasets.load("faithful").values
    >>> mixture = GaussianMixture(2, random_state=0).fit(X)
    >>> half, most = highest_density_regions(mixture, (0.5, 0.95))
    >>> bool(half.log_density > most.log_density)
    True
    >>> print(f"{most.contains(mixture, X).mean():.2f}")
    0.94
    """
    check_is_fitted(mixture)
    asked = np.atleast_1d(np.asarray(masses, dtype=np.float64))
    wrong = asked[~((asked > 0) & (asked < 1))]
    if wrong.size:
        raise ValueError(f"got a mass of {wrong[0]:g}, expected numbers between 0 and 1")
    if n_samples < 100:
        raise ValueError(f"got n_samples={n_samples!r}, expected at least 100 draws")
    drawn = mixture.sample(n_samples)[0]
    bounds = np.quantile(mixture.score_samples(drawn), 1 - asked)
    return tuple(
        Region(float(mass), float(bound), float(np.sqrt(mass * (1 - mass) / n_samples)))
        for mass, bound in zip(asked, bounds, strict=True)
    )
