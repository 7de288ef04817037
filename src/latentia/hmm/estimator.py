"""`HiddenMarkov`: a hidden Markov model of any family, fitted by the engine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, cast, final

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM, Fit, tree
from latentia.engine.space import Simplex
from latentia.estimator import altered, feature_names
from latentia.families import making, registry
from latentia.mixture.given import First

from . import cautions, reading, record
from .base import ChainEstimator, Fitted, collapsed
from .brief import STEPS, shared_out
from .chains import FreeStart, MarkovChain, StationaryStart
from .model import HiddenMarkovModel, HiddenMarkovParams
from .rearrange import rounds
from .shared import Shared, groups_of, held_in, require_possible_values
from .start import METHODS, StateGuesses, starts_for
from .structures import structure
from .told import Told, told

if TYPE_CHECKING:
    from latentia.persistence import Record


@final
class HiddenMarkov(ChainEstimator):
    """A hidden Markov model of any family: states follow a Markov chain, each makes its own data.

    Parameters
    ----------
    family : str, class, callable or dict
        What states make: a name such as ``"poisson"``, or whatever else `Mixture` takes.
    n_states : int, default=1
        Number of states K.
    start : {"free", "stationary"}, default="free"
        Whether the first state has probabilities of its own, or those of the distribution that the
        transitions leave as it is.
    transitions : str, array of shape (K, K), or Constraint, optional
        Which transitions there can be, by default all: ``"left-right"`` those to the same and
        later states, ``"bakis"`` to two states ahead at most, ``"cyclic"`` those to the same and
        the next state, the first being next to the last; or an array that is True where one is
        possible (`latentia.hmm.structures` makes some). An array of numbers has the probabilities
        that are known, and nan where they are to be found. A Constraint of
        `latentia.engine.space` ties rows.
    tol : float, default=1e-3
        The fit stops when the estimated gain that is left falls below this many nats of the
        total log-likelihood.
    max_iter : int, default=1000
        E-steps of each start, at most; the one that evaluates the start is not counted.
    n_init : int, optional
        Starts; the best is kept. By default many guesses where they cost little
        (`start.starts_for`), of which a race lets only the best go on; where states have no
        parameters in common, these climb together first (`brief`).
    init_params : {"kmeans", "random", "random_from_data"}, default="kmeans"
        How the first start guesses the states of steps; further ones guess at random.
    random_state : int, RandomState instance or None, default=None
        Seed of starts and of `sample`.
    verbose : int, default=0
        1 prints steps, 2 also what they gained.
    em : EM, optional
        Settings of the climb. An argument above that differs from its default wins.
    shared : sequence of int of shape (K,), optional
        Groups of states that make the same: the number of each one's group, from 0. `params_` then
        has an entry for each group.
    held : dict of str to array, optional
        Parameters of the family that are known and stay, by their names in `params_`; they are not
        counted.
    checkpointing : bool, default=False
        Whether an E-step goes over a long sequence of n steps in memory for √n of them, in about
        one and a half times the time. The result is the same to rounding.

    Attributes
    ----------
    startprob_ : array of shape (K,)
        Probabilities of the first state.
    transmat_ : array of shape (K, K)
        ``transmat_[i, j]`` is the probability of state j after state i.
    params_ : NamedTuple of arrays
        The family's parameters, states along the first axis; of a dict a tuple of these.
    family_ : Family
        The family of K states.
    converged_, n_iter_, lower_bound_, lower_bounds_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`; bounds are means per step.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        Only where X has column names.

    References
    ----------
    Rabiner (1989), A tutorial on hidden Markov models, Proceedings of the IEEE 77, 257-286.

    Examples
    --------
    Wet and dry spells of ten days, drawn:

    >>> import numpy as np
    >>> from latentia import HiddenMarkov
    >>> wet = [0, 0, 1, 0, 0, 0, 7, 5, 9, 6, 8, 4, 0, 1, 0, 0, 0, 0, 6, 7, 9, 5]
    >>> model = HiddenMarkov("poisson", 2, random_state=0).fit(wet)
    >>> model.predict(wet)
    array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
    >>> model.params_.rates.round(1).ravel()
    array([0.2, 6.6])
    """

    _parameter_constraints = {  # noqa: RUF012
        "family": "no_validation",
        "n_states": [Interval(Integral, 1, None, closed="left")],
        "start": [StrOptions({"free", "stationary"})],
        "transitions": "no_validation",
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left"), None],
        "init_params": [StrOptions(set(METHODS))],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "em": [HasMethods(["fit", "get_params"]), None],
        "shared": "no_validation",
        "held": [dict, None],
        "checkpointing": ["boolean"],
    }

    def __init__(
        self,
        family: Any,
        n_states: int = 1,
        *,
        start: str = "free",
        transitions: Any = None,
        tol: float = 1e-3,
        max_iter: int = 1000,
        n_init: int | None = None,
        init_params: str = "kmeans",
        random_state: Any = None,
        verbose: int = 0,
        em: EM | None = None,
        shared: Sequence[int] | None = None,
        held: dict[str, Any] | None = None,
        checkpointing: bool = False,
    ) -> None:
        self.family = family
        self.n_states = n_states
        self.start = start
        self.transitions = transitions
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init  # type: ignore[assignment]
        self.init_params = init_params
        self.random_state = random_state
        self.verbose = verbose
        self.em = em
        self.shared = shared
        self.held = held
        self.checkpointing = checkpointing

    # -- fitting -----------------------------------------------------------------------------

    def fit(
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
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        X : array-like of shape (n, d) or (n,), list of arrays, ragged column or data frame
            The steps of one sequence, or of several. Cells may be nan where the family takes
            missing ones, and whole steps in any case.
        lengths : array-like of int, optional
            Steps of each sequence, where X has several one behind the other.
        sample_weight : array-like of shape (m,), optional
            How often each sequence counts. A whole number is the same as repeating it.
        id, time : str, optional
            Columns of a data frame: whose a step is, and when it was.
        states : array-like of shape (n,), or list of such, optional
            States that are known, by step: from 0 to K - 1, and nan or -1 where nothing is known.
        allowed : array-like of bool of shape (n, K), or list of such, optional
            In place of `states`, which states each step may be from.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If sequences make no sense; if a cell is none that the family could make, which is
            named; if a state collapses.
        """
        self._validate_params()
        ragged = self._read(X, lengths, id, time, reset=True)
        rows = reading.seen(ragged)
        specified = registry.parts_of(self.family, feature_names(self, self.n_features_in_))
        parts = making.learned(specified, rows, RowSource(rows).distinct)
        plain = model = self._model(parts)
        source = self._source(ragged, sample_weight, model)
        em = self._settings(len(ragged.x))
        model, source = told(model, source, ragged, states, allowed)
        if isinstance(model.family, Told):
            em = altered(em, {"rearrange": 0})  # states have their places
        elif self.em is None and self.n_init is None and self.max_iter > sum(STEPS):
            em, model = shared_out(em, model, partial(making.built, parts))
        first = self._first(plain, rows)
        cautions.of_few_steps(ragged, self.n_states)
        why = cautions.reason(ragged, self.n_states, collapsed)
        fit: Fit[Any] = self._climb(em, cast(Any, model), source, first, why)
        self._set_parameters(plain, fit.params, parts)
        self._keep(fit, model, source)
        cautions.of_floors(ragged, self.n_states, self.certificate_)
        self._warn_unless_done(em)
        return self

    def _settings(self, n_steps: int) -> EM:
        """How to climb; where nothing is said of starts, several race."""
        usual = {"tol": 1e-3, "max_iter": 1000, "starts": None}
        em = self._climb_settings(defaults=usual)
        if em.starts is None:
            em.starts = starts_for(n_steps, self.n_states)
            em.race = em.starts > 1
            em.rearrange = max(em.rearrange, rounds(em.starts))
        return em

    def _chain(self) -> MarkovChain:
        constraint, values = structure(self.transitions, self.n_states)
        if self.shared is not None and constraint is None:
            constraint = Simplex()  # states of groups do not change places
        if self.start == "stationary":
            return StationaryStart(self.n_states, constraint, values)
        begun = None if self.shared is None else Simplex()
        return FreeStart(self.n_states, begun, constraint, values)

    def _first(self, model: HiddenMarkovModel, rows: Rows) -> First:
        """What is held, for the start."""
        _, given = held_in(model.family, self.held)
        if given is None:
            return First()
        few = rows.x[:100]
        made = model.family.start(few, np.ones((len(few), self.n_states)))
        require_possible_values(given, made, model.family)
        start: Any = () if self.start == "stationary" else None
        return First(given=cast(Any, HiddenMarkovParams(start, None, given)))

    def _model(self, parts: tuple[registry.Part, ...]) -> HiddenMarkovModel:
        groups = groups_of(self.shared, self.n_states)
        family = making.built(parts, self.n_states if groups is None else int(groups.max()) + 1)
        if groups is not None:
            family = Shared(family, groups)
        family, _ = held_in(family, self.held)
        guesses = StateGuesses(self.n_states, self.init_params, making.codes(parts))
        sparing = self.checkpointing
        return HiddenMarkovModel(family, guesses, self._chain(), checkpointing=sparing)

    def _set_parameters(
        self,
        model: HiddenMarkovModel,
        params: HiddenMarkovParams,
        parts: tuple[registry.Part, ...],
    ) -> None:
        self.startprob_, self.transmat_ = model.law(params)
        self.params_ = params.emissions
        self.family_, self._parts = model.family, parts

    def _set_fitted(self, model: HiddenMarkovModel, params: HiddenMarkovParams) -> None:
        self._set_parameters(model, params, self._parts)

    def _fitted(self) -> Fitted:
        check_is_fitted(self, ["startprob_", "transmat_", "params_"])

        def plain(leaf: Any) -> Any:
            return np.asarray(leaf, dtype=np.float64)

        start: Any = () if self.start == "stationary" else plain(self.startprob_)
        made = tree.transform(plain, self.params_)
        return Fitted(
            self._model(self._parts), HiddenMarkovParams(start, plain(self.transmat_), made)
        )

    def _to_record(self) -> Record:
        return record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> HiddenMarkov:
        return record.restore(cls, written)
