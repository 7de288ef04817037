"""`HiddenMarkovMixture`: sequences of several kinds, each kind a hidden Markov model."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.data.groups import GroupedRows, GroupedSource
from latentia.data.sequences import Ragged
from latentia.engine import EM, tree
from latentia.estimator import feature_names
from latentia.families import making
from latentia.families.columns import column_means
from latentia.mixture import errors, evidence
from latentia.mixture.parameters import of_family

from .. import filtering, reading, sequential_record
from ..chains import stationary
from ..drawing import states
from ..model import HiddenMarkovParams
from ..outlook import StepDistributions
from ..parameters import HiddenMarkovErrors
from ..residuals import PseudoResiduals
from ..sequential import Made, Place, SequenceEstimator
from ..start import METHODS, StateGuesses
from .model import ClusteredChains

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]


@final
class HiddenMarkovMixture(SequenceEstimator):
    """A mixture of hidden Markov models: each sequence is of one of G kinds.

    Clusters have states, transitions and densities of their own, and a weight (Smyth 1997). States
    are numbered through: those of cluster g are g K, ..., g K + K - 1.

    Parameters
    ----------
    family : str, class, callable or dict
        What states make, as in `HiddenMarkov`.
    n_clusters : int, default=2
        Number of clusters G.
    n_states : int, default=2
        Number of states K of each.
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

    Attributes
    ----------
    weights_ : array of shape (G,)
        Shares of the clusters.
    startprob_ : array of shape (G K,)
        Probabilities of cluster and first state.
    transmat_ : array of shape (G K, G K)
        Zero between clusters.
    params_ : NamedTuple of arrays
        Start, transitions, and the family's parameters, states along the first axis.
    family_ : Family
        Of G K states.
    converged_, n_iter_, lower_bound_, lower_bounds_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`; bounds are means per step.
    n_features_in_ : int

    References
    ----------
    Smyth (1997), Clustering sequences with hidden Markov models, Advances in Neural Information
    Processing Systems 9, 648-654.

    Examples
    --------
    Four sequences that keep to high or low counts, and four that go up and down:

    >>> import numpy as np
    >>> from latentia import HiddenMarkovMixture
    >>> steady = [[1, 0, 1, 0, 1, 9, 8, 9, 7, 8], [8, 9, 7, 9, 8, 0, 1, 1, 0, 0]] * 2
    >>> restless = [[0, 9, 1, 8, 0, 7, 1, 9, 0, 8], [8, 1, 9, 0, 9, 1, 7, 0, 8, 1]] * 2
    >>> eight = [np.array(counts) for counts in steady + restless]
    >>> model = HiddenMarkovMixture("poisson", 2, 2, random_state=0).fit(eight)
    >>> clusters = model.predict_clusters(eight)
    >>> bool((clusters[:4] == clusters[0]).all() and (clusters[4:] == 1 - clusters[0]).all())
    True
    """

    _parameter_constraints = {  # noqa: RUF012
        "family": "no_validation",
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "n_states": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left"), None],
        "init_params": [StrOptions(set(METHODS))],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

    def __init__(
        self,
        family: Any,
        n_clusters: int = 2,
        n_states: int = 2,
        *,
        tol: float = 1e-5,
        max_iter: int = 1000,
        n_init: int | None = None,
        init_params: str = "kmeans",
        random_state: Any = None,
        verbose: int = 0,
        em: EM | None = None,
    ) -> None:
        self.family = family
        self.n_clusters = n_clusters
        self.n_states = n_states
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init  # type: ignore[assignment]
        self.init_params = init_params
        self.random_state = random_state
        self.verbose = verbose
        self.em = em

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
            As in `HiddenMarkov.fit`; at least as many sequences as clusters.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If sequences make no sense; if there are fewer of them than clusters; if a cell is none
            that the family could make, which is named; if a state collapses.
        """
        self._validate_params()
        ragged = reading.read(self, X, lengths, id, time, reset=True)
        weights = reading.weights_of(sample_weight, len(ragged.sizes))
        if int((weights > 0).sum()) < self.n_clusters:
            raise ValueError(
                f"got {int((weights > 0).sum())} sequences for n_clusters={self.n_clusters}, "
                "expected as many at least"
            )
        self._parts = reading.learned(self, ragged, self.family)
        model = self._model()
        source = GroupedSource(self._rows(ragged, weights))
        em = self._settings(len(ragged.x), self.n_clusters * self.n_states)
        fit = self._climbed(em, model, source)
        self._set_parameters(fit.params)
        self._keep(fit, model, source)
        self._warn_unless_done(em)
        return self

    def _model(self) -> ClusteredChains:
        family = making.built(self._parts, self.n_clusters * self.n_states)
        single = making.built(self._parts, self.n_states)
        guesses = StateGuesses(self.n_states, self.init_params, making.codes(self._parts))
        return ClusteredChains(family, self.n_clusters, guesses, single)

    def _rows(self, ragged: Ragged, weights: Array) -> GroupedRows:
        family = making.built(self._parts, self.n_clusters * self.n_states)
        return reading.rows(self, ragged, weights, family)

    def _set_parameters(self, params: HiddenMarkovParams) -> None:
        self.params_, self.family_ = params, self._model().family
        self.startprob_, self.transmat_, _ = params
        self.weights_ = self.startprob_.reshape(self.n_clusters, -1).sum(axis=1)

    # -- using a fitted model ----------------------------------------------------------------

    def predict_clusters_proba(
        self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None
    ) -> Array:
        """P(cluster | the sequence) of each sequence, shape (m, G)."""
        _, rows = self._seen(X, lengths, id, time)
        model, params = self._made(rows)
        return model.posterior(params, rows).clusters

    def predict_clusters(
        self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None
    ) -> NDArray[np.int64]:
        """The most probable cluster of each sequence, shape (m,).

        `predict` gives states of steps, those of the cluster and path that are likeliest together.
        """
        return self.predict_clusters_proba(X, lengths, id=id, time=time).argmax(axis=1)

    def score_sequences(
        self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None
    ) -> Array:
        """The log-likelihood of each sequence, shape (m,)."""
        _, rows = self._seen(X, lengths, id, time)
        model, params = self._made(rows)
        return model.posterior(params, rows).log_density

    def get_stationary_distribution(self) -> Array:
        """The share of steps in each state in the long run, over the clusters, shape (G K,)."""
        check_is_fitted(self, "params_")
        k = self.n_states
        blocks = [self.transmat_[i : i + k, i : i + k] for i in range(0, len(self.transmat_), k)]
        parts = [w * stationary(block) for w, block in zip(self.weights_, blocks, strict=True)]
        return np.concatenate(parts)

    def _passes(self, rows: GroupedRows) -> filtering.Passes:
        """Both passes over the chain of all clusters, in logarithms, in which none fades."""
        model, params = self._made(rows)
        logs = model.log_density(params, model.prepare(rows))
        return filtering.passes(logs, params.start, params.transitions, rows.sizes)

    def _distributions(self, states: Array) -> StepDistributions:
        names = feature_names(self, self.n_features_in_)
        return StepDistributions(self.family_, self.params_.emissions, states, names)

    def forecast(
        self, X: Any, lengths: Any = None, steps: int = 1, *, id: Any = None, time: Any = None
    ) -> StepDistributions:
        """The distributions of the steps after the last one of each sequence.

        As in `HiddenMarkov.forecast`; each cluster counts by its probability given the sequence.

        Raises
        ------
        ValueError
            If fewer than one step is asked for, or a sequence could not be made by any path.
        """
        reading.require_count("steps", steps)
        _, rows = self._seen(X, lengths, id, time)
        made = self._passes(rows)
        ahead = filtering.onward(made, self.params_.transitions, rows.sizes, int(steps))
        return self._distributions(ahead)

    def pseudo_residuals(
        self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None
    ) -> PseudoResiduals:
        """Where each cell lies in the distribution that the other steps of its sequence give it.

        As in `HiddenMarkov.pseudo_residuals`, of the ordinary kind.

        Raises
        ------
        TypeError
            If the family has no distribution function of single columns.
        """
        ragged, rows = self._seen(X, lengths, id, time)
        law = self._distributions(filtering.given_others(self._passes(rows)))
        lower, upper = law.within(np.asarray(rows.x, dtype=np.float64))
        return PseudoResiduals(ragged.as_given(lower), ragged.as_given(upper), "ordinary")

    def state_means(self) -> Array:
        """What each state makes on average, shape (G K, d); nan of codes, and where none is.

        Raises
        ------
        TypeError
            If the family does not define its means.
        """
        check_is_fitted(self, "params_")
        return column_means(self.family_, self.params_.emissions)

    def sample(
        self, n_samples: int = 1, random_state: Any = None
    ) -> tuple[Array, NDArray[np.int64]]:
        """Draw one sequence, of a cluster drawn by the weights.

        Returns
        -------
        X : array of shape (n_samples, d)
        states : array of shape (n_samples,)
            The cluster is ``states // n_states``.
        """
        check_is_fitted(self, "params_")
        errors.require_draws(n_samples)
        rng = self._drawing(random_state)
        path = states(self.startprob_, self.transmat_, np.array([n_samples]), rng)
        return self.family_.draw(self.params_.emissions, path, rng), path.astype(np.int64)

    # -- what `SequenceEstimator` asks for ----------------------------------------------------

    def _made(self, rows: GroupedRows | None = None) -> Made:
        check_is_fitted(self, "params_")
        return Made(self._model(), self.params_)

    def _tree_of_errors(self, errors: Any, note: str) -> HiddenMarkovErrors:
        start, transitions, emissions = errors
        if len(start) == 1:  # 1 by definition
            start, transitions = np.zeros(1), np.zeros((1, 1))
        return HiddenMarkovErrors(start, transitions, emissions, note)

    def _places(self, columns: list[str]) -> Iterator[Place]:
        n, k = self.n_clusters * self.n_states, self.n_states
        yield from ((f"start[{j}]", 0, (j,)) for j in range(n))
        for i in range(n):
            first = i // k * k
            yield from ((f"transition[{i}, {j}]", 1, (i, j)) for j in range(first, first + k))
        yield from of_family(self.family_, tree.leaves(self.params_), 2, columns)

    def described(self) -> str:
        """Clusters and the family, in words."""
        columns = feature_names(self, self.n_features_in_)
        family: Any = self.family_
        clusters = f"{self.n_clusters} cluster{'s' * (self.n_clusters > 1)}"
        return f"{clusters} of sequences, {making.described(family, columns)}"

    def _to_record(self) -> Record:
        return sequential_record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> HiddenMarkovMixture:
        made: HiddenMarkovMixture = sequential_record.begun(cls, written)
        params = sequential_record.params_of(made._model().space, written)
        made._set_parameters(params)
        evidence.restore(made, written, params, HiddenMarkovErrors(*params, note=""))
        return made
