"""External variables in three steps: classes are found, rows assigned, and the errors undone.

Memberships that are used as if they were classes weaken every relation with other variables, since
some rows are assigned to a class that is not theirs. How often is known from the memberships
themselves, and two corrections use that: BCH weights rows so that the errors cancel (Bolck, Croon
& Hagenaars 2004; Vermunt 2010), ML treats the assigned class as an answer with known errors
(Vermunt 2010; Bakk, Tekle & Vermunt 2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentia.mixture.errors import checked_weights

from . import columns, items, logit
from .classification import assignments, one_hot
from .external import ClassRegression, OutcomeMeans
from .first_step import FirstStep
from .model import INTERCEPT, design, independent

Array = NDArray[np.float64]

CORRECTIONS = ("ml", "bch", "none")
ASSIGNMENTS = ("modal", "proportional")

ROUNDED = 1e-6
"""How far from 1 the memberships of a row may add up, as single precision does."""

HARDLY = 1e-8
"""The smallest singular value of assignment errors that can be undone."""


class Assignment(NamedTuple):
    """Rows assigned to classes, and how often that is wrong: the second step.

    Attributes
    ----------
    share : array of shape (n, K)
        Share of row i that is assigned to class s: 0 or 1, or the memberships.
    error : array of shape (K, K)
        P(assigned to s | class t), a row for each t (Vermunt 2010).
    weights : array of shape (n,)
        Of the rows.
    assignment : {"modal", "proportional"}
    first : FirstStep or None
        How uncertain the classes are; None takes them as known.
    """

    share: Array
    error: Array
    weights: Array
    assignment: str
    first: FirstStep | None = None

    @classmethod
    def of(
        cls,
        memberships: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        assignment: str = "modal",
    ) -> Assignment:
        """Rows assigned by the memberships that any mixture gives, the classes taken as known.

        So items of any kind may tell the classes: numbers, counts and codes side by side in a
        `Mixture`. Of a `LatentClass` its own `assign` counts how uncertain the classes are too.

        Parameters
        ----------
        memberships : array-like of shape (n, K)
            P(class | row), as `predict_proba` has them.
        sample_weight : array-like of shape (n,), optional
        assignment : {"modal", "proportional"}, default="modal"

        Raises
        ------
        ValueError
            If memberships are no probabilities that add up to 1 in each row.

        Examples
        --------
        >>> import numpy as np
        >>> from latentia import Mixture
        >>> from latentia.latent_class import Assignment
        >>> rng = np.random.default_rng(0)
        >>> c = rng.integers(0, 2, 500)
        >>> rows = np.column_stack([rng.normal(2.0 * c), rng.poisson(1 + 3 * c)])
        >>> mixture = Mixture({0: "gaussian", 1: "poisson"}, 2, random_state=0).fit(rows)
        >>> assigned = Assignment.of(mixture.predict_proba(rows))
        >>> gap = np.ptp(assigned.means(10.0 * c).means)
        >>> bool(8 < gap < 11)
        True
        """
        resp = np.asarray(memberships, dtype=np.float64)
        if resp.ndim != 2 or not len(resp):
            raise ValueError(f"got memberships of shape {resp.shape}, expected (n, K)")
        wrong = ~((resp >= 0).all(axis=1) & (np.abs(resp.sum(axis=1) - 1) < ROUNDED))
        if wrong.any():
            i = int(np.argmax(wrong))
            raise ValueError(
                f"got memberships {resp[i].tolist()} at row {i}, expected probabilities that add "
                "up to 1; take them from predict_proba"
            )
        return assign(resp, checked_weights(sample_weight, resp), assignment)

    def at(self, resp: Array) -> Assignment:
        """The same rows, were their memberships others; modal classes stay what they are."""
        share = self.share if self.assignment == "modal" else resp
        error = assignments(resp, share, self.weights) / (self.weights @ resp)[:, None]
        return self._replace(share=share, error=error)

    def bch_weights(self) -> Array:
        """Weights of the rows in each class, (n, K): they add up to one, some below zero.

        Their expectation given a row's class is the indicator of that class (Vermunt 2010).

        Raises
        ------
        ValueError
            If hardly a row is assigned to some class.
        """
        self._require_told_apart()
        return self.share @ np.linalg.inv(self.error)

    def regress(
        self, covariates: Any, *, correction: str = "ml", reference: int = 0
    ) -> ClassRegression:
        """Regress class membership on covariates by a multinomial logit: a third step.

        Parameters
        ----------
        covariates : data frame or array-like of shape (n, p)
            Finite numbers, an intercept is added; a vector is one column.
        correction : {"ml", "bch", "none"}, default="ml"
            "ml" takes the assigned class as an answer with known errors; "bch" weights rows so
            that errors cancel; "none" takes assignments for classes, which is biased.
        reference : int, default=0
            The class whose coefficients are zero.

        Returns
        -------
        ClassRegression

        Raises
        ------
        ValueError
            If a setting is unknown, if rows do not match, if covariates are no finite numbers or
            follow from one another, if errors cannot be undone, or if there is no maximum.

        References
        ----------
        Vermunt (2010), Political Analysis 18, 450-469; Bakk, Tekle & Vermunt (2013),
        Sociological Methodology 43, 272-311.
        """
        if correction not in CORRECTIONS:
            raise ValueError(f"got correction={correction!r}, expected 'ml', 'bch' or 'none'")
        k = len(self.error)
        if k == 1:
            raise ValueError("got a model of one class, expected several: nothing depends on it")
        if not 0 <= reference < k:
            raise ValueError(f"got reference={reference!r}, expected a class from 0 to {k - 1}")
        z, names = read_covariates(covariates, len(self.weights))
        z, names = design(z), (INTERCEPT, *names)
        basis = independent(z, self.weights, names)
        order = [t for t in range(k) if t != reference] + [reference]
        found = logit.highest(
            partial(self._objective, correction=correction, order=order), z, self.weights, basis, k
        )
        spread, q = found.covariance, len(names)
        if self.first is not None:
            rows = z @ basis.columns

            def moved(resp: Array) -> Array:
                objective = self.at(resp)._objective(rows, correction, order)
                return found.bread @ logit.slope(objective, self.weights, found.at)

            spread = spread + self.first.spread(moved)
        out = np.kron(np.eye(k - 1), basis.columns)
        spread = out @ spread @ out.T
        free = np.ix_(order[:-1], range(q), order[:-1], range(q))
        coefficients, covariance = np.zeros((k, q)), np.zeros((k, q, k, q))
        coefficients[order[:-1]] = found.coefficients
        covariance[free] = spread.reshape(k - 1, q, k - 1, q)
        errors = np.sqrt(np.einsum("tjtj->tj", covariance))
        return ClassRegression(
            coefficients, errors, covariance, names, reference, correction, found.value
        )

    def means(self, outcome: Any, *, correction: str = "bch") -> OutcomeMeans:
        """The mean of a variable in each class, or the shares of its categories: a third step.

        Parameters
        ----------
        outcome : array-like of shape (n,)
            Numbers; of texts and booleans the shares are estimated.
        correction : {"bch", "ml", "none"}, default="bch"
            "bch" weights rows so that errors of assignment cancel; "ml" takes the assigned class
            as an answer with known errors, and numbers as normal with a variance of their own in
            each class: mostly the more precise where they are, and biased where they are not;
            "none" leaves the errors in.

        Returns
        -------
        OutcomeMeans

        Raises
        ------
        ValueError
            If the correction is unknown, if rows do not match, if an outcome is missing, if
            errors cannot be undone, or if there is no maximum.

        References
        ----------
        Bakk, Tekle & Vermunt (2013), Sociological Methodology 43, 272-311.

        Examples
        --------
        >>> import numpy as np
        >>> from latentia import LatentClass
        >>> rng = np.random.default_rng(1)
        >>> c = rng.integers(0, 2, 2000)
        >>> answers = rng.random((2000, 5)) < np.where(c, 0.8, 0.25)[:, None]
        >>> assigned = LatentClass(2, n_init=2, random_state=0).fit(answers).assign(answers)
        >>> cost = rng.normal(10.0 * c, 2.0)
        >>> [
        ...     np.ptp(assigned.means(cost, correction=each).means).round(1).tolist()
        ...     for each in ("none", "bch", "ml")
        ... ]
        [8.3, 9.6, 9.9]
        """
        if correction not in CORRECTIONS:
            raise ValueError(f"got correction={correction!r}, expected 'bch', 'ml' or 'none'")
        values, names = read_outcome(outcome, len(self.weights))
        if correction == "ml":
            means, covariance = self._likeliest(values)
        else:
            means, covariance = self._weighted(values, correction)
        covariance = covariance.reshape(*means.shape, *means.shape)
        errors = np.sqrt(np.einsum("tjtj->tj", covariance))
        return OutcomeMeans(means, errors, covariance, tuple(names), correction)

    def _likeliest(self, values: Array) -> tuple[Array, Array]:
        """Means by maximum likelihood, (K, m), and their covariance."""
        from . import distal

        self._require_told_apart()
        found = distal.fitted(values, self.share, self.error, self.weights)
        spread = found.covariance
        if self.first is not None:

            def moved(resp: Array) -> Array:
                there = self.at(resp)
                return found.bread @ found.score(there.share, there.error)

            spread = spread + self.first.spread(moved)
        return found.means, found.jacobian.T @ spread @ found.jacobian

    def _weighted(self, values: Array, correction: str) -> tuple[Array, Array]:
        """Weighted means, (K, m), and their covariance."""
        each = self._each(correction)
        size, means = self.weights @ each, self._means(values, correction)
        moved = each[:, :, None] * (values[:, None, :] - means) / size[:, None]
        flat = moved.reshape(len(values), -1)
        covariance = flat.T @ (flat * self.weights[:, None])
        if self.first is not None:
            covariance = covariance + self.first.spread(
                lambda resp: self.at(resp)._means(values, correction).ravel()
            )
        return means, covariance

    def _each(self, correction: str) -> Array:
        """Weights of the rows in each class, (n, K)."""
        return self.bch_weights() if correction == "bch" else self.share

    def _means(self, values: Array, correction: str) -> Array:
        """Weighted means by class, (K, m)."""
        each = self._each(correction) * self.weights[:, None]
        return each.T @ values / each.sum(axis=0)[:, None]

    def _objective(self, rows: Array, correction: str, order: Sequence[int]) -> logit.Objective:
        """Of the coefficients of a design, classes in an order with the reference last."""
        if correction != "ml":
            return logit.assigned(rows, self.weights, self._each(correction)[:, order])
        self._require_told_apart()
        error = self.error[np.ix_(order, order)]
        return logit.misclassified(rows, self.weights, self.share[:, order], error)

    def _require_told_apart(self) -> None:
        lowest = float(np.linalg.svd(self.error, compute_uv=False)[-1])
        if lowest < HARDLY:
            s = int(np.argmin(self.error.max(axis=0)))
            raise ValueError(
                "the errors of assignment cannot be undone, since hardly a row is assigned to "
                f"class {s}; use assignment='proportional' or fewer classes"
            )


def assign(
    resp: Array, weights: Array, assignment: str, first: FirstStep | None = None
) -> Assignment:
    """Rows assigned to classes by their memberships.

    Parameters
    ----------
    resp : array of shape (n, K)
    weights : array of shape (n,)
    assignment : {"modal", "proportional"}
        To the most probable class, or to every class in proportion to the memberships.
    first : FirstStep, optional
        How uncertain these are.
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
    error = assignments(resp, share, weights) / size[:, None]
    return Assignment(share, error, weights, assignment, first)


def read_covariates(covariates: Any, n: int) -> tuple[Array, list[str]]:
    """Columns of numbers and their names, from a data frame or an array; a vector is one column.

    Raises
    ------
    ValueError
        If a column is not of finite numbers, or if there is not one row for each of n.
    """
    if columns.is_frame(covariates):
        found = columns.of_frame(covariates)
    else:
        z = np.asarray(covariates)
        z = z[:, None] if z.ndim == 1 else z
        if z.ndim != 2:
            raise ValueError(f"got covariates of shape {z.shape}, expected ({n}, p)")
        found = [columns.column(f"z{j}", z[:, j]) for j in range(z.shape[1])]
    m = len(found[0].values) if found else 0
    if m != n:
        raise ValueError(f"got {m} rows of covariates, expected {n}: one for each row of answers")
    return columns.numbers_of(found), [column.name for column in found]


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
    found = columns.column("outcome", values)
    if found.missing.any():
        i = int(np.argmax(found.missing))
        raise ValueError(f"got no outcome at row {i}, expected one for each; leave such rows out")
    if not any(isinstance(value, str | bool) for value in found.values.tolist()):
        return found.values.astype(np.float64)[:, None], [str(getattr(outcome, "name", "outcome"))]
    (categories,) = items.learned([found], np.ones(n, dtype=np.bool_))
    codes = items.coded([found], [categories])
    indicators = (codes == np.arange(len(categories))).astype(np.float64)
    return indicators, [items.written(category) for category in categories]
