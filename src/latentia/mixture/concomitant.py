"""Weights that depend on covariates, by a multinomial logit: mixtures of experts."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from latentia.engine.space import Contrasts
from latentia.families.parabola import Parabola, gradient, height
from latentia.families.predictor import MOST_PAIRED, Basis, Gate, GateSums, reach, steps

from .weighting import Weighting

Array = NDArray[np.float64]

STEPS = 4
"""Newton steps on a first guess at the memberships."""

SOFTENED = 0.1
"""Share of a first guess that is pooled, so that no covariate tells components wholly apart."""


WORTH_COMPILING = 8000
"""Rows times components from which sums over them are compiled."""


class ConcomitantParams(NamedTuple):
    """Logits against component 0, whose coefficients are zero: (K, q)."""

    coefficients: Array


class ConcomitantStats(NamedTuple):
    """q as a quadratic in the free coefficients, and how far these may move.

    Attributes
    ----------
    logit : Parabola
        Of (K - 1) q coordinates: a number, a vector and a matrix.
    gram : array of shape (q, q)
        sum_i w_i z_i z_i', in the basis.
    count : array of shape ()
        sum_i w_i.
    """

    logit: Parabola
    gram: Array
    count: Array


@final
class Concomitant(Weighting[ConcomitantParams, ConcomitantStats]):
    """P(component k | z) = exp(z'γ_k) / sum_l exp(z'γ_l), γ_0 = 0.

    Concomitant variables of latent classes (Dayton & Macready 1988, sec. 2) and the gates of
    mixtures of experts (Jacobs, Jordan, Nowlan & Hinton 1991).

    There are no finite sufficient statistics: the E-step returns value, gradient and curvature of
    q in the coefficients, and the M-step is a Newton step that moves no logit by more than two
    (as a root mean square over the rows). Where a covariate tells components apart without
    error, coefficients grow until less than the tolerance is left to gain; they stay finite.

    Parameters
    ----------
    n_components : int
    n_features : int
        Columns of z, an intercept among them if there is to be one.
    basis : Basis, optional
        Of the covariates; the columns as they are by default.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.mixture.concomitant import Concomitant, ConcomitantParams
    >>> z = np.array([[1.0, 0.0], [1.0, 2.0]])
    >>> params = ConcomitantParams(np.array([[0.0, 0.0], [0.0, 1.0]]))
    >>> np.exp(Concomitant(2, 2).log_weights(params, z)).round(3)
    array([[0.5  , 0.5  ],
           [0.119, 0.881]])
    """

    m_step_exact = False

    def __init__(self, n_components: int, n_features: int, basis: Basis | None = None) -> None:
        self.n_components, self.n_features = n_components, n_features
        self.basis = Basis.plain(n_features) if basis is None else basis

    @property
    def space(self) -> ConcomitantParams:
        return ConcomitantParams(cast(Any, Contrasts(self.basis.columns)))

    def start(self, z: Array, resp: Array) -> ConcomitantParams:
        total = resp.sum(axis=1, keepdims=True)
        pooled = resp.sum(axis=0) / resp.sum()
        soft = (1 - SOFTENED) * resp + SOFTENED * total * pooled
        params = ConcomitantParams(np.zeros((self.n_components, self.n_features)))
        for _ in range(STEPS):
            params = self.m_step(self.stats(params, z, soft), params)
        return params

    def log_weights(self, params: ConcomitantParams, z: Array) -> Array:
        logits = params.coefficients @ np.asarray(z, dtype=np.float64).T
        return log_softmax(logits, axis=0).T  # components first: long rows are summed fast

    def stats(self, params: ConcomitantParams, z: Array, resp: Array) -> ConcomitantStats:
        resp = np.ascontiguousarray(resp.T)
        if resp.size >= WORTH_COMPILING and self.n_features <= MOST_PAIRED:
            from latentia.families.kernels import logit

            made = logit.run(z, self.basis.columns, params.coefficients, resp)
            return self.gathered(params, GateSums(*made))
        logs = self.log_weights(params, z).T
        shares, weight = np.exp(logs[1:]), resp.sum(axis=0)
        rows = np.asarray(z, dtype=np.float64) @ self.basis.columns
        value = float(np.where(resp > 0, resp * logs, 0.0).sum())
        slope = (resp[1:] - weight * shares) @ rows
        curvature = [
            rows.T @ ((weight * shares[k] * ((k == m) - shares[m]))[:, None] * rows)
            for k in range(len(shares))
            for m in range(k + 1)
        ]
        gram = rows.T @ (weight[:, None] * rows)
        curved = np.reshape(curvature, (-1, *gram.shape))
        return self.gathered(params, GateSums(value, slope, curved, gram, float(weight.sum())))

    def gate(self, params: ConcomitantParams) -> Gate:
        return Gate(params.coefficients, self.basis.columns)

    def gathered(self, params: ConcomitantParams, sums: GateSums) -> ConcomitantStats:
        n, q = sums.slope.shape
        curvature = np.empty((n, q, n, q))
        k, m = np.tril_indices(n)
        curvature[k, :, m] = curvature[m, :, k] = sums.curvature
        made = Parabola.around(
            self._coordinates(params),
            np.asarray(sums.value),
            sums.slope.ravel(),
            curvature.reshape(n * q, n * q),
        )
        return ConcomitantStats(made, sums.gram, np.asarray(sums.count))

    def _coordinates(self, params: ConcomitantParams) -> Array:
        return self.basis.into(params.coefficients[1:]).ravel()

    def m_step(self, stats: ConcomitantStats, params: ConcomitantParams) -> ConcomitantParams:
        at, n = self._coordinates(params), self.n_components - 1
        if not n:
            return params
        whole: Any = np.kron(np.eye(n), stats.gram)
        step = steps(stats.logit, at, whole).reshape(n, -1)
        step *= reach(step, stats.gram, stats.count).min()
        made = params.coefficients.copy()
        made[1:] += self.basis.out(step)
        return ConcomitantParams(made)

    def q(self, params: ConcomitantParams, stats: ConcomitantStats) -> float:
        return float(height(stats.logit, self._coordinates(params)))

    def score(self, params: ConcomitantParams, stats: ConcomitantStats) -> ConcomitantParams:
        made = np.zeros(params.coefficients.shape)
        slope = gradient(stats.logit, self._coordinates(params))
        made[1:] = self.basis.chain(slope.reshape(-1, self.n_features))
        return ConcomitantParams(made)
