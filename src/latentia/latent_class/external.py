"""External variables in three steps: classes are found, rows assigned, and the errors undone.

Memberships that are used as if they were classes weaken every relation with other variables, since
some rows are assigned to a class that is not theirs. How often is known from the memberships
themselves, and two corrections use that: BCH weights rows so that the errors cancel (Bolck, Croon
& Hagenaars 2004; Vermunt 2010), ML treats the assigned class as an answer with known errors
(Vermunt 2010; Bakk, Tekle & Vermunt 2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import chi2

from latentia.estimator import Estimate

from . import items, logit
from .classification import assignments, one_hot

Array = NDArray[np.float64]

CORRECTIONS = ("ml", "bch", "none")
ASSIGNMENTS = ("modal", "proportional")

HARDLY = 1e-8
"""The smallest singular value of assignment errors that can be undone."""


class Assigned(NamedTuple):
    """Rows assigned to classes, and how often that is wrong.

    Attributes
    ----------
    share : array of shape (n, K)
        Share of row i that is assigned to class s: 0 or 1, or the memberships.
    error : array of shape (K, K)
        P(assigned to s | class t), a row for each t (Vermunt 2010).
    """

    share: Array
    error: Array


class ClassRegression(NamedTuple):
    """Log-odds of the classes against a reference class, linear in covariates.

    Attributes
    ----------
    coefficients : array of shape (K, q)
        The intercept first; 0 for the reference.
    standard_errors : array of shape (K, q)
        Robust, of this step alone: the classes are taken as known.
    covariance : array of shape (K, q, K, q)
    names : tuple of str
        ``"intercept"``, then the covariates.
    reference : int
    correction, assignment : str
    loglik : float
        What was maximised, in nats.
    error : array of shape (K, K)
        P(assigned to s | class t).
    """

    coefficients: Array
    standard_errors: Array
    covariance: Array
    names: tuple[str, ...]
    reference: int
    correction: str
    assignment: str
    loglik: float
    error: Array

    def table(self, level: float = 0.95) -> list[Estimate]:
        """Every coefficient but the reference's, with its Wald interval."""
        return [
            _estimate(f"coefficient[{t}, {name}]", self, (t, j), level)
            for t in range(len(self.coefficients))
            for j, name in enumerate(self.names)
            if t != self.reference
        ]

    def odds_ratios(self, level: float = 0.95) -> list[Estimate]:
        """exp of the coefficients of the covariates; standard errors by the delta method."""
        return [
            Estimate(
                e.name.replace("coefficient", "odds_ratio"),
                float(np.exp(e.value)),
                float(np.exp(e.value) * e.se),
                float(np.exp(e.lower)),
                float(np.exp(e.upper)),
            )
            for e in self.table(level)
            if not e.name.endswith(", intercept]")
        ]

    def wald(self, covariate: str) -> tuple[float, int, float]:
        """Whether a covariate matters at all: chi-square, degrees of freedom, tail."""
        if covariate not in self.names:
            raise ValueError(
                f"got the covariate {covariate!r}, expected one of {', '.join(self.names)}"
            )
        j = self.names.index(covariate)
        free = [t for t in range(len(self.coefficients)) if t != self.reference]
        return _wald(self.coefficients[free, j], self.covariance[np.ix_(free, [j], free, [j])])


class OutcomeMeans(NamedTuple):
    """The mean of a variable in each class, or the share of each of its categories.

    Attributes
    ----------
    means : array of shape (K, m)
        m = 1, or the number of categories.
    standard_errors : array of shape (K, m)
        Robust, of this step alone: the classes are taken as known.
    covariance : array of shape (K, m, K, m)
    names : tuple of str
        The variable, or its categories.
    correction, assignment : str
    """

    means: Array
    standard_errors: Array
    covariance: Array
    names: tuple[str, ...]
    correction: str
    assignment: str

    def table(self, level: float = 0.95) -> list[Estimate]:
        """Every mean with its Wald interval."""
        return [
            _estimate(f"mean[{t}, {name}]", self, (t, j), level)
            for t in range(len(self.means))
            for j, name in enumerate(self.names)
        ]

    def equal(self) -> tuple[float, int, float]:
        """Whether all classes have the same means: Wald's chi-square, df, tail.

        Of shares of categories the last is left out, which follows from the others.
        """
        m = self.means.shape[1]
        kept = range(m if m == 1 else m - 1)
        k = len(self.means)
        contrast = np.eye(k)[1:] - np.eye(k)[0]
        gaps = contrast @ self.means[:, kept]
        part = self.covariance[np.ix_(range(k), kept, range(k), kept)]
        spread = np.einsum("at,tjul,bu->ajbl", contrast, part, contrast)
        return _wald(gaps, spread)


def _estimate(
    name: str, found: ClassRegression | OutcomeMeans, at: tuple[int, int], level: float
) -> Estimate:
    value, se = float(found[0][at]), float(found[1][at])
    wide = float(ndtri((1 + level) / 2)) * se
    return Estimate(name, value, se, value - wide, value + wide)


def _wald(values: Array, covariance: Array) -> tuple[float, int, float]:
    """Chi-square that all values are zero, its degrees of freedom, and the upper tail."""
    flat = values.ravel()
    spread = covariance.reshape(len(flat), len(flat))
    statistic = float(flat @ np.linalg.pinv(spread, hermitian=True) @ flat)
    df = int(np.linalg.matrix_rank(spread, hermitian=True))
    return statistic, df, float(chi2.sf(statistic, df)) if df else 1.0


def assign(resp: Array, weights: Array, assignment: str) -> Assigned:
    """Rows assigned to classes by their memberships.

    Parameters
    ----------
    resp : array of shape (n, K)
    weights : array of shape (n,)
    assignment : {"modal", "proportional"}
        To the most probable class, or to every class in proportion to the memberships.
    """
    if assignment not in ASSIGNMENTS:
        raise ValueError(f"got assignment={assignment!r}, expected 'modal' or 'proportional'")
    modal = assignment == "modal"
    share = one_hot(resp.argmax(axis=1), resp.shape[1]) if modal else resp
    size = weights @ resp
    if not (size > 0).all():
        raise ValueError(
            f"got no row of class {int(np.argmin(size))} at all, expected some of each; use fewer "
            "classes"
        )
    return Assigned(share, assignments(resp, share, weights) / size[:, None])


def corrected(assigned: Assigned) -> Array:
    """BCH weights of the rows in each class, (n, K): they add up to one, some below zero.

    Their expectation given a row's class is the indicator of that class (Vermunt 2010).
    """
    _require_told_apart(assigned)
    return assigned.share @ np.linalg.inv(assigned.error)


def _require_told_apart(assigned: Assigned) -> None:
    lowest = float(np.linalg.svd(assigned.error, compute_uv=False)[-1])
    if lowest < HARDLY:
        s = int(np.argmin(assigned.error.max(axis=0)))
        raise ValueError(
            f"the errors of assignment cannot be undone, since hardly a row is assigned to class "
            f"{s}; use assignment='proportional' or fewer classes"
        )


def class_regression(
    assigned: Assigned,
    weights: Array,
    z: Array,
    names: Sequence[str],
    correction: str,
    assignment: str,
    reference: int,
) -> ClassRegression:
    """Regress class membership on covariates.

    Parameters
    ----------
    assigned : Assigned
    weights : array of shape (n,)
    z : array of shape (n, p)
    names : sequence of str
        Of the p covariates.
    correction : {"ml", "bch", "none"}
    assignment : str
        How `assigned` came about.
    reference : int

    Raises
    ------
    ValueError
        If a setting is unknown, if assignment errors cannot be undone, or if there is no maximum.
    """
    if correction not in CORRECTIONS:
        raise ValueError(f"got correction={correction!r}, expected 'ml', 'bch' or 'none'")
    k = len(assigned.error)
    if not 0 <= reference < k:
        raise ValueError(f"got reference={reference!r}, expected a class from 0 to {k - 1}")
    order = [t for t in range(k) if t != reference] + [reference]
    design = np.column_stack([np.ones(len(z)), z])
    if correction == "ml":
        _require_told_apart(assigned)
        error = assigned.error[np.ix_(order, order)]
        share = assigned.share[:, order]
        objective = logit.misclassified(design, weights, share, error)
    else:
        responses = assigned.share if correction == "none" else corrected(assigned)
        objective = logit.assigned(design, weights, responses[:, order])
    found = logit.highest(objective, design, weights, k)
    q = design.shape[1]
    coefficients = np.zeros((k, q))
    covariance = np.zeros((k, q, k, q))
    free, every = order[:-1], range(q)
    coefficients[free] = found.coefficients
    covariance[np.ix_(free, every, free, every)] = found.covariance.reshape(k - 1, q, k - 1, q)
    errors = np.sqrt(np.einsum("tjtj->tj", covariance))
    return ClassRegression(
        coefficients,
        errors,
        covariance,
        ("intercept", *names),
        reference,
        correction,
        assignment,
        found.value,
        assigned.error,
    )


def outcome_means(
    assigned: Assigned,
    weights: Array,
    outcome: Array,
    names: Sequence[str],
    correction: str,
    assignment: str,
) -> OutcomeMeans:
    """Means of a variable by class.

    Parameters
    ----------
    assigned : Assigned
    weights : array of shape (n,)
    outcome : array of shape (n, m)
    names : sequence of str
    correction : {"bch", "none"}
    assignment : str
        How `assigned` came about.

    Raises
    ------
    ValueError
        If the correction is unknown, or if assignment errors cannot be undone.
    """
    if correction not in ("bch", "none"):
        raise ValueError(
            f"got correction={correction!r}, expected 'bch' or 'none'; 'ml' would need a density "
            "of the outcome"
        )
    each = corrected(assigned) if correction == "bch" else assigned.share
    size = weights @ each
    means = (each * weights[:, None]).T @ outcome / size[:, None]
    moved = each[:, :, None] * (outcome[:, None, :] - means) / size[:, None]
    flat = moved.reshape(len(outcome), -1)
    covariance = (flat.T @ (flat * weights[:, None])).reshape(*means.shape, *means.shape)
    errors = np.sqrt(np.einsum("tjtj->tj", covariance))
    return OutcomeMeans(means, errors, covariance, tuple(names), correction, assignment)


def read_covariates(covariates: Any, n: int) -> tuple[Array, list[str]]:
    """Columns of numbers and their names, from a data frame or an array; a vector is one column.

    Raises
    ------
    ValueError
        If a column is not of finite numbers, or if there is not one row for each of n.
    """
    if hasattr(covariates, "columns") or hasattr(covariates, "column_names"):
        from latentia.data.frames import frame_to_matrix  # narwhals: not for arrays

        known = list(covariates.columns if hasattr(covariates, "columns") else [])
        known = known or list(covariates.column_names)
        values, columns, _ = frame_to_matrix(covariates, known, source="the covariates")
        z, names = np.asarray(values, dtype=np.float64), list(columns)
    else:
        z = np.asarray(covariates, dtype=np.float64)
        z = z[:, None] if z.ndim == 1 else z
        names = [f"z{j}" for j in range(z.shape[-1])]
    if z.ndim != 2 or len(z) != n:
        raise ValueError(f"got covariates of shape {z.shape}, expected ({n}, p): a row for each")
    wrong = ~np.isfinite(z)
    if wrong.any():
        i, j = (int(a) for a in np.argwhere(wrong)[0])
        raise ValueError(
            f"got {z[i, j]:g} at row {i} of covariate {names[j]!r}, expected a finite number; "
            "leave such rows out"
        )
    return z, names


def read_outcome(outcome: Any, n: int) -> tuple[Array, list[str]]:
    """A variable as numbers, (n, 1), or as indicators of its categories, (n, m), with names.

    Raises
    ------
    ValueError, TypeError
        If there is not one for each of n rows, or if one is missing or no number or text.
    """
    values = np.asarray(outcome)
    if values.shape != (n,):
        raise ValueError(f"got an outcome of shape {values.shape}, expected ({n},): one a row")
    found = items.column("the outcome", values)
    if found.missing.any():
        i = int(np.argmax(found.missing))
        raise ValueError(f"got no outcome at row {i}, expected one for each; leave such rows out")
    if not any(isinstance(value, str | bool) for value in found.values.tolist()):
        return found.values.astype(np.float64)[:, None], [str(getattr(outcome, "name", "outcome"))]
    (categories,) = items.learned([found], np.ones(n, dtype=np.bool_))
    codes = items.coded([found], [categories])
    indicators = (codes == np.arange(len(categories))).astype(np.float64)
    return indicators, [items.written(category) for category in categories]
