"""What a hidden Markov model with parameters is used for, beyond decoding: outlooks and checks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from latentia.data.groups import GroupedRows
from latentia.data.sequences import Ragged
from latentia.estimator import feature_names
from latentia.families.columns import column_means

from . import filtering, reading
from .best_paths import BestPaths, best_paths
from .dwelling import DwellTimes, Runs, runs
from .model import HiddenMarkovModel, HiddenMarkovParams
from .outlook import StepDistributions
from .residuals import KINDS, PseudoResiduals

Array = NDArray[np.float64]

GIVEN = ("all", "so-far", "before", "others")
"""Which steps the probabilities of a step's state may be given."""


class Fitted(NamedTuple):
    """A model and its parameters."""

    model: HiddenMarkovModel
    params: HiddenMarkovParams


class ChainUses(ABC):
    """Probabilities of states, paths, forecasts and residuals of sequences.

    Sequences are given as everywhere: an array, with `lengths` where it holds several; a list of
    arrays; a ragged column; or a data frame whose columns `id` and `time` say which step is whose.
    """

    n_features_in_: int
    transmat_: Any
    random_state: Any

    @abstractmethod
    def _fitted(self) -> Fitted:
        """The model and the parameters, from the public attributes, which a user may have set."""

    @abstractmethod
    def _read(self, X: Any, lengths: Any = None, id: Any = None, time: Any = None) -> Ragged:
        """The sequences in X."""

    @abstractmethod
    def _require_possible(self, ragged: Ragged, model: HiddenMarkovModel) -> None:
        """Refuse what no state could make, naming the first cell."""

    @abstractmethod
    def score_samples(
        self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None
    ) -> tuple[float, Array]:
        """The log-likelihood of all sequences, and P(state | its sequence) of each step, (n, K)."""

    @abstractmethod
    def predict(
        self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None
    ) -> NDArray[np.int64]:
        """The state of each step, shape (n,)."""

    def predict_proba(
        self,
        X: Any,
        lengths: Any = None,
        *,
        given: str = "all",
        id: Any = None,
        time: Any = None,
    ) -> Array:
        """The probability of each state at each step.

        Parameters
        ----------
        X, lengths, id, time
            Sequences.
        given : {"all", "so-far", "before", "others"}, default="all"
            Given the whole sequence (smoothed), the steps up to this one (filtered), those before
            it (predicted), or all but this one.

        Returns
        -------
        array of shape (n, K)

        Raises
        ------
        ValueError
            If `given` is none of these.

        Examples
        --------
        >>> from latentia import HiddenMarkov
        >>> counts = [0, 1, 0, 0, 7, 5, 9, 6, 8, 0, 1, 0, 0]
        >>> model = HiddenMarkov("poisson", 2, random_state=0).fit(counts)
        >>> model.predict_proba(counts, given="before")[5].round(2)
        array([0.2, 0.8])
        """
        if given not in GIVEN:
            raise ValueError(f"got given={given!r}, expected one of {', '.join(GIVEN)}")
        if given == "all":
            return self.score_samples(X, lengths, id=id, time=time)[1]
        ragged = self._read(X, lengths, id, time)
        made, _ = self._passes(ragged)
        if given == "others":
            return ragged.as_given(filtering.given_others(made))
        logs = made.filtered if given == "so-far" else made.predicted
        return ragged.as_given(filtering.normalised(logs))

    def _passes(self, ragged: Ragged) -> tuple[filtering.Passes, Fitted]:
        model, params = self._fitted()
        return filtering.passes(*self._chain_of(ragged, model, params)), Fitted(model, params)

    def _chain_of(
        self, ragged: Ragged, model: HiddenMarkovModel, params: HiddenMarkovParams
    ) -> tuple[Array, Array, Array, NDArray[np.intp]]:
        self._require_possible(ragged, model)
        rows = GroupedRows(ragged.x, np.ones(len(ragged.sizes)), ragged.sizes)
        return model.log_density(params, rows), *model.law(params), ragged.sizes

    def _distributions(self, fitted: Fitted, states: Array) -> StepDistributions:
        family: Any = fitted.model.family
        names = feature_names(self, self.n_features_in_)
        inner = getattr(family, "inner", family)
        return StepDistributions(inner, fitted.params.emissions, states, names)

    # -- paths -------------------------------------------------------------------------------

    def best_paths(
        self, X: Any, lengths: Any = None, n_paths: int = 5, *, id: Any = None, time: Any = None
    ) -> BestPaths:
        """The likeliest paths of states of each sequence, the first of which is `decode`'s.

        Parameters
        ----------
        X, lengths, id, time
            Sequences.
        n_paths : int, default=5

        Returns
        -------
        BestPaths
            ``log_probability`` (m, n_paths) of paths and sequences together, and ``states``
            (n_paths, n); where a sequence has fewer paths that are possible, -inf and -1.

        Raises
        ------
        ValueError
            If fewer than one path is asked for.

        References
        ----------
        Seshadri & Sundberg (1994), List Viterbi decoding algorithms with applications, IEEE
        Transactions on Communications 42, 313-323.

        Examples
        --------
        >>> from latentia import HiddenMarkov
        >>> counts = [0, 1, 0, 2, 7, 5, 3, 6, 8, 0, 1, 0, 0]
        >>> model = HiddenMarkov("poisson", 2, random_state=0).fit(counts)
        >>> model.best_paths(counts, n_paths=2).states
        array([[0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0],
               [0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0]])
        """
        reading.require_count("n_paths", n_paths)
        ragged = self._read(X, lengths, id, time)
        found = best_paths(*self._chain_of(ragged, *self._fitted()), int(n_paths))
        return found._replace(states=ragged.as_given(found.states.T).T)

    def sample_paths(
        self,
        X: Any,
        lengths: Any = None,
        n_paths: int = 100,
        random_state: Any = None,
        *,
        id: Any = None,
        time: Any = None,
    ) -> NDArray[np.int64]:
        """Draw whole paths of states from their distribution given the sequences.

        What holds of a path as a whole (how often it changes, when it first enters a state) has
        the distribution that it has in these.

        Parameters
        ----------
        X, lengths, id, time
            Sequences.
        n_paths : int, default=100
        random_state : int, RandomState instance or None
            By default that of the estimator.

        Returns
        -------
        array of shape (n_paths, n)

        Raises
        ------
        ValueError
            If fewer than one path is asked for, or a sequence could not be made by any path.

        References
        ----------
        Chib (1996), Calculating posterior distributions and modal estimates in Markov mixture
        models, Journal of Econometrics 75, 79-97.
        """
        reading.require_count("n_paths", n_paths)
        ragged = self._read(X, lengths, id, time)
        made, (model, params) = self._passes(ragged)
        filtering.require_likely(made.loglik)
        seed = check_random_state(self.random_state if random_state is None else random_state)
        rng = np.random.default_rng(seed.randint(2**31, size=4))
        _, transitions = model.law(params)
        paths = filtering.drawn(made, transitions, ragged.sizes, int(n_paths), rng)
        return ragged.as_given(paths.T).T

    # -- outlooks ----------------------------------------------------------------------------

    def forecast(
        self, X: Any, lengths: Any = None, steps: int = 1, *, id: Any = None, time: Any = None
    ) -> StepDistributions:
        """The distributions of the steps after the last one of each sequence.

        Parameters
        ----------
        X, lengths, id, time
            Sequences.
        steps : int, default=1
            How many steps ahead.

        Returns
        -------
        StepDistributions
            Of m times `steps` rows, sequence after sequence: ``states`` (P(state) of each), and
            ``mean()``, ``quantile(p)``, ``density(x)``, ``cdf(x)``.

        Raises
        ------
        ValueError
            If fewer than one step is asked for, or a sequence could not be made by any path.

        References
        ----------
        Zucchini, MacDonald & Langrock (2016), Hidden Markov Models for Time Series, 2nd ed.,
        eq. 5.5.
        """
        reading.require_count("steps", steps)
        ragged = self._read(X, lengths, id, time)
        made, fitted = self._passes(ragged)
        _, transitions = fitted.model.law(fitted.params)
        ahead = filtering.onward(made, transitions, ragged.sizes, int(steps))
        return self._distributions(fitted, ahead)

    def step_distributions(
        self,
        X: Any,
        lengths: Any = None,
        *,
        given: str = "others",
        id: Any = None,
        time: Any = None,
    ) -> StepDistributions:
        """The distribution of each step given all other steps of its sequence, or those before.

        Parameters
        ----------
        X, lengths, id, time
            Sequences.
        given : {"others", "before"}, default="others"

        Returns
        -------
        StepDistributions
            Of n rows.

        Raises
        ------
        ValueError
            If `given` is neither.

        References
        ----------
        Zucchini, MacDonald & Langrock (2016), eq. 5.2.
        """
        if given not in ("others", "before"):
            raise ValueError(f"got given={given!r}, expected 'others' or 'before'")
        states = self.predict_proba(X, lengths, given=given, id=id, time=time)
        return self._distributions(self._fitted(), states)

    def pseudo_residuals(
        self,
        X: Any,
        lengths: Any = None,
        *,
        kind: str = "ordinary",
        id: Any = None,
        time: Any = None,
    ) -> PseudoResiduals:
        """Where each cell lies in the distribution that the model gives it from other steps.

        Parameters
        ----------
        X, lengths, id, time
            Sequences.
        kind : {"ordinary", "forecast"}, default="ordinary"
            Given all other steps, or given those before.

        Returns
        -------
        PseudoResiduals
            Uniform segments (n, d), and what follows: ``middle``, ``segments``, ``randomised()``.
            Under the true model these are standard normal; `plot.residuals` shows whether.

        Raises
        ------
        ValueError
            If there is no such kind.
        TypeError
            If the family has no distribution function of single columns.

        Examples
        --------
        >>> import numpy as np
        >>> from latentia import HiddenMarkov, datasets
        >>> counts = datasets.load("earthquakes").values[:, 1]
        >>> model = HiddenMarkov("poisson", 3, random_state=0).fit(counts)
        >>> float(np.abs(model.pseudo_residuals(counts).middle).max().round(1))
        2.7
        """
        if kind not in KINDS:
            raise ValueError(f"got kind={kind!r}, expected one of {', '.join(KINDS)}")
        given = "others" if kind == "ordinary" else "before"
        ragged = self._read(X, lengths, id, time)
        law = self.step_distributions(X, lengths, given=given, id=id, time=time)
        ends = law.within(ragged.as_given(np.asarray(ragged.x, dtype=np.float64)))
        return PseudoResiduals(*ends, kind)

    def dwell_times(self) -> DwellTimes:
        """How many steps in a row the chain stays in each state.

        Examples
        --------
        >>> from latentia import HiddenMarkov, datasets
        >>> counts = datasets.load("earthquakes").values[:, 1]
        >>> HiddenMarkov("poisson", 1).fit(counts).dwell_times().mean
        array([inf])
        """
        model, params = self._fitted()
        return DwellTimes(np.diag(model.law(params)[1]).copy())

    def runs(self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None) -> Runs:
        """Stretches of steps in one state, as `predict` decodes the sequences.

        Returns
        -------
        Runs
            ``states`` and ``lengths`` of each, and whether it is ``whole``, or may go on unseen
            beyond its sequence.
        """
        ragged = self._read(X, lengths, id, time)
        return runs(self.predict(ragged.x, ragged.sizes), ragged.sizes)

    def state_means(self) -> Array:
        """What each state makes on average, shape (K, d); nan of codes, and where none is.

        Raises
        ------
        TypeError
            If the family does not define its means.
        """
        model, params = self._fitted()
        family: Any = model.family
        return column_means(getattr(family, "inner", family), params.emissions)
