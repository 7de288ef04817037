"""K-fold cross-validation: the log-likelihood of units that the fit has not seen."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from .. import tree
from ..backend import backend_of
from ..certificate import Status
from ..em import EM
from ..evaluator import FAILURES, Evaluator
from ..fit import DecreasedWarning, NotConvergedWarning
from ..inference.asked import whole
from ..model import Chunk, Chunks, Model, Source, source_of
from ..tree import Array
from .refit import silent

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class CrossValidation:
    """Held-out log-likelihoods.

    Attributes
    ----------
    logliks : array of shape (folds,)
        Of each fold under the fit to the others, in nats; nan where that fit collapsed.
    n_units : array of shape (folds,)
        Their weights.
    statuses : tuple of Status
        How the fits ended.
    digest : str
        SHA-256 of how many copies of each unit each fold holds, and of the arrays of the data as
        far as the chunks show any.
    """

    logliks: Array
    n_units: Array
    statuses: tuple[Status, ...]
    digest: str = ""

    @property
    def loglik(self) -> float:
        """The held-out log-likelihood of all units together."""
        return float(self.logliks.sum())

    @property
    def mean(self) -> float:
        """The held-out log-likelihood a unit."""
        return self.loglik / float(self.n_units.sum())

    @property
    def standard_error(self) -> float:
        """Of `mean`, from how the folds differ.

        The folds' fits share most of their data, so this tends to be too small, and no estimator
        is unbiased (Bengio & Grandvalet 2004). To compare two models, compare their folds in
        pairs: `difference`.
        """
        return _standard_error(self.logliks - self.n_units * self.mean, self.n_units)

    def difference(self, other: CrossValidation) -> tuple[float, float]:
        """How much better a unit is foretold than by `other`, and its standard error.

        Raises
        ------
        ValueError
            If the folds are not the same: of other data, or dealt otherwise.
        """
        same = self.digest == other.digest and np.array_equal(self.n_units, other.n_units)
        if not same:
            raise ValueError("got other folds, expected those of the same data, rng and folds")
        gain = self.logliks - other.logliks
        mean = float(gain.sum() / self.n_units.sum())
        return mean, _standard_error(gain - self.n_units * mean, self.n_units)


def _standard_error(deviations: Array, n_units: Array) -> float:
    """Of a ratio of two sums over folds (Cochran 1977, eq. 6.9)."""
    k = len(n_units)
    return float(np.sqrt(k / (k - 1) * np.sum(deviations**2)) / n_units.sum())


def cross_validate(
    model: Model[Any, Any],
    data: Source | Chunk,
    em: EM | None = None,
    rng: np.random.Generator | int | None = None,
    folds: int = 5,
    *,
    counts: Counts | Sequence[int] | None = None,
) -> CrossValidation:
    """Fit without each fold, from cold starts, and find the log-likelihood of that fold.

    Units go whole into one fold: a unit of weight 3 counts three times in its fold and is never
    split, which is not what three such units would do. Where weights are counts of equal units,
    say so by `counts`: each copy is dealt to a fold by itself, exactly as if it were repeated.

    The generator's first child deals the folds, so the same `rng` deals them the same for any
    model; child 1 + i starts fold i. Data in one chunk make their starts of the training part
    alone. Where there are several chunks, which cannot be put together here, starts look at a
    sample of all the data; climbs still see the training part only.

    Parameters
    ----------
    model : Model
    data : Source or Chunk
    em : EM, optional
    rng : numpy.random.Generator or int, optional
    folds : int, default=5
    counts : array of int, shape (units,), optional
        How often each unit is there, in the order of the chunks: its weight.

    Returns
    -------
    CrossValidation

    Raises
    ------
    ValueError
        If there are fewer than two folds, or fewer units than folds.

    References
    ----------
    Smyth (2000), "Model selection for probabilistic clustering using cross-validated likelihood".
    """
    source = source_of(data)
    chunks = list(source.chunks())
    sizes = [len(chunk) for chunk in chunks]
    copies = _copies(counts, sum(sizes))
    generator = np.random.default_rng(rng)
    dealer, *children = generator.spawn(1 + whole("folds", folds, 2))
    held = _dealt(copies, folds, dealer)
    borders = np.cumsum(sizes)[:-1]
    settings = EM() if em is None else em
    logliks: list[float] = []
    weights: list[float] = []
    statuses: list[Status] = []
    for fold, child in enumerate(children):
        out = np.split(held[fold] / copies, borders)
        kept = [share(chunk, 1 - part) for chunk, part in zip(chunks, out, strict=True)]
        left = [share(chunk, part) for chunk, part in zip(chunks, out, strict=True)]
        training = Part([c for c in kept if c is not None], source)
        loglik, n_units, status = _held_out(
            model, training, [c for c in left if c is not None], settings, child
        )
        logliks.append(loglik)
        weights.append(n_units)
        statuses.append(status)
    return CrossValidation(
        np.array(logliks), np.array(weights), tuple(statuses), _digest(held, chunks)
    )


class Part:
    """Part of a source's units; in one chunk they are their own sample."""

    def __init__(self, chunks: Sequence[Chunk], whole: Source) -> None:
        self.kept, self.whole = chunks, whole

    def chunks(self) -> Sequence[Chunk]:
        return self.kept

    def sample(self, rng: np.random.Generator) -> Chunk:
        return self.kept[0] if len(self.kept) == 1 else self.whole.sample(rng)


def share(chunk: Chunk, part: Array) -> Chunk | None:
    """The units of which a positive part is wanted, their weights times it; None if no unit is."""
    some = np.flatnonzero(part > 0)
    if not len(some):
        return None
    taken = chunk.take(some)
    return taken if bool((part[some] == 1).all()) else taken.reweight(part[some])


def _copies(counts: Counts | Sequence[int] | None, n: int) -> Counts:
    if counts is None:
        return np.ones(n, dtype=np.int64)
    given = np.asarray(counts)
    copies = given.astype(np.int64)
    if given.shape != (n,) or not np.array_equal(copies, given) or (copies < 1).any():
        raise ValueError(
            f"got counts of shape {given.shape}, expected {n} whole numbers of at least 1, one "
            "for each unit"
        )
    return copies


def _dealt(copies: Counts, folds: int, rng: np.random.Generator) -> Counts:
    """How many copies of each unit each fold holds, shape (folds, units)."""
    total = int(copies.sum())
    if total < folds:
        raise ValueError(
            f"got {total} unit{'s' * (total != 1)}, expected at least one for each of the {folds} "
            "folds; units that depend on one another cannot be held out one by one"
        )
    unit = np.repeat(np.arange(len(copies)), copies)
    fold = rng.permutation(np.arange(total) % folds)
    held = np.zeros((folds, len(copies)), dtype=np.int64)
    np.add.at(held, (fold, unit), 1)
    return held


def _digest(held: Counts, chunks: Sequence[Chunk]) -> str:
    """What two results have in common if their folds hold the same units.

    Each array is read on from chunk to chunk, so that it does not matter how data are cut.
    """
    together = hashlib.sha256(repr(held.shape).encode() + held.tobytes())
    streams: dict[int, Any] = {}
    for chunk in chunks:
        for i, leaf in enumerate(tree.leaves(_shown(chunk))):
            if not isinstance(leaf, np.ndarray):
                continue
            array = cast(NDArray[Any], leaf)
            if array.dtype.hasobject:
                continue
            if i not in streams:
                head = f"{i} {array.dtype.str} {array.shape[1:]}"
                streams[i] = hashlib.sha256(head.encode())
            streams[i].update(np.ascontiguousarray(array).tobytes())
    for stream in streams.values():
        together.update(stream.digest())
    return together.hexdigest()


def _shown(chunk: Any) -> Any:
    """What a chunk is made of: not what it may have cached."""
    if is_dataclass(chunk):
        return [getattr(chunk, field.name) for field in fields(chunk)]
    return cast(Any, chunk) if isinstance(chunk, tuple) else getattr(chunk, "weights", None)


def _held_out(
    model: Model[Any, Any], training: Part, left: list[Chunk], em: EM, rng: np.random.Generator
) -> tuple[float, float, Status]:
    quiet = silent(em)
    with warnings.catch_warnings():
        for category in (NotConvergedWarning, DecreasedWarning):
            warnings.simplefilter("ignore", category)  # the statuses say it
        fit = quiet.fit(model, training, rng)
    if fit.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    with backend_of(em.backend, em.workers).open(model, Chunks(left)) as mapper:
        try:
            suff, _ = Evaluator(mapper).suff(fit.params)
        except FAILURES:
            return np.nan, np.nan, fit.status
    collapsed = fit.status is Status.DEGENERATE
    return np.nan if collapsed else float(suff.loglik), float(suff.n_units), fit.status
