"""What estimators of other chains say of sequences: those whose model decodes by itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from latentia.data.groups import GroupedRows, GroupedSource
from latentia.data.sequences import Ragged
from latentia.engine import EM, Fit, inference, tree
from latentia.engine import selection as criteria
from latentia.engine.chart import n_free
from latentia.estimator import Estimate, feature_names, latent_entropy
from latentia.mixture.base import Climbing
from latentia.mixture.given import First
from latentia.mixture.parameters import tabulated

from . import reading
from .base import collapsed
from .decoding import require_algorithm
from .start import starts_for

Array = NDArray[np.float64]
Place = tuple[str, int, tuple[int, ...]]

USUAL = {"tol": 1e-5, "max_iter": 1000, "starts": None}
"""What `tol`, `max_iter` and `n_init` are where nothing is said, by their names in `EM`."""


class Known(NamedTuple):
    """What is known of states.

    Attributes
    ----------
    log_density : array of shape (m,)
        The log-likelihood of each sequence.
    resp : array of shape (n, K)
        P(state at t | the sequence).
    """

    log_density: Array
    resp: Array


class Decoded(NamedTuple):
    """log p(path, sequence) of the likeliest path of each sequence (m,), and its states (n,)."""

    log_probability: Array
    states: NDArray[np.int64]


class Made(NamedTuple):
    """A model and its parameters."""

    model: Any
    params: Any


class SequenceEstimator(Climbing, ABC):
    """An estimator of sequences, whatever its chain: fitting, scoring, decoding, inference.

    Wherever sequences are given, X is what `latentia.data.sequences.sequences` takes.

    A leaf defines `fit` and the abstract methods, here and of `LatentEstimator`.

    Attributes
    ----------
    n_features_in_ : int
    """

    n_states: int
    n_features_in_: int

    @abstractmethod
    def _made(self, rows: GroupedRows | None = None) -> Made:
        """The model, for these sequences if it matters which, and its parameters."""

    @abstractmethod
    def _rows(self, ragged: Ragged, weights: Array) -> GroupedRows:
        """The sequences as the model takes them; what cannot be is refused by name."""

    @abstractmethod
    def _places(self, columns: list[str]) -> Iterator[Place]:
        """Every number that can differ: its name, its leaf's number, its place there."""

    @abstractmethod
    def _tree_of_errors(self, errors: Any, note: str) -> Any:
        """Standard errors as a NamedTuple shaped like the parameters, with a `note`."""

    # -- fitting -----------------------------------------------------------------------------

    def _settings(self, n_steps: int, n_states: int) -> EM:
        """How to climb; where nothing is said of starts, several race."""
        em = self._climb_settings(defaults=USUAL)
        if em.starts is None:
            em.starts = starts_for(n_steps, n_states)
            em.race = em.starts > 1
        return em

    def _climbed(
        self, em: EM, model: Any, source: GroupedSource, first: First | None = None
    ) -> Fit[Any]:
        return self._climb(em, model, source, First() if first is None else first, collapsed)

    def _keep(self, fit: Fit[Any], model: Any, source: GroupedSource) -> None:
        """What follows from a fit, its data at hand."""
        self._restore(fit, latent_entropy(model, fit))
        self._data = source

    # -- using a fitted model ----------------------------------------------------------------

    def _seen(self, X: Any, lengths: Any, id: Any, time: Any) -> tuple[Ragged, GroupedRows]:
        check_is_fitted(self, "fit_")
        ragged = reading.read(self, X, lengths, id, time)
        return ragged, self._rows(ragged, np.ones(len(ragged.sizes)))

    def score(self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None) -> float:
        """The log-likelihood of all sequences together, in nats."""
        _, rows = self._seen(X, lengths, id, time)
        model, params = self._made(rows)
        return float(model.posterior(params, rows).log_density.sum())

    def predict_proba(
        self,
        X: Any,
        lengths: Any = None,
        *,
        given: str = "all",
        id: Any = None,
        time: Any = None,
    ) -> Array:
        """P(state | its sequence) of each step, shape (n, K).

        `given` is "all"; of autoregressions also "so-far" or "before": given the steps up to it, or
        before it, alone.
        """
        ragged, rows = self._seen(X, lengths, id, time)
        model, params = self._made(rows)
        filtered = getattr(model, "filtered", None)
        require_given(given, ("all", "so-far", "before") if filtered is not None else ("all",))
        if given == "all" or filtered is None:
            return ragged.as_given(model.posterior(params, rows).resp)
        return ragged.as_given(filtered(params, rows, given))

    def decode(
        self,
        X: Any,
        lengths: Any = None,
        algorithm: str | None = None,
        *,
        id: Any = None,
        time: Any = None,
    ) -> tuple[float, NDArray[np.int64]]:
        """States of all steps that are likeliest together, or each by itself.

        Parameters
        ----------
        X, lengths, id, time
            Sequences.
        algorithm : {"viterbi", "map"}, default="viterbi"
            The likeliest path (Viterbi 1967), or the likeliest state of each step.

        Returns
        -------
        log_probability : float
            log p(path, sequences) of the paths; for "map" the sum of the likeliest states'
            probabilities, as in hmmlearn.
        states : array of shape (n,)

        Raises
        ------
        ValueError
            If the algorithm is neither.
        """
        how = require_algorithm(algorithm or "viterbi")
        ragged, rows = self._seen(X, lengths, id, time)
        model, params = self._made(rows)
        if how == "map":
            resp = model.posterior(params, rows).resp
            return float(resp.max(axis=1).sum()), ragged.as_given(resp.argmax(axis=1))
        found = model.decoded(params, rows)
        return float(found.log_probability.sum()), ragged.as_given(found.states)

    def predict(
        self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None
    ) -> NDArray[np.int64]:
        """The states that are likeliest together, shape (n,)."""
        return self.decode(X, lengths, id=id, time=time)[1]

    def aic(self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None) -> float:
        """Akaike's information criterion on X; lower is better."""
        return criteria.aic(self.score(X, lengths, id=id, time=time), self._n_free())

    def bic(self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None) -> float:
        """The Bayesian information criterion on X, by its number of steps; lower is better."""
        loglik = self.score(X, lengths, id=id, time=time)
        _, rows = self._seen(X, lengths, id, time)
        return criteria.bic(loglik, self._n_free(), len(rows.x))

    def _n_free(self) -> int:
        """Free parameters, none of them counted as settled on a bound."""
        model, params = self._made()
        return n_free(model.space, params) - model.n_gauge

    def _drawing(self, random_state: Any) -> np.random.Generator:
        """A generator for `sample`."""
        seed = check_random_state(self.random_state if random_state is None else random_state)
        return np.random.default_rng(seed.randint(2**31, size=4))

    # -- what `LatentEstimator` asks for -----------------------------------------------------

    def remember(
        self,
        X: Any,
        lengths: Any = None,
        sample_weight: Any = None,
        *,
        id: str | None = None,
        time: str | None = None,
    ) -> Self:
        """Put the data of the fit at hand again, for `standard_errors`, after loading."""
        check_is_fitted(self, "fit_")
        ragged = reading.read(self, X, lengths, id, time)
        rows = self._rows(ragged, reading.weights_of(sample_weight, len(ragged.sizes)))
        self._data, self._errors = GroupedSource(rows), None
        return self

    def _compute_errors(self, method: str = "oakes", **asked: Any) -> Any:
        model, params = self._made()
        found = inference.standard_errors(model, self._data, params, method, **asked)
        return self._tree_of_errors(found.errors, found.note)

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter with its standard error and interval, Wald's, within its bounds."""
        return self._table(self.standard_errors()[:-1], level)

    def estimates(self) -> list[Estimate]:
        """Every parameter by its name, without standard errors, which are nan here."""
        params = self._made().params
        return self._table([tree.filled(each, np.nan) for each in params], 0.95)

    def _table(self, unsure: Any, level: float) -> list[Estimate]:
        model, params = self._made()
        errors = tree.rebuild(params, [leaf for each in unsure for leaf in tree.leaves(each)])
        columns = list(feature_names(self, self.n_features_in_))
        return tabulated(model, params, errors, self._places(columns), level)

    def parameter_names(self, columns: Any = None) -> list[str]:
        """What `parameter_table` calls them, with other names of the columns if given."""
        known = feature_names(self, self.n_features_in_) if columns is None else columns
        return [name for name, _, _ in self._places(list(known))]

    def smallest_variance(self) -> float:
        """1: what it says of Gaussian components has no meaning here."""
        return 1.0


def require_given(given: str, known: tuple[str, ...]) -> None:
    """Refuse probabilities given other steps than the model has them for."""
    if given not in known:
        raise ValueError(f"got given={given!r}, expected {' or '.join(map(repr, known))}")
