"""One column of a family by itself: its distribution function and its mean in each component."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import betainc, gamma, ndtr, stdtr

from latentia.engine import tree

from .beta import Beta
from .binomial import Binomial, BinomialParams
from .categorical import Categorical
from .dirichlet import Dirichlet
from .exponential import Exponential
from .factor_analyzers import FactorAnalyzers
from .family import Family
from .gamma import Gamma
from .gaussian import Gaussian
from .gaussian_mixtures import GaussianMixtures
from .inverse_gaussian import InverseGaussian
from .lognormal import LogNormal
from .multinomial import Multinomial
from .negative_binomial import NegativeBinomial
from .poisson import Poisson
from .product import Product
from .student_t import StudentT
from .survival import Survival
from .uniform import Uniform
from .von_mises_fisher import VonMisesFisher, log_mean_length
from .weibull import Weibull

Array = NDArray[np.float64]

COUNTS = (Binomial, Categorical, Multinomial, NegativeBinomial, Poisson)
"""Families whose columns hold whole numbers only."""


@singledispatch
def column_cdf(family: Family[Any, Any], params: Any, j: int, x: Array) -> Array:
    """P(X_j <= x_i | k), the other columns integrated out.

    Codes of categories are taken in their order.

    Parameters
    ----------
    family : Family
    params : params
        Of the family.
    j : int
        The column.
    x : array of shape (m,)

    Returns
    -------
    array of shape (m, K)
        nan where x is.

    Raises
    ------
    TypeError
        If the family says nothing of single columns.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families import Poisson
    >>> from latentia.families.poisson import PoissonParams
    >>> rates = PoissonParams(np.array([[1.0, 5.0], [2.0, 9.0]]))
    >>> column_cdf(Poisson(2, 2), rates, 1, np.array([4.0])).round(3)
    array([[0.44 , 0.055]])
    """
    width = {np.shape(leaf)[1] for leaf in tree.leaves(params) if np.ndim(leaf) > 1}
    if width - {1}:
        raise TypeError(f"{family.name} does not define distribution functions of columns")
    return family.cdf(params, np.asarray(x, dtype=np.float64)[:, None])


@column_cdf.register(Poisson)
@column_cdf.register(NegativeBinomial)
@column_cdf.register(Beta)
@column_cdf.register(InverseGaussian)
@column_cdf.register(Uniform)
@column_cdf.register(Survival)
def _(family: Any, params: Any, j: int, x: Array) -> Array:
    if getattr(family, "censored", False):
        raise TypeError(f"{family.name} has two bounds for a time: no column is one")
    own = tree.transform(lambda leaf: leaf[:, [j]], params)  # columns are independent
    return family.cdf(own, np.asarray(x, dtype=np.float64)[:, None])


@column_cdf.register
def _(family: Binomial, params: Any, j: int, x: Array) -> Array:
    own = Binomial(family.n_components, 1, trials=float(family.trials[j]))
    chances = BinomialParams(params.probabilities[:, [j]])
    return own.cdf(chances, np.asarray(x, dtype=np.float64)[:, None])


@column_cdf.register
def _(family: Categorical, params: Any, j: int, x: Array) -> Array:
    below = np.cumsum(params.probabilities[:, j], axis=1)
    below = np.concatenate([np.zeros((len(below), 1)), below / below[:, -1:]], axis=1)
    missing = np.isnan(x)
    at = np.clip(np.floor(np.where(missing, 0.0, x)), -1, below.shape[1] - 2).astype(np.intp)
    return np.where(missing[:, None], np.nan, below.T[at + 1])


@column_cdf.register
def _(family: Dirichlet, params: Any, j: int, x: Array) -> Array:
    own = params.shapes[:, j]
    return betainc(own, params.shapes.sum(axis=1) - own, np.clip(x, 0.0, 1.0)[:, None])


@column_cdf.register
def _(family: Gaussian, params: Any, j: int, x: Array) -> Array:
    variances = family.covariance.matrices(params.covariances, *params.means.shape)[:, j, j]
    return ndtr((np.asarray(x)[:, None] - params.means[:, j]) / np.sqrt(variances))


@column_cdf.register
def _(family: FactorAnalyzers, params: Any, j: int, x: Array) -> Array:
    deviation = np.sqrt(family.covariances(params)[:, j, j])
    return ndtr((np.asarray(x)[:, None] - params.means[:, j]) / deviation)


@column_cdf.register
def _(family: GaussianMixtures, params: Any, j: int, x: Array) -> Array:
    each = column_cdf(family.normal, family.flat(params), j, x)
    return (each.reshape(len(x), *params.weights.shape) * params.weights).sum(axis=2)


@column_cdf.register
def _(family: StudentT, params: Any, j: int, x: Array) -> Array:
    locations, scales, eta = params
    variances = family.covariance.matrices(scales, *locations.shape)[:, j, j]
    away = (np.asarray(x)[:, None] - locations[:, j]) / np.sqrt(variances)
    heavy = np.broadcast_to(eta > 0, (family.n_components,))
    return np.where(heavy, stdtr(1 / np.where(eta > 0, eta, 1.0), away), ndtr(away))


@column_cdf.register
def _(family: Product, params: Any, j: int, x: Array) -> Array:
    part, place = _part_of(family, j)
    return column_cdf(family.parts[part], params[part], place, x)


def _part_of(family: Product, j: int) -> tuple[int, int]:
    """The part that has a column, and the column's place in it."""
    for i, columns in enumerate(family.columns):
        if j in columns:
            return i, int(np.flatnonzero(columns == j)[0])
    raise IndexError(f"got column {j}, expected one from 0 to {family.n_features - 1}")


def is_discrete(family: Family[Any, Any], j: int) -> bool:
    """Whether a column holds whole numbers only."""
    if isinstance(family, Product):
        part, place = _part_of(family, j)
        return is_discrete(family.parts[part], place)
    return isinstance(family, COUNTS)


def is_nominal(family: Family[Any, Any], j: int) -> bool:
    """Whether a column holds codes, whose order and sums mean nothing."""
    if isinstance(family, Product):
        part, place = _part_of(family, j)
        return is_nominal(family.parts[part], place)
    return isinstance(family, Categorical)


def n_codes(family: Family[Any, Any], j: int) -> int:
    """How many codes a column of categories has.

    Raises
    ------
    TypeError
        If it holds none.
    """
    if isinstance(family, Product):
        part, place = _part_of(family, j)
        return n_codes(family.parts[part], place)
    if not isinstance(family, Categorical):
        raise TypeError(f"got a column of {family.name}, expected one of codes")
    return int(family.n_levels[j])


@singledispatch
def column_means(family: Family[Any, Any], params: Any) -> Array:
    """E[X_j | k] of all columns, shape (K, d); nan of codes, and where there is no mean.

    Raises
    ------
    TypeError
        If the family does not define its means.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families import Bernoulli
    >>> from latentia.families.binomial import BinomialParams
    >>> column_means(Bernoulli(2), BinomialParams(np.array([[0.25], [0.75]])))
    array([[0.25],
           [0.75]])
    """
    raise TypeError(f"{family.name} does not define the means of its columns")


@column_means.register(Gaussian)
@column_means.register(FactorAnalyzers)
@column_means.register(NegativeBinomial)
@column_means.register(InverseGaussian)
def _(family: Any, params: Any) -> Array:
    return np.asarray(params.means, dtype=np.float64)


@column_means.register
def _(family: GaussianMixtures, params: Any) -> Array:
    return (params.weights[:, :, None] * params.means).sum(axis=1)


@column_means.register
def _(family: StudentT, params: Any) -> Array:
    eta = np.broadcast_to(params.inverse_df, (family.n_components,))
    return np.where((eta < 1)[:, None], params.locations, np.nan)


@column_means.register
def _(family: Poisson, params: Any) -> Array:
    return params.rates


@column_means.register
def _(family: Binomial, params: Any) -> Array:
    return family.trials * params.probabilities


@column_means.register
def _(family: Multinomial, params: Any) -> Array:
    return family.total * params.probabilities


@column_means.register
def _(family: Categorical, params: Any) -> Array:
    return np.full(params.probabilities.shape[:2], np.nan)


@column_means.register
def _(family: Beta, params: Any) -> Array:
    return params.a / (params.a + params.b)


@column_means.register
def _(family: Dirichlet, params: Any) -> Array:
    return params.shapes / params.shapes.sum(axis=1, keepdims=True)


@column_means.register
def _(family: Uniform, params: Any) -> Array:
    return (params.lower + params.upper) / 2


@column_means.register
def _(family: VonMisesFisher, params: Any) -> Array:
    # log_mean_length is of E[length] d / κ
    share = np.exp(log_mean_length(family.half, family.concentrations(params))) / family.n_features
    return share[:, None] * params.vectors


@column_means.register
def _(family: Survival, params: Any) -> Array:
    if family.window != (0.0, np.inf):
        return _by_quadrature(family, params)
    if isinstance(family, Exponential):
        return 1 / params.rates
    if isinstance(family, Gamma):
        return params.shapes * params.scales
    if isinstance(family, LogNormal):
        return np.exp(params.means + params.variances / 2)
    if isinstance(family, Weibull):
        return params.scales * gamma(1 + 1 / params.shapes)
    return _by_quadrature(family, params)


def _by_quadrature(family: Any, params: Any) -> Array:
    """The lower end plus the integral of the survival function, by each component and column."""
    k, d = family.n_components, family.n_features
    lower, upper = family.window
    made = np.empty((k, d))
    for j in range(d):
        for i in range(k):

            def survives(t: float, i: int = i, j: int = j) -> float:
                return float(1 - column_cdf(family, params, j, np.array([t]))[0, i])

            made[i, j] = lower + quad(survives, lower, upper, limit=200)[0]
    return made


@column_means.register
def _(family: Product, params: Any) -> Array:
    out = np.empty((family.n_components, family.n_features))
    for part, own, columns in zip(family.parts, params, family.columns, strict=True):
        out[:, columns] = column_means(part, own)
    return out
