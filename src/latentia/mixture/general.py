"""`Mixture`: a finite mixture of any family, fitted by the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import RowSource
from latentia.engine import EM, Fit, tree
from latentia.estimator import Estimate, feature_names, latent_entropy
from latentia.families import making, registry
from latentia.families.family import Family

from . import distribution, errors, exchange, general_record, memberships, parameters, portfolio
from .base import MixtureEstimator
from .given import Beginning, First, warm
from .labels import LabelledSource, digest, training_source
from .model import Membership, MixtureModel, MixtureParams
from .parameters import MixtureErrors
from .start import METHODS
from .start_general import GeneralGuesses

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]


@final
class Mixture(MixtureEstimator):
    """Finite mixture of any family: p(x) = sum_k w_k f(x | k), in scikit-learn's conventions.

    Parameters
    ----------
    family : str, class, callable or dict
        What the components are made of: a name such as ``"binomial(trials=10)"``, of those that
        `latentia.families.registry.names` lists; a family's class; a function of the numbers of
        components and columns that makes one; or a dict of columns (name, number, tuple) to these.
    n_components : int, default=1
        Number of components K.
    tol : float, default=1e-3
        The fit stops when the estimated gain that is left falls below this many nats of the
        total log-likelihood.
    max_iter : int, default=100
        E-steps of each start, at most; the one that evaluates the start is not counted.
    n_init : int, default=1
        Starts; the best is kept.
    init_params : str, default="kmeans"
        How a start guesses the memberships, as in `GaussianMixture`. Columns are standardised,
        codes become indicators, and missing cells stand at the mean; k-means also runs on
        normal scores of the ranks, and the likelihood chooses.
    random_state : int, RandomState instance or None, default=None
        Seed of starts and of `sample`.
    warm_start : bool, default=False
        Go on from the previous fit's parameters.
    verbose : int, default=0
        1 prints steps, 2 also what they gained.
    em : EM, optional
        Settings of the climb. An argument above that differs from its default wins.

    Attributes
    ----------
    weights_ : array of shape (K,)
    params_ : NamedTuple of arrays
        The family's parameters, components along the first axis; of a dict a tuple of these.
    family_ : Family
        The family of K components.
    converged_, n_iter_, lower_bound_, lower_bounds_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`.
    start_ : str
        The kind of start that won.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        Only where X has column names.

    References
    ----------
    McLachlan & Peel (2000), Finite Mixture Models, eq. 1.1.

    Examples
    --------
    Days with 0, 1, 2, ... deaths, in two seasons (Hasselblad 1969):

    >>> import numpy as np
    >>> from latentia import Mixture
    >>> days = [162, 267, 271, 185, 111, 61, 27, 8, 3, 1]
    >>> X = np.arange(10)[:, None]
    >>> mixture = Mixture("poisson", 2, tol=1e-9, random_state=0).fit(X, sample_weight=days)
    >>> mixture.params_.rates.round(3)
    array([[1.256],
           [2.663]])
    >>> mixture.predict([[0], [6]])
    array([0, 1])
    """

    _parameter_constraints = {  # noqa: RUF012
        "family": "no_validation",
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions(set(METHODS))],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

    n_features_in_: int
    _digest: str

    def __init__(
        self,
        family: Any,
        n_components: int = 1,
        *,
        tol: float = 1e-3,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        em: EM | None = None,
    ) -> None:
        self.family = family
        self.n_components = n_components
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.em = em

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.allow_nan = registry.allows_missing(self.family)
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
        X : array-like of shape (n, d), or what lies on disk
            As in `GaussianMixture.fit`. Missing cells are nan, where the family takes them. Many
            equal rows, as counts have, are worked on once each.
        y : ignored
        sample_weight : array-like of shape (n,), optional
            How often each row counts. A whole number is the same as repeating the row.
        labels : array-like of int, shape (n,), optional
            The component of each row where it is known, -1 where it is not.
        allowed : array-like of bool, shape (n, K), optional
            Which components each row may be from, in place of `labels`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a cell is none that the family could make, which is named; if the labels are no
            components; if a component collapses.
        """
        em = self._fit(X, sample_weight, labels=labels, allowed=allowed)
        self._warn_unless_done(em)
        return self

    def _fit(
        self,
        X: Any,
        sample_weight: ArrayLike | None,
        begin: Beginning | None = None,
        *,
        labels: ArrayLike | None = None,
        allowed: ArrayLike | None = None,
    ) -> EM:
        """`fit`, from `begin` if it is given; how it climbed."""
        self._validate_params()
        source, parts = training_source(self, X, sample_weight, labels, allowed)
        model = self._model(making.built(parts, self.n_components), parts)
        em = self._climb_settings()
        first = self._first(model, source) if begin is None else First(start=begin.params)
        guessed = first.start is None
        if guessed and self.init_params == "portfolio":
            em = portfolio.raced(em)
        if begin is not None:
            em = portfolio.single(em)
        fit = self._climb(em, model, source, first, errors.no_maximum)
        begun = begin is not None
        self.start_ = portfolio.winner(self.init_params, fit, guessed=guessed, begun=begun)
        fit = portfolio.found_by_a_sweep(fit) if begun else fit
        self._keep(fit, model, source, parts)
        return em

    def _model(
        self, family: Family[Any, Any], parts: tuple[registry.Part, ...] = ()
    ) -> MixtureModel:
        """The engine's view of this estimator."""
        codes = making.codes(parts)
        guesses = GeneralGuesses(family.n_components, self.init_params, codes)
        return MixtureModel(family, family.n_components, guesses)

    def _first(self, model: MixtureModel, source: RowSource | LabelledSource) -> First:
        if not self.warm_start or not hasattr(self, "params_"):
            return First()
        fit: Fit[MixtureParams] | None = getattr(self, "fit_", None)
        same = fit is not None and self._digest == digest(source)
        return warm(model, self._params(), fit if same else None)

    def _keep(
        self,
        fit: Fit[MixtureParams],
        model: MixtureModel,
        source: RowSource | LabelledSource,
        parts: tuple[registry.Part, ...],
    ) -> None:
        self._set_parameters(fit.params, model.family, parts)
        self._restore(fit, latent_entropy(model, fit))
        self._data, self._digest = source, digest(source)

    def _set_parameters(
        self, params: MixtureParams, family: Family[Any, Any], parts: tuple[registry.Part, ...]
    ) -> None:
        self.weights_, self.params_ = params
        self.family_, self._parts = family, parts

    def _params(self) -> MixtureParams:
        """The fitted parameters as the engine takes them."""

        def plain(leaf: Any) -> Array:
            return np.asarray(leaf, dtype=np.float64)

        return MixtureParams(plain(self.weights_), tree.transform(plain, self.params_))

    def _fitted_model(self) -> MixtureModel:
        check_is_fitted(self, ["weights_", "params_"])
        return self._model(self.family_, self._parts)

    exchanges = ("n_components", "family")

    def _as_neighbour(self) -> exchange.Fitted:
        return exchange.Fitted(self._fitted_model(), self._params())

    def _looked_at(self, rng: np.random.Generator) -> Any:
        return self._data.sample(rng)

    # -- using a fitted mixture -------------------------------------------------------------

    def _memberships(self, X: Any) -> Iterator[Membership]:
        return memberships.of_family(self, X)

    def _n_parameters(self) -> int:
        return self.n_parameters_

    def _completing(self) -> tuple[Family[Any, Any], MixtureParams]:
        check_is_fitted(self, ["weights_", "params_"])
        return self.family_, self._params()

    def sample(self, n_samples: int = 1) -> tuple[Array, NDArray[np.int64]]:
        """Draw rows from the fitted mixture.

        Parameters
        ----------
        n_samples : int, default=1

        Returns
        -------
        X : array of shape (n_samples, d)
        y : array of shape (n_samples,)
            The component of each row; rows come sorted by it.
        """
        check_is_fitted(self, ["weights_", "params_"])
        errors.require_draws(n_samples)
        return distribution.draw(self.family_, self._params(), n_samples, self._generator())

    def cdf(self, x: ArrayLike) -> Array:
        """P(X <= x) under a mixture of one column, in the shape of `x`; nan where it is.

        Raises
        ------
        ValueError, TypeError
            If there are several columns, or if the family has no distribution function.
        """
        distribution.require_one_column(self, "cdf")
        return distribution.cdf(self.family_, self._params(), x)

    def quantile(self, p: ArrayLike) -> Array:
        """The smallest x with P(X <= x) >= p under a mixture of one column, in the shape of `p`.

        Parameters
        ----------
        p : array-like
            Probabilities strictly between 0 and 1.

        Raises
        ------
        ValueError, TypeError
            If one is not between 0 and 1; otherwise as `cdf`.
        """
        distribution.require_one_column(self, "quantile")
        return distribution.quantile(self.cdf, p)

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
        self._data, _ = training_source(self, X, sample_weight, labels, allowed)
        self._errors = None
        return self

    def _compute_errors(self, method: str = "oakes", **asked: Any) -> MixtureErrors:
        model, params = self._fitted_model(), self._params()
        return parameters.standard_errors(model, self._data, params, method, **asked)

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter with its standard error and interval.

        Names are those of `params_`, such as ``rate[0, visits]``. Intervals are Wald's, each on a
        scale on which no end leaves what the parameter may be: the logit's for probabilities.
        """
        weights, components, _ = self.standard_errors()
        return self._table(MixtureParams(weights, components), level)

    def estimates(self) -> list[Estimate]:
        """Every parameter by its name, without standard errors, which are nan here."""
        check_is_fitted(self, ["weights_", "params_"])
        unknown = tree.filled(self._params(), np.nan)
        return self._table(unknown, 0.95)

    def parameter_names(self, columns: Sequence[str] | None = None) -> list[str]:
        """What `parameter_table` calls them, with other names of the columns if given."""
        known = feature_names(self, self.n_features_in_) if columns is None else columns
        places = parameters.named(self._fitted_model(), self._params(), known)
        return [name for name, _, _ in places]

    def _table(self, errors: MixtureParams, level: float) -> list[Estimate]:
        columns = feature_names(self, self.n_features_in_)
        return parameters.table(self._fitted_model(), self._params(), errors, columns, level)

    def described(self) -> str:
        """The family in words, with the columns of each where there are several."""
        check_is_fitted(self, "family_")
        return making.described(self.family_, feature_names(self, self.n_features_in_))

    def marginal(self, column: int | Sequence[int] = 0) -> distribution.Marginal | None:
        """A column, or some together, as each component sees them; None where it does not tell."""
        check_is_fitted(self, "params_")
        return distribution.marginal(self.family_, self._params(), self.n_features_in_, column)

    def smallest_variance(self) -> float:
        """1: what it says of Gaussian components has no meaning here."""
        return 1.0

    def _to_record(self) -> Record:
        return general_record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> Mixture:
        return general_record.restore(cls, written)
