"""Starts that are given, in part or in whole: by the user, or by other fits of the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from latentia.data.arrays import Frame, RowSource
from latentia.engine import Fit
from latentia.engine.tree import leaves, same_structure
from latentia.families.covariance import structure_of, written_out
from latentia.families.gaussian import GaussianParams

from . import errors
from .model import MixtureModel, MixtureParams

if TYPE_CHECKING:
    from .estimator import GaussianMixture

Array = NDArray[np.float64]


class First(NamedTuple):
    """Where the engine is to start.

    Attributes
    ----------
    start : MixtureParams, optional
        Wholly given.
    given : MixtureParams, optional
        Given in part, None where not.
    resume : Fit, optional
        The previous fit, to go on as if it had not stopped.
    """

    start: MixtureParams | None = None
    given: MixtureParams | None = None
    resume: Fit[MixtureParams] | None = None


class Seen(NamedTuple):
    """Rows as a fit looks at them, which fits of the same rows need not do anew.

    Attributes
    ----------
    source : RowSource
    frame : Frame
        Of the distinct rows: the same bits for weights and for repeated rows.
    dtype : dtype
        Of the attributes of a fit.
    names : array of str or None
        Of the columns, where they have some.
    """

    source: RowSource
    frame: Frame
    dtype: Any
    names: Any

    def tell(self, estimator: GaussianMixture) -> None:
        """Let an estimator know of the columns what looking at them would have told it."""
        vars(estimator)["n_features_in_"] = len(self.frame.origin)
        vars(estimator).pop("feature_names_in_", None)
        if self.names is not None:
            vars(estimator)["feature_names_in_"] = self.names


class Beginning(NamedTuple):
    """Parameters that a fit begins with, and its rows where they have been looked at."""

    params: MixtureParams
    seen: Seen | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process, which has the rows, they are looked at anew: to the same bits."""
        return Beginning, (self.params,)


def looked_at(
    estimator: GaussianMixture, X: Any, sample_weight: Any, begin: Beginning | None = None
) -> Seen:
    """Rows that are to be fitted, unless another fit has looked at them already.

    Raises
    ------
    ValueError
        If they cannot be used.
    """
    if begin is not None and begin.seen is not None:
        begin.seen.tell(estimator)
        return begin.seen
    X = errors.at_hand(X, holes=True)
    rows, dtype = errors.training_rows(estimator, X, sample_weight, holes=True)
    source = RowSource(rows)
    names = getattr(estimator, "feature_names_in_", None)
    return Seen(source, Frame.of(source.distinct), dtype, names)


def first(estimator: GaussianMixture, model: MixtureModel, frame: Frame) -> First:
    """What `warm_start`, `weights_init`, `means_init` and `precisions_init` say."""
    k, d = estimator.n_components, len(frame.origin)
    if estimator.warm_start and np.shape(getattr(estimator, "means_", np.empty(0))) == (k, d):
        return First(estimator._params(), None, _resumed(estimator, frame))
    weights = means = covariances = None
    if estimator.weights_init is not None and estimator.noise_box_ is not None:
        raise ValueError(
            "got weights_init and noise, expected one of the two: the weight that noise begins "
            "with is not among them"
        )
    if estimator.weights_init is not None:
        weights = _weights(estimator.weights_init, k)
    if estimator.means_init is not None:
        means = _array(estimator.means_init, (k, d), "means")
    if estimator.precisions_init is not None:
        covariances = _covariances(estimator.precisions_init, estimator.covariance_type, k, d)
        constraint: Any = model.space.components.covariances
        covariances = constraint.project(covariances)
    whole = MixtureParams(weights, GaussianParams(means, covariances))  # type: ignore[arg-type]
    if weights is not None and means is not None and covariances is not None:
        return First(start=whole)
    if weights is None and means is None and covariances is None:
        return First()
    return First(given=whole)


def warm(
    model: MixtureModel, params: MixtureParams, fit: Fit[MixtureParams] | None = None
) -> First:
    """Earlier parameters, where the model could have them.

    `fit` is the earlier fit, if it was of the same data: it is gone on with if nothing was
    changed since.
    """
    space = model.space
    if not same_structure(space, params) or len(params.weights) != model.n_components:
        return First()
    mine = leaves(params)
    if any(
        c.violation(leaf, leaf) is not None for c, leaf in zip(leaves(space), mine, strict=True)
    ):
        return First()
    if fit is not None and not all(map(np.array_equal, mine, leaves(fit.params))):
        fit = None
    return First(params, None, fit)


def _resumed(estimator: GaussianMixture, frame: Frame) -> Fit[MixtureParams] | None:
    """The previous fit, if it was of the same data and nothing was changed since."""
    fit: Fit[MixtureParams] | None = getattr(estimator, "fit_", None)
    if fit is None or not all(map(np.array_equal, frame, estimator._frame)):
        return None
    same = all(map(np.array_equal, leaves(estimator._params()), leaves(fit.params)))
    return fit if same else None


def _array(value: Any, shape: tuple[int, ...], name: str) -> Array:
    kind: Any = np.float64
    array: Any = check_array(value, dtype=kind, ensure_2d=False, allow_nd=True)
    if array.shape != shape:
        raise ValueError(
            f"The parameter '{name}' should have the shape of {shape}, but got {array.shape}"
        )
    return array


def _weights(value: Any, k: int) -> Array:
    weights = _array(value, (k,), "weights")
    if (weights < 0).any() or (weights > 1).any():
        raise ValueError(
            "The parameter 'weights' should be in the range [0, 1], but got max value "
            f"{weights.min():.5f}, min value {weights.max():.5f}"
        )
    if abs(1 - weights.sum()) > 1e-6:
        raise ValueError(
            "The parameter 'weights' should be normalized, but got sum(weights) = "
            f"{weights.sum():.5f}"
        )
    return weights / weights.sum()


def _covariances(value: Any, covariance_type: str, k: int, d: int) -> Array:
    structure, given = structure_of(covariance_type, d), written_out(covariance_type)
    precisions = _array(value, given.shape(k, d), f"{covariance_type} precision")
    if covariance_type in ("diag", "spherical"):
        if (precisions <= 0).any():
            raise ValueError(f"'{covariance_type} precision' should be positive")
        return 1 / precisions
    symmetric = np.allclose(precisions, np.swapaxes(precisions, -1, -2))
    if not symmetric or not (np.linalg.eigvalsh(precisions) > 0).all():
        raise ValueError(f"'{covariance_type} precision' should be symmetric, positive-definite")
    inverse = np.linalg.inv(precisions)
    inverse = (inverse + np.swapaxes(inverse, -1, -2)) / 2
    return inverse if structure is given else structure.nearest(inverse)
