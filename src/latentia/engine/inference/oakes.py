"""The observed information from q alone (Oakes 1999)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import eigh

from ..backend import Backend
from ..model import Chunk, Model, Source, Suff
from ..numerical import chart_score, differences
from ..tree import Array, Tree
from .information import Information, condition_number, judged
from .site import Site, opened, refuse_random


def observed_information(
    model: Model[Any, Any],
    data: Source | Chunk,
    params: Tree,
    backend: Backend | None = None,
) -> Information:
    """Minus the Hessian of the objective, by central differences of the score.

    By Fisher's identity the score of the observed likelihood is the gradient of q at the
    parameters that made the statistics, so its derivative needs two E-steps a free parameter
    and no second derivatives (Oakes 1999, eq. 2.2, with both terms taken together).

    Parameters
    ----------
    model : Model
    data : Source or Chunk
    params : NamedTuple of arrays
        Usually the maximum.
    backend : Backend, optional
        Threads on all cores by default.

    Returns
    -------
    Information

    Raises
    ------
    ValueError
        If the E-step draws random numbers.
    """
    refuse_random(model, "oakes")
    with opened(model, data, params, backend) as site:
        return judged(site, observed_matrix(site))


def observed_matrix(site: Site) -> Array:
    """Minus the Hessian of the objective at the site, symmetric."""
    matrix = -differences(site.score, np.zeros(site.chart.size))
    return (matrix + matrix.T) / 2


def complete_matrix(site: Site, suff: Suff) -> Array:
    """Minus the Hessian of q + log_prior at fixed statistics; touches no data."""

    def slope(x: Array) -> Array:
        return chart_score(site.model, site.chart, site.chart.unpack(x), suff)

    matrix = -differences(slope, np.zeros(site.chart.size))
    return (matrix + matrix.T) / 2


@dataclass(frozen=True)
class Split:
    """The two terms of the observed information.

    Attributes
    ----------
    complete : array of shape (size, size)
        What would be known if the latent variables were seen: minus the Hessian of q.
    missing : array of shape (size, size)
        What is lost because they are not: the mixed derivative of q.
    observed : Information
        Their difference (Orchard & Woodbury 1972).
    """

    complete: Array
    missing: Array
    observed: Information

    @property
    def em_rate(self) -> float:
        """The largest share of information that is missing: the rate of EM.

        Directions that the likelihood cannot see, in which all is missing, are left out. nan
        where even the complete data would not determine the parameters.
        """
        free, n_gauge = self.observed.free, self.observed.n_gauge
        if int(free.sum()) <= n_gauge:
            return 0.0
        if condition_number(self.complete, free) > 1e12:
            return float("nan")
        block = np.ix_(free, free)
        shares = eigh(self.missing[block], self.complete[block], eigvals_only=True)
        return float(shares[-1 - n_gauge])


def split_information(
    model: Model[Any, Any],
    data: Source | Chunk,
    params: Tree,
    backend: Backend | None = None,
) -> Split:
    """The observed information as complete less missing (Oakes 1999, eq. 2.2, term by term).

    It costs the same E-steps as `observed_information`: two a free parameter, and one more.
    What it tells beyond it is how much each direction suffers from what is latent.

    Parameters
    ----------
    model : Model
    data : Source or Chunk
    params : NamedTuple of arrays
    backend : Backend, optional

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        If the E-step draws random numbers.
    """
    refuse_random(model, "oakes")
    with opened(model, data, params, backend) as site:
        origin = np.zeros(site.chart.size)
        complete = complete_matrix(site, site.suff(origin))

        def elsewhere(x: Array) -> Array:
            """The gradient of q at the base, the statistics being those of `x`."""
            return chart_score(model, site.chart, params, site.suff(x))

        missing = differences(elsewhere, origin)
        missing = (missing + missing.T) / 2
        return Split(complete, missing, judged(site, complete - missing))
