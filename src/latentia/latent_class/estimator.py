"""`LatentClass`: classes that explain how answers to items go together."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Rows, distinct_rows
from latentia.engine import EM, NotConvergedWarning
from latentia.estimator import Estimate, climb_settings, feature_names
from latentia.mixture import errors, start
from latentia.mixture.base import MixtureEstimator
from latentia.mixture.general import Mixture
from latentia.mixture.model import Membership, MixtureParams
from latentia.mixture.parameters import MixtureErrors

from . import items, record, residuals, three_step
from .classification import Classification, classification

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]

DEFAULTS = {"tol": 1e-5, "max_iter": 1000, "starts": 20}
"""What `tol`, `max_iter` and `n_init` are where nothing is said, by their names in `EM`."""


@final
class LatentClass(MixtureEstimator):
    """Latent class model: answers are independent given the class of a row.

    p(x) = sum_k w_k prod_j p_kj(x_j), with the answer x_j to item j one of its categories. The
    categories are learnt from the data: texts, numbers, booleans, or a data frame's own. Missing
    answers (None, nan) are integrated out. Equal rows are worked on once.

    Parameters
    ----------
    n_components : int, default=2
        Number of classes K.
    tol : float, default=1e-5
        The fit stops when the estimated gain that is left falls below this many nats of the
        total log-likelihood.
    max_iter : int, default=1000
        E-steps of each start, at most.
    n_init : int, default=20
        Starts; the best is kept. The likelihood has several maxima.
    init_params : str, default="k-means++"
        How a start guesses the memberships, as in `Mixture`.
    random_state : int, RandomState instance or None, default=None
        Seed of starts and of `sample`.
    verbose : int, default=0
        1 prints steps, 2 also what they gained.
    em : EM, optional
        Settings of the climb. An argument above that differs from its default wins.

    Attributes
    ----------
    weights_ : array of shape (K,)
        Sizes of the classes.
    probabilities_ : list of d arrays of shape (K, L_j)
        Of the categories of each item in each class.
    categories_ : list of d tuples
        The categories of each item, in the order of `probabilities_`.
    converged_, n_iter_, lower_bound_, lower_bounds_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`. A probability of exactly 0 or 1 counts as a parameter.
    start_ : str
        The kind of start that won.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        Only where X has column names.

    References
    ----------
    Lazarsfeld & Henry (1968), Latent Structure Analysis; Goodman (1974), Biometrika 61, 215-231.

    Examples
    --------
    >>> from latentia import LatentClass
    >>> likes = [["yes", "yes", None], ["yes", "no", "no"], ["no", "no", "no"]] * 20
    >>> model = LatentClass(1).fit(likes)
    >>> model.categories_[0], model.probabilities_[0].round(3)
    (('no', 'yes'), array([[0.333, 0.667]]))
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions(set(start.METHODS))],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

    n_features_in_: int

    def __init__(
        self,
        n_components: int = 2,
        *,
        tol: float = 1e-5,
        max_iter: int = 1000,
        n_init: int = 20,
        init_params: str = "k-means++",
        random_state: Any = None,
        verbose: int = 0,
        em: EM | None = None,
    ) -> None:
        self.n_components = n_components
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.random_state = random_state
        self.verbose = verbose
        self.em = em

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = tags.input_tags.string = True
        return tags

    # -- fitting ---------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        labels: ArrayLike | None = None,
        allowed: ArrayLike | None = None,
    ) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        X : data frame or array-like of shape (n, d)
            An item a column: texts, numbers, booleans, or categories of a data frame, whose order
            is kept. None, nan and null are missing answers.
        y : ignored
        sample_weight : array-like of shape (n,), optional
            How often each row counts. A whole number is the same as repeating the row.
        labels : array-like of int, shape (n,), optional
            The class of each row where it is known, -1 where it is not.
        allowed : array-like of bool, shape (n, K), optional
            Which classes each row may be from, in place of `labels`.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If an answer is none that a category could be, if an item has no answer, or if the
            labels are no classes.
        """
        self._validate_params()
        columns = items.answers(self, X, reset=True)
        weights = errors.checked_weights(sample_weight, columns[0].values)
        self._set_categories(items.learned(columns, weights > 0))
        given = {"tol": self.tol, "max_iter": self.max_iter, "starts": self.n_init}
        em = climb_settings(self.em, given, DEFAULTS)
        mixture = Mixture(
            record.family(self.categories_),
            self.n_components,
            init_params=self.init_params,
            random_state=self.random_state,
            verbose=self.verbose,
            em=em,
        )
        x = items.coded(columns, self.categories_, weights > 0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConvergedWarning)  # said again below
            mixture.fit(x, None, weights, labels=labels, allowed=allowed)
        self._keep(mixture)
        self._warn_unless_done(em)
        return self

    def _set_categories(self, categories: Sequence[items.Categories]) -> None:
        self.categories_ = [tuple(each) for each in categories]

    def _keep(self, mixture: Mixture) -> None:
        """The attributes that follow from the mixture of codes."""
        criteria = mixture.criteria()
        self._mixture = mixture
        self._restore(mixture.fit_, (criteria["icl"] - criteria["bic"]) / 2)
        self.weights_, self.start_ = mixture.weights_, mixture.start_
        (probabilities,) = mixture.params_
        self.probabilities_ = [
            probabilities[:, j, : len(each)] for j, each in enumerate(self.categories_)
        ]
        self._data, self._errors = mixture._data, mixture._errors

    # -- using a fitted model ---------------------------------------------------------------

    def _codes(self, X: Any) -> Array:
        check_is_fitted(self, "weights_")
        return items.coded(items.answers(self, X, reset=False), self.categories_)

    def _memberships(self, X: Any) -> Iterator[Membership]:
        check_is_fitted(self, "weights_")
        return self._mixture._memberships(self._codes(X))

    def _n_parameters(self) -> int:
        return self.n_parameters_

    def sample(self, n_samples: int = 1) -> tuple[Any, NDArray[np.int64]]:
        """Draw rows from the fitted model.

        Parameters
        ----------
        n_samples : int, default=1

        Returns
        -------
        X : array of shape (n_samples, d)
            Categories: floats where all are numbers, objects otherwise.
        y : array of shape (n_samples,)
            The class of each row; rows come sorted by it.
        """
        check_is_fitted(self, "weights_")
        x, labels = self._mixture.sample(n_samples)
        return items.decoded(x, self.categories_), labels

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
        rows = self._rows(X, sample_weight)
        resp = [self._posterior(chunk).resp for chunk in rows]
        return classification(np.concatenate(resp), np.concatenate([c.weights for c in rows]))

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
        seen = self._patterns(X, sample_weight)
        density = np.exp(self._posterior(seen).log_density)
        levels = [len(each) for each in self.categories_]
        return residuals.goodness_of_fit(seen.x, seen.weights, density, levels, self.n_parameters_)

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
        seen = self._patterns(X, sample_weight)
        levels = [len(each) for each in self.categories_]
        params = self._mixture._params()
        names = feature_names(self, self.n_features_in_)
        return residuals.bivariate_residuals(
            seen.x, seen.weights, params.weights, params.components.probabilities, levels, names
        )

    def _posterior(self, rows: Any) -> Membership:
        return self._mixture._fitted_model().posterior(self._mixture._params(), rows)

    def _rows(self, X: Any, sample_weight: Any) -> Sequence[Any]:
        """Chunks of codes: of X, or those of the fit."""
        if X is not None:
            x = self._codes(X)
            return [Rows(x, errors.checked_weights(sample_weight, x))]
        check_is_fitted(self, "weights_")
        if self._data is None:
            raise NotFittedError("the data of the fit are not kept in model files; give them as X")
        return self._data.chunks()

    def _patterns(self, X: Any, sample_weight: Any) -> Rows:
        """Different rows and how often each occurs."""
        rows = self._rows(X, sample_weight)
        x, w = (np.concatenate([getattr(chunk, name) for chunk in rows]) for name in ROWS)
        return distinct_rows(Rows(x, w))

    # -- external variables -----------------------------------------------------------------

    def class_regression(
        self,
        X: Any,
        covariates: Any,
        sample_weight: ArrayLike | None = None,
        *,
        correction: str = "ml",
        assignment: str = "modal",
        reference: int = 0,
    ) -> three_step.ClassRegression:
        """Regress class membership on covariates, the errors of assignment undone.

        Parameters
        ----------
        X : data frame or array-like of shape (n, d)
            Answers; the model stays as it was fitted.
        covariates : data frame or array-like of shape (n, p)
            Finite numbers.
        sample_weight : array-like of shape (n,), optional
        correction : {"ml", "bch", "none"}, default="ml"
            "ml" takes the assigned class as an answer with known errors; "bch" weights rows so
            that errors cancel; "none" takes assignments for classes, which is biased.
        assignment : {"modal", "proportional"}, default="modal"
            Each row to its most probable class, or to all in proportion to its memberships.
        reference : int, default=0
            The class whose coefficients are zero.

        Returns
        -------
        ClassRegression

        Raises
        ------
        ValueError
            If rows do not match, if covariates are no finite numbers or follow from one another,
            if assignment errors cannot be undone, or if coefficients grow without end.

        References
        ----------
        Vermunt (2010), Political Analysis 18, 450-469; Bakk, Tekle & Vermunt (2013),
        Sociological Methodology 43, 272-311.
        """
        assigned, weights = self._assigned(X, sample_weight, assignment)
        z, names = three_step.read_covariates(covariates, len(weights))
        return three_step.class_regression(
            assigned, weights, z, names, correction, assignment, reference
        )

    def outcome_means(
        self,
        X: Any,
        outcome: Any,
        sample_weight: ArrayLike | None = None,
        *,
        correction: str = "bch",
        assignment: str = "modal",
    ) -> three_step.OutcomeMeans:
        """The mean of a variable in each class, or the shares of its categories.

        Parameters
        ----------
        X : data frame or array-like of shape (n, d)
            Answers; the model stays as it was fitted.
        outcome : array-like of shape (n,)
            Numbers; of texts and booleans the shares are estimated.
        sample_weight : array-like of shape (n,), optional
        correction : {"bch", "none"}, default="bch"
            "bch" weights rows so that errors of assignment cancel; "none" leaves them in.
        assignment : {"modal", "proportional"}, default="modal"

        Returns
        -------
        OutcomeMeans

        Raises
        ------
        ValueError
            If rows do not match, if an outcome is missing, or if assignment errors cannot be
            undone.

        References
        ----------
        Bakk, Tekle & Vermunt (2013), Sociological Methodology 43, 272-311.
        """
        assigned, weights = self._assigned(X, sample_weight, assignment)
        values, names = three_step.read_outcome(outcome, len(weights))
        return three_step.outcome_means(assigned, weights, values, names, correction, assignment)

    def _assigned(
        self, X: Any, sample_weight: Any, assignment: str
    ) -> tuple[three_step.Assigned, Array]:
        resp = self.predict_proba(X)
        weights = errors.checked_weights(sample_weight, resp)
        return three_step.assign(resp, weights, assignment), weights

    # -- what `LatentEstimator` asks for -----------------------------------------------------

    def remember(
        self,
        X: Any,
        sample_weight: ArrayLike | None = None,
        *,
        labels: ArrayLike | None = None,
        allowed: ArrayLike | None = None,
    ) -> Self:
        """Put the data of the fit at hand again, for `standard_errors`, after loading."""
        check_is_fitted(self, "fit_")
        x = self._codes(X)
        self._mixture.remember(x, sample_weight, labels=labels, allowed=allowed)
        self._data, self._errors = self._mixture._data, None
        return self

    def _compute_errors(self, method: str = "oakes", **asked: Any) -> MixtureErrors:
        self._mixture._data = self._data
        return self._mixture._compute_errors(method, **asked)

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter with its standard error and interval.

        Names are such as ``weight[0]`` and ``probability[0, smokes=yes]``. Intervals are Wald's
        on the logit's scale; a probability of exactly 0 or 1 is held and has none.
        """
        weights, components, _ = self.standard_errors()
        return self._named(self._mixture._table(MixtureParams(weights, components), level))

    def estimates(self) -> list[Estimate]:
        """Every parameter by its name, without standard errors, which are nan here."""
        check_is_fitted(self, "weights_")
        return self._named(self._mixture.estimates())

    def _named(self, estimates: Sequence[Estimate]) -> list[Estimate]:
        names = self.parameter_names()
        return [e._replace(name=name) for e, name in zip(estimates, names, strict=True)]

    def parameter_names(self, columns: Sequence[str] | None = None) -> list[str]:
        """What `parameter_table` calls them, with other names of the items if given."""
        check_is_fitted(self, "weights_")
        known = feature_names(self, self.n_features_in_) if columns is None else columns
        k = len(self.weights_)
        answers = [
            f"probability[{t}, {item}={items.written(category)}]"
            for t in range(k)
            for item, each in zip(known, self.categories_, strict=True)
            for category in each
        ]
        return [*(f"weight[{t}]" for t in range(k)), *answers]

    def described(self) -> str:
        """What the components are made of, in words."""
        return "latent classes"

    def marginal(self, column: int = 0) -> None:
        """None: of categories there is no density to draw."""
        return None

    def smallest_variance(self) -> float:
        """1: what it says of Gaussian components has no meaning here."""
        return 1.0

    def _to_record(self) -> Record:
        return record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> LatentClass:
        return record.restore(cls, written)


ROWS = ("x", "weights")
"""What chunks of codes hold."""
