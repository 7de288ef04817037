"""`PoissonHMM` and `CategoricalHMM`: hidden Markov models of counts and of symbols."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from latentia.data.sequences import Ragged
from latentia.engine import EM
from latentia.families import Categorical, registry
from latentia.families.categorical import CategoricalParams, CategoricalStats
from latentia.families.family import Family
from latentia.families.poisson import PoissonParams, PoissonStats

from .arguments import SHARED, Filled, as_given, broadcast, fill
from .dropin import HmmlearnEstimator
from .probabilities import counts_of

Array = NDArray[np.float64]


@final
class PoissonHMM(HmmlearnEstimator):
    """Counts whose rates follow a hidden Markov chain: a drop-in for ``hmmlearn.hmm.PoissonHMM``.

    Parameters
    ----------
    n_components : int, default=1
        Number of states K.
    startprob_prior, transmat_prior : float or array, default=1.0
        Parameters of Dirichlet priors, at least 1; 1 is no prior.
    lambdas_prior, lambdas_weight : float or array, default=0.0
        α - 1 and β of gamma priors of the rates: counts and steps imagined beside those seen.
    algorithm : {"viterbi", "map"}, default="viterbi"
        How `predict` decodes.
    random_state : int, RandomState instance or None, default=None
    n_iter : int, optional
        E-steps of each start, at most; by default 1000.
    tol : float, default=1e-2
        The fit stops when the estimated gain that is left falls below this many nats.
    verbose : bool, default=False
        Whether to print the steps of the best start to standard error.
    params, init_params : str, default="stl"
        What a fit changes, and what it makes a start of: s(tart), t(ransitions), l(ambdas). What
        `init_params` leaves out has to be set as an attribute before; zeros there stay.
    implementation : {"log", "scaling", "checkpointing"}, default="log"
        hmmlearn's first two are without a say: probabilities are scaled, and taken to logarithms
        where that loses something. "checkpointing" goes over a sequence of n steps in memory for
        √n of them, in about one and a half times the time; the result is the same to rounding.
    em : EM, optional
        Settings of the climb in place of `n_iter`, `tol` and `verbose`.

    Attributes
    ----------
    startprob_ : array of shape (K,)
    transmat_ : array of shape (K, K)
    lambdas_ : array of shape (K, d)
        Expected counts.
    monitor_ : Monitor
    n_features : int
    converged_, n_iter_, loglik_, n_parameters_, certificate_, fit_
        As in `HiddenMarkov`.

    Notes
    -----
    With a prior on the rates the fit is the posterior mode; hmmlearn 0.3.3 weighs that prior
    against the steps of all states together.

    Examples
    --------
    >>> from latentia import datasets
    >>> from latentia.hmm import PoissonHMM
    >>> earthquakes = datasets.load("earthquakes").values[:, 1:]
    >>> model = PoissonHMM(2, random_state=0, tol=1e-6).fit(earthquakes)
    >>> round(model.score(earthquakes), 3)
    -341.879
    >>> model.lambdas_.round(2)
    array([[15.42],
           [26.02]])
    """

    _draws = np.int64
    _parameter_constraints = {  # noqa: RUF012
        **SHARED,
        "lambdas_prior": "no_validation",
        "lambdas_weight": "no_validation",
    }

    def __init__(
        self,
        n_components: int = 1,
        startprob_prior: Any = 1.0,
        transmat_prior: Any = 1.0,
        lambdas_prior: Any = 0.0,
        lambdas_weight: Any = 0.0,
        algorithm: str = "viterbi",
        random_state: Any = None,
        n_iter: int | None = None,
        tol: float = 1e-2,
        verbose: bool = False,
        params: str = "stl",
        init_params: str = "stl",
        implementation: str = "log",
        em: EM | None = None,
    ) -> None:
        self.n_components = n_components
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.lambdas_prior = lambdas_prior
        self.lambdas_weight = lambdas_weight
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
        return {"l": ("lambdas_", "rates")}

    def _specification(self) -> Any:
        return "poisson"

    def _parts_of_attributes(self) -> tuple[registry.Part, ...]:
        d = self._read_attribute("l").shape[1]
        return registry.parts_of("poisson", [f"x{j}" for j in range(d)])

    def _read_attribute(self, letter: str) -> Array:
        rates = np.atleast_2d(np.asarray(self.lambdas_, dtype=np.float64))
        if len(rates) != self.n_components or not (rates >= 0).all():
            raise ValueError(
                f"got lambdas_ of shape {rates.shape}, expected ({self.n_components}, columns) of "
                "numbers of at least 0"
            )
        return rates

    def _set_emissions(self, made: PoissonParams) -> None:
        self.lambdas_ = made.rates

    def _imagined(self, family: Family[Any, Any]) -> PoissonStats | None:
        shape = (family.n_components, self._parts_width())
        total = broadcast("lambdas_prior", self.lambdas_prior, shape)
        count = broadcast("lambdas_weight", self.lambdas_weight, shape)
        if not ((total >= 0).all() and (count >= 0).all()):
            raise ValueError(
                f"got lambdas_prior={self.lambdas_prior!r} and "
                f"lambdas_weight={self.lambdas_weight!r}, expected numbers of at least 0"
            )
        if not (total.any() or count.any()):
            return None
        return PoissonStats(np.array(count), np.array(total), np.zeros(shape))

    def _parts_width(self) -> int:
        return sum(len(part.columns) for part in self._parts)


@final
class CategoricalHMM(HmmlearnEstimator):
    """Symbols of a hidden Markov chain: a drop-in for ``hmmlearn.hmm.CategoricalHMM``.

    Parameters
    ----------
    n_components : int, default=1
        Number of states K.
    startprob_prior, transmat_prior, emissionprob_prior : float or array, default=1.0
        Parameters of Dirichlet priors, at least 1; 1 is no prior.
    n_features : int, optional
        Number of symbols L, coded 0, 1, ..., L - 1; by default as many as the data need, which it
        tells after a fit.
    algorithm, random_state, n_iter, tol, verbose, implementation, em
        As in `PoissonHMM`.
    params, init_params : str, default="ste"
        As in `PoissonHMM`, with e(missions).

    Attributes
    ----------
    startprob_ : array of shape (K,)
    transmat_ : array of shape (K, K)
    emissionprob_ : array of shape (K, L)
        Probabilities of the symbols.
    monitor_ : Monitor
    converged_, n_iter_, loglik_, n_parameters_, certificate_, fit_
        As in `HiddenMarkov`.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.hmm import CategoricalHMM
    >>> model = CategoricalHMM(2, init_params="")
    >>> model.startprob_ = np.array([0.6, 0.4])  # it rains, or the sun shines
    >>> model.transmat_ = np.array([[0.7, 0.3], [0.4, 0.6]])
    >>> model.emissionprob_ = np.array([[0.1, 0.4, 0.5], [0.6, 0.3, 0.1]])  # walk, shop, clean
    >>> height, states = model.decode(np.array([[0], [1], [2]]))
    >>> round(float(np.exp(height)), 5), states
    (0.01344, array([1, 0, 0]))
    """

    _draws = np.int64
    _parameter_constraints = {  # noqa: RUF012
        **SHARED,
        "emissionprob_prior": "no_validation",
        "n_features": [Interval(Integral, 1, None, closed="left"), None],
    }

    n_features = Filled()  # type: ignore[assignment]

    def __init__(
        self,
        n_components: int = 1,
        startprob_prior: Any = 1.0,
        transmat_prior: Any = 1.0,
        *,
        emissionprob_prior: Any = 1.0,
        n_features: int | None = None,
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
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.emissionprob_prior = emissionprob_prior
        self.n_features = n_features
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
        levels = as_given(self, "n_features")
        if levels is None and self._begins_as_set("e"):
            levels = self._read_attribute("e").shape[2]
        return "categorical" if levels is None else f"categorical(n_levels=[{levels}])"

    def _parts_of_attributes(self) -> tuple[registry.Part, ...]:
        levels = self._read_attribute("e").shape[2]
        return registry.parts_of(f"categorical(n_levels=[{levels}])", ["x0"])

    def _read_attribute(self, letter: str) -> Array:
        shape = np.shape(self.emissionprob_)
        if len(shape) != 2:
            raise ValueError(f"got emissionprob_ of shape {shape}, expected states and symbols")
        rows = self._probabilities("emissionprob_", (self.n_components, shape[1]))
        return rows[:, None, :]

    def _set_emissions(self, made: CategoricalParams) -> None:
        self.emissionprob_ = made.probabilities[:, 0]
        fill(self, "n_features", self.emissionprob_.shape[1])

    def _require_steps(self, ragged: Ragged) -> None:
        """Refuse steps of several columns."""
        d = ragged.x.shape[1]
        if d != 1:
            raise ValueError(
                f"got {d} columns, expected one, of symbols; give sequences one behind the other "
                "with lengths, and several columns to HiddenMarkov('categorical', n_states)"
            )

    def _imagined(self, family: Family[Any, Any]) -> CategoricalStats | None:
        assert isinstance(family, Categorical), "the specification names it"
        shape = (family.n_components, 1, int(family.n_levels[0]))
        prior = np.asarray(self.emissionprob_prior, dtype=np.float64)
        wide = prior[..., None, :] if prior.ndim else prior
        counts = counts_of("emissionprob_prior", wide, shape)
        return None if counts is None else CategoricalStats(counts)
