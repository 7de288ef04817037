"""`MultinomialHMM`: a hidden Markov model of counts over categories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentia.data.sequences import Ragged
from latentia.engine import EM
from latentia.families import registry
from latentia.families.counts import is_count
from latentia.families.family import Family
from latentia.families.multinomial import MultinomialParams

from .arguments import SHARED, Filled, as_given, fill
from .dropin import HmmlearnEstimator

Array = NDArray[np.float64]


@final
class MultinomialHMM(HmmlearnEstimator):
    """Counts over categories along a Markov chain: a drop-in for ``hmmlearn.hmm.MultinomialHMM``.

    At each step so many trials fall into d categories, whose probabilities are those of the state.

    Parameters
    ----------
    n_components : int, default=1
        Number of states K.
    n_trials : int or array of int of shape (n,), optional
        Trials of each step, which its counts have to add up to; by default any, and after a fit it
        tells how many they were.
    startprob_prior, transmat_prior : float or array, default=1.0
        Parameters of Dirichlet priors, at least 1; 1 is no prior.
    algorithm, random_state, n_iter, tol, verbose, implementation, em
        As in `PoissonHMM`.
    params, init_params : str, default="ste"
        As in `PoissonHMM`, with e(missions).

    Attributes
    ----------
    startprob_ : array of shape (K,)
    transmat_ : array of shape (K, K)
    emissionprob_ : array of shape (K, d)
        Probabilities of the categories.
    monitor_ : Monitor
    n_features : int
        The number of categories.
    converged_, n_iter_, loglik_, n_parameters_, certificate_, fit_
        As in `HiddenMarkov`.

    Raises
    ------
    ValueError
        From `fit`, if counts do not add up to `n_trials`.

    Notes
    -----
    `sample` makes steps of `n_trials` trials, which have to be one number, given or found.

    Examples
    --------
    Five tosses a step, of a coin that is fair for a while and then is not:

    >>> import numpy as np
    >>> from latentia.hmm import MultinomialHMM
    >>> heads = np.array([2, 3, 2, 1, 3, 5, 4, 5, 5, 4, 5, 5])
    >>> model = MultinomialHMM(2, random_state=0).fit(np.column_stack([heads, 5 - heads]))
    >>> states = model.predict(np.column_stack([heads, 5 - heads]))
    >>> (states == states[0]).astype(int)
    array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    """

    _draws = np.int64
    _parameter_constraints = {**SHARED, "n_trials": "no_validation"}  # noqa: RUF012

    n_trials = Filled()

    def __init__(
        self,
        n_components: int = 1,
        n_trials: Any = None,
        startprob_prior: Any = 1.0,
        transmat_prior: Any = 1.0,
        algorithm: str = "viterbi",
        random_state: Any = None,
        n_iter: int | None = None,
        tol: float = 1e-2,
        verbose: bool = False,
        params: str = "ste",
        init_params: str = "ste",
        implementation: str = "log",
        em: EM | None = None,
    ) -> None:
        self.n_components = n_components
        self.n_trials = n_trials
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.algorithm = algorithm
        self.random_state = random_state
        self.n_iter = n_iter
        self.tol = tol
        self.verbose = verbose
        self.params = params
        self.init_params = init_params
        self.implementation = implementation
        self.em = em

    @property
    def _letters(self) -> Mapping[str, tuple[str, str]]:
        return {"e": ("emissionprob_", "probabilities")}

    def _specification(self) -> Any:
        """With the number of trials of drawn steps, where there is one."""
        some = np.unique([] if self.n_trials is None else self.n_trials)
        return f"multinomial(total={int(some[0])})" if len(some) == 1 else "multinomial"

    def _parts_of_attributes(self) -> tuple[registry.Part, ...]:
        d = self._read_attribute("e").shape[1]
        return registry.parts_of(self._specification(), [f"x{j}" for j in range(d)])

    def _read_attribute(self, letter: str) -> Array:
        shape = np.shape(self.emissionprob_)
        if len(shape) != 2:
            raise ValueError(f"got emissionprob_ of shape {shape}, expected states and categories")
        return self._probabilities("emissionprob_", (self.n_components, shape[1]))

    def _require_drawable(self) -> None:
        some = np.unique([] if self.n_trials is None else self.n_trials)
        if len(some) != 1:
            told = "None" if self.n_trials is None else f"{len(some)} different numbers"
            raise ValueError(
                f"got n_trials={told}, expected one number of trials to draw steps of; set n_trials"
            )
        self._parts = self._parts_of_attributes()

    def _set_emissions(self, made: MultinomialParams) -> None:
        self.emissionprob_ = made.probabilities

    def _imagined(self, family: Family[Any, Any]) -> None:
        return None

    def _require_steps(self, ragged: Ragged) -> None:
        """Refuse steps whose counts do not add up to the trials that were named; keep these."""
        x = np.asarray(ragged.x, dtype=np.float64)
        wrong = ~(is_count(x) | np.isnan(x))
        if wrong.any():
            i, j = np.argwhere(wrong)[0]
            raise ValueError(
                f"got {x[i, j]:g} at row {i}, column {j} for Multinomial, expected a whole number "
                "of at least 0"
            )
        total = x.sum(axis=1)
        given = as_given(self, "n_trials")
        if given is None:
            fill(self, "n_trials", total[~np.isnan(total)].astype(np.int64))
            return
        asked = np.asarray(given)
        if asked.ndim and asked.shape != total.shape:
            raise ValueError(
                f"got n_trials of shape {asked.shape} for {len(total)} steps, expected one number, "
                "or one for each step"
            )
        off = ~np.isnan(total) & (total != asked)
        if off.any():
            i = int(np.argmax(off))
            raise ValueError(
                f"got counts that add up to {total[i]:g} at step {i}, expected "
                f"n_trials={np.broadcast_to(asked, total.shape)[i]}"
            )
