"""What the drop-ins for hmmlearn share: its arguments and attributes over this engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from latentia.data.arrays import RowSource
from latentia.data.sequences import Ragged
from latentia.engine import EM, Fit, tree
from latentia.engine.space import Constraint, Fixed, Simplex
from latentia.estimator import altered, feature_names
from latentia.families import making, registry
from latentia.families.family import Family
from latentia.mixture.given import First

from . import arguments, cautions, dropin_record, probabilities, reading
from .arguments import CHAIN
from .base import ChainEstimator, Fitted, collapsed
from .brief import STEPS, shared_out
from .chains import FreeStart, allowed
from .held import Held
from .model import HiddenMarkovModel, HiddenMarkovParams, HiddenMarkovStats
from .monitor import Monitor, Reporter, tell
from .rearrange import rounds
from .start import StateGuesses, starts_for
from .told import Told, told

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]

MAX_ITER = 1000
"""E-steps of a climb where `n_iter` is not given."""


class Setup(NamedTuple):
    """A model as a fit needs it: whole, with what is given of its start."""

    model: HiddenMarkovModel
    first: First


class HmmlearnEstimator(ChainEstimator, ABC):
    """An estimator with the arguments and attributes of one of hmmlearn's (0.3.3).

    A leaf defines its constructor and the abstract methods. Sequences, what `params` and
    `init_params` say, priors and files are the same for all.

    Attributes
    ----------
    monitor_ : Monitor
        The log-likelihoods that the fit went through.
    n_features : int
        The number of columns; of `CategoricalHMM`, whose argument it is, that of symbols.
    """

    startprob_prior: Any
    transmat_prior: Any
    n_iter: int | None
    params: str
    init_params: str
    implementation: str
    _parts: tuple[registry.Part, ...]

    @property
    @abstractmethod
    def _letters(self) -> Mapping[str, tuple[str, str]]:
        """Letters of `params`: the attribute of each, and the family's field."""

    @abstractmethod
    def _specification(self) -> Any:
        """What the states make, as `Mixture` takes it."""

    @abstractmethod
    def _parts_of_attributes(self) -> tuple[registry.Part, ...]:
        """The family's parts where nothing was fitted, from attributes that a user has set."""

    @abstractmethod
    def _read_attribute(self, letter: str) -> Array:
        """A field of the family's parameters from the attribute of a letter."""

    @abstractmethod
    def _set_emissions(self, made: Any) -> None:
        """Set the attributes from the family's parameters."""

    @abstractmethod
    def _imagined(self, family: Family[Any, Any]) -> Any:
        """Statistics that stand for the prior of the emissions; None without one."""

    def _of_covariances(self, family: Family[Any, Any]) -> Array | None:
        """Steps that the prior imagines for covariances beyond those for means, of each density."""
        return None

    def _require_steps(self, ragged: Ragged) -> None:
        """Refuse steps that arguments rule out; none where there is no such argument."""

    @property
    def _least_variance(self) -> float:
        """What starts add to variances."""
        return float(getattr(self, "min_covar", 0.0))

    @property
    def monitor_(self) -> Any:
        """The log-likelihoods that the fit went through; one may be set to be told them."""
        kept = vars(self)
        if "_own_monitor" in kept or "_monitor" in kept:
            return kept.get("_own_monitor", kept.get("_monitor"))
        return Monitor(max(self.tol, 0.0), self._most_steps, bool(self.verbose))

    @monitor_.setter
    def monitor_(self, monitor: Any) -> None:
        vars(self)["_own_monitor"] = monitor

    @property
    def _most_steps(self) -> int:
        return MAX_ITER if self.n_iter is None else self.n_iter

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments, as they were given."""
        return arguments.given(self, BaseEstimator.get_params(self, deep))

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
        """Estimate the parameters.

        Parameters
        ----------
        X : array-like of shape (n, d), list of arrays, ragged column or data frame
            The steps of one sequence, or of several. nan is missing.
        lengths : array-like of int, optional
            Steps of each sequence, where X has several one behind the other.
        sample_weight : array-like of shape (m,), optional
            How often each sequence counts.
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
            If sequences or arguments make no sense, which is named; if a state collapses.
        """
        ragged = self._learned(X, lengths, id, time)
        model, first = self._setup(None if self._most_steps else ragged.x)
        source = self._source(ragged, sample_weight, model)
        em = self._settings(len(ragged.x), whole=first.start is not None)
        model, source = told(model, source, ragged, states, allowed)
        if isinstance(model.family, Told):
            em = altered(em, {"rearrange": 0})  # states have their places
        elif self.em is None and first == First() and self._most_steps > sum(STEPS):
            em, model = shared_out(em, model, partial(making.built, self._parts))
        cautions.of_few_steps(ragged, self.n_components)
        why = cautions.reason(ragged, self.n_components, collapsed)
        fit: Fit[Any] = self._climb(em, cast(Any, model), source, first, why)
        params: HiddenMarkovParams = fit.params
        self._set_fitted(model, params)
        self._keep(fit, model, source)
        arguments.tell_few(ragged.x, self._n_free())
        own = vars(self).get("_own_monitor")
        if own is None:
            quiet = self.em is not None or bool(em.callbacks)  # or it was printed step by step
            vars(self)["_monitor"] = Monitor.of(
                em.tol, em.max_iter, bool(self.verbose), fit, quiet=quiet
            )
        else:
            tell(own, fit)
        self._warn_unless_done(em)
        return self

    def _learned(self, X: Any, lengths: Any, id: str | None, time: str | None) -> Ragged:
        """The sequences in X, once arguments are checked and the family's parts known."""
        self._validate_params()
        arguments.require_letters(self, set(self._attributes))
        if not hasattr(self, "fit_"):
            arguments.tell_overwritten(self, self._attributes)
        ragged = self._read(X, lengths, id, time, reset=True)
        self._know_width(ragged.x.shape[1])
        self._require_steps(ragged)
        rows = reading.seen(ragged)
        specified = registry.parts_of(
            self._specification(), feature_names(self, self.n_features_in_)
        )
        self._parts = making.learned(specified, rows, RowSource(rows).distinct)
        return ragged

    @final
    def _init(self, X: Any, lengths: Any = None) -> None:
        """Set the attributes to where a fit would begin, as hmmlearn's method of this name.

        What `init_params` leaves out stays if it is set.
        """
        several = None if lengths is None else np.atleast_1d(lengths)
        ragged = self._learned(X, several, None, None)
        model, (begin, given, _) = self._setup(ragged.x)
        rng = self._generator()
        if begin is None:
            sample = self._source(ragged, None, model).sample(rng)
            begin = model.start(sample, rng, cast(Any, given))
        self._set_fitted(model, cast(Any, begin))
        arguments.tell_few(ragged.x, self._n_free())

    @final
    def _check(self) -> None:
        """Raise ValueError where arguments or attributes make no sense, as hmmlearn's method."""
        self._validate_params()
        arguments.require_letters(self, set(self._attributes))
        self._fitted()

    def _settings(self, n_steps: int, whole: bool) -> EM:
        """How to climb; where nothing is said of starts, several race."""
        if self.em is not None:
            return cast(EM, self.em)
        many = self.n_components * getattr(self, "n_mix", 1)
        settled = whole or not self._most_steps
        starts = 1 if settled else starts_for(n_steps, self.n_components, many)
        live = self.verbose and starts == 1 and "_own_monitor" not in vars(self)
        told = (Reporter(),) if live else ()
        return EM(
            tol=max(self.tol, 0.0),
            max_iter=self._most_steps,
            starts=starts,
            race=starts > 1,
            rearrange=rounds(starts),
            callbacks=told,
        )

    @property
    def _attributes(self) -> dict[str, str]:
        """The attributes that letters of `params` stand for."""
        return {**CHAIN, **{letter: name for letter, (name, _) in self._letters.items()}}

    def _begins_as_set(self, letter: str) -> bool:
        """Whether the attribute of a letter is where the fit begins: if it is set, and not made."""
        return letter not in self.init_params and hasattr(self, self._attributes[letter])

    def _plain(self, x: Any) -> dict[str, Array]:
        """What hmmlearn begins with whatever the states, by field: a fit that is to end there."""
        return {}

    def _setup(self, x: Any = None) -> Setup:
        """The model under `params` and its priors, and what `init_params` leaves as it is.

        Rows `x` are given where a fit is to begin as hmmlearn's.
        """
        given: dict[str, Any] = {}
        if self._begins_as_set("s"):
            given["start"] = self._probabilities("startprob_", (self.n_components,))
        if self._begins_as_set("t"):
            shape = (self.n_components, self.n_components)
            given["transitions"] = self._probabilities("transmat_", shape)
        made = {
            field: self._read_attribute(letter)
            for letter, (_, field) in self._letters.items()
            if self._begins_as_set(letter)
        }
        if x is not None:
            made = {**self._plain(x), **made}
        chain = FreeStart(
            self.n_components,
            self._of_chain("s", given.get("start")),
            self._of_chain("t", given.get("transitions")),
        )
        held = [field for letter, (_, field) in self._letters.items() if letter not in self.params]
        model = self._model(chain, held)
        kind: Any = type(model.family.space)
        emissions = kind(**{name: made.get(name) for name in kind._fields})
        start = HiddenMarkovParams(given.get("start"), given.get("transitions"), emissions)
        missing = [leaf is None for leaf in tree.leaves(start)]
        if not any(missing):
            return Setup(model, First(start=cast(Any, start)))
        return Setup(model, First() if all(missing) else First(given=cast(Any, start)))

    def _of_chain(self, letter: str, value: Array | None) -> Constraint | None:
        """The constraint of the start or the transitions; zeros that are given stay zeros."""
        if letter not in self.params:
            return Fixed()
        if value is None or (value > 0).all():
            return None
        return Simplex(value > 0)

    def _model(self, chain: FreeStart | None = None, held: Any = ()) -> HiddenMarkovModel:
        family = making.built(self._parts, self.n_components)
        imagined = self._imagined(family)
        beyond = self._of_covariances(family)
        if held or self._least_variance or beyond is not None:
            family = Held(family, held, self._least_variance, beyond)
        codes = making.codes(self._parts)
        method = "random" if codes else "kmeans"  # states cut by symbol may be a fixed point
        guesses = StateGuesses(self.n_components, method, codes)
        chain = FreeStart(self.n_components) if chain is None else chain
        prior, sparing = (
            self._prior(family, imagined, chain),
            self.implementation == "checkpointing",
        )
        return HiddenMarkovModel(family, guesses, chain, prior, sparing)

    @np.errstate(divide="ignore")  # of statistics of no steps
    def _prior(
        self, family: Family[Any, Any], imagined: Any, chain: FreeStart
    ) -> HiddenMarkovStats | None:
        k = self.n_components
        start = probabilities.imagined("startprob_prior", self.startprob_prior, (k,))
        start = np.where(allowed(chain.start, (k,)), start, 0.0)
        moves = probabilities.imagined("transmat_prior", self.transmat_prior, (k, k))
        moves = np.where(allowed(chain.transitions, (k, k)), moves, 0.0)
        if imagined is None and not start.any() and not moves.any():
            return None
        if imagined is None:
            d = sum(len(part.columns) for part in self._parts)
            whole: Any = getattr(family, "inner", family)
            start_at = whole.start(np.zeros((1, d)), np.ones((1, k)))
            imagined = whole.stats(start_at, np.empty((0, d)), np.empty((0, k)))
        return HiddenMarkovStats(start, moves, imagined)

    def _probabilities(self, name: str, shape: tuple[int, ...]) -> Array:
        """Start or transition probabilities that a user has set."""
        return probabilities.checked(name, getattr(self, name), shape)

    def _know_width(self, d: int) -> None:
        """Keep the number of columns, under hmmlearn's name too where that is no argument."""
        vars(self)["n_features_in_"] = d
        if "n_features" not in self._get_param_names():
            vars(self)["n_features"] = d

    def _set_fitted(self, model: HiddenMarkovModel, params: HiddenMarkovParams) -> None:
        self.startprob_, self.transmat_ = params.start, params.transitions
        self._set_emissions(params.emissions)

    # -- parameters --------------------------------------------------------------------------

    def _fitted(self) -> Fitted:
        for attribute in self._attributes.values():
            if not hasattr(self, attribute):
                raise NotFittedError(
                    f"this {type(self).__name__} has no {attribute}; fit it, or set the attribute"
                )
        if not hasattr(self, "_parts"):
            self._parts = self._parts_of_attributes()
            self._know_width(sum(len(part.columns) for part in self._parts))
        k = self.n_components
        start = self._probabilities("startprob_", (k,))
        transitions = self._probabilities("transmat_", (k, k))
        chain = FreeStart(
            k,
            self._of_chain("s", None if "s" in self.init_params else start),
            self._of_chain("t", None if "t" in self.init_params else transitions),
        )
        held = [field for letter, (_, field) in self._letters.items() if letter not in self.params]
        model = self._model(chain, held)
        kind: Any = type(model.family.space)
        made = {field: self._read_attribute(x) for x, (_, field) in self._letters.items()}
        return Fitted(model, HiddenMarkovParams(start, transitions, kind(**made)))

    # -- files -------------------------------------------------------------------------------

    def _to_record(self) -> Record:
        return dropin_record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> Self:
        return dropin_record.restore(cls, written)
