"""The contract: what a model tells the engine, and nothing else.

    data -- chunk -- e_step(params) -> Suff +
         -- chunk -- e_step(params) -> Suff + -> sum -> m_step -> params' -> near enough?
         -- chunk -- e_step(params) -> Suff +

A chunk is a bundle of whole independent units: rows, sequences, documents, subjects. Expected
sufficient statistics add up over units, and that fact alone gives threads, data larger than
memory, clusters, weights and resampling without any model knowing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar, cast, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .tree import Array, Tree

P = TypeVar("P", bound=tuple[Any, ...])
C = TypeVar("C", bound="Chunk")


class Suff(NamedTuple):
    """What one E-step over one chunk returns.

    Attributes
    ----------
    loglik : float
        Observed-data log-likelihood, weights applied, all constants kept.
    n_units : float
        Total weight of the independent units.
    n_obs : float
        What BIC counts: rows, or time steps where a unit is a sequence.
    stats : NamedTuple of arrays
        The model's expected sufficient statistics, additive over units.
    """

    loglik: float
    n_units: float
    n_obs: float
    stats: Tree


@runtime_checkable
class Chunk(Protocol):
    """A bundle of whole independent units; their weights travel inside."""

    def __len__(self) -> int:
        """The number of units."""
        ...

    def take(self, idx: NDArray[np.intp]) -> Self:
        """The units at these positions, in this order, repeats allowed."""
        ...

    def reweight(self, w: Array) -> Self:
        """The same units with their weights multiplied by `w`, shape (units,)."""
        ...


@runtime_checkable
class Source(Protocol):
    """Where chunks come from, in an order that never changes."""

    def chunks(self) -> Sequence[Chunk]:
        """The chunks, the same each time."""
        ...

    def sample(self, rng: np.random.Generator) -> Chunk:
        """What starts are made from: all units, or a sample if there are too many.

        The same for rows that are repeated and rows that are weighted.
        """
        ...


@final
class Chunks:
    """A source of chunks that are at hand; a single one is also its own sample."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = chunks

    def chunks(self) -> Sequence[Chunk]:
        return self._chunks

    def sample(self, rng: np.random.Generator) -> Chunk:
        if len(self._chunks) != 1:
            raise TypeError(
                f"got {len(self._chunks)} chunks without a sample for starts, expected one chunk "
                "or a Source"
            )
        return self._chunks[0]


def source_of(data: Source | Chunk) -> Source:
    """The data as a source; a chunk is one by itself."""
    return data if isinstance(data, Source) else cast(Source, Chunks([data]))


class Model(ABC, Generic[P, C]):
    """A latent-variable model: hyper-parameters only, no data and no fitted state.

    Parameters and statistics are NamedTuples of arrays. A model defines `space`, `start`,
    `e_step`, `q` and, unless the numerical default will do, `m_step` and `score`.

    **q is linear in the statistics**, with all constants kept. Then Fisher's identity makes
    its gradient, at the parameters that made the statistics, the score of the observed
    likelihood; acceleration, standard errors and the stopping rule need nothing more.

    Attributes
    ----------
    space : NamedTuple of Constraint
        Of the structure of the parameters: what each may be.
    exact_e_step : bool
        False where the E-step is an approximation (variational, mean field).
    m_step_exact : bool
        False where the M-step is a Newton step that need not maximise q; the engine then
        halves it until the objective does not fall.
    stochastic : bool
        True where an E-step draws random numbers.
    one_maximum : bool
        True where the objective has a single maximum, whatever the data, as where it is concave in
        some coordinates: then one start is enough.
    n_gauge : int
        Directions that the likelihood cannot see (a rotation of loadings); they are not
        counted as free parameters.
    """

    exact_e_step: bool = True
    m_step_exact: bool = True
    stochastic: bool = False
    one_maximum: bool = False
    n_gauge: int = 0

    @property
    @abstractmethod
    def space(self) -> P:
        """A tree like the parameters with a Constraint at each leaf."""

    def prepare(self, chunk: C) -> C:
        """Make a chunk ready, once per fit: patterns, scaling, features."""
        return chunk

    @abstractmethod
    def start(self, sample: C, rng: np.random.Generator, given: P | None = None) -> P:
        """Starting parameters.

        Parameters
        ----------
        sample : Chunk
            Units to look at, as `Source.sample` gives them, prepared.
        rng : numpy.random.Generator
            The only source of randomness.
        given : params, optional
            Fixes some of the parameters; a None in it leaves that one to the model.
        """

    def rearrangements(self, params: P, sample: C, rng: np.random.Generator) -> Iterable[P]:
        """Other starts made of parameters that EM cannot leave, the most promising first.

        For ``EM(rearrange=...)``, which climbs them: such as those of a mixture with two of its
        components merged and a third split. By default there are none.
        """
        return ()

    @abstractmethod
    def e_step(self, params: P, chunk: C) -> Suff:
        """Log-likelihood and expected sufficient statistics of one chunk at `params`."""

    def m_step(self, suff: Suff, params: P) -> P:
        """The parameters that maximise ``q(., suff) + log_prior(.)``.

        The default maximises numerically in the chart around `params`, which are those that
        made `suff`.
        """
        from .numerical import maximise_q

        return maximise_q(self, suff, params)

    @abstractmethod
    def q(self, params: P, suff: Suff) -> float:
        """E[log p(x, z | params)] over the statistics: linear in ``suff.stats``."""

    def score(self, params: P, suff: Suff) -> P | None:
        """Gradient of `q` in the entries of `params`; symmetric for a symmetric matrix.

        The default, None, leaves it to the engine to difference `q`, which touches no data.
        """
        return None

    def unit_stats(self, params: P, chunk: C) -> list[Suff]:
        """The E-step of each unit by itself."""
        return [self.e_step(params, chunk.take(np.array([i]))) for i in range(len(chunk))]

    def unit_logliks(self, params: P, chunk: C) -> Array | None:
        """The log-likelihood of each unit, weights left out, shape (units,).

        For the scores of many units at once, by differences; None, the default, leaves these to
        `unit_stats`, unit by unit.
        """
        return None

    def log_prior(self, params: P) -> float:
        """Logarithm of a prior density; the engine then climbs to the posterior mode."""
        return 0.0

    @property
    def has_prior(self) -> bool:
        """Whether `log_prior` is more than a constant: by default where a model defines it."""
        own: Any = type(self)
        return own.log_prior is not cast(Any, Model).log_prior

    def prior_score(self, params: P) -> P | None:
        """Gradient of `log_prior` in the entries of `params`; None leaves it to differences."""
        return None

    def simulate(self, params: P, chunk: C, rng: np.random.Generator) -> C:
        """New data drawn at `params`: as many units as in `chunk` by weight.

        What the parametric bootstrap needs. Like what ``Source.chunks`` gives, not prepared.
        """
        raise TypeError(f"{type(self).__name__} does not define simulate, which draws new data")

    def posterior(self, params: P, chunk: C) -> Any:
        """What is known of the latent variables, unit by unit: what predict and impute use."""
        raise TypeError(f"{type(self).__name__} does not define a posterior")
