"""Several models fitted to the same data: one table."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..asked import refuse_checkpoint
from ..certificate import Status
from ..em import EM
from ..fit import DecreasedWarning, DegenerateFitError, Fit, NotConvergedWarning
from ..model import Chunk, Model, Source
from .information import criteria

Entropy = Callable[[Model[Any, Any], Fit[Any]], float]


@dataclass(frozen=True)
class Swept:
    """One model of a sweep.

    Attributes
    ----------
    name : str
    fit : Fit or None
        None where it failed.
    criteria : dict of str to float
        Lower is better; empty where the fit failed.
    status : Status
    note : str
        Why it cannot be chosen as long as another can; empty where it can.
    """

    name: str
    fit: Fit[Any] | None
    criteria: dict[str, float]
    status: Status
    note: str


@dataclass(frozen=True)
class Sweep:
    """The models of a sweep, in their order.

    Attributes
    ----------
    models : tuple of Swept
    """

    models: tuple[Swept, ...]

    def best(self, criterion: str = "bic") -> Swept:
        """The model with the lowest criterion among those that converged without a floor.

        Where there is none, the lowest of the rest; its `note` says what is wrong with it.

        Raises
        ------
        ValueError
            If no model has a finite value of this criterion.
        """
        known = sorted({name for one in self.models for name in one.criteria})
        if criterion not in known:
            raise ValueError(
                f"got criterion={criterion!r}, expected one of {', '.join(known) or 'none: no fit'}"
            )
        possible = [one for one in self.models if np.isfinite(one.criteria.get(criterion, np.nan))]
        if not possible:
            raise ValueError(
                f"no model has a finite {criterion}, expected at least one; give simpler models "
                "or more data"
            )
        proper = [one for one in possible if not one.note]
        return min(proper or possible, key=lambda one: one.criteria[criterion])

    @property
    def table(self) -> list[dict[str, Any]]:
        """A row a model, as records for a data frame."""
        nan = float("nan")
        return [
            {
                "model": one.name,
                "loglik": nan if one.fit is None else one.fit.loglik,
                "n_free": 0 if one.fit is None else one.fit.n_free,
                **one.criteria,
                "status": one.status.name,
                "n_steps": 0 if one.fit is None else one.fit.certificate.n_steps,
                "note": one.note,
            }
            for one in self.models
        ]


def sweep(
    models: Mapping[str, Model[Any, Any]] | Sequence[Model[Any, Any]],
    data: Source | Chunk,
    em: EM | None = None,
    rng: np.random.Generator | int | None = None,
    *,
    entropy: Entropy | None = None,
    callback: Callable[[int, int, Swept], None] | None = None,
) -> Sweep:
    """Fit several models to the same data.

    Model i is fitted with child i of the generator, so that
    ``em.fit(model, data, np.random.default_rng(seed).spawn(i + 1)[i])`` makes it again alone.

    Parameters
    ----------
    models : dict of str to Model, or sequence of Model
        Those of a sequence are named "0", "1", ...
    data : Source or Chunk
    em : EM, optional
        Several starts are wise.
    rng : numpy.random.Generator or int, optional
    entropy : callable, optional
        Called with (model, fit); for ICL. `posterior_entropy` where latent variables are discrete.
    callback : callable, optional
        Called with (done, total, model) after each.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        If there are no models, or several and a checkpoint.
    """
    named = models if isinstance(models, Mapping) else {str(i): m for i, m in enumerate(models)}
    if not named:
        raise ValueError("got no models, expected at least one")
    settings = EM() if em is None else em
    if len(named) > 1:
        refuse_checkpoint(settings.checkpoint)
    children = np.random.default_rng(rng).spawn(len(named))
    done: list[Swept] = []
    for (name, model), child in zip(named.items(), children, strict=True):
        done.append(_swept(name, model, data, settings, child, entropy))
        if callback is not None:
            callback(len(done), len(named), done[-1])
    return Sweep(tuple(done))


def _swept(
    name: str,
    model: Model[Any, Any],
    data: Source | Chunk,
    em: EM,
    rng: np.random.Generator,
    entropy: Entropy | None,
) -> Swept:
    try:
        with warnings.catch_warnings():
            for category in (NotConvergedWarning, DecreasedWarning):
                warnings.simplefilter("ignore", category)  # said in the note
            fit = em.fit(model, data, rng)
    except DegenerateFitError as error:
        return Swept(name, None, {}, Status.DEGENERATE, str(error))
    if fit.status is Status.DEGENERATE:
        return Swept(name, None, {}, fit.status, f"{fit.status} {fit.certificate.detail}".strip())
    if fit.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    note = fit.certificate.held if fit.status is Status.CONVERGED else str(fit.status)
    mixed = None if entropy is None else entropy(model, fit)
    return Swept(name, fit, criteria(fit, mixed), fit.status, note)
