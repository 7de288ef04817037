"""`partial_fit` of a mixture: stepwise EM over batches that come one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import NotFittedError

from latentia.data.arrays import Frame, Rows, distinct_rows
from latentia.engine.online import stepwise
from latentia.engine.online.blocks import STEP_FAILURES, finite
from latentia.engine.online.stepwise import Stepwise

from . import attributes, errors, given
from .model import MixtureModel

if TYPE_CHECKING:
    from .estimator import GaussianMixture

ALPHA = 0.7
"""Step sizes fall as t^-ALPHA."""

ROWS_TO_MOVE = 2
"""Rows for each mean and variance that are seen before the first M-step."""

OF_A_FIT = (
    "fit_",
    "start_",
    "certificate_",
    "converged_",
    "n_iter_",
    "loglik_",
    "n_parameters_",
    "lower_bound_",
    "lower_bounds_",
)
"""What only `fit` can say: gone once the parameters are no longer its result."""


class Online(NamedTuple):
    """What an estimator keeps between batches: a tree.

    Attributes
    ----------
    state : Stepwise
        Parameters and running statistics.
    frame : Frame
        Origin and unit of the statistics, from the first batch.
    block : float
        The weight that counts as one step of the schedule.
    single : bool
        Whether the first batch was in single precision.
    components, structure : int, str
        What the statistics are of.
    """

    state: Stepwise
    frame: Frame
    block: float
    single: bool
    components: int
    structure: str


def go_on(estimator: GaussianMixture, X: Any, sample_weight: ArrayLike | None) -> None:
    """Take one more batch into the estimator, or leave the estimator as it was and raise."""
    estimator._validate_params()
    for name in ("prior", "noise"):
        if getattr(estimator, name) is not None:
            raise ValueError(f"got {name} for partial_fit, which takes batches without; call fit")
    online: Online | None = getattr(estimator, "_online", None)
    if online is None and hasattr(estimator, "fit_"):
        online = _after_fit(estimator)
    if online is None:
        rows, dtype = errors.training_rows(estimator, X, sample_weight, holes=True)
        online = _first(estimator, rows, dtype == np.float32)
    else:
        if (online.components, online.structure) != _shape(estimator):
            k, kind = online.components, online.structure
            raise ValueError(
                f"got n_components={estimator.n_components} and covariance_type="
                f"{estimator.covariance_type!r}, expected the {k} and {kind!r} of earlier batches; "
                "call fit, or partial_fit on a new estimator"
            )
        rows = _next_rows(estimator, X, sample_weight)
    model = estimator._model(online.frame)
    try:
        state = _step(model, online, model.prepare(rows))
    except STEP_FAILURES as error:
        raise ValueError(errors.collapsed(f"{error}.")) from error
    for name in OF_A_FIT:
        vars(estimator).pop(name, None)
    estimator._data = estimator._errors = None
    estimator._frame = online.frame
    attributes.show(estimator, state.params, np.float32 if online.single else np.float64)
    vars(estimator).update(_online=online._replace(state=state), n_samples_seen_=state.seen)


def forget(estimator: GaussianMixture) -> None:
    """Before a fit's result is kept: batches seen earlier no longer count."""
    for name in ("_online", "n_samples_seen_"):
        vars(estimator).pop(name, None)


def _shape(estimator: GaussianMixture) -> tuple[int, str]:
    return estimator.n_components, estimator.covariance_type


def _first(estimator: GaussianMixture, rows: Rows, single: bool) -> Online:
    """Start parameters from the first batch, as `fit` would make them of it."""
    distinct = distinct_rows(rows)
    frame = Frame.of(distinct)
    model = estimator._model(frame)
    child = estimator._generator().spawn(1)[0]
    first = given.first(estimator, model, frame)
    params = first.start
    if params is None:
        params = model.start(model.prepare(distinct), child, first.given)
    block = max(float(rows.weights.sum()), _least(estimator.n_components, rows))
    return Online(Stepwise(params), frame, block, single, *_shape(estimator))


def _least(n_components: int, rows: Rows) -> float:
    """Rows that are seen before the first M-step."""
    return float(ROWS_TO_MOVE * n_components * (rows.x.shape[1] + 1))


def _after_fit(estimator: GaussianMixture) -> Online:
    """Go on from a fit: its rows count as a batch."""
    fit = estimator.fit_
    suff = None if not fit.climbs else fit.climbs[fit.best].suff
    if suff is None:
        raise NotFittedError(
            "a fit that came from a file or collapsed has no statistics for partial_fit to go on "
            "from; call fit on all rows, or partial_fit on a new estimator"
        )
    state = stepwise.absorb(Stepwise(fit.params), suff, 1.0)
    single = estimator.means_.dtype == np.float32
    shape = len(estimator.means_), estimator._fitted_type
    return Online(state, estimator._frame, float(suff.n_units), single, *shape)


def _next_rows(estimator: GaussianMixture, X: Any, sample_weight: ArrayLike | None) -> Rows:
    x = errors.validated(estimator, X, reset=False)
    errors.require_finite(x, getattr(estimator, "feature_names_in_", None), holes=True)
    return Rows(x, errors.checked_weights(sample_weight, x))


def _step(model: MixtureModel, online: Online, rows: Rows) -> Stepwise:
    """One batch: an E-step, the averages, and an M-step once there are rows enough."""
    state = online.state
    with np.errstate(all="ignore"):
        suff = finite(model.e_step(state.params, rows))
    seen = state.seen + float(suff.n_units)
    gamma = stepwise.step_size(float(suff.n_units), seen, online.block, ALPHA, 0.0)
    state = stepwise.absorb(state, suff, gamma)
    if seen < _least(online.components, rows):
        return state
    return stepwise.maximise(model, state, seen)
