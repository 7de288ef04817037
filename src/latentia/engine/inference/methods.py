"""One door to all standard errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backend import Backend
from ..chart import Chart
from ..em import EM
from ..model import Chunk, Model, Source
from ..tree import Array, Tree
from .bootstrap import Bootstrap, Tell, bootstrap
from .delta import Derived, delta_errors, derived, parameter_errors, wald
from .empirical import empirical_information, sandwich_covariance
from .information import Information, held_notes
from .oakes import observed_information
from .supplemented import supplemented_em

METHODS = ("oakes", "opg", "sem", "sandwich", "bootstrap", "parametric-bootstrap")
"""The methods of `standard_errors`; "observed" is another name of the first."""


@dataclass(frozen=True)
class StandardErrors:
    """Standard errors of all parameters, and what else follows from their covariance.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    params : NamedTuple of arrays
        The estimate.
    errors : NamedTuple of arrays
        Standard errors, shaped like the parameters; nan where there are none, 0 where a
        parameter is held.
    covariance : array of shape (size, size)
        In the chart's coordinates.
    chart : Chart
        Around the estimate; ``chart.labels()`` names the coordinates.
    free : array of bool, shape (size,)
        False where a floor holds a coordinate.
    note : str
        Why errors are missing, rough or conditional; empty where all is well.
    details : dict of str to float
        What the method learnt besides: "condition" (oakes, opg, sem, sandwich), "asymmetry"
        and "em_rate" (sem), "replicates" and "failed" (the bootstraps).
    refits : Bootstrap or None
        All refits of a bootstrap, for percentiles and whatever else.
    """

    method: str
    params: Tree
    errors: Tree
    covariance: Array
    chart: Chart
    free: NDArray[np.bool_]
    note: str
    details: dict[str, float]
    refits: Bootstrap | None = None

    def delta(self, function: Callable[[Tree], Any]) -> Array:
        """Standard errors of any smooth function of the parameters, shape (m,).

        By the delta method; for a bootstrap, the standard deviation over its refits.
        """
        if self.refits is not None:
            return self.refits.errors_of(function)
        return delta_errors(self.chart, self.covariance, self.free, function)

    def intervals(self, level: float = 0.95) -> tuple[Tree, Tree]:
        """Wald intervals on scales on which no end leaves what is allowed: see `wald`."""
        return wald(self.chart.space, self.params, self.errors, level)

    def derived(
        self, functions: Mapping[str, Callable[[Tree], Any]], level: float = 0.95
    ) -> tuple[Derived, ...]:
        """Named functions of one value each: errors by `delta`, plain Wald intervals.

        Raises
        ------
        ValueError
            If a function is not finite at the estimate or near it.
        """
        rows = derived(self.params, self.delta, functions, level)
        for row in rows:
            known = self.refits is not None or np.isfinite(self.covariance).all()
            if known and not np.isfinite(row.se):  # where it is not known the note says why
                where = "next to the estimate" if self.refits is None else "at some refits"
                raise ValueError(
                    f"got nan or infinity from the function {row.name!r} {where}, expected finite "
                    "numbers"
                )
        return rows


def standard_errors(
    model: Model[Any, Any],
    data: Source | Chunk,
    params: Tree,
    method: str = "oakes",
    *,
    backend: Backend | None = None,
    replicates: int = 200,
    rng: np.random.Generator | int | None = None,
    em: EM | None = None,
    workers: int = 1,
    progress: Tell | None = None,
) -> StandardErrors:
    """Standard errors of the parameters of any model.

    Parameters
    ----------
    model : Model
    data : Source or Chunk
    params : NamedTuple of arrays
        The maximum.
    method : str, default="oakes"
        "oakes", or by another name "observed": the observed information by differences of the
        score (Oakes 1999); "opg", the outer product of the units' scores; "sem", supplemented EM
        (Meng & Rubin 1991); "sandwich", robust to a wrong model (Huber 1967; White 1982);
        "bootstrap" (Efron 1979); "parametric-bootstrap".
    backend : Backend, optional
        Where E-steps are computed, but for the bootstraps; threads on all cores by default.
    replicates, rng, em, workers, progress
        Of the bootstraps: see `bootstrap`.

    Returns
    -------
    StandardErrors

    Raises
    ------
    ValueError
        If the method is unknown, or differences E-steps that draw random numbers.
    TooFewUnitsError
        If "opg", "sandwich" or "bootstrap" have too few independent units to compare.
    TypeError
        If "parametric-bootstrap" is asked of a model that cannot simulate.

    Examples
    --------
    An estimator hands its model, data and parameters on:

    >>> from latentia import EM, GaussianMixture, datasets
    >>> X = datasets.load("faithful").values
    >>> mixture = GaussianMixture(2, random_state=0, em=EM(tol=1e-9)).fit(X)
    >>> print(mixture.standard_errors(method="opg").weights.round(3))
    [0.029 0.029]
    """
    if method == "observed":
        method = "oakes"
    if method == "oakes":
        return _from_information(method, observed_information(model, data, params, backend))
    if method == "opg":
        return _from_information(method, empirical_information(model, data, params, backend))
    if method == "sem":
        found = supplemented_em(model, data, params, backend)
        more = {"asymmetry": found.asymmetry, "em_rate": found.em_rate}
        return _from_information(method, found.information, more)
    if method == "sandwich":
        robust = sandwich_covariance(model, data, params, backend)
        return _from_information(method, robust.information, {}, robust.covariance)
    if method in ("bootstrap", "parametric-bootstrap"):
        refits = bootstrap(
            model,
            data,
            params,
            parametric=method != "bootstrap",
            replicates=replicates,
            rng=rng,
            em=em,
            workers=workers,
            progress=progress,
        )
        return StandardErrors(
            method=method,
            params=params,
            errors=refits.standard_errors(),
            covariance=refits.covariance,
            chart=refits.chart,
            free=np.ones(refits.chart.size, dtype=np.bool_),
            note=" ".join(filter(None, [refits.note, *held_notes(model.space, params)])),
            details={"replicates": float(refits.n_asked), "failed": float(refits.n_failed)},
            refits=refits,
        )
    names = ", ".join(map(repr, ("observed", *METHODS)))
    raise ValueError(f"got method={method!r}, expected one of {names}")


def _from_information(
    method: str,
    information: Information,
    more: Mapping[str, float] | None = None,
    covariance: Array | None = None,
) -> StandardErrors:
    if covariance is None:
        covariance = information.covariance
    return StandardErrors(
        method=method,
        params=information.chart.base,
        errors=parameter_errors(information.chart, covariance, information.free),
        covariance=covariance,
        chart=information.chart,
        free=information.free,
        note=information.note,
        details={"condition": information.condition, **(more or {})},
    )
