"""`BayesianGaussianMixture`: a drop-in for scikit-learn's, fitted by the engine."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import POOL, Frame, Rows, RowSource
from latentia.engine import EM, Fit
from latentia.engine.tree import leaves
from latentia.estimator import Estimate, feature_names, latent_entropy
from latentia.families.covariance import STRUCTURES
from latentia.families.gaussian import Gaussian, GaussianParams

from . import bayesian_record, errors, parameters, portfolio, posterior, start
from .bayesian_prior import KINDS, PROPORTIONS, prior_of
from .given import First
from .inference import StandardErrors
from .model import Membership, MixtureModel, MixtureParams
from .normal import NormalMixtureEstimator
from .start_bayesian import SortedGuesses
from .variational import Prior, VariationalMixture, VariationalParams, constant

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]


@final
class BayesianGaussianMixture(NormalMixtureEstimator):
    """Gaussian mixture with priors, fitted by variational inference.

    Arguments, attributes and methods are those of ``sklearn.mixture.BayesianGaussianMixture``;
    what differs is said below. Beyond it there are weights, accelerated and certified
    convergence, the bound with all its constants, posterior deviations and safe files. Components
    that the rows do not need are left with next to none of them.

    Parameters
    ----------
    n_components : int, default=1
        Number of components K, at most.
    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
    tol : float, default=1e-3
        The fit stops when the estimated gain that is left falls below this many nats of the
        bound. This is stricter than scikit-learn's change from step to step.
    reg_covar : float, default=1e-6
        A floor under the eigenvalues of every covariance, and of the default `covariance_prior`,
        not a number added to a diagonal in each step: such a number makes the bound fall. Where
        no floor is active the result is scikit-learn's at ``reg_covar=0``.
    max_iter : int, default=100
        E-steps of each start, at most; the one that evaluates the start is not counted.
    n_init : int, default=1
        Starts; the one with the highest bound is kept.
    init_params : str, default="kmeans"
        As in `GaussianMixture`.
    weight_concentration_prior_type : str, default="dirichlet_process"
        "dirichlet_process", sticks broken one after the other, or "dirichlet_distribution".
    weight_concentration_prior : float, optional
        Above 0; the larger, the more components have rows. By default 1 / K.
    mean_precision_prior : float, default=1
        How many rows the prior of a mean is worth.
    mean_prior : array-like of shape (d,), optional
        By default the mean of the rows.
    degrees_of_freedom_prior : float, optional
        Of the Wishart distributions of the precisions, above d - 1. By default d.
    covariance_prior : float or array-like, optional
        Inverse scale of these: (d, d) for "full" and "tied", (d,) for "diag", a number for
        "spherical". By default the covariance of the rows.
    random_state : int, RandomState instance or None, default=None
        Seed of starts and of `sample`.
    warm_start : bool, default=False
        Go on from the previous fit's parameters.
    verbose : int, default=0
        1 prints steps, 2 also what they gained.
    verbose_interval : int, default=10
        Steps between prints.
    em : EM, optional
        Settings of the climb. An argument above that differs from its default overrides them. The
        bound never falls, accelerated or not; ``EM(accelerate="none")`` makes scikit-learn's
        steps.

    Attributes
    ----------
    weights_ : array of shape (K,)
        Expected weights; for "dirichlet_process" divided by their sum.
    means_ : array of shape (K, d)
    covariances_, precisions_, precisions_cholesky_ : array
        Of the expected precisions, in the shape of the covariance type.
    weight_concentration_ : array of shape (K,), or two of them in a tuple
        Of the Dirichlet distribution, or of the breaks' Beta distributions.
    mean_precision_ : array of shape (K,)
    degrees_of_freedom_ : array of shape (K,), or float for "tied"
    weight_concentration_prior_, mean_precision_prior_, degrees_of_freedom_prior_ : float
    mean_prior_ : array of shape (d,)
    covariance_prior_ : float or array
        What was given, or what stood in for it.
    converged_ : bool
    n_iter_ : int
        E-steps of the best start.
    lower_bound_ : float
        The lower bound of the log evidence in nats of all rows, as scikit-learn has it: short of
        what prior and number of rows alone add. That of the parameters returned.
    lower_bounds_ : list of float
        The same after each step of the best start.
    loglik_ : float
        The bound with all its constants, which can be compared between priors, covariance types
        and numbers of components, a higher one being better. No criterion is needed for that:
        AIC, BIC and the like count parameters once more.
    certificate_ : Certificate
        The evidence for the fit.
    fit_ : Fit
        The engine's result.
    start_ : str
        As in `GaussianMixture`.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        Only where X has column names.

    References
    ----------
    Attias (2000), A variational Bayesian framework for graphical models, NIPS 12.
    Bishop (2006), Pattern Recognition and Machine Learning, sec. 10.2.
    Blei & Jordan (2006), Variational inference for Dirichlet process mixtures, Bayesian
    Analysis 1.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import BayesianGaussianMixture
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [4, 2], [12, 4], [10, 7]])
    >>> bgm = BayesianGaussianMixture(n_components=2, random_state=0).fit(X)
    >>> bgm.means_.round(1)
    array([[2.5, 2.3],
           [8.4, 4.5]])
    >>> bgm.predict([[0, 0], [9, 3]])
    array([0, 1])
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions(set(KINDS))],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions(set(start.METHODS))],
        "weight_concentration_prior_type": [StrOptions(set(PROPORTIONS))],
        "weight_concentration_prior": [None, Interval(Real, 0.0, None, closed="neither")],
        "mean_precision_prior": [None, Interval(Real, 0.0, None, closed="neither")],
        "mean_prior": [None, "array-like"],
        "degrees_of_freedom_prior": [None, Interval(Real, 0.0, None, closed="neither")],
        "covariance_prior": [None, "array-like", Interval(Real, 0.0, None, closed="neither")],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

    def __init__(
        self,
        *,
        n_components: int = 1,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weight_concentration_prior_type: str = "dirichlet_process",
        weight_concentration_prior: float | None = None,
        mean_precision_prior: float | None = None,
        mean_prior: ArrayLike | None = None,
        degrees_of_freedom_prior: float | None = None,
        covariance_prior: ArrayLike | None = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
        em: EM | None = None,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weight_concentration_prior_type = weight_concentration_prior_type
        self.weight_concentration_prior = weight_concentration_prior
        self.mean_precision_prior = mean_precision_prior
        self.mean_prior = mean_prior
        self.degrees_of_freedom_prior = degrees_of_freedom_prior
        self.covariance_prior = covariance_prior
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.em = em

    # -- fitting ---------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Find the posterior that makes the lower bound of the evidence largest.

        Parameters
        ----------
        X : array-like of shape (n, d), or what lies on disk
            As in `GaussianMixture.fit`.
        y : ignored
        sample_weight : array-like of shape (n,), optional
            How often each row counts. A whole number is the same as repeating the row.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data or a prior cannot be used, or if rows do not vary in some direction and
            `reg_covar` is 0.
        """
        self._validate_params()
        X = errors.at_hand(X)  # what it decoded lasts as long as the fit
        rows, dtype = errors.training_rows(self, X, sample_weight)
        source = RowSource(rows)
        distinct = source.distinct  # the same bits for weights and for repeated rows
        frame = Frame.of(distinct)
        all_rows = distinct if len(distinct) < POOL else rows
        prior = prior_of(self, all_rows, STRUCTURES[self.covariance_type])
        first = self._first(prior, frame)
        model: Any = self._model(prior, frame, rows)
        em = self._climb_settings(self.verbose_interval)
        guessed = first.start is None
        if guessed and self.init_params == "portfolio":
            em = portfolio.raced(em)
        fit: Any = self._climb(em, model, source, first, errors.collapsed)
        self._keep(fit, model, prior, frame, dtype)
        self._data = rows
        self.start_ = portfolio.winner(self.init_params, fit, guessed=guessed)
        self._warn_unless_done(em)
        return self

    def _model(self, prior: Prior, frame: Frame, rows: Rows) -> VariationalMixture:
        """The engine's view of this estimator and what it fits."""
        k = self.n_components
        family = Gaussian(k, STRUCTURES[self.covariance_type], frame, n_rows=len(rows))
        guesses = SortedGuesses(start.Guesses(k, self.init_params, frame))
        total = float(rows.weights.sum())
        return VariationalMixture(prior, family, self.reg_covar, total, guesses)

    def _first(self, prior: Prior, frame: Frame) -> Any:
        """Where the engine is to start: at the previous fit, if `warm_start` says so."""
        fit: Fit[Any] | None = getattr(self, "fit_", None)
        shape = self.n_components, len(frame.origin)
        known: Any = getattr(self, "_prior", None)
        if not self.warm_start or fit is None or self.means_.shape != shape:
            return First()
        kept = STRUCTURES[self.covariance_type].shape(*shape)
        if not known.alike(prior) or self.covariances_.shape != kept:
            return First()
        left: Any = self._params()
        before, now = (*known.arrays(), *self._frame), (*prior.arrays(), *frame)
        # of the same data and prior, and as it was left
        same = all(map(np.array_equal, (*before, *leaves(left)), (*now, *leaves(fit.params))))
        return First(left, None, fit if same else None)

    def _keep(
        self, fit: Fit[Any], model: VariationalMixture, prior: Prior, frame: Frame, dtype: Any
    ) -> None:
        self._prior, self._frame = prior, frame
        self._set_parameters(fit.params, dtype)
        self._restore(fit, latent_entropy(model, fit))
        self._of_all_rows()

    def _of_all_rows(self) -> None:
        """Bounds as in the original, which are not means; deviations, which need no data."""
        fit = self.fit_
        climbed = fit.trace.objective[fit.trace.accepted]
        left_out = constant(self._prior, self.n_components, fit.n_units)
        self.lower_bound_ = fit.objective - left_out
        self.lower_bounds_ = [float(value) for value in climbed[1:] - left_out]
        self._errors = self._compute_errors()

    def _set_parameters(self, params: VariationalParams, dtype: Any) -> None:
        structure, prior = STRUCTURES[self.covariance_type], self._prior
        concentration, mean_precision, means, degrees, covariances = params
        precision = structure.precision(covariances)
        self.weight_concentration_prior_ = float(prior.proportions.prior[-1, -1])
        self.mean_precision_prior_ = prior.mean_precision
        self.mean_prior_ = prior.mean
        self.degrees_of_freedom_prior_ = prior.degrees_of_freedom
        self.covariance_prior_ = prior.covariance[()]  # a number for a spherical one
        shown = concentration.astype(dtype)
        process = prior.proportions.axis == 0
        self.weight_concentration_ = tuple(shown.T.copy()) if process else shown[0]
        self.mean_precision_ = mean_precision.astype(dtype)
        degrees = degrees.astype(dtype)
        self.degrees_of_freedom_ = degrees if structure.own else degrees[0]
        self.weights_ = prior.proportions.moments(concentration).mean.astype(dtype)
        self.means_ = means.astype(dtype)
        self.covariances_ = np.array(covariances, dtype=dtype)
        self.precisions_cholesky_ = precision.astype(dtype)
        self.precisions_ = structure.inverse(precision).astype(dtype)

    def _params(self) -> VariationalParams:
        """The fitted parameters as the engine takes them."""
        shown = self.weight_concentration_
        stacked = np.column_stack(shown) if isinstance(shown, tuple) else shown[None, :]
        found = (stacked, self.mean_precision_, self.means_)
        shapes = (np.atleast_1d(self.degrees_of_freedom_), self.covariances_)
        return VariationalParams(*(np.asarray(a, dtype=np.float64) for a in (*found, *shapes)))

    # -- using a fitted mixture -------------------------------------------------------------

    def _memberships(self, X: Any) -> Iterator[Membership]:
        return posterior.memberships(self, X)

    def _n_parameters(self) -> int:
        return self.n_parameters_

    # -- what `LatentEstimator` asks for -----------------------------------------------------

    def remember(self, X: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Put the data of the fit at hand again; the posterior's deviations do without."""
        check_is_fitted(self, "fit_")
        self._data, _ = errors.training_rows(self, X, sample_weight)
        return self

    def _compute_errors(self, method: str = "oakes", **asked: Any) -> StandardErrors:
        if method != "oakes":
            raise ValueError(
                f"got method={method!r}, expected 'observed': what stands for standard errors here "
                "are the deviations of the posterior"
            )
        return posterior.deviations(self._params(), self._prior.proportions, self.covariance_type)

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter with the posterior's standard deviation and an interval.

        Intervals are normal ones: on the logit scale for weights, the log scale for variances,
        and the parameter's own for the rest, so that none leaves its range.
        """
        weights, means, covariances, _ = self.standard_errors()
        k, structure = self.n_components, STRUCTURES[self.covariance_type]
        mixture = MixtureModel(Gaussian(k, structure, self._frame), k, lambda rows, rng: [])
        _, _, centres, _, spreads = self._params()
        return parameters.table(
            mixture,
            MixtureParams(np.asarray(self.weights_, float), GaussianParams(centres, spreads)),
            MixtureParams(weights, GaussianParams(means, covariances)),
            feature_names(self, centres.shape[1]),
            level,
        )

    def _to_record(self) -> Record:
        return bayesian_record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> BayesianGaussianMixture:
        return bayesian_record.restore(cls(), written)
