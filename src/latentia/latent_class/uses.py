"""What a fitted latent class model is used for: how well it explains rows, and third steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Rows
from latentia.engine import EM
from latentia.engine.backend import Backend
from latentia.engine.selection import LikelihoodRatio, bootstrap_lrt
from latentia.mixture import errors
from latentia.mixture.model import MixtureModel

from . import residuals, three_step
from .classification import Classification
from .first_step import of_fit
from .fitted import Fitted
from .model import in_words

Array = NDArray[np.float64]


class ClassUses(ABC):
    """Classification, chi-squares and external variables, of rows given or of those of the fit."""

    weights_: Array
    n_parameters_: int
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    certificate_: Any
    _data: Any
    _backend: Callable[[], Backend]
    _generator: Callable[[], np.random.Generator]

    @abstractmethod
    def _fitted(self) -> Fitted:
        """The model at its estimate."""

    @abstractmethod
    def _model(self, n_components: int) -> MixtureModel:
        """The model of so many classes."""

    @abstractmethod
    def _rows_of(self, X: Any) -> Array:
        """X as the model takes it."""

    @abstractmethod
    def item_names(self, names: Sequence[str] | None = None) -> list[str]:
        """The columns that are items, by the names of the fit or by other names of all columns."""

    @abstractmethod
    def parameter_names(self, columns: Sequence[str] | None = None) -> list[str]:
        """What tables call the parameters, by other names of the columns if given."""

    # -- how good the model is --------------------------------------------------------------

    def classification(
        self, X: Any = None, sample_weight: ArrayLike | None = None
    ) -> Classification:
        """How well the classes are told apart.

        Parameters
        ----------
        X : data frame or array-like of shape (n, d), optional
            The rows of the fit by default, with what was known of their classes.
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        Classification
            Entropy and relative entropy, the classification table, average memberships, errors.
        """
        return self._fitted().classification(self._rows(X, sample_weight))

    def goodness_of_fit(
        self, X: Any = None, sample_weight: ArrayLike | None = None
    ) -> residuals.GoodnessOfFit:
        """G² and X² against the saturated table, over the rows that have all answers.

        Parameters
        ----------
        X : data frame or array-like of shape (n, d), optional
            The rows of the fit by default.
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        GoodnessOfFit

        Examples
        --------
        >>> from latentia import LatentClass, datasets
        >>> model = LatentClass(2, random_state=0).fit(datasets.load("carcinoma").values)
        >>> fit = model.goodness_of_fit()
        >>> round(fit.g2, 2), fit.df
        (62.37, 112)
        """
        return self._fitted().goodness_of_fit(self._rows(X, sample_weight), self.n_parameters_)

    def bivariate_residuals(
        self, X: Any = None, sample_weight: ArrayLike | None = None
    ) -> residuals.BivariateResiduals:
        """Which pairs of items go together in a way that the classes do not explain.

        Parameters
        ----------
        X : data frame or array-like of shape (n, d), optional
            The rows of the fit by default.
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        BivariateResiduals
        """
        rows = self._rows(X, sample_weight)
        return self._fitted().bivariate_residuals(rows, self.item_names())

    def one_more_class(
        self,
        *,
        replicates: int = 99,
        level: float = 0.05,
        starts: int = 5,
        workers: int | None = None,
    ) -> LikelihoodRatio:
        """Test whether the rows of the fit need one class more, by bootstrap.

        Twice the gain in log-likelihood has no chi-square distribution here, so rows are drawn
        from the fit, with its covariates and missing answers, and both models are fitted to each
        such table.

        Parameters
        ----------
        replicates : int, default=99
            Tables, at most; it stops early where no rejection is possible.
        level : float, default=0.05
        starts : int, default=5
            Of each fit. Too few take local maxima for global ones.
        workers : int, optional
            Processes; by default all cores where that is faster.

        Returns
        -------
        LikelihoodRatio
            ``p_value``, ``statistic``, ``sentences()``.

        Raises
        ------
        NotFittedError
            If the data of the fit are not at hand.
        TypeError
            If classes of some rows are known, since it is not for the model to say of which.

        References
        ----------
        McLachlan (1987), Applied Statistics 36, 318-324; for latent class models Nylund, Asparouhov
        & Muthén (2007), Structural Equation Modeling 14, 535-569.

        Examples
        --------
        >>> from latentia import LatentClass, datasets
        >>> model = LatentClass(1, random_state=0).fit(datasets.load("carcinoma").values)
        >>> round(model.one_more_class(replicates=19, workers=1).p_value, 2)
        0.05
        """
        check_is_fitted(self, "weights_")
        self._require_data("remember them with remember(X)")
        k = len(self.weights_)
        return bootstrap_lrt(
            self._model(k),
            self._model(k + 1),
            self._data,
            EM(starts=starts),
            self._generator(),
            replicates=replicates,
            level=level,
            workers=workers,
        )

    def _rows(self, X: Any, sample_weight: Any) -> Sequence[Any]:
        """Chunks of rows: of X, or those of the fit."""
        if X is not None:
            x = self._rows_of(X)
            return [Rows(x, errors.checked_weights(sample_weight, x))]
        check_is_fitted(self, "weights_")
        self._require_data("give them as X")
        return self._data.chunks()

    def rename_columns(self, names: Sequence[str]) -> Self:
        """Call the columns of a fit to an array, which has no names, by these.

        Parameters
        ----------
        names : sequence of str
            Of all columns, in their order.

        Raises
        ------
        ValueError
            If they are not as many as there are columns.
        """
        check_is_fitted(self, "weights_")
        if len(names) != self.n_features_in_:
            raise ValueError(
                f"got {len(names)} names, expected {self.n_features_in_}, one for each column"
            )
        before, after = self.parameter_names(), self.parameter_names(names)
        self.feature_names_in_ = np.array([str(name) for name in names], dtype=object)
        called = dict(zip(before, after, strict=True))
        edge = tuple(called.get(each, each) for each in self.certificate_.on_boundary)
        self.certificate_ = replace(self.certificate_, on_boundary=edge)
        return self

    def _name_edges(self, places: Sequence[Any]) -> None:
        """Let the certificate call parameters as tables do."""
        edge = (in_words(label, places) for label in self.certificate_.on_boundary)
        self.certificate_ = replace(self.certificate_, on_boundary=tuple(edge))

    # -- external variables -----------------------------------------------------------------

    def assign(
        self,
        X: Any,
        sample_weight: ArrayLike | None = None,
        *,
        assignment: str = "modal",
        first_step: bool = True,
    ) -> three_step.Assignment:
        """Assign rows to classes, to relate these to other variables in a third step.

        Parameters
        ----------
        X : data frame or array-like of shape (n, d)
            Answers; the model stays as it was fitted.
        sample_weight : array-like of shape (n,), optional
        assignment : {"modal", "proportional"}, default="modal"
            Each row to its most probable class, or to all in proportion to its memberships.
        first_step : bool, default=True
            Whether standard errors of the third step count how uncertain the classes are, for
            which the data of the fit must be at hand; False takes the classes as known.

        Returns
        -------
        Assignment
            ``regress(covariates)`` and ``means(outcome)``, the errors of assignment undone.

        References
        ----------
        Vermunt (2010), Political Analysis 18, 450-469; standard errors: Bakk, Oberski & Vermunt
        (2014), Political Analysis 22, 520-540.
        """
        x, fitted, first = self._rows_of(X), self._fitted(), None
        weights = errors.checked_weights(sample_weight, x)
        if first_step:
            self._require_data("remember them with remember(X), or give first_step=False")
            first = of_fit(fitted, self._data, x, self._backend())
        resp = np.concatenate([fitted.posterior(block).resp for block in Rows.of(x).blocks()])
        return three_step.assign(resp, weights, assignment, first)

    def _require_data(self, remedy: str) -> None:
        if self._data is None:
            raise NotFittedError(f"the data of the fit are not kept in model files; {remedy}")
