"""`LatentClass`: classes that explain how answers to items go together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM, inference, tree
from latentia.estimator import Estimate, feature_names, latent_entropy
from latentia.families.predictor import Basis
from latentia.mixture import errors, parameters, portfolio, start
from latentia.mixture.base import MixtureEstimator
from latentia.mixture.given import First
from latentia.mixture.labels import LabelledRows, LabelledSource, patterns, told
from latentia.mixture.model import Membership, MixtureModel, MixtureParams, drawn
from latentia.mixture.parameters import MixtureErrors

from . import columns, items, model, record
from .fitted import Fitted
from .uses import ClassUses

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]

DEFAULTS = {"tol": 1e-5, "max_iter": 1000, "starts": 20}
"""What `tol`, `max_iter` and `n_init` are where nothing is said, by their names in `EM`."""


@final
class LatentClass(ClassUses, MixtureEstimator):
    """Latent class model: answers are independent given the class of a row.

    p(x) = sum_k w_k prod_j p_kj(x_j), with the answer x_j to item j one of its categories. The
    categories are learnt from the data: texts, numbers, booleans, or a data frame's own. Missing
    answers (None, nan) are integrated out. Equal rows are worked on once. Where covariates z are
    named, the weights are a multinomial logit of them, fitted in the same step: w_k(z) is
    proportional to exp(z'c_k), with c_0 = 0.

    Parameters
    ----------
    n_components : int, default=2
        Number of classes K.
    covariates : str, int, or list of these, optional
        Columns of X, by name or number, that are no items but covariates of class membership:
        finite numbers. An intercept is added.
    tol : float, default=1e-5
        The fit stops when the estimated gain that is left falls below this many nats of the
        total log-likelihood.
    max_iter : int, default=1000
        E-steps of each start, at most.
    n_init : int, default=20
        Starts; the best is kept. The likelihood has several maxima.
    init_params : str, default="k-means++"
        How a start guesses the memberships, as in `Mixture`. Of more than 2,000 different rows it
        looks at so many, and a few EM steps on these improve the guess.
    random_state : int, RandomState instance or None, default=None
        Seed of starts and of `sample`.
    verbose : int, default=0
        1 prints steps, 2 also what they gained.
    em : EM, optional
        Settings of the climb. An argument above that differs from its default wins.

    Attributes
    ----------
    weights_ : array of shape (K,)
        Sizes of the classes; with covariates their mean over the rows.
    membership_coefficients_ : array of shape (K, 1 + p) or None
        Of the intercept and the covariates, zero for class 0.
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
    Lazarsfeld & Henry (1968), Latent Structure Analysis; Goodman (1974), Biometrika 61, 215-231;
    with covariates Dayton & Macready (1988), JASA 83, 173-178.

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
        "covariates": "no_validation",
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
        covariates: Any = None,
        tol: float = 1e-5,
        max_iter: int = 1000,
        n_init: int = 20,
        init_params: str = "k-means++",
        random_state: Any = None,
        verbose: int = 0,
        em: EM | None = None,
    ) -> None:
        self.n_components = n_components
        self.covariates = covariates
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
            If an answer is none that a category could be, if an item has no answer, if covariates
            are no finite numbers or follow from one another, or if the labels are no classes.
        """
        self._validate_params()
        given = columns.read(self, X, reset=True)
        weights = errors.checked_weights(sample_weight, given[0].values)
        errors.require_enough_rows(weights, self.n_components)
        counted = weights > 0
        answers, others = self._split(given)
        basis = None
        if others:
            z = model.design(columns.numbers_of(others, counted))
            names = (model.INTERCEPT, *(column.name for column in others))
            basis = model.independent(z, weights, names)
        self._know(items.learned(answers, counted), basis)
        source = self._source(self._coded(given, counted), weights, labels, allowed)
        em = self._climb_settings(defaults=DEFAULTS)
        if self.init_params == "portfolio":
            em = portfolio.raced(em)
        built = self._model(self.n_components)
        fit = self._climb(em, built, source, First(), errors.no_maximum)
        self._restore(fit, latent_entropy(built, fit))
        sizes = sum(model.sizes(built, fit.params, rows) for rows in source.chunks())
        self._describe(sizes / weights.sum(), portfolio.winner(self.init_params, fit))
        self._data = source
        self._warn_unless_done(em)
        return self

    def _split(
        self, given: Sequence[columns.Column]
    ) -> tuple[list[columns.Column], list[columns.Column]]:
        """Items and covariates."""
        some, others = columns.split(self.covariates, feature_names(self, len(given)))
        return [given[j] for j in some], [given[j] for j in others]

    def _know(self, categories: Sequence[items.Categories], basis: Basis | None) -> None:
        """The categories of the items, and the basis of the covariates if there are some."""
        self.categories_, self._basis = list(categories), basis

    def _coded(self, given: Sequence[columns.Column], counted: Any = None) -> Array:
        """Rows as the model takes them: covariates, and codes of the answers."""
        answers, others = self._split(given)
        x = items.coded(answers, self.categories_, counted)
        if not others:
            return x
        return np.column_stack([model.design(columns.numbers_of(others, counted)), x])

    def _source(
        self, x: Array, weights: Array, labels: Any, allowed: Any
    ) -> RowSource | LabelledSource:
        mask = told(labels, allowed, len(x), self.n_components)
        if mask is None:
            return patterns(Rows(x, weights))
        return LabelledSource(LabelledRows(x, weights, mask))

    def _model(self, n_components: int) -> MixtureModel:
        levels = [len(each) for each in self.categories_]
        return model.built(levels, n_components, self.init_params, self._basis)

    def _describe(self, sizes: Array, start: str) -> None:
        """The attributes that show the parameters of the fit."""
        weights, (probabilities,) = self._params()
        self.weights_, self.start_ = sizes, start
        self._name_edges(self._places())
        self.membership_coefficients_ = None if self._basis is None else weights.coefficients
        self.probabilities_ = [
            probabilities[:, j, : len(each)] for j, each in enumerate(self.categories_)
        ]

    def _params(self) -> MixtureParams:
        return self.fit_.params

    # -- using a fitted model ---------------------------------------------------------------

    def _fitted(self) -> Fitted:
        check_is_fitted(self, "weights_")
        return Fitted(self._model(len(self.weights_)), self._params())

    def _rows_of(self, X: Any) -> Array:
        check_is_fitted(self, "weights_")
        return self._coded(columns.read(self, X, reset=False))

    def _memberships(self, X: Any) -> Iterator[Membership]:
        fitted = self._fitted()
        return (fitted.posterior(block) for block in Rows.of(self._rows_of(X)).blocks())

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
        fitted = self._fitted()
        errors.require_draws(n_samples)
        if self._basis is not None:
            raise ValueError(
                "got a model with covariates, of which it does not say how they are distributed; "
                "expected one without"
            )
        rng = self._generator()
        labels = np.sort(drawn(self.weights_, n_samples, rng))
        x = fitted.model.family.draw(fitted.params.components, labels, rng)
        return items.decoded(x, self.categories_), labels

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
        given = columns.read(self, X, reset=False)
        weights = errors.checked_weights(sample_weight, given[0].values)
        self._data = self._source(self._coded(given, weights > 0), weights, labels, allowed)
        self._errors = None
        return self

    def _compute_errors(self, method: str = "oakes", **asked: Any) -> MixtureErrors:
        built, params = self._fitted()
        if self._basis is None:
            found = parameters.standard_errors(built, self._data, params, method, **asked)
            return found._replace(note=model.in_words(found.note, self._places()))
        found = inference.standard_errors(built, self._data, params, method, **asked)
        weights, components = found.errors
        return MixtureErrors(weights, components, model.in_words(found.note, self._places()))

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter with its standard error and interval.

        Names are such as ``weight[0]``, or ``coefficient[1, age]`` with covariates, and
        ``probability[0, smokes=yes]``. Intervals are Wald's, of probabilities on the logit's
        scale; a probability of exactly 0 or 1 is held and has none.
        """
        weights, components, _ = self.standard_errors()
        return self._table(MixtureParams(weights, components), level)

    def estimates(self) -> list[Estimate]:
        """Every parameter by its name, without standard errors, which are nan here."""
        check_is_fitted(self, "weights_")
        unknown = tree.filled(self._params(), np.nan)
        return self._table(unknown, 0.95)

    def _table(self, errors: MixtureParams, level: float) -> list[Estimate]:
        return parameters.tabulated(*self._fitted(), errors, self._places(), level)

    def parameter_names(self, columns: Sequence[str] | None = None) -> list[str]:
        """What `parameter_table` calls them, with other names of the columns if given."""
        check_is_fitted(self, "weights_")
        return [name for name, _, _ in self._places(columns)]

    def _places(self, names: Sequence[str] | None = None) -> list[Any]:
        asked, covariates = self._named(names)
        return model.places(self._params(), covariates, asked, self.category_names())

    def _named(self, names: Sequence[str] | None = None) -> tuple[list[str], list[str]]:
        """Items and covariates, by other names of all columns if given."""
        own = feature_names(self, self.n_features_in_)
        known = own if names is None else list(names)
        some, others = columns.split(self.covariates, own)
        return [known[j] for j in some], [known[j] for j in others]

    def item_names(self, names: Sequence[str] | None = None) -> list[str]:
        """The columns that are items, by the names of the fit or by other names of all columns."""
        return self._named(names)[0]

    def category_names(self) -> list[list[str]]:
        """The categories of each item as texts."""
        return [[items.written(category) for category in each] for each in self.categories_]

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
