"""Outcomes of classes by maximum likelihood, the assigned class an answer with known errors."""

from __future__ import annotations

from typing import Any, NamedTuple, Self, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, xlogy

from latentia.data.arrays import Frame, Rows
from latentia.engine import EM, DegenerateFitError, Status, inference
from latentia.engine.evaluator import FAILURES
from latentia.engine.model import Model, Suff
from latentia.engine.numerical import differences
from latentia.engine.space import Simplex
from latentia.families import Categorical
from latentia.families.covariance import STRUCTURES
from latentia.families.family import Family
from latentia.families.gaussian import Gaussian
from latentia.mixture.model import MixtureParams

Array = NDArray[np.float64]

CLIMB = EM(tol=1e-8, max_iter=5000)


class Outcomes(NamedTuple):
    """Rows with an outcome each, and the classes that they were assigned to.

    Attributes
    ----------
    y : array of shape (n, 1)
        A number, or the code of a category.
    share : array of shape (n, K)
        Share of row i that is assigned to class s.
    weights : array of shape (n,)
    """

    y: Array
    share: Array
    weights: Array

    def __len__(self) -> int:
        return len(self.y)

    def take(self, idx: NDArray[np.intp]) -> Self:
        return type(self)(self.y[idx], self.share[idx], self.weights[idx])

    def reweight(self, w: Array) -> Self:
        return type(self)(self.y, self.share, self.weights * w)


class DistalStats(NamedTuple):
    """Expected rows of class t that are assigned to s, (K, K), and what the family counts."""

    assigned: Array
    outcome: Any


@final
class DistalModel(Model[MixtureParams, Outcomes]):
    """sum_i w_i sum_s a_is log sum_t w_t f(y_i | t) P(s | t).

    With a_is zero or one this is the likelihood of assigned classes and outcomes (Bakk, Tekle &
    Vermunt 2013, the ML approach); with shares it is Vermunt's (2010) for proportional assignment.
    The sizes of the classes w_t are free.

    Parameters
    ----------
    family : Family
        The densities f(. | t) of the outcome.
    error : array of shape (K, K)
        P(assigned to s | class t), a row for each t.
    """

    def __init__(self, family: Family[Any, Any], error: Array) -> None:
        self.family, self.error = family, error
        with np.errstate(divide="ignore"):
            self.log_error = np.log(error)

    @property
    def space(self) -> MixtureParams:
        return MixtureParams(cast(Any, Simplex()), self.family.space)

    def start(
        self, sample: Outcomes, rng: np.random.Generator, given: MixtureParams | None = None
    ) -> MixtureParams:
        """Assignments are taken for classes, each lent a tenth of all rows."""
        mean = sample.weights @ sample.share / sample.weights.sum()
        resp = (0.9 * sample.share + 0.1 * mean) * sample.weights[:, None]
        return MixtureParams(resp.sum(axis=0) / resp.sum(), self.family.start(sample.y, resp))

    def _joint(self, params: MixtureParams, y: Array) -> Array:
        """log w_t f(y_i | t), (n, K)."""
        with np.errstate(divide="ignore"):
            return self.family.log_density(params.components, y) + np.log(params.weights)

    def e_step(self, params: MixtureParams, chunk: Outcomes) -> Suff:
        joint, k = self._joint(params, chunk.y), len(self.error)
        resp, assigned, loglik = np.zeros(joint.shape), np.zeros((k, k)), 0.0
        for s in range(k):
            part = chunk.weights * chunk.share[:, s]
            some = part > 0
            known = joint[some] + self.log_error[:, s]
            top = logsumexp(known, axis=1)
            loglik += float(part[some] @ top)
            each = part[some, None] * np.exp(known - np.where(np.isfinite(top), top, 0.0)[:, None])
            resp[some] += each
            assigned[:, s] = each.sum(axis=0)
        total = float(chunk.weights.sum())
        outcome = self.family.stats(params.components, chunk.y, resp)
        return Suff(loglik, total, total, DistalStats(assigned, outcome))

    def m_step(self, suff: Suff, params: MixtureParams) -> MixtureParams:
        stats: DistalStats = suff.stats
        count = stats.assigned.sum(axis=1)
        return MixtureParams(
            count / count.sum(), self.family.m_step(stats.outcome, params.components)
        )

    def q(self, params: MixtureParams, suff: Suff) -> float:
        stats: DistalStats = suff.stats
        chosen = xlogy(stats.assigned, params.weights[:, None] * self.error).sum()
        return float(chosen) + self.family.q(params.components, stats.outcome)

    def score(self, params: MixtureParams, suff: Suff) -> MixtureParams:
        stats: DistalStats = suff.stats
        count = stats.assigned.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(count > 0, count / params.weights, 0.0)
        return MixtureParams(slope, self.family.score(params.components, stats.outcome))

    def unit_logliks(self, params: MixtureParams, chunk: Outcomes) -> Array:
        joint = self._joint(params, chunk.y)
        made = np.zeros(len(chunk))
        for s in range(len(self.error)):
            some = chunk.share[:, s] > 0
            top = logsumexp(joint[some] + self.log_error[:, s], axis=1)
            made[some] += chunk.share[some, s] * top
        return made


class Distal(NamedTuple):
    """Where the likelihood of an outcome is highest.

    Attributes
    ----------
    model : DistalModel
    rows : Outcomes
    params : MixtureParams
    bread : array of shape (size, size)
        The inverse of the observed information, in the chart around the parameters.
    covariance : array of shape (size, size)
        Robust (White 1982), there too.
    jacobian : array of shape (size, K * m)
        Of the means, or of the shares of the categories.
    """

    model: DistalModel
    rows: Outcomes
    params: MixtureParams
    bread: Array
    covariance: Array
    jacobian: Array

    @property
    def means(self) -> Array:
        """Of the outcome in each class, or the shares of its categories, (K, m)."""
        return _means(self.params)

    def score(self, share: Array, error: Array) -> Array:
        """The slope of the objective here, were assignments and their errors others, (size,)."""
        model = DistalModel(self.model.family, error)
        return inference.score(model, Outcomes(self.rows.y, share, self.rows.weights), self.params)


def fitted(values: Array, share: Array, error: Array, weights: Array) -> Distal:
    """The maximum from assignments taken for classes.

    Parameters
    ----------
    values : array of shape (n, 1) or (n, m)
        Numbers, or indicators of categories.
    share, error, weights
        As `Assignment` has them.

    Raises
    ------
    ValueError
        If the likelihood has no proper maximum.
    """
    k, m = len(error), values.shape[1]
    counted = weights > 0
    if m > 1:
        y, family = values.argmax(axis=1)[:, None].astype(np.float64), Categorical(k, m)
    else:
        y = values
        if not np.ptp(y[counted]) > 0:
            raise ValueError(
                f"got the outcome {y[counted][0, 0]:g} in every row, expected one that varies: "
                "correction='ml' needs its density in each class; use correction='bch'"
            )
        frame = Frame.of(Rows(y[counted], weights[counted]))
        family = Gaussian(k, STRUCTURES["full"], frame, compiled=False)
    model, rows = DistalModel(family, error), Outcomes(y, share, weights)
    try:
        fit = CLIMB.fit(model, rows, 0)
    except (DegenerateFitError, *FAILURES) as error_:
        raise ValueError(_none("the outcome hardly varies in some class")) from error_
    if fit.status is not Status.CONVERGED:
        raise ValueError(_none(f"the climb ended as {fit.status.name.lower()}"))
    found = inference.sandwich_covariance(model, rows, fit.params)
    if not np.isfinite(found.covariance).all():
        raise ValueError(_none(found.information.note.rstrip(". ")))
    chart = found.information.chart
    jacobian = differences(lambda x: _means(chart.unpack(x)).ravel(), np.zeros(chart.size))
    return Distal(model, rows, fit.params, found.information.covariance, found.covariance, jacobian)


def _none(why: str) -> str:
    return (
        f"the likelihood of the outcome has no proper maximum: {why}; use correction='bch', which "
        "needs no density"
    )


def _means(params: MixtureParams) -> Array:
    made: Any = params.components
    return made.means if hasattr(made, "means") else made.probabilities[:, 0]
