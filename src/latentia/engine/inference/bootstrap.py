"""The bootstrap: refits to resampled or simulated data, labels matched."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import joblib  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from .. import tree
from ..backend import Threads
from ..certificate import Status
from ..chart import Chart, arrays
from ..em import EM
from ..model import Chunk, Model, Source
from ..relabel import align
from ..space import DegenerateError, OutOfChartError
from ..tree import Array, Tree
from .asked import listener, loadable, probability, processes, whole
from .oakes import observed_information
from .site import chunks_of, require_units, unit_weights

Tell = Callable[[int, int], None]
"""Called with the replicates done and their number."""


class Chunks:
    """Some chunks as a source; refits start where they are told and look at no sample."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self.kept = chunks

    def chunks(self) -> Sequence[Chunk]:
        return self.kept

    def sample(self, rng: np.random.Generator) -> Chunk:
        return self.kept[0]


class _Refit(NamedTuple):
    status: Status
    params: Tree


@dataclass(frozen=True)
class Bootstrap:
    """The refits of a bootstrap.

    Attributes
    ----------
    params : NamedTuple of arrays
        The estimate they are about.
    replicates : NamedTuple of arrays
        The refits that converged along a new first axis, components numbered as in `params`.
    n_asked : int
        Refits that were made.
    failures : dict of str to int
        How the refits ended that were left out, by `Status`.
    chart : Chart
        Around the estimate.
    coordinates : array of shape (n, size)
        The refits in the chart; n is smaller than the number of replicates where some lie
        outside of it, as with a probability that became exactly zero.
    """

    params: Tree
    replicates: Tree
    n_asked: int
    failures: dict[str, int]
    chart: Chart
    coordinates: Array

    @property
    def n_failed(self) -> int:
        """Refits that did not converge and were left out."""
        return sum(self.failures.values())

    @property
    def note(self) -> str:
        """What has to be said of the refits; empty where all is well."""
        notes: list[str] = []
        if self.n_failed:
            how = ", ".join(f"{n} {name}" for name, n in sorted(self.failures.items()))
            notes.append(
                f"{self.n_failed} of {self.n_asked} refits failed and were left out: {how}."
            )
        outside = self.n_asked - self.n_failed - len(self.coordinates)
        if outside:
            notes.append(
                f"{outside} of {self.n_asked} refits ended on an edge of what is allowed and are "
                "not in the covariance."
            )
        return " ".join(notes)

    @property
    def covariance(self) -> Array:
        """Of the refits in the chart's coordinates, shape (size, size)."""
        if len(self.coordinates) < 2:
            return np.full((self.chart.size, self.chart.size), np.nan)
        return np.cov(self.coordinates, rowvar=False).reshape(self.chart.size, self.chart.size)

    def standard_errors(self) -> Tree:
        """The standard deviation of the refits, shaped like the parameters."""
        spread = [np.asarray(a.std(axis=0, ddof=1)) for a in arrays(self.replicates)]
        return tree.rebuild(self.params, spread)

    def each(self) -> Iterator[Tree]:
        """The refits one by one."""
        for leaves in zip(*arrays(self.replicates), strict=True):
            yield tree.rebuild(self.params, [np.asarray(leaf) for leaf in leaves])

    def errors_of(self, function: Callable[[Tree], Any]) -> Array:
        """The standard deviation over the refits of any function of the parameters, shape (m,)."""
        values = [np.atleast_1d(np.asarray(function(one), dtype=np.float64)) for one in self.each()]
        return np.asarray(np.std(values, axis=0, ddof=1), dtype=np.float64)

    def bias(self) -> Tree:
        """The mean of the refits less the estimate, shaped like the parameters."""
        pairs = zip(arrays(self.replicates), arrays(self.params), strict=True)
        shifts = [np.asarray(drawn.mean(axis=0) - value) for drawn, value in pairs]
        return tree.rebuild(self.params, shifts)

    def percentile(self, level: float = 0.95) -> tuple[Tree, Tree]:
        """Lower and upper percentiles of the refits (Efron 1979)."""
        level = probability("level", level)

        def end(share: float) -> Tree:
            drawn = arrays(self.replicates)
            ends = [np.asarray(np.quantile(leaf, share, axis=0)) for leaf in drawn]
            return tree.rebuild(self.params, ends)

        return end((1 - level) / 2), end((1 + level) / 2)


def bootstrap(
    model: Model[Any, Any],
    data: Source | Chunk,
    params: Tree,
    *,
    parametric: bool = False,
    replicates: int = 200,
    rng: np.random.Generator | int | None = None,
    em: EM | None = None,
    workers: int = 1,
    progress: Tell | None = None,
) -> Bootstrap:
    """Refit to resampled data, each refit from the estimate.

    Nonparametric: as many units as there are (by weight) are drawn with replacement, which
    reweights the chunks; a weight counts how often a unit is there, so weighted and repeated
    units give the same distribution (Efron 1979). Parametric: new data are drawn at `params` by
    ``model.simulate``.

    Parameters
    ----------
    model : Model
    data : Source or Chunk
    params : NamedTuple of arrays
        The estimate.
    parametric : bool, default=False
    replicates : int, default=200
    rng : numpy.random.Generator or int, optional
        Replicate i uses its i-th child, so the result has the same bits for any number of
        workers.
    em : EM, optional
        Settings of the refits; ``EM()`` by default. Its starts, backend and callbacks are not
        used.
    workers : int, default=1
        Processes; -1 for all cores.
    progress : callable, optional
        Called after each refit with how many are done and how many there are.

    Returns
    -------
    Bootstrap

    Raises
    ------
    TooFewUnitsError
        Where units are drawn: if there are fewer than free parameters and one, or a single one.
    TypeError
        Where data are simulated: if the model does not define `simulate`.
    ValueError
        If fewer than two refits converged, or other processes cannot load the model.
    """
    replicates, workers = whole("replicates", replicates, 2), processes(workers)
    listener("progress", progress, "(done, total)")
    chunks = chunks_of(data)
    chart = Chart(model.space, params)
    weights: list[Array] | None = None
    if not parametric:
        weights = [unit_weights(model, params, model.prepare(chunk)) for chunk in chunks]
        together = np.concatenate(weights)
        rows, total = int((together > 0).sum()), float(together.sum())
        require_units("bootstrap", rows, total, chart.size - model.n_gauge)
    settings = _settings(em)
    children = np.random.default_rng(rng).spawn(replicates)
    done: list[_Refit] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what failed is counted instead
        for refit in _refits(model, chunks, weights, params, settings, children, workers):
            if refit.status is Status.INTERRUPTED:
                raise KeyboardInterrupt
            done.append(refit)
            if progress is not None:
                progress(len(done), replicates)
    good = [refit.params for refit in done if refit.status is Status.CONVERGED]
    failures = Counter(r.status.name for r in done if r.status is not Status.CONVERGED)
    if len(good) < 2:
        raise ValueError(
            f"got {len(good)} refits out of {replicates} that converged, expected at least 2; "
            "raise max_iter, or look at the model with check_model"
        )
    errors = _units(model, data, params)
    aligned = [align(model.space, one, params, errors) for one in good]
    stacked = [np.stack(leaf) for leaf in zip(*map(arrays, aligned), strict=True)]
    coordinates = [x for x in (_packed(chart, one) for one in aligned) if x is not None]
    return Bootstrap(
        params=params,
        replicates=tree.rebuild(params, stacked),
        n_asked=replicates,
        failures=dict(failures),
        chart=chart,
        coordinates=np.array(coordinates, dtype=np.float64).reshape(len(coordinates), chart.size),
    )


def _settings(em: EM | None) -> EM:
    settings = EM() if em is None else copy(em)
    quiet: dict[str, Any] = {
        "starts": 1,
        "backend": "serial",
        "progress": False,
        "callbacks": (),
        "on_degenerate": "status",
        "checkpoint": None,
    }
    known: dict[str, Any] = cast(Any, settings).get_params(deep=False)
    cast(Any, settings).set_params(**{k: v for k, v in quiet.items() if k in known})
    return settings


def _refits(
    model: Model[Any, Any],
    chunks: list[Chunk],
    weights: list[Array] | None,
    params: Tree,
    settings: EM,
    children: list[np.random.Generator],
    workers: int,
) -> Iterator[_Refit]:
    """The refits in the order of their generators, whoever makes them."""
    common = (model, chunks, weights, params, settings)
    if workers == 1:
        yield from (_refit(*common, child) for child in children)
        return
    pool: Any = cast(Any, joblib).Parallel(n_jobs=workers, return_as="generator")
    task = cast(Any, joblib).delayed(_refit)
    with loadable(model, workers):
        yield from pool(task(*common, child) for child in children)


def _refit(
    model: Model[Any, Any],
    chunks: list[Chunk],
    weights: list[Array] | None,
    params: Tree,
    settings: EM,
    rng: np.random.Generator,
) -> _Refit:
    if weights is None:
        drawn = [model.simulate(params, chunk, rng) for chunk in chunks]
    else:
        drawn = resample(chunks, weights, rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = settings.fit(model, Chunks(drawn), rng, start=params)
    return _Refit(fit.status, fit.params)


def resample(
    chunks: Sequence[Chunk], weights: Sequence[Array], rng: np.random.Generator
) -> list[Chunk]:
    """Units drawn with replacement, as many as there are by weight.

    Parameters
    ----------
    chunks : sequence of Chunk
    weights : sequence of array
        The weights of each chunk's units: how often each is there.
    rng : numpy.random.Generator

    Returns
    -------
    list of Chunk
        Units that were drawn, reweighted so that the total weight is what it was; chunks
        without any are left out.
    """
    together = np.concatenate(weights)
    total = float(together.sum())
    n = max(round(total), 1)
    counts = rng.multinomial(n, together / total) * (total / n)
    borders = np.cumsum([len(part) for part in weights])[:-1]
    drawn: list[Chunk] = []
    for chunk, count, weight in zip(chunks, np.split(counts, borders), weights, strict=True):
        kept = np.flatnonzero(count)
        if len(kept):
            drawn.append(chunk.take(kept).reweight(count[kept] / weight[kept]))
    return drawn


def _units(model: Model[Any, Any], data: Source | Chunk, params: Tree) -> Tree | None:
    """Standard errors in which components are matched; None where there are none."""
    if model.stochastic or not any(c.exchangeable for c in tree.leaves(model.space)):
        return None
    errors = observed_information(model, data, params, Threads(1)).standard_errors()
    known = all(np.isfinite(leaf).all() for leaf in arrays(errors))
    return errors if known else None


def _packed(chart: Chart, params: Tree) -> Array | None:
    try:
        x = chart.pack(params)
    except (DegenerateError, OutOfChartError):
        return None
    return x if np.isfinite(x).all() else None
