"""What all mixtures share as estimators: how they climb, and what they say of rows."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import DensityMixin, clone

from latentia.engine import EM, DegenerateFitError, Fit, NotConvergedWarning, Status
from latentia.engine import selection as criteria
from latentia.engine.evaluator import FAILURES
from latentia.engine.model import Source
from latentia.estimator import LatentEstimator, climb_settings

from . import errors, exchange, imputation, memberships
from .given import Beginning, First
from .model import Membership, MixtureModel, MixtureParams
from .printer import Printer

Array = NDArray[np.float64]

DEFAULTS = {"tol": 1e-3, "max_iter": 100, "starts": 1}
"""What `tol`, `max_iter` and `n_init` are where nothing is said, by their names in `EM`."""


class Climbing(LatentEstimator, ABC):
    """How the estimators of mixtures climb: settings, the engine's call, what follows from it.

    A leaf defines `fit` and the abstract methods of `LatentEstimator`.

    Attributes
    ----------
    n_components, tol, max_iter, n_init, verbose
        Parameters of every leaf; for those of the climb, `DEFAULTS` are the defaults.
    lower_bound_ : float
        Mean log-likelihood per row (per unit of weight).
    lower_bounds_ : list of float
        The same after each step of the best start.
    """

    n_components: int
    tol: float
    max_iter: int
    n_init: int
    verbose: int

    def _climb_settings(self, every: int = 10, defaults: Mapping[str, Any] = DEFAULTS) -> EM:
        """How to climb; `every` says how many steps lie between prints of `verbose`."""
        given = {"tol": self.tol, "max_iter": self.max_iter, "starts": self.n_init}
        settings = climb_settings(self.em, given, dict(defaults))
        if self.verbose:
            settings.callbacks = (*settings.callbacks, Printer(self.verbose, every))
        return settings

    def _climb(
        self,
        em: EM,
        model: MixtureModel,
        source: Source,
        first: First,
        collapsed: Callable[[str], str],
    ) -> Fit[MixtureParams]:
        """The engine's fit.

        Raises
        ------
        ValueError
            If every start collapsed: what `collapsed` makes of the engine's reason.
        """
        rng = self._generator()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotConvergedWarning)  # said again at the end
                return em.fit(
                    model,
                    source,
                    rng,
                    start=first.start,
                    given=first.given,
                    resume=first.resume,
                )
        except (DegenerateFitError, *FAILURES) as error:  # the latter where a start was made
            raise ValueError(collapsed(str(error))) from error

    def _warn_unless_done(self, em: EM) -> None:
        """Of a fit that ended early, to whoever called `fit`, which calls this."""
        fit = self.fit_
        if fit.status in (Status.MAX_ITER, Status.INTERRUPTED) and em.max_iter > 0:
            warnings.warn(errors.not_converged(fit), NotConvergedWarning, stacklevel=3)

    def _restore(self, fit: Fit[MixtureParams], mixed: float) -> None:
        """The attributes that follow from the engine's result and the memberships' entropy."""
        self._take(fit, mixed)
        self.lower_bound_ = fit.loglik / fit.n_obs if np.isfinite(fit.loglik) else -np.inf
        climbed = fit.trace.objective[fit.trace.accepted]
        self.lower_bounds_ = [float(value) for value in climbed[1:] / fit.n_obs]


class MixtureEstimator(DensityMixin, Climbing, ABC):
    """A mixture of K components as scikit-learn sees it.

    A leaf defines `fit` and the abstract methods, here and of `LatentEstimator`.

    Attributes
    ----------
    exchanges : tuple of str
        The settings by which fits of the same rows are neighbours, for `from_neighbours`.
    """

    exchanges: tuple[str, ...] = ()

    @abstractmethod
    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Estimate the parameters by maximum likelihood."""

    @abstractmethod
    def _memberships(self, X: Any) -> Iterator[Membership]:
        """What is known of the components of consecutive rows, block by block."""

    def from_neighbours(
        self, others: Sequence[MixtureEstimator], X: Any, **given: Any
    ) -> Iterator[Self]:
        """Fits of the same settings from what other fits of these rows say of them.

        Parameters
        ----------
        others : sequence of MixtureEstimator
            Fitted: of as many components, or of one more or less.
        X, **given
            What `fit` was given, where the data are no longer at hand.

        Yields
        ------
        Self
            The most promising first; each is fitted when it is asked for.
        """
        if self._data is None:
            self.remember(X, **given)
        (rng,) = self._generator().spawn(1)
        neighbours = [other._as_neighbour() for other in others]
        for begin in exchange.starts(self._as_neighbour(), neighbours, self._looked_at(rng), rng):
            copy: Any = clone(self)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotConvergedWarning)
                try:
                    copy.fit_from(Beginning(begin), X, **given)
                except ValueError:  # it collapsed
                    continue
            yield copy

    def begin_together(
        self, estimators: Sequence[Any], X: Any, sample_weight: ArrayLike | None = None
    ) -> list[Beginning | None]:
        """Where the fits of a sweep are to begin, which so many brief climbs found out together.

        Parameters
        ----------
        estimators : sequence of estimators
            Of this kind, not fitted.
        X, sample_weight
            As `fit` takes them.

        Returns
        -------
        list
            For `fit_from`; None for those that are to start by themselves.
        """
        return [None] * len(estimators)

    def fit_from(self, begin: Beginning, X: Any, **given: Any) -> Self:
        """`fit`, from parameters that are known.

        Parameters
        ----------
        begin : Beginning
            The parameters; and X as other fits of it have looked at it, where they have.
        X, **given
            As `fit` takes them.

        Raises
        ------
        ValueError
            As `fit` does, and where the climb from there collapses.
        """
        leaf: Any = self
        leaf._fit(X, begin=begin, **{"sample_weight": None, **given})
        return self

    def _as_neighbour(self) -> exchange.Fitted:
        """The model and its parameters, for `exchange`."""
        raise TypeError(f"{type(self).__name__} exchanges nothing with other fits")

    def _looked_at(self, rng: np.random.Generator) -> Any:
        """What starts look at of the data at hand."""
        raise TypeError(f"{type(self).__name__} exchanges nothing with other fits")

    @abstractmethod
    def _n_parameters(self) -> int:
        """Free parameters, none of them counted as settled on a bound."""

    def fit_predict(
        self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> NDArray[np.int64]:
        """Fit, and give each row's most probable component."""
        return self.fit(X, y, sample_weight).predict(X)

    # -- using a fitted mixture -------------------------------------------------------------

    def predict(self, X: Any) -> NDArray[np.int64]:
        """The most probable component of each row, shape (n,)."""
        return memberships.labels(self._memberships(X))

    def predict_proba(self, X: Any) -> NDArray[np.floating[Any]]:
        """The probability of each component for each row, shape (n, K).

        In single precision where X and the parameters are.
        """
        known = memberships.probabilities(self._memberships(X))
        return memberships.as_precise(known, X, getattr(self, "means_", None))

    def score_samples(self, X: Any) -> NDArray[np.floating[Any]]:
        """The log-likelihood of each row, shape (n,), in single precision as of `predict_proba`."""
        known = memberships.log_densities(self._memberships(X))
        return memberships.as_precise(known, X, getattr(self, "means_", None))

    def score(self, X: Any, y: Any = None) -> float:
        """The mean log-likelihood per row."""
        loglik, n, _ = self._sums(X)
        return loglik / n

    def aic(self, X: Any) -> float:
        """Akaike's information criterion on X; lower is better."""
        return criteria.aic(self._sums(X).loglik, self._n_parameters())

    def bic(self, X: Any) -> float:
        """The Bayesian information criterion on X; lower is better."""
        loglik, n, _ = self._sums(X)
        return criteria.bic(loglik, self._n_parameters(), n)

    def aicc(self, X: Any) -> float:
        """AIC corrected for few rows, on X; infinite where there are too few. Lower is better."""
        loglik, n, _ = self._sums(X)
        return criteria.aicc(loglik, self._n_parameters(), n)

    def sabic(self, X: Any) -> float:
        """BIC with (n + 2) / 24 in place of n, on X; lower is better."""
        loglik, n, _ = self._sums(X)
        return criteria.sabic(loglik, self._n_parameters(), n)

    def icl(self, X: Any) -> float:
        """The integrated completed likelihood on X, BIC plus twice the entropy; lower is better."""
        loglik, n, mixed = self._sums(X)
        return criteria.icl(loglik, self._n_parameters(), n, mixed)

    def impute(self, X: Any) -> Array:
        """The rows with each missing cell replaced by its expectation given the others.

        Over all components, by their probabilities given what was seen of the row. Shape (n, d);
        what was seen stays as it is.

        Raises
        ------
        TypeError
            If the components say nothing of missing cells, or cannot tell their expectations.
        """
        family, params = self._completing()
        return imputation.expected(X, self._memberships(X), family, params.components)

    def sample_imputations(self, X: Any, n_imputations: int = 5) -> Array:
        """Rows with each missing cell drawn given the others, several times over.

        For each imputation a component is drawn for every row, given what was seen of it, and
        then what was not, given both; uncertainty of the parameters is not in them (Little &
        Rubin 2002, sec. 10.2). `random_state` is their seed.

        Parameters
        ----------
        X : array-like of shape (n, d)
        n_imputations : int, default=5

        Returns
        -------
        array of shape (n_imputations, n, d)

        Raises
        ------
        ValueError
            If fewer than one is asked for.
        TypeError
            If the components say nothing of missing cells.
        """
        family, params = self._completing()
        if n_imputations < 1:
            raise ValueError(f"got n_imputations={n_imputations}, expected at least 1")
        known, rng = list(self._memberships(X)), self._generator()
        each = (X, known, family, params.components, rng)
        return np.stack([imputation.drawn(*each) for _ in range(n_imputations)])

    def _completing(self) -> tuple[Any, MixtureParams]:
        """The family that completes rows, and the parameters."""
        raise TypeError(
            f"{type(self).__name__} takes no missing cells, so there is nothing to complete"
        )

    def _sums(self, X: Any) -> memberships.Sums:
        return memberships.sums(self._memberships(X))
