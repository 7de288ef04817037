"""What a fitted latent class model says of rows: memberships, and how well it explains them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows, distinct_rows
from latentia.mixture.model import Membership, MixtureModel, MixtureParams

from . import residuals
from .classification import Classification, classification

Array = NDArray[np.float64]


class Fitted(NamedTuple):
    """A model at its estimate. Rows hold covariates, if any, and then codes.

    Attributes
    ----------
    model : MixtureModel
    params : MixtureParams
    """

    model: MixtureModel
    params: MixtureParams

    def posterior(self, rows: Any) -> Membership:
        """What is known of rows; one that could not be tells nothing of its class."""
        known = self.model.posterior(self.params, rows)
        nowhere = ~np.isfinite(known.log_density)[:, None]
        return known._replace(resp=np.where(nowhere, self.weights(rows.x), known.resp))

    def weights(self, x: Array) -> Array:
        """Of the classes, (K,), or of each row, (n, K), where covariates say more."""
        weighting = self.model.weighting
        return np.exp(weighting.log_weights(self.params.weights, x[:, : weighting.n_features]))

    def classification(self, chunks: Sequence[Any]) -> Classification:
        """How well the classes of rows are told apart."""
        resp = [self.posterior(chunk).resp for chunk in chunks]
        return classification(np.concatenate(resp), np.concatenate([c.weights for c in chunks]))

    def goodness_of_fit(self, chunks: Sequence[Any], n_free: int) -> residuals.GoodnessOfFit:
        """Chi-squares of the table of all patterns.

        Raises
        ------
        ValueError
            If there are covariates, with which rows of one pattern differ.
        """
        if self.model.weighting.n_features:
            raise ValueError(
                "got a model with covariates, expected one without: there is no one table of "
                "patterns for rows that differ"
            )
        seen = _patterns(chunks)
        density = np.exp(self.posterior(seen).log_density)
        return residuals.goodness_of_fit(seen.x, seen.weights, density, self._levels, n_free)

    def bivariate_residuals(
        self, chunks: Sequence[Any], items: Sequence[str]
    ) -> residuals.BivariateResiduals:
        """Chi-squares of pairs of items, which `items` names."""
        seen = _patterns(chunks)
        return residuals.bivariate_residuals(
            seen.x[:, self.model.weighting.n_features :],
            seen.weights,
            self.weights(seen.x),
            self.params.components.probabilities,
            self._levels,
            items,
        )

    @property
    def _levels(self) -> list[int]:
        family: Any = self.model.family
        return [int(levels) for levels in family.n_levels]


def _patterns(chunks: Sequence[Any]) -> Rows:
    """Different rows and how often each occurs."""
    x = np.concatenate([chunk.x for chunk in chunks])
    return distinct_rows(Rows(x, np.concatenate([chunk.weights for chunk in chunks])))
