"""Multinomial logits of class membership, where classes are known up to assignment errors.

log(pi_t / pi_r) = beta_t' z for each class t, with the reference r at beta_r = 0. Coefficients of
all classes but the reference lie one class after the other in a vector.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.families.predictor import Basis

Array = NDArray[np.float64]

MOST_STEPS = 200
FLAT = 1e-9
"""Nats left to gain at which Newton's method ends."""

UNTOLD = 1e-9
"""Information a row, in units of standardised covariates, below which nothing is determined."""


class Slope(NamedTuple):
    """An objective at some coefficients.

    Attributes
    ----------
    value : float
    scores : array of shape (n, K - 1, q)
        Gradient of each row's part, unweighted.
    information : array of shape ((K - 1) q, (K - 1) q)
        Minus the matrix of second derivatives.
    """

    value: float
    scores: Array
    information: Array


class Logit(NamedTuple):
    """Where the objective is highest.

    Attributes
    ----------
    coefficients : array of shape (K - 1, q)
    value : float
    at : array of shape (K - 1, q)
        The coefficients in a basis in which the columns of the design are uncorrelated.
    bread : array of shape ((K - 1) q, (K - 1) q)
        The inverse of the information there.
    covariance : array of shape ((K - 1) q, (K - 1) q)
        A^-1 B A^-1 with A the information and B the sum of squares of the rows' scores (White
        1982): right even where weights of a class are negative. There too.
    """

    coefficients: Array
    value: float
    at: Array
    bread: Array
    covariance: Array


Objective = Callable[[Array], Slope]


def assigned(z: Array, weights: Array, responses: Array) -> Objective:
    """sum_i w_i sum_t y_it log pi_t(z_i), of responses that may be negative but add up to one.

    Parameters
    ----------
    z : array of shape (n, q)
    weights : array of shape (n,)
    responses : array of shape (n, K)
        The reference class last.
    """

    def objective(coefficients: Array) -> Slope:
        log_pi = log_probabilities(z, coefficients)
        pi = np.exp(log_pi)
        value = float(weights @ (responses * log_pi).sum(axis=1))
        scores = (responses - pi)[:, :-1, None] * z[:, None, :]
        return Slope(value, scores, _information(z, weights, pi))

    return objective


def misclassified(z: Array, weights: Array, assigned: Array, error: Array) -> Objective:
    """sum_i w_i sum_s a_is log sum_t pi_t(z_i) P(s | t)  (Vermunt 2010, the ML approach).

    Parameters
    ----------
    z : array of shape (n, q)
    weights : array of shape (n,)
    assigned : array of shape (n, K)
        Share of row i that is assigned to s.
    error : array of shape (K, K)
        P(assigned to s | class t), a row for each t. The reference class last.
    """
    with np.errstate(divide="ignore"):
        log_error = np.log(error)

    def objective(coefficients: Array) -> Slope:
        log_pi = log_probabilities(z, coefficients)
        pi = np.exp(log_pi)
        k, q = pi.shape[1], z.shape[1]
        value, mean = 0.0, np.zeros_like(pi)
        information = _information(z, weights, pi)
        for s in range(k):
            share = assigned[:, s]
            some = share != 0
            if not some.any():
                continue
            joint = log_pi[some] + log_error[:, s]
            top = np.logaddexp.reduce(joint, axis=1)
            resp = np.exp(joint - top[:, None])
            w = (weights * share)[some]
            value += float(w @ top)
            mean[some] += share[some, None] * resp
            information -= _information(z[some], w, resp)
        scores = (mean - pi)[:, :-1, None] * z[:, None, :]
        return Slope(value, scores, information.reshape((k - 1) * q, (k - 1) * q))

    return objective


def log_probabilities(z: Array, coefficients: Array) -> Array:
    """log pi_t(z_i), shape (n, K), the reference class last."""
    linear = np.column_stack([z @ coefficients.T, np.zeros(len(z))])
    return linear - np.logaddexp.reduce(linear, axis=1, keepdims=True)


def _information(z: Array, weights: Array, pi: Array) -> Array:
    """sum_i w_i (diag(pi_i) - pi_i pi_i') x z_i z_i' over all classes but the last."""
    k, q = pi.shape[1] - 1, z.shape[1]
    out = np.empty((k, q, k, q))
    for t in range(k):
        for u in range(t + 1):
            each = pi[:, t] * ((t == u) - pi[:, u]) * weights
            out[t, :, u] = out[u, :, t] = z.T @ (each[:, None] * z)
    return out.reshape(k * q, k * q)


def highest(
    objective_of: Callable[[Array], Objective], z: Array, weights: Array, basis: Basis, k: int
) -> Logit:
    """Newton's method from equal chances; where the objective is not concave, Fisher's.

    Parameters
    ----------
    objective_of : callable
        Makes the objective of a design.
    z : array of shape (n, q)
    weights : array of shape (n,)
    basis : Basis
        In which the columns of `z` are uncorrelated.
    k : int
        Number of classes.

    Raises
    ------
    ValueError
        If coefficients grow without end.
    """
    rows = z @ basis.columns
    objective = objective_of(rows)
    at = np.zeros((k - 1, z.shape[1]))
    here = objective(at)
    for _ in range(MOST_STEPS):
        gradient = np.tensordot(weights, here.scores, axes=1).ravel()
        step = _ascent(here.information, gradient, rows, weights, at)
        gain = float(gradient @ step) / 2
        if gain < FLAT:
            break
        at, here = _climbed(objective, at, here, step.reshape(at.shape), gain)
    if not float(np.linalg.eigvalsh(here.information)[0]) > UNTOLD * weights.sum():
        raise ValueError(
            "the coefficients of the covariates grow without end, since covariates tell some "
            "classes apart perfectly; leave out such covariates, or use fewer classes"
        )
    flat = here.scores.reshape(len(weights), -1)
    bread = np.asarray(np.linalg.inv(here.information), dtype=np.float64)
    covariance = bread @ (flat.T @ (weights[:, None] * flat)) @ bread
    return Logit(basis.out(at), here.value, at, bread, covariance)


def slope(objective: Objective, weights: Array, at: Array) -> Array:
    """The gradient of an objective, ((K - 1) q,)."""
    return np.tensordot(weights, objective(at).scores, axes=1).ravel()


def _ascent(information: Array, gradient: Array, z: Array, weights: Array, at: Array) -> Array:
    try:
        np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        information = _information(z, weights, np.exp(log_probabilities(z, at)))
    return np.asarray(np.linalg.lstsq(information, gradient)[0], dtype=np.float64)


def _climbed(
    objective: Objective, at: Array, here: Slope, step: Array, gain: float
) -> tuple[Array, Slope]:
    """A step, halved until it gains a tenth of what it promised."""
    for _ in range(60):
        there = objective(at + step)
        if there.value >= here.value + 0.2 * gain or not np.abs(step).max() > 1e-14:
            return at + step, there
        step, gain = step / 2, gain / 2
    return at, here
