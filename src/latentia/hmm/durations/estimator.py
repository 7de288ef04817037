"""`HiddenSemiMarkov`: hidden states that last by laws of their own."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Rows
from latentia.data.groups import GroupedRows, GroupedSource
from latentia.data.sequences import Ragged
from latentia.engine import EM, tree
from latentia.estimator import feature_names
from latentia.families import making
from latentia.families.columns import column_means
from latentia.mixture import errors, evidence
from latentia.mixture.given import First
from latentia.mixture.parameters import of_family

from .. import reading, sequential_record
from ..chains import allowed, stationary
from ..outlook import StepDistributions
from ..residuals import PseudoResiduals
from ..sequential import Made, Place, SequenceEstimator
from ..shared import held_in, require_possible_values
from ..start import METHODS, StateGuesses
from ..structures import between
from . import laws, outlook
from .model import SemiMarkovModel, SemiMarkovParams

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]


class SemiMarkovErrors(NamedTuple):
    """Standard errors, shaped like the parameters.

    Attributes
    ----------
    start, transitions : arrays of shapes (K,) and (K, K)
    durations, emissions : NamedTuples of arrays
    note : str
        Why something is missing; empty where all is well.
    """

    start: Any
    transitions: Any
    durations: Any
    emissions: Any
    note: str


@final
class HiddenSemiMarkov(SequenceEstimator):
    """A hidden semi-Markov model: each state lasts by a law of its own, and then gives way.

    In a hidden Markov model a state lasts geometrically: one step more is likeliest after any.
    Here the number of steps has a law d (Ferguson 1980); when it is over, another state follows by
    the transitions, whose diagonal is zero. The last segment of each sequence is cut short by its
    end, and counts by the probability of lasting at least so long (Guédon 2003).

    Parameters
    ----------
    family : str, class, callable or dict
        What states make, as in `HiddenMarkov`.
    n_states : int, default=2
        Number of states K, at least two.
    durations : str, default="negative_binomial"
        The law: "poisson" and "negative_binomial" begin at 1; "gamma", "weibull" and "log_normal"
        are times rounded up to whole steps; "geometric" is the hidden Markov model; "free" has a
        probability for each duration.
    max_duration : int, optional
        Steps that a segment lasts at most: longer ones are impossible. Each pass costs steps times
        states times this, so that it pays in long sequences. By default the longest sequence, of
        which a last segment may go on beyond the end.
    tol : float, default=1e-5
        The fit stops when the estimated gain that is left falls below this many nats of the
        total log-likelihood.
    max_iter : int, default=1000
        E-steps of each start, at most.
    n_init : int, optional
        Starts; the best is kept. By default many where they cost little, of which a race lets
        only the best go on.
    init_params : str, default="kmeans"
        How the first start guesses the states of steps, as in `HiddenMarkov`.
    random_state : int, RandomState instance or None, default=None
    verbose : int, default=0
    em : EM, optional
        Settings of the climb. An argument above that differs from its default wins.
    transitions : "cyclic", array of bool or array of float, shape (K, K), optional
        Which states can follow which: each the next one, and the first the last; True where it is
        possible; or probabilities that are known, and nan where they are to be found. The diagonal
        is False, or 0. By default any other state can follow.
    held : dict of str to array, optional
        Parameters of the family that are known and stay, by their names in `emission_params_`; they
        are not counted.

    Attributes
    ----------
    startprob_ : array of shape (K,)
    transmat_ : array of shape (K, K)
        ``transmat_[i, j]`` is the probability that state j follows when i is over.
    mean_durations_ : array of shape (K,)
        Steps that states last on average.
    duration_params_, emission_params_ : NamedTuple of arrays
    params_ : NamedTuple of arrays
        All of these.
    family_ : Family
    converged_, n_iter_, lower_bound_, lower_bounds_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`; bounds are means per step.
    n_features_in_ : int

    References
    ----------
    Ferguson (1980), Variable duration models for speech. Guédon (2003), Estimating hidden
    semi-Markov chains from discrete sequences, Journal of Computational and Graphical Statistics
    12, 604-639.

    Examples
    --------
    Spells of about four steps each, which no geometric law makes:

    >>> import numpy as np
    >>> from latentia import HiddenSemiMarkov
    >>> spells = [0, 1, 0, 0, 7, 5, 9, 6, 1, 0, 0, 1, 8, 6, 7, 9, 0, 1, 1, 0, 5, 7, 8, 6, 0, 0]
    >>> model = HiddenSemiMarkov("poisson", 2, durations="poisson", random_state=0).fit(spells)
    >>> model.mean_durations_.round(1), model.predict(spells)[:8]
    (array([4., 4.]), array([0, 0, 0, 0, 1, 1, 1, 1]))
    """

    _parameter_constraints = {  # noqa: RUF012
        "family": "no_validation",
        "n_states": [Interval(Integral, 2, None, closed="left")],
        "durations": [StrOptions(set(laws.LAWS))],
        "max_duration": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left"), None],
        "init_params": [StrOptions(set(METHODS))],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "em": [HasMethods(["fit", "get_params"]), None],
        "transitions": "no_validation",
        "held": [dict, None],
    }

    _longest: int

    def __init__(
        self,
        family: Any,
        n_states: int = 2,
        *,
        durations: str = "negative_binomial",
        max_duration: int | None = None,
        tol: float = 1e-5,
        max_iter: int = 1000,
        n_init: int | None = None,
        init_params: str = "kmeans",
        random_state: Any = None,
        verbose: int = 0,
        em: EM | None = None,
        transitions: Any = None,
        held: dict[str, Any] | None = None,
    ) -> None:
        self.family = family
        self.n_states = n_states
        self.durations = durations
        self.max_duration = max_duration
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init  # type: ignore[assignment]
        self.init_params = init_params
        self.random_state = random_state
        self.verbose = verbose
        self.em = em
        self.transitions = transitions
        self.held = held

    # -- fitting -----------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        lengths: Any = None,
        sample_weight: Any = None,
        *,
        id: str | None = None,
        time: str | None = None,
    ) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        X, lengths, sample_weight, id, time
            As in `HiddenMarkov.fit`. Whole steps may be missing (nan), and cells where the family
            takes that.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If sequences make no sense; if a cell is none that the family could make, which is
            named; if a state collapses; if a sequence is longer than segments that there can be.
        """
        self._validate_params()
        ragged = reading.read(self, X, lengths, id, time, reset=True)
        self._parts = reading.learned(self, ragged, self.family)
        self._longest = int(ragged.sizes.max())
        model = self._model()
        weights = reading.weights_of(sample_weight, len(ragged.sizes))
        source = GroupedSource(self._rows(ragged, weights))
        em = self._settings(len(ragged.x), self.n_states * max(model.law.longest // 10, 1))
        fit = self._climbed(em, model, source, self._first(model, reading.seen(ragged)))
        self._set_parameters(fit.params)
        self._keep(fit, model, source)
        self._warn_unless_done(em)
        return self

    def _first(self, model: SemiMarkovModel, rows: Rows) -> First:
        """What is held, for the start."""
        _, given = held_in(getattr(model.family, "inner", model.family), self.held)
        if given is None:
            return First()
        few = rows.x[:100]
        made = model.family.start(few, np.ones((len(few), self.n_states)))
        require_possible_values(given, made, model.family)
        open_ = tree.transform(lambda _: None, model.law.space)
        return First(given=cast(Any, SemiMarkovParams(None, None, open_, given)))

    def _model(self, longest: int | None = None) -> SemiMarkovModel:
        """The engine's view; of sequences up to `longest` steps, where these are longer."""
        asked = max(self._longest, longest or 1)
        law = laws.made(self.durations, self.n_states, asked, self._most())
        family, _ = held_in(making.built(self._parts, self.n_states), self.held)
        guesses = StateGuesses(self.n_states, self.init_params, making.codes(self._parts))
        moves = None if self.transitions is None else between(self.transitions, self.n_states)
        return SemiMarkovModel(family, law, guesses, moves)

    def _most(self) -> int | None:
        """The longest duration there can be; of free ones, the longest that the fit saw."""
        if self.max_duration is None and self.durations == "free":
            return self._longest
        return self.max_duration

    def _rows(self, ragged: Ragged, weights: Array) -> GroupedRows:
        family = making.built(self._parts, self.n_states)
        return reading.rows(self, ragged, weights, family)

    def _set_parameters(self, params: SemiMarkovParams) -> None:
        model = self._model()
        self.params_, self.family_ = params, model.family
        self.startprob_, self.transmat_, self.duration_params_, self.emission_params_ = params
        self.mean_durations_ = model.law.means(params.durations)

    # -- using a fitted model ----------------------------------------------------------------

    def duration_probabilities(self, most: int | None = None) -> Array:
        """P(duration = u) of each state, u = 1, ..., `most`, shape (most, K).

        By default up to the longest sequence of the fit.
        """
        check_is_fitted(self, "params_")
        below = self._model(most).law.cumulative(self.duration_params_, most or self._longest)
        return np.maximum(np.diff(below, axis=0, prepend=0.0), 0.0)

    def get_stationary_distribution(self) -> Array:
        """The share of steps that each state has in the long run, shape (K,)."""
        check_is_fitted(self, "params_")
        share = stationary(self.transmat_) * self.mean_durations_
        return share / share.sum()

    def sample(
        self, n_samples: int = 1, random_state: Any = None
    ) -> tuple[Array, NDArray[np.int64]]:
        """Draw one sequence, which begins with a segment.

        Returns
        -------
        X : array of shape (n_samples, d)
        states : array of shape (n_samples,)
        """
        check_is_fitted(self, "params_")
        errors.require_draws(n_samples)
        rng, model = self._drawing(random_state), self._model(n_samples)
        path = model.drawn(self.params_, np.array([n_samples]), rng)
        return model.family.draw(self.params_.emissions, path, rng), path.astype(np.int64)

    def forecast(
        self, X: Any, lengths: Any = None, steps: int = 1, *, id: Any = None, time: Any = None
    ) -> StepDistributions:
        """The distributions of the steps after the last one of each sequence.

        As in `HiddenMarkov.forecast`; how long the last state has lasted is counted in.

        Raises
        ------
        ValueError
            If fewer than one step is asked for.
        """
        reading.require_count("steps", steps)
        _, rows = self._seen(X, lengths, id, time)
        model = self._model(int(rows.sizes.max()) + int(steps))
        names = feature_names(self, self.n_features_in_)
        return outlook.ahead(model, self.params_, rows, int(steps), names)

    def pseudo_residuals(
        self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None
    ) -> PseudoResiduals:
        """Where each cell lies in the distribution that the other steps of its sequence give it.

        As in `HiddenMarkov.pseudo_residuals`, of the ordinary kind.
        """
        ragged, rows = self._seen(X, lengths, id, time)
        model, params = self._made(rows)
        names = feature_names(self, self.n_features_in_)
        law = outlook.given_others(model, params, rows, names)
        lower, upper = law.within(np.asarray(rows.x, dtype=np.float64))
        placed = ragged.as_given(lower), ragged.as_given(upper)
        return PseudoResiduals(*placed, "ordinary")

    def state_means(self) -> Array:
        """What each state makes on average, shape (K, d); nan of codes, and where none is.

        Raises
        ------
        TypeError
            If the family does not define its means.
        """
        check_is_fitted(self, "params_")
        family: Any = self.family_
        return column_means(getattr(family, "inner", family), self.emission_params_)

    # -- what `SequenceEstimator` asks for ----------------------------------------------------

    def _made(self, rows: GroupedRows | None = None) -> Made:
        check_is_fitted(self, "params_")
        longest = None if rows is None else int(rows.sizes.max())
        return Made(self._model(longest), self.params_)

    def _tree_of_errors(self, errors: Any, note: str) -> SemiMarkovErrors:
        start, transitions, durations, emissions = errors
        return SemiMarkovErrors(start, transitions, durations, emissions, note)

    def _places(self, columns: list[str]) -> Iterator[Place]:
        k, model = self.n_states, self._model()
        yield from ((f"start[{j}]", 0, (j,)) for j in range(k))
        possible = allowed(model.chain.transitions, (k, k))
        for i in range(k):
            yield from ((f"transition[{i}, {j}]", 1, (i, j)) for j in range(k) if possible[i, j])
        leaves = tree.leaves(self.params_)
        yield from of_family(model.law.family, leaves, 2, ["duration"])
        at = 2 + len(tree.leaves(self.params_.durations))
        yield from of_family(model.family, leaves, at, columns)

    def described(self) -> str:
        """The law of durations and the family, in words."""
        family: Any = making.built(self._parts, self.n_states)
        columns = feature_names(self, self.n_features_in_)
        law = self.durations.replace("_", " ")
        return f"{making.described(family, columns)}, {law} durations"

    def _to_record(self) -> Record:
        written = sequential_record.to_record(self, longest=self._longest)
        if self.transitions is not None and not isinstance(self.transitions, str):
            written.arrays["transitions"] = np.asarray(self.transitions)
        for name, value in (self.held or {}).items():
            written.arrays[f"held.{name}"] = np.asarray(value, dtype=np.float64)
        return written

    @classmethod
    def _from_record(cls, written: Record) -> HiddenSemiMarkov:
        made: HiddenSemiMarkov = sequential_record.begun(cls, written)
        made._longest = int(written.header["longest"])
        arrays = written.arrays
        if "transitions" in arrays:
            made.set_params(transitions=arrays["transitions"])
        held = {n.removeprefix("held."): a for n, a in arrays.items() if n.startswith("held.")}
        made.set_params(held=held or None)
        params = sequential_record.params_of(made._model().space, written)
        made._set_parameters(params)
        evidence.restore(made, written, params, SemiMarkovErrors(*params, note=""))
        return made
