"""What every estimator offers once it is fitted: evidence, inference, report, files."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from latentia.engine import EM, Certificate, Fit, NotConvergedWarning, Status
from latentia.engine import selection as criteria
from latentia.engine.backend import Backend, backend_of
from latentia.engine.model import Model, Source

if TYPE_CHECKING:
    from latentia.persistence import Record


class Estimate(NamedTuple):
    """One parameter: its name, value, standard error, and interval."""

    name: str
    value: float
    se: float
    lower: float
    upper: float


class LatentEstimator(BaseEstimator, ABC):
    """An estimator that the engine fits.

    A leaf defines `fit`, and the abstract methods below; what it does after a fit is to call
    `_take`.

    Attributes
    ----------
    random_state : seed
    em : EM or None
        Parameters of every leaf, as the seed is.
    fit_ : Fit
        The engine's result.
    certificate_ : Certificate
        The evidence for it.
    converged_ : bool
    n_iter_ : int
        E-steps of the best start.
    loglik_ : float
        Total log-likelihood, in nats.
    n_parameters_ : int
        Free parameters.
    """

    fit_: Fit[Any]
    certificate_: Certificate
    _data: Any = None  # what was fitted; not kept in files and pickles
    random_state: Any
    em: EM | None
    _errors: Any = None  # standard errors once they were asked for
    _criteria: dict[str, float]

    @abstractmethod
    def remember(self, X: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Put the data of the fit at hand again, for `standard_errors`, after loading."""

    @abstractmethod
    def _compute_errors(self, method: str = "oakes", **asked: Any) -> Any:
        """Standard errors from the data at hand by a method of `engine.inference`.

        `asked` is what `engine.inference.standard_errors` takes besides.
        """

    @abstractmethod
    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter with its standard error and interval."""

    @abstractmethod
    def smallest_variance(self) -> float:
        """How thin the thinnest component is against the rest; 1 where that has no meaning."""

    @abstractmethod
    def _to_record(self) -> Record:
        """Everything but the data."""

    def _take(self, fit: Fit[Any], entropy: float) -> None:
        """The attributes that follow from the engine's result.

        `entropy` is that of the latent variables given the data, in nats, for ICL.
        """
        self.fit_ = fit
        self.certificate_ = fit.certificate
        self.converged_ = fit.status is Status.CONVERGED
        self.n_iter_ = fit.certificate.n_steps
        self.loglik_ = fit.loglik
        self.n_parameters_ = fit.n_free
        self._data = self._errors = None
        self._criteria = criteria.criteria(fit, entropy)

    def criteria(self) -> dict[str, float]:
        """AIC, AICc, BIC, SABIC and ICL of the fit itself, weights applied; lower is better."""
        check_is_fitted(self, "fit_")
        return dict(self._criteria)

    def standard_errors(
        self,
        X: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        method: str = "observed",
        replicates: int = 200,
        workers: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> Any:
        """Standard errors of all parameters.

        E-steps are computed where those of the fit are, by the backend of `em`; the refits of a
        bootstrap are computed here.

        Parameters
        ----------
        X : array-like of shape (n, d), optional
            The data of the fit. Needed only where they are no longer at hand, after loading from
            a file.
        sample_weight : array-like of shape (n,), optional
        method : str, default="observed"
            "observed" (or "oakes"), the observed information; "opg", the outer product of the
            rows' scores; "sem", supplemented EM; "sandwich", robust to a wrong model;
            "bootstrap", rows drawn again; "parametric-bootstrap", rows drawn from the fit. Sources:
            `latentia.engine.inference.standard_errors`.
        replicates : int, default=200
            Refits of a bootstrap. They follow from `random_state`.
        workers : int, default=1
            Processes that share the refits; the result does not depend on their number.
        progress : callable, optional
            Called after each refit with how many are done and how many there are.

        Returns
        -------
        StandardErrors
            A NamedTuple with one array for each parameter, shaped like it, and a `note` that
            says why something is missing. Entries are nan where the information is not
            positive definite. Only those of "observed" are kept in the model and its file.

        Raises
        ------
        ValueError
            If the method is unknown, or if "opg", "sandwich" or "bootstrap" have fewer rows than
            parameters to be compared.
        ClusterError
            If the backend is a cluster that is no longer there.

        Examples
        --------
        >>> from latentia import GaussianMixture, datasets
        >>> X = datasets.load("faithful").values
        >>> mixture = GaussianMixture(2, tol=1e-9, random_state=0).fit(X)
        >>> print(mixture.standard_errors(method="sandwich").weights.round(3))
        [0.029 0.029]
        """
        check_is_fitted(self, "fit_")
        if X is not None:
            self.remember(X, sample_weight)
        observed = method in ("observed", "oakes")
        if observed and self._errors is not None:
            return self._errors
        if self._data is None:
            raise NotFittedError(
                "the data of the fit are not kept in model files; give them as standard_errors(X)"
            )
        if observed:
            self._errors = self._compute_errors(backend=self._backend())
            return self._errors
        return self._compute_errors(
            method,
            backend=self._backend(),
            replicates=replicates,
            rng=self._generator(),
            workers=workers,
            progress=progress,
        )

    def _generator(self) -> np.random.Generator:
        """A generator that follows from `random_state`."""
        seed = check_random_state(self.random_state).randint(2**31, size=4)
        return np.random.default_rng([int(s) for s in seed])

    def _backend(self) -> Backend:
        settings = EM() if self.em is None else self.em
        return backend_of(settings.backend, settings.workers)

    def summary(self) -> Any:
        """A table of the fit that a person can read."""
        from latentia.report.summary import summarise_mixture

        check_is_fitted(self, "fit_")
        return summarise_mixture(self)

    @property
    def plot(self) -> Any:
        """Pictures of the fit: ``plot.pairs(X)``, ``plot.climb()``, ``plot.membership(X)``."""
        from latentia.report.displays import plots_of

        check_is_fitted(self, "fit_")
        return plots_of(self)

    def save(self, path: Any) -> None:
        """Write the fitted estimator to a file that `latentia.load` reads."""
        from latentia.persistence import save_estimator

        check_is_fitted(self, "fit_")
        save_estimator(self, path)

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        return {**state, "_data": None}  # the data are the caller's, not the model's


def climb_settings(em: EM | None, given: dict[str, Any], defaults: dict[str, Any]) -> EM:
    """`em` with the arguments that differ from their defaults, or these alone.

    Parameters
    ----------
    em : EM or None
    given, defaults : dict
        Settings of `EM` by name, as the estimator has them and as its signature does.
    """
    if em is None:
        return EM(**given)
    return altered(em, {name: value for name, value in given.items() if value != defaults[name]})


def altered(em: EM, changed: dict[str, Any]) -> EM:
    """The same settings but for some, without asking for all of them by name, which takes longer.

    Many fits of few rows, as in a sweep, would notice.
    """
    made = copy(em)
    vars(made).update(changed)
    return made


def climb(
    em: EM, model: Model[Any, Any], source: Source, start: Any = None, **changed: Any
) -> Fit[Any]:
    """The engine's fit of what needs no seed, without its warning: `warn_unless_done` has it.

    Parameters
    ----------
    em, model, source, start
        As `EM.fit` has them.
    **changed
        Settings that are to be others than those of `em`.
    """
    settings = altered(em, changed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        return settings.fit(model, source, 0, start=start)


def latent_entropy(model: Model[Any, Any], fit: Fit[Any]) -> float:
    """That of discrete latent variables given the data, in nats; nan of a fit that collapsed.

    As `engine.selection.posterior_entropy` has it, short of rounding.
    """
    suff = fit.climbs[fit.best].suff
    if fit.status is Status.DEGENERATE or suff is None:
        return float("nan")
    return max(fit.loglik - float(model.q(fit.params, suff)), 0.0)


def warn_unless_done(fit: Fit[Any], max_iter: int) -> None:
    """Of a fit that ended early, to whoever called `fit`, which calls this."""
    if fit.status in (Status.MAX_ITER, Status.INTERRUPTED) and max_iter > 0:
        told = f"{fit.status} {fit.certificate.remaining}"
        warnings.warn(told, NotConvergedWarning, stacklevel=3)


def feature_names(estimator: Any, n_features: int) -> Sequence[str]:
    """The names of the columns of the fit, or x0, x1, ..."""
    names = getattr(estimator, "feature_names_in_", None)
    return [f"x{j}" for j in range(n_features)] if names is None else [str(n) for n in names]
