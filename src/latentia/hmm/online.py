"""`partial_fit` of a hidden Markov model: online EM over sequences that never end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.sequences import Ragged
from latentia.engine.online.blocks import STEP_FAILURES
from latentia.mixture.partial import OF_A_FIT

from . import stream
from .base import collapsed
from .stream import Stream
from .uses import Fitted

if TYPE_CHECKING:
    from .base import ChainEstimator

Array = NDArray[np.float64]


def go_on(estimator: ChainEstimator, ragged: Ragged, begins: bool) -> None:
    """Take more steps into an estimator with parameters, or leave it as it was and raise."""
    model, params = estimator._fitted()
    estimator._require_possible(ragged, model)
    state: Stream | None = getattr(estimator, "_online", None)
    try:
        if state is None:
            state = _first(estimator, Fitted(model, params), ragged)
            if estimator._data is not None:
                state = _through(model, state, ragged, begins)
        else:
            state = _through(model, state, ragged, begins)
        found = stream.estimated(model, state)
    except STEP_FAILURES as error:
        raise ValueError(collapsed(f"{error}.")) from error
    for name in OF_A_FIT:
        vars(estimator).pop(name, None)
    estimator._data = estimator._errors = None
    estimator._set_fitted(model, found)
    seen = {"n_steps_seen_": state.steps, "n_sequences_seen_": state.sequences}
    vars(estimator).update(_online=state, **seen)


def _first(estimator: ChainEstimator, fitted: Fitted, ragged: Ragged) -> Stream:
    """The statistics of the fit's data at its parameters; without these, of the first batch's."""
    model, params = fitted
    data: Any = ragged
    if estimator._data is not None:
        data, model = estimator._data.rows, estimator._of_data
        if (data.weights != 1).any():
            raise ValueError(
                "got partial_fit after a fit with sample_weight, which streams have no place for; "
                "fit without weights first"
            )
    state = stream.begun(model, params)
    for x, fresh in _pieces(data.x, data.sizes, True, stream.LONG):
        state = stream.absorbed(model, state, x, fresh)
    state = state._replace(unit=(state.steps, state.sequences))
    return stream.maximised(model, state)


def _through(model: Any, state: Stream, ragged: Ragged, begins: bool) -> Stream:
    """Block by block, with an M-step after each."""
    for x, fresh in _pieces(ragged.x, ragged.sizes, begins, stream.BLOCK):
        state = stream.absorbed(model, state, x, fresh, stream.ALPHA)
        state = stream.maximised(model, state)
    return state


def _pieces(
    x: Any, sizes: NDArray[np.intp], begins: bool, most: int
) -> Iterator[tuple[Array, bool]]:
    """Blocks of at most so many steps, and whether each begins a sequence."""
    end = 0
    for s, size in enumerate(sizes):
        first, end = end, end + int(size)
        for at in range(first, end, most):
            fresh = at == first and (begins or s > 0)
            yield np.asarray(x[at : min(at + most, end)], dtype=np.float64), fresh
