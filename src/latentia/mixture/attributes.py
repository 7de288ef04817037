"""A Gaussian mixture's settings and attributes as the engine's model and parameters, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame, Rows
from latentia.families.covariance import STRUCTURES, pattern_of, structure_of, written_out
from latentia.families.gaussian import Gaussian, GaussianParams
from latentia.families.noise import WithNoise

from . import imputation, noise, start
from .components import shown
from .model import MixtureModel, MixtureParams
from .weighting import Constant

if TYPE_CHECKING:
    from .estimator import GaussianMixture


def model(
    mixture: GaussianMixture, frame: Frame, n_rows: int | None = None, share: float = noise.SHARE
) -> MixtureModel:
    """The engine's view of the estimator; `share` is that of the rows that noise begins with."""
    structure = structure_of(mixture.covariance_type, len(frame.origin))
    family = Gaussian(
        mixture.n_components,
        structure,
        frame,
        mixture.reg_covar,
        n_rows=n_rows,
        lends=mixture.init_params not in ("hierarchical", "portfolio"),
        prior=mixture.prior_,
    )
    means = None
    if mixture.means_init is not None:
        means = np.asarray(mixture.means_init, dtype=np.float64)
    guesses = start.Guesses(mixture.n_components, mixture.init_params, frame, means)
    if mixture.noise_box_ is not None:
        k = mixture.n_components + 1
        everywhere = WithNoise(family, mixture.noise_box_)
        return MixtureModel(everywhere, k, noise.Sprinkled(guesses, share), Constant(k, noise=True))
    return MixtureModel(family, mixture.n_components, imputation.Filled(guesses, frame))


def around_noise(
    mixture: GaussianMixture, rows: Rows, flagged: NDArray[np.bool_], frame: Frame
) -> MixtureParams:
    """Where a fit starts whose noise is given."""
    child = mixture._generator().spawn(1)[0]
    others = start.Guesses(mixture.n_components, mixture.init_params, frame)
    made = [
        noise.beside(resp, flagged) for resp in others(rows.take(np.flatnonzero(~flagged)), child)
    ]
    same = model(mixture, frame)
    return MixtureModel(same.family, same.n_components, lambda *_: made).start(rows, child)


def show(
    mixture: GaussianMixture, params: MixtureParams, dtype: Any, *, collapsed: bool = False
) -> None:
    """Parameters as the public attributes; precisions of a collapsed component are nan."""
    weights, (means, covariances) = params
    if mixture.noise_box_ is not None:
        weights, mixture.noise_weight_ = weights[:-1], float(weights[-1])
    else:
        mixture.noise_weight_ = 0.0
    structure, covariances = shown(mixture.covariance_type, covariances, *means.shape)
    precision = np.full_like(covariances, np.nan)
    if not collapsed:
        precision = structure.precision(covariances)
    mixture.weights_ = weights.astype(dtype)
    mixture.means_ = means.astype(dtype)
    mixture.covariances_ = np.array(covariances, dtype=dtype)
    mixture.precisions_cholesky_ = precision.astype(dtype)
    mixture.precisions_ = structure.inverse(precision).astype(dtype)
    mixture._fitted_type = mixture.covariance_type


def params(mixture: GaussianMixture) -> MixtureParams:
    """The attributes as parameters; what single precision rounded is put right."""
    shown_ = mixture.weights_, mixture.means_, mixture.covariances_
    weights, means, covariances = (np.asarray(a, dtype=np.float64) for a in shown_)
    if mixture.noise_box_ is not None:
        weights = np.append(weights, mixture.noise_weight_)
    single = np.asarray(mixture.covariances_).dtype != np.float64
    if single:
        weights = weights / weights.sum()
    structure = STRUCTURES[mixture.covariance_type]
    if structure is not written_out(mixture.covariance_type):
        rounded = single and structure.pattern is not None
        covariances = (structure.nearest if rounded else structure.of_matrices)(covariances)
    return MixtureParams(weights, GaussianParams(means, covariances))


def n_free(mixture: GaussianMixture) -> int:
    """Free parameters of the fitted mixture, none of them counted as settled on a bound."""
    k, d = mixture.means_.shape
    free = pattern_of(mixture.covariance_type).n_free(k, d) + k * d + k - 1
    return free + (mixture.noise_box_ is not None)


def unframed_family(mixture: GaussianMixture) -> Gaussian:
    """The fitted components in the units of the data, where no rows are at hand."""
    k, d = mixture.means_.shape
    structure = structure_of(mixture.covariance_type, d)
    return Gaussian(k, structure, Frame(np.zeros(d), 1.0, np.ones(d)))
