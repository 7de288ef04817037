"""`GaussianMixture`: a drop-in for scikit-learn's, fitted by the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Frame, Rows, RowSource
from latentia.engine import EM, Fit, Status
from latentia.estimator import Estimate, latent_entropy
from latentia.families.conjugate import ConjugatePrior
from latentia.families.covariance import STRUCTURES, structure_of
from latentia.families.gaussian import Gaussian

from . import (
    attributes,
    errors,
    exchange,
    given,
    inference,
    memberships,
    noise,
    partial,
    portfolio,
    record,
    start,
)
from .components import shown
from .model import Membership, MixtureModel, MixtureParams
from .normal import NormalMixtureEstimator

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]


@final
class GaussianMixture(NormalMixtureEstimator):
    """Gaussian mixture, fitted by expectation-maximization.

    Arguments, attributes and methods are those of ``sklearn.mixture.GaussianMixture``; what
    differs is said below. Beyond it there are weights, accelerated and certified convergence,
    standard errors, a report and safe files.

    Parameters
    ----------
    n_components : int, default=1
        Number of components K.
    covariance_type : str, default="full"
        What the components' covariances share. scikit-learn's "full" (each its own matrix),
        "tied" (one for all), "diag" (own diagonals) and "spherical" (own single variances), or
        one of mclust's fourteen models: three letters for volume, shape and orientation, E where
        they are equal, V where they vary, I where there is nothing to tell ("EII", "VII", "EEI",
        "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"); for one column
        also "E" and "V".
    tol : float, default=1e-3
        The fit stops when the estimated gain that is left falls below this many nats of the
        *total* log-likelihood. This is stricter than scikit-learn's change per row.
    reg_covar : float, default=1e-6
        A floor under the eigenvalues of every covariance, not a number added to its diagonal:
        where no floor is active the result is the maximum-likelihood one.
    max_iter : int, default=100
        E-steps of each start, at most; the one that evaluates the start is not counted.
    n_init : int, default=1
        Starts; the best is kept.
    init_params : str, default="kmeans"
        How a start guesses the memberships: as scikit-learn with "kmeans" (on whitened data too),
        "k-means++", "random" or "random_from_data"; "hierarchical" cuts the tree of
        `latentia.mixture.agglomerate` by the Gaussian criterion, as mclust does, and for a second
        start that by Ward's; "portfolio" makes a start of each kind, six at least, and
        races them.
    weights_init, means_init, precisions_init : array-like, optional
        Given parts of the start. Given means decide the memberships from which the rest is made.
    random_state : int, RandomState instance or None, default=None
        Seed of starts and of `sample`.
    warm_start : bool, default=False
        Go on from the previous fit's parameters.
    verbose : int, default=0
        1 prints steps, 2 also what they gained.
    verbose_interval : int, default=10
        Steps between prints.
    prior : {"conjugate"} or ConjugatePrior, optional
        A prior on means and covariances, under which no component collapses: the fit is then a
        posterior mode, and says so. "conjugate" is mclust's default
        (`latentia.families.conjugate.ConjugatePrior.of`).
    noise : bool, float or array of bool of shape (n,), optional
        Whether rows may come from no component: from noise, uniform on a box around all rows. It
        begins with the loneliest tenth of the rows, or this share of them, or these rows.
    em : EM, optional
        Settings of the climb. An argument above that differs from its default overrides them.

    Attributes
    ----------
    weights_ : array of shape (K,)
        Of the components; they add up to 1 less that of noise.
    noise_weight_ : float
        The weight of noise, 0 where there is none. Then `predict` says -1 where noise is the most
        probable, and what `predict_proba` of a row leaves of 1 is the probability of that.
    noise_box_ : Box or None
        ``noise_box_.log_volume`` is minus the log-density of noise.
    means_ : array of shape (K, d)
    covariances_, precisions_, precisions_cholesky_ : array
        In scikit-learn's shapes under its names, (K, d, d), (d, d), (K, d) or (K,); under
        mclust's always matrices, (K, d, d).
    converged_ : bool
    n_iter_ : int
        E-steps of the best start.
    lower_bound_ : float
        Mean log-likelihood per row (per unit of weight).
    lower_bounds_ : list of float
        The same after each step of the best start.
    loglik_ : float
        Total log-likelihood, in nats.
    n_parameters_ : int
        Free parameters.
    certificate_ : Certificate
        The evidence for the fit.
    fit_ : Fit
        The engine's result.
    prior_ : ConjugatePrior or None
        The prior that was in force. `loglik_` and the criteria are without it.
    start_ : str
        How the start that won guessed the memberships, a name of
        ``latentia.mixture.start.PORTFOLIO`` or as in `init_params`; "given" where it did not
        guess, "sweep" where `select` found what to start from. Files do not keep it.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        Only where X has column names.

    References
    ----------
    McLachlan & Peel (2000), Finite Mixture Models, ch. 3; Celeux & Govaert (1995), Gaussian
    parsimonious clustering models, for the fourteen models; Scrucca, Fop, Murphy & Raftery (2016),
    mclust 5, for their names.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import GaussianMixture
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> gm = GaussianMixture(n_components=2, random_state=0).fit(X)
    >>> gm.means_
    array([[10.,  2.],
           [ 1.,  2.]])
    >>> gm.predict([[0, 0], [12, 3]])
    array([1, 0])
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions(set(STRUCTURES))],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions(set(start.METHODS))],
        "weights_init": ["array-like", None],
        "means_init": ["array-like", None],
        "precisions_init": ["array-like", None],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
        "prior": [StrOptions({"conjugate"}), ConjugatePrior, None],
        "noise": ["boolean", Interval(Real, 0.0, 1.0, closed="neither"), "array-like", None],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weights_init: ArrayLike | None = None,
        means_init: ArrayLike | None = None,
        precisions_init: ArrayLike | None = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
        prior: ConjugatePrior | str | None = None,
        noise: bool | float | ArrayLike | None = None,
        em: EM | None = None,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.prior = prior
        self.noise = noise
        self.em = em

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    prior_: ConjugatePrior | None = None
    noise_weight_: float = 0.0
    _fitted_type: str

    # -- fitting ---------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        X : array-like of shape (n, d), or what lies on disk
            A memory map, a path (a file, a folder or a glob of Parquet, CSV or Arrow), what
            `latentia.scan` makes of one, or a Dask collection. float32 and float64 are used as
            they are, without a copy. Missing cells are nan: they are integrated out.
        y : ignored
        sample_weight : array-like of shape (n,), optional
            How often each row counts. A whole number is the same as repeating the row.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data cannot be used, or if a component collapses and `reg_covar` is 0.
        """
        em = self._fit(X, sample_weight)
        self._warn_unless_done(em)
        return self

    def _fit(
        self, X: Any, sample_weight: ArrayLike | None, begin: given.Beginning | None = None
    ) -> EM:
        """`fit`, from `begin` if it is given; how it climbed."""
        self._validate_params()
        seen = given.looked_at(self, X, sample_weight, begin)
        source, frame, rows = seen.source, seen.frame, seen.source.rows
        structure = structure_of(self.covariance_type, len(frame.origin))
        self.prior_ = ConjugatePrior.asked(
            self.prior, source.distinct, self.n_components, structure
        )
        share, flagged = noise.asked(self.noise, len(rows))
        self.noise_box_ = noise.box_around(self, rows) if share else None
        model = attributes.model(self, frame, len(rows), share)
        em = self._climb_settings(self.verbose_interval)
        begun = begin is not None
        first = given.First(begin.params) if begun else given.first(self, model, frame)
        if flagged is not None and first.start is None:
            first = given.First(start=attributes.around_noise(self, rows, flagged, frame))
        guessed = first.start is None and self.means_init is None
        how = self.init_params
        if guessed and how == "portfolio":
            em = portfolio.raced(em)
        if begun:
            em = portfolio.single(em)
        fit = self._climb(em, model, source, first, errors.collapsed)
        fit = portfolio.found_by_a_sweep(fit) if begun else fit
        self._keep(fit, frame, rows, seen.dtype)
        self.start_ = portfolio.winner(how, fit, guessed=guessed, begun=begun)
        return em

    def partial_fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Take one more batch of rows into the estimate: a step of stepwise EM.

        The first batch makes the start, as `fit` would of these rows, and needs at least as many
        rows as there are components; later batches may be of any size. Earlier batches count less
        and less. After `fit`, its rows count as the first batch; `fit` itself starts anew.

        What only a full fit can say (`fit_`, `loglik_`, `certificate_`, standard errors, a file)
        is missing afterwards; `n_samples_seen_` is the weight of all rows so far.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : ignored
        sample_weight : array-like of shape (n,), optional
            How often each row counts.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the batch cannot be used or a component collapses; the estimator then stays as it
            was.

        References
        ----------
        Cappé & Moulines (2009), On-line expectation-maximization algorithm for latent data
        models, JRSS B 71.

        Examples
        --------
        >>> from latentia import GaussianMixture, datasets
        >>> X = datasets.load("faithful").values
        >>> gm = GaussianMixture(2, random_state=0)
        >>> for batch in (X[:100], X[100:200], X[200:]):
        ...     gm = gm.partial_fit(batch)
        >>> gm.means_.round()
        array([[ 4., 80.],
               [ 2., 54.]])
        """
        partial.go_on(self, X, sample_weight)
        return self

    def _model(self, frame: Frame) -> MixtureModel:
        """The engine's view of this estimator."""
        return attributes.model(self, frame)

    def _keep(self, fit: Fit[MixtureParams], frame: Frame, rows: Rows, dtype: Any) -> None:
        partial.forget(self)
        collapsed = fit.status is Status.DEGENERATE
        attributes.show(self, fit.params, dtype, collapsed=collapsed)
        self._frame = frame
        self._restore(fit, latent_entropy(self._model(frame), fit))
        self._data = rows

    exchanges = ("n_components", "covariance_type")

    def _as_neighbour(self) -> exchange.Fitted:
        return exchange.Fitted(self._model(self._frame), self._params())

    def _looked_at(self, rng: np.random.Generator) -> Rows:
        return RowSource(self._data).sample(rng)

    def begin_together(
        self, estimators: Sequence[GaussianMixture], X: Any, sample_weight: ArrayLike | None = None
    ) -> list[given.Beginning | None]:
        from . import together  # which loads a compiler

        return together.beginnings(estimators, X, sample_weight)

    def _params(self) -> MixtureParams:
        """The fitted parameters as the engine takes them."""
        return attributes.params(self)

    # -- using a fitted mixture -------------------------------------------------------------

    def _memberships(self, X: Any) -> Iterator[Membership]:
        return memberships.of_gaussian(self, X)

    def _n_parameters(self) -> int:
        return attributes.n_free(self)

    def _completing(self) -> tuple[Gaussian, MixtureParams]:
        check_is_fitted(self, ["weights_", "means_", "covariances_"])
        return attributes.unframed_family(self), attributes.params(self)

    # -- what `LatentEstimator` asks for -----------------------------------------------------

    def remember(self, X: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Put the data of the fit at hand again, for `standard_errors`, after loading."""
        check_is_fitted(self, "fit_")
        seen = given.looked_at(self, X, sample_weight)
        self._data, self._frame, self._errors = seen.source.rows, seen.frame, None
        return self

    def _compute_errors(self, method: str = "oakes", **resampling: Any) -> inference.StandardErrors:
        fitted = self._model(self._frame), self._data, self._params()
        made = inference.standard_errors(*fitted, method, **resampling)
        _, errors = shown(self.covariance_type, made.covariances, *made.means.shape)
        return made._replace(covariances=errors)

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter with its standard error and interval.

        Intervals are Wald's: on the logit scale for weights, the log scale for variances, and
        the parameter's own for the rest, so that none leaves its range.
        """
        return inference.table(self, level)

    def _to_record(self) -> Record:
        return record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> GaussianMixture:
        return record.restore(cls(), written)
