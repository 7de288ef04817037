"""What all hidden Markov models say of sequences, once they have parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from latentia.data.groups import GroupedRows, GroupedSource
from latentia.data.sequences import Ragged
from latentia.engine import Fit
from latentia.engine import selection as criteria
from latentia.engine.chart import n_free
from latentia.estimator import latent_entropy
from latentia.mixture import errors
from latentia.mixture.base import Climbing

from . import reading
from .chains import stationary
from .decoding import require_algorithm, viterbi
from .drawing import states
from .inference import ChainInference
from .model import HiddenMarkovModel, HiddenMarkovParams, StatePosterior
from .told import told
from .uses import ChainUses
from .uses import Fitted as Fitted

Array = NDArray[np.float64]


class ChainEstimator(ChainUses, ChainInference, Climbing, ABC):
    """A hidden Markov model as an estimator: decoding, scoring, drawing, inference.

    Wherever sequences are given, X is what `latentia.data.sequences.sequences` takes: an array of
    steps, with `lengths` where it holds several sequences; a list of arrays; a ragged column; or a
    data frame whose columns `id` and `time` say which step is whose.

    A leaf defines `fit` and the abstract methods, here and of `LatentEstimator`.

    Attributes
    ----------
    startprob_ : array of shape (K,)
        Probabilities of the first state.
    transmat_ : array of shape (K, K)
        ``transmat_[i, j]`` is the probability of state j after state i.
    n_features_in_ : int
    """

    startprob_: Any
    transmat_: Any
    n_features_in_: int
    algorithm: str
    _draws: type[np.generic] = np.float64

    # -- sequences ---------------------------------------------------------------------------

    def _read(
        self,
        X: Any,
        lengths: Any = None,
        id: str | None = None,
        time: str | None = None,
        *,
        reset: bool = False,
    ) -> Ragged:
        """The sequences in X; `reset` takes their width and the names of their columns."""
        return reading.read(self, X, lengths, id, time, reset=reset)

    def _require_possible(self, ragged: Ragged, model: HiddenMarkovModel) -> None:
        """Refuse what no state could make, naming the first cell; steps may be missing whole."""
        reading.require_possible(self, ragged, model.family)

    def _source(
        self, ragged: Ragged, sample_weight: Any, model: HiddenMarkovModel
    ) -> GroupedSource:
        weights = reading.weights_of(sample_weight, len(ragged.sizes))
        return GroupedSource(reading.rows(self, ragged, weights, model.family))

    def _posterior(self, ragged: Ragged) -> StatePosterior:
        model, params = self._fitted()
        self._require_possible(ragged, model)
        whole = GroupedSource(GroupedRows(ragged.x, np.ones(len(ragged.sizes)), ragged.sizes))
        each = [model.posterior(params, chunk) for chunk in whole.chunks()]
        return StatePosterior(*(np.concatenate(parts) for parts in zip(*each, strict=True)))

    def _height(self, ragged: Ragged) -> float:
        """The log-likelihood, for which the forward pass is enough."""
        model, params = self._fitted()
        self._require_possible(ragged, model)
        whole = GroupedSource(GroupedRows(ragged.x, np.ones(len(ragged.sizes)), ragged.sizes))
        each = [model.log_likelihoods(params, chunk) for chunk in whole.chunks()]
        return float(np.concatenate(each).sum())

    # -- what it says of them ----------------------------------------------------------------

    def score(self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None) -> float:
        """The log-likelihood of all sequences together, in nats."""
        return self._height(self._read(X, lengths, id, time))

    def score_samples(
        self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None
    ) -> tuple[float, Array]:
        """The log-likelihood of all sequences, and P(state | its sequence) of each step, (n, K)."""
        ragged = self._read(X, lengths, id, time)
        known = self._posterior(ragged)
        return float(known.log_density.sum()), ragged.as_given(known.resp)

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
        algorithm : {"viterbi", "map"}, optional
            The likeliest path (Viterbi 1967), or the likeliest state of each step. By default
            that of the estimator.

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
        how = require_algorithm(algorithm or getattr(self, "algorithm", "viterbi"))
        ragged = self._read(X, lengths, id, time)
        if how == "map":
            known = self._posterior(ragged)
            height, path = float(known.resp.max(axis=1).sum()), known.resp.argmax(axis=1)
            return height, ragged.as_given(path)
        model, params = self._fitted()
        self._require_possible(ragged, model)
        rows = GroupedRows(ragged.x, np.ones(len(ragged.sizes)), ragged.sizes)
        log_density = model.log_density(params, rows)
        found = viterbi(log_density, *model.law(params), ragged.sizes)
        return float(found.log_probability.sum()), ragged.as_given(found.states)

    def predict(
        self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None
    ) -> NDArray[np.int64]:
        """The state of each step by `decode`, shape (n,)."""
        return self.decode(X, lengths, id=id, time=time)[1]

    def sample(
        self, n_samples: int = 1, random_state: Any = None, currstate: int | None = None
    ) -> tuple[Array, NDArray[np.int64]]:
        """Draw one sequence.

        Parameters
        ----------
        n_samples : int, default=1
            Its steps.
        random_state : int, RandomState instance or None
            By default that of the estimator.
        currstate : int, optional
            The state of its first step, from 0.

        Returns
        -------
        X : array of shape (n_samples, d)
        states : array of shape (n_samples,)
        """
        errors.require_draws(n_samples)
        self._require_drawable()
        model, params = self._fitted()
        seed = check_random_state(self.random_state if random_state is None else random_state)
        rng = np.random.default_rng(seed.randint(2**31, size=4))
        start, transitions = model.law(params)
        if currstate is not None:
            require_state(currstate, model.n_states)
            start = np.eye(model.n_states)[currstate]
        path = states(start, transitions, np.array([n_samples]), rng)
        drawn = model.family.draw(params.emissions, path, rng)
        return cast(Array, drawn.astype(self._draws)), path.astype(np.int64)

    def _require_drawable(self) -> None:
        """Refuse to draw where that needs something that is not known."""

    def get_stationary_distribution(self) -> Array:
        """The distribution of states that the transitions leave as it is, shape (K,)."""
        return stationary(self._fitted().params.transitions)

    def aic(self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None) -> float:
        """Akaike's information criterion on X; lower is better."""
        return criteria.aic(self.score(X, lengths, id=id, time=time), self._n_free())

    def bic(self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None) -> float:
        """The Bayesian information criterion on X, by its number of steps; lower is better."""
        ragged = self._read(X, lengths, id, time)
        return criteria.bic(self._height(ragged), self._n_free(), len(ragged.x))

    def _n_free(self) -> int:
        """Free parameters, none of them counted as settled on a bound."""
        model, params = self._fitted()
        return n_free(model.space, params) - model.n_gauge

    # -- streams -----------------------------------------------------------------------------

    @abstractmethod
    def _set_fitted(self, model: HiddenMarkovModel, params: HiddenMarkovParams) -> None:
        """Set the attributes that tell the parameters."""

    def partial_fit(
        self,
        X: Any,
        lengths: Any = None,
        *,
        begins: bool = False,
        id: str | None = None,
        time: str | None = None,
    ) -> Self:
        """Go on with steps that were not seen before: online EM.

        Nothing but expected statistics is kept of steps, so that a stream may go on for ever. The
        first call is a `fit` unless there are parameters (fitted, loaded, or set), so its X should
        tell the states apart. Later ones go on where the last sequence stopped; statistics of old
        steps fade as those of new ones come in, at a rate of t^-0.7, and the parameters told are
        those of averaged statistics.

        Parameters
        ----------
        X, lengths, id, time
            Sequences, of which the first goes on with the last of the call before.
        begins : bool, default=False
            Whether the first of them is a new one instead.

        Returns
        -------
        self
            With ``n_steps_seen_`` and ``n_sequences_seen_``; what only a fit can say
            (``loglik_``, ``certificate_``, ...) is gone.

        Raises
        ------
        ValueError
            If X cannot be used, or a state collapses; parameters are then as they were.

        References
        ----------
        Cappé (2011), Online EM algorithm for hidden Markov models, Journal of Computational and
        Graphical Statistics 20, 728-749.

        Examples
        --------
        >>> import numpy as np
        >>> from latentia import GaussianHMM
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(np.repeat(rng.integers(0, 2, size=500) * 4.0, 10))
        >>> model = GaussianHMM(2, random_state=0)
        >>> for batch in np.split(x, 10):
        ...     model = model.partial_fit(batch)
        >>> np.sort(model.means_.ravel()).round(1), model.n_steps_seen_
        (array([-0.,  4.]), 5000.0)
        """
        from . import online

        if not hasattr(self, "_online"):
            try:
                self._fitted()
            except NotFittedError:
                return cast(Any, self).fit(X, lengths, id=id, time=time)
        online.go_on(self, self._read(X, lengths, id, time), begins)
        return self

    # -- what `LatentEstimator` asks for -----------------------------------------------------

    def _keep(self, fit: Fit[Any], model: HiddenMarkovModel, source: GroupedSource) -> None:
        """What follows from a fit, its data at hand."""
        for name in ("_online", "n_steps_seen_", "n_sequences_seen_"):  # of a stream before
            vars(self).pop(name, None)
        self._restore(fit, latent_entropy(model, fit))
        self._data, self._of_data = source, model

    def remember(
        self,
        X: Any,
        lengths: Any = None,
        sample_weight: Any = None,
        *,
        id: str | None = None,
        time: str | None = None,
        states: Any = None,
        allowed: Any = None,
    ) -> Self:
        """Put the data of the fit at hand again, for `standard_errors`, after loading."""
        check_is_fitted(self, "fit_")
        ragged, model = self._read(X, lengths, id, time), self._fitted().model
        source = self._source(ragged, sample_weight, model)
        self._of_data, self._data = told(model, source, ragged, states, allowed)
        self._errors = None
        return self

    def smallest_variance(self) -> float:
        """1: what it says of Gaussian components has no meaning here."""
        return 1.0


def require_state(state: Any, n_states: int) -> None:
    """Refuse what is no number of a state."""
    if not (isinstance(state, Integral) and 0 <= int(state) < n_states):
        raise ValueError(
            f"got currstate={state!r}, expected a state, a whole number from 0 to {n_states - 1}"
        )


def collapsed(why: str) -> str:
    """Of a fit in which every start collapsed: the engine's reason."""
    return (
        "Fitting the hidden Markov model failed because some state collapsed onto too few "
        f"different steps; use fewer states, a prior, or another random_state. {why}"
    )
