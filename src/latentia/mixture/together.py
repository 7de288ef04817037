"""Gaussian mixtures of one sample that climb together, briefly, before each is fitted by itself.

Where a sweep misses something, some cell of it has it: the same components under other covariances,
one fewer or one more of them. In compiled code a step over few rows costs millionths of a second,
so every cell starts again from what its neighbours found as long as that leads higher.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentia.data.arrays import Frame, Rows, RowSource
from latentia.families.covariance import pattern_of, structure_of, written_out
from latentia.families.covariance.kernels import CODE
from latentia.families.gaussian import GaussianParams
from latentia.families.kernels.ready import waiting

from . import brief_kernels as brief
from .given import Beginning, looked_at
from .model import MixtureParams
from .start import Guesses, whiten

if TYPE_CHECKING:
    from .estimator import GaussianMixture

Array = NDArray[np.float64]

FEW_ROWS, FEW_COLUMNS = 2_000, 10
"""Distinct rows and columns up to which this is worth it: beyond, steps take as long as fits."""

PASSES = 4
"""Times that all cells look at their neighbours: up from the fewest components, and down again."""

SHORT, LONGER, MOST = 5, 20, 1_000
"""EM steps of all climbs, of those that go on then, and of the best of these, at most."""

KEPT = 6
"""Climbs that go on after the first judgement, at least."""

SHARE_KEPT = 3
"""Of more climbs one in so many goes on, as in the engine's races."""

HOPE = 10.0
"""A climb is given up that would stay too low even if it gained so many times what it just did."""

SAME = 1e-9
"""Climbs whose log-likelihoods differ by less, relatively, are taken for one."""

PAIRS = 4
"""Pairs of components that are merged, those that overlap most."""

FINEST = 1e-6
"""Nats that a climb may leave, at least: the fit that follows goes on from there."""

GAIN = 1e-2
"""Nats by which a climb is to be higher than what there was."""

THIN = 1e-3
"""A component thinner than this share of the whole, in any direction, is spurious."""

SINGLE_CLIMB = {"race": False, "short_runs": 0, "rearrange": 0, "anneal": (), "warm_up": None}
"""Settings of `EM` under which a fit is climbs from its starts, and no more."""

OPEN = {
    "weights_init": None,
    "means_init": None,
    "precisions_init": None,
    "warm_start": False,
    "prior": None,
    "noise": None,
}
"""Settings of `GaussianMixture` that leave starts and density as they are by themselves."""


class Place(NamedTuple):
    """Where a cell stands, in the frame.

    Attributes
    ----------
    loglik : float
        In the frame's unit.
    weights, means, covariances : arrays of shape (K,), (K, d), (K, d, d)
    resp : array of shape (K, n)
        Responsibilities times row weights.
    """

    loglik: float
    weights: Array
    means: Array
    covariances: Array
    resp: Array


class Sample(NamedTuple):
    """Distinct rows as compiled code takes them.

    Attributes
    ----------
    columns : array of shape (d, n)
        In the frame.
    weights : array of shape (n,)
    white : array of shape (m, n)
        The rows in coordinates where their covariance is the identity.
    unit : array of shape (d, d)
        What makes such coordinates of those of the frame.
    tol : float
        Nats that a climb may leave.
    """

    columns: Array
    weights: Array
    white: Array
    unit: Array
    tol: float


def beginnings(
    estimators: Sequence[GaussianMixture], X: Any, sample_weight: ArrayLike | None
) -> list[Beginning | None]:
    """Where each fit of a sweep is to begin; None where it is to find out by itself.

    Parameters
    ----------
    estimators : sequence of GaussianMixture
        That differ in their numbers of components and kinds of covariances.
    X, sample_weight
        As `fit` takes them.
    """
    nothing: list[Beginning | None] = [None] * len(estimators)
    plain = [i for i, each in enumerate(estimators) if _is_plain(each)]
    first = next((estimators[i] for i in plain), None)
    if first is None or not _is_small(X):
        return nothing
    try:
        seen = looked_at(first, X, sample_weight)
        source, frame = seen.source, seen.frame
        if not isinstance(source.rows.x, np.ndarray):
            return nothing
        sample = _sample(source.distinct, frame, first._climb_settings().tol)
    except (ValueError, np.linalg.LinAlgError):  # the fits say what is wrong
        return nothing
    if sample is None:
        return nothing
    plain = [i for i in plain if estimators[i].n_components < len(sample.weights)]
    table = _Table(sample, [_cell(estimators[i], frame) for i in plain])
    with waiting("brief"):
        table.begin(_guessed([estimators[i] for i in plain], source, frame))
        for turn in range(PASSES):
            if not table.passed(downwards=turn % 2 == 1):
                break
    for i, place in zip(plain, table.places, strict=True):
        if place is not None:
            nothing[i] = Beginning(_outside(place, estimators[i], frame), seen)
    return nothing


def _is_small(X: Any) -> bool:
    """Whether it is a small matrix in memory; what is scanned is left to the fits."""
    try:
        n, d = X.shape if hasattr(X, "shape") else np.shape(X)
    except (TypeError, ValueError):
        return False
    return isinstance(n, int) and n <= FEW_ROWS and d <= FEW_COLUMNS


def _is_plain(estimator: GaussianMixture) -> bool:
    """Whether a fit is no more than climbs from starts that are guessed; a portfolio is more."""
    if estimator.init_params == "portfolio":  # its own race, and splitting and merging, find more
        return False
    given = any(getattr(estimator, name) is not value for name, value in OPEN.items())
    if given or estimator.max_iter == 0:
        return False
    em = estimator.em
    if em is None:
        return True
    single = all(getattr(em, name) == value for name, value in SINGLE_CLIMB.items())
    return single and em.checkpoint is None and em.accelerate != "none"


class Cell(NamedTuple):
    """A number of components, a pattern by its letters' codes, and a floor in the frame."""

    n_components: int
    code: NDArray[np.int64]
    floor: float


def _cell(estimator: GaussianMixture, frame: Frame) -> Cell:
    pattern = pattern_of(estimator.covariance_type)
    code = np.array([CODE[letter] for letter in pattern], dtype=np.int64)
    return Cell(estimator.n_components, code, estimator.reg_covar / frame.scale**2)


def _sample(distinct: Rows, frame: Frame, tol: float) -> Sample | None:
    """None where some row has holes."""
    z = frame.into(distinct.x)
    if not np.isfinite(z).all():
        return None
    weights = np.ascontiguousarray(distinct.weights, dtype=np.float64)
    covariance = (z.T * weights) @ z / weights.sum()
    white = whiten(Rows(z, weights)).T
    unit = np.linalg.inv(np.linalg.cholesky(covariance))
    white = np.ascontiguousarray(white)
    return Sample(np.ascontiguousarray(z.T), weights, white, unit, max(tol, FINEST))


def _guessed(
    estimators: Sequence[GaussianMixture], source: RowSource, frame: Frame
) -> list[list[Array]]:
    """Guesses at the memberships for each of several fits, (K, n) each, times row weights.

    Those of as many components share theirs.
    """
    known: dict[int, list[Array]] = {}
    for each in estimators:
        k = each.n_components
        if k in known:
            continue
        guess = Guesses(k, each.init_params, frame)
        made: list[Array] = []
        for child in each._generator().spawn(each._climb_settings().starts):
            sample = source.sample(child)
            made += [resp.T * sample.weights for resp in guess(sample, child)]
        known[k] = made
    return [known[each.n_components] for each in estimators]


def _outside(place: Place, estimator: GaussianMixture, frame: Frame) -> MixtureParams:
    """A place as the parameters of its fit, in the units of the data."""
    means = frame.origin + frame.scale * place.means
    covariances = frame.scale**2 * place.covariances
    name = estimator.covariance_type
    structure = structure_of(name, means.shape[1])
    if structure is not written_out(name) or structure.form != "full":
        covariances = structure.of_matrices(covariances)
    weights = place.weights / place.weights.sum()
    return MixtureParams(weights, GaussianParams(means, covariances))


@final
class _Table:
    """All cells of a sweep, and where they stand."""

    def __init__(self, sample: Sample, cells: Sequence[Cell]) -> None:
        self.sample, self.cells = sample, cells
        self.places: list[Place | None] = [None] * len(cells)
        self.times = [0] * len(cells)  # that a cell moved
        self.seen: dict[tuple[int, int], int] = {}

    def begin(self, guesses: Sequence[list[Array]]) -> None:
        """The best that each cell's own guesses lead to, proper or not."""
        for i, own in enumerate(guesses):
            self._try(i, own, thin=0.0)

    def passed(self, *, downwards: bool) -> bool:
        """Let every cell start from what its neighbours found; whether any moved."""
        order = sorted(
            range(len(self.cells)), key=lambda i: self.cells[i].n_components, reverse=downwards
        )
        moved = [self._try(i, list(self._from_neighbours(i)), self._thinnest(i)) for i in order]
        return any(moved)

    def _thinnest(self, i: int) -> float:
        """How thin components may be: a cell that stands nowhere takes any maximum there is."""
        return 0.0 if self.places[i] is None else THIN

    def _try(self, i: int, guesses: list[Array], thin: float) -> bool:
        """Put the best climb from some guesses where the cell stands, if that is higher."""
        if not guesses:
            return False
        mine = self.places[i]
        least = -np.inf if mine is None else mine.loglik
        found = raced(self.sample, self.cells[i], np.stack(guesses), thin, least)
        if found is None or not found.loglik > least + GAIN:
            return False
        self.places[i] = found
        self.times[i] += 1
        return True

    def _from_neighbours(self, i: int) -> Iterator[Array]:
        """Memberships made of those of cells that moved since this one looked at them."""
        k, sample = self.cells[i].n_components, self.sample
        for j, place in enumerate(self.places):
            apart = self.cells[j].n_components - k
            same = np.array_equal(self.cells[j].code, self.cells[i].code)
            if place is None or abs(apart) > 1 or (apart == 0) == same:
                continue
            if self.seen.get((i, j)) == self.times[j]:
                continue
            self.seen[i, j] = self.times[j]
            resp = place.resp
            if apart == 0:
                yield resp
            elif apart < 0:
                for c in range(k - 1):
                    made = np.empty((k, resp.shape[1]))
                    if brief.split(sample.white, resp, c, made):
                        yield made
            else:
                for first, second in _overlapping(sample.weights, resp):
                    made = np.empty((k, resp.shape[1]))
                    brief.merge(resp, first, second, made)
                    yield made


def raced(sample: Sample, cell: Cell, resp: Array, thin: float, least: float) -> Place | None:
    """The best proper maximum of climbs from several guesses at the memberships, raced.

    All climb a few steps, then the highest of them that differ some more, then the highest of these
    to its end, if it may come above `least`.

    Parameters
    ----------
    sample : Sample
    cell : Cell
    resp : array of shape (C, K, n)
        The guesses, times row weights; they are overwritten.
    thin : float
        No component is to be thinner than this share of the whole.
    least : float
    """
    n_guesses, k, _ = resp.shape
    d = len(sample.columns)
    axes = np.broadcast_to(np.eye(d), (n_guesses, d, d)).copy()
    shapes = (k,), (k, d), (k, d, d)
    made = [np.empty((n_guesses, *shape)) for shape in shapes]
    parts = (*made, axes, np.empty((n_guesses, k, d)), resp)
    heights = np.empty(n_guesses)

    def climb(chosen: Sequence[int], most: int, *, begins: bool = False) -> list[int]:
        """Those that are still under way after so many steps, the highest first."""
        for g in chosen:
            own = tuple(part[g] for part in parts)
            heights[g], _ = brief.climbed(
                sample.columns,
                sample.weights,
                cell.code,
                cell.floor,
                most,
                sample.tol,
                begins,
                own,
            )
        return sorted((g for g in chosen if np.isfinite(heights[g])), key=lambda g: -heights[g])

    def is_proper(g: int) -> bool:
        return not thin or not brief.narrowest(sample.unit, made[2][g]) < thin

    ranked = climb(range(n_guesses), SHORT, begins=True)
    kept = _different(ranked, heights)[: max(KEPT, n_guesses // SHARE_KEPT)]
    before = heights.copy()
    further = climb(kept, LONGER)
    hopeful = [g for g in further if heights[g] + HOPE * (heights[g] - before[g]) > least]
    for g in filter(is_proper, hopeful):
        if climb([g], MOST) and is_proper(g):
            weights, means, covariances = (part[g] for part in made)
            return Place(float(heights[g]), weights, means, covariances, resp[g])
    return None


def _different(ranked: Sequence[int], heights: Array) -> list[int]:
    """Those whose log-likelihoods, which fall, differ: of the same only the first."""
    kept: list[int] = []
    for g in ranked:
        if not kept or abs(heights[kept[-1]] - heights[g]) > SAME * abs(heights[g]):
            kept.append(g)
    return kept


def _overlapping(weights: Array, resp: Array) -> list[tuple[int, int]]:
    """The pairs of components that overlap most."""
    cosines = brief.overlaps(weights, resp)
    rows, columns = np.tril_indices(len(resp), -1)
    order = np.argsort(-cosines[rows, columns], kind="stable")[:PAIRS]
    return [(int(columns[o]), int(rows[o])) for o in order]
