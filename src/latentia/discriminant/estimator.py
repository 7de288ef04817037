"""`MixtureDiscriminant`: a classifier by Gaussian densities of each class."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_array, check_random_state, column_or_1d
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from latentia.data.arrays import Rows
from latentia.engine import EM, Certificate, NotConvergedWarning, Status
from latentia.engine import selection as criteria
from latentia.engine.asked import refuse_checkpoint
from latentia.mixture import GaussianMixture, Mixture, errors, start

from . import edda, record, training
from .training import Trained, Training

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]

MODEL_TYPES = ("MclustDA", "EDDA")


@final
class MixtureDiscriminant(ClassifierMixin, BaseEstimator):
    """Discriminant analysis by Gaussian mixtures, as R's ``mclust::MclustDA``.

    "EDDA" gives each class one Gaussian, the covariances of all classes tied in one of the
    fourteen ways of Celeux & Govaert: EEE is linear discriminant analysis, VVV quadratic. With
    "MclustDA" each class is a mixture of its own. What is best is chosen by BIC.

    Parameters
    ----------
    model_type : {"MclustDA", "EDDA"}, default="MclustDA"
    covariance_types : sequence of str, optional
        mclust's names of the structures to try; by default all fourteen.
    n_components : int or sequence of int, default=(1, 2, 3, 4, 5)
        Numbers of components that each class tries. EDDA has one of each.
    priors : array-like of shape (C,), optional
        How likely classes are, in the order of `classes_`; by default their shares in the rows.
    tol : float, default=1e-3
    reg_covar : float, default=1e-6
    max_iter : int, default=100
    n_init : int, default=1
    init_params : str, default="hierarchical"
        As in `GaussianMixture`. What the floor `reg_covar` holds up is taken only where there is
        nothing else.
    random_state : int, RandomState instance or None, default=None
        Seed of starts.
    em : EM, optional
        As in `GaussianMixture`.

    Attributes
    ----------
    classes_ : array of shape (C,)
    class_prior_ : array of shape (C,)
        How likely classes are.
    covariance_types_ : tuple of str
        The structure of each class; of a single component XII, XXI and XXX are written EII, EEI
        and EEE.
    n_components_ : array of int, shape (C,)
    densities_ : ClassDensities
        Weights, means and covariances of the components of all classes.
    loglik_ : float
        Log-likelihood of the rows without their classes, sum_i log p(x_i), as mclust has it.
    n_parameters_ : int
        Free parameters; how likely classes are is not counted.
    confusion_ : array of shape (C, C)
        Weight of the rows of the fit by class and predicted class.
    mixtures_ : list
        What was fitted: of EDDA a `Mixture` whose components are the classes, else the
        `GaussianMixture` of each class.
    candidates_ : tuple of Candidate
        What EDDA found with each structure.
    certificates_ : tuple of Certificate
        The evidence for each of `mixtures_`.
    converged_ : bool
        Whether all of them converged.
    n_iter_ : int
        E-steps of the one that took the most.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        Only where X has column names.

    References
    ----------
    Bensmail & Celeux (1996), Regularized Gaussian discriminant analysis through eigenvalue
    decomposition, JASA 91.
    Fraley & Raftery (2002), Model-based clustering, discriminant analysis, and density
    estimation, JASA 97.

    Examples
    --------
    >>> from latentia import MixtureDiscriminant, datasets
    >>> iris = datasets.load("iris")
    >>> edda = MixtureDiscriminant("EDDA").fit(iris.values, iris.labels)
    >>> edda.covariance_types_[0], round(edda.loglik_, 4), edda.n_parameters_
    ('VEV', -187.7097, 36)
    >>> edda.predict(iris.values[:2]).tolist()
    ['setosa', 'setosa']
    """

    _parameter_constraints = {  # noqa: RUF012
        "model_type": [StrOptions(set(MODEL_TYPES))],
        "covariance_types": ["array-like", None],
        "n_components": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "priors": ["array-like", None],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions(set(start.METHODS))],
        "random_state": ["random_state"],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

    def __init__(
        self,
        model_type: str = "MclustDA",
        *,
        covariance_types: Sequence[str] | None = None,
        n_components: int | Sequence[int] = (1, 2, 3, 4, 5),
        priors: ArrayLike | None = None,
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "hierarchical",
        random_state: Any = None,
        em: EM | None = None,
    ) -> None:
        self.model_type = model_type
        self.covariance_types = covariance_types
        self.n_components = n_components
        self.priors = priors
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.random_state = random_state
        self.em = em

    # -- fitting ---------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Estimate the densities of the classes.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : array-like of shape (n,)
            The class of each row.
        sample_weight : array-like of shape (n,), optional
            How often each row counts. A whole number is the same as repeating the row.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data cannot be used, if a class has too few rows, if nothing could be fitted, or
            if `em` has a checkpoint, which is of one fit.
        """
        self._validate_params()
        if self.em is not None:
            refuse_checkpoint(self.em.checkpoint)
        rows = self._training_rows(X, y, sample_weight)
        names = training.structures(self.covariance_types, rows.x.shape[1])
        priors = self._checked_priors(len(rows.classes))
        if self.model_type == "EDDA":
            floors = sorted({0.0, float(self.reg_covar)})
            trained = edda.together(rows, names, floors, self._of_all_classes(rows), priors)
        else:
            trained = training.apart(rows, names, self._numbers(), self._of_one_class(), priors)
        self.classes_ = np.asarray(rows.classes)
        self._keep(trained, training.height(trained.densities, rows), float(rows.weights.sum()))
        predicted = self._log_joint(rows.x).argmax(axis=1)
        c = len(rows.classes)
        counted = np.bincount(rows.codes * c + predicted, rows.weights, c * c)
        self.confusion_ = counted.reshape(c, c)
        if not self.converged_:
            warnings.warn(self._unfinished(), NotConvergedWarning, stacklevel=2)
        return self

    def _training_rows(self, X: Any, y: Any, sample_weight: Any) -> Training:
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        x = errors.validated(self, X, reset=True)
        kind: Any = None
        given: Any = check_array(y, ensure_2d=False, dtype=kind, input_name="y")
        given = column_or_1d(given, warn=True)
        check_consistent_length(x, given)
        check_classification_targets(given)
        names = getattr(self, "feature_names_in_", None)
        errors.require_finite(x, names, type(self).__name__)
        weights = errors.checked_weights(sample_weight, x)
        errors.judge_columns(x, weights, names, self.reg_covar)
        used = weights > 0
        classes, codes = np.unique(given[used], return_inverse=True)
        return Training(x[used], codes, weights[used], classes)

    def _checked_priors(self, n_classes: int) -> Array | None:
        if self.priors is None:
            return None
        priors = np.asarray(self.priors, dtype=np.float64)
        if priors.shape != (n_classes,) or not (np.isfinite(priors) & (priors >= 0)).all():
            raise ValueError(
                f"got priors={self.priors!r}, expected {n_classes} numbers of at least 0, one for "
                "each class"
            )
        if not priors.sum() > 0:
            raise ValueError("got priors that are all zero, expected some class to be possible")
        return priors / priors.sum()

    def _numbers(self) -> list[int]:
        numbers = np.unique(np.atleast_1d(self.n_components))
        if not len(numbers) or not np.issubdtype(numbers.dtype, np.integer) or numbers[0] < 1:
            raise ValueError(
                f"got n_components={self.n_components!r}, expected whole numbers of at least 1"
            )
        return [int(number) for number in numbers]

    def _of_all_classes(self, rows: Training) -> Any:
        """What makes the mixture of a structure whose components are the classes."""

        def make(name: str, floor: float) -> Mixture:
            family = f"gaussian(covariance_type={name!r}, reg_covar={floor!r})"
            # what is known leaves nothing to guess, so one start is enough
            return Mixture(
                family,
                len(rows.classes),
                init_params="random",
                random_state=0,
                tol=self.tol,
                max_iter=self.max_iter,
                em=self.em,
            )

        return make

    def _of_one_class(self) -> Any:
        """What makes the mixture of the next class, with a seed of its own."""
        random = check_random_state(self.random_state)

        def make() -> GaussianMixture:
            return GaussianMixture(
                tol=self.tol,
                reg_covar=self.reg_covar,
                max_iter=self.max_iter,
                n_init=self.n_init,
                init_params=self.init_params,
                random_state=int(random.randint(2**31 - 1)),
                em=self.em,
            )

        return make

    def _keep(self, trained: Trained, loglik: float, n: float) -> None:
        self.densities_ = trained.densities
        self.class_prior_ = trained.densities.priors
        self.n_components_ = trained.densities.counts
        self.covariance_types_ = trained.covariances
        self.mixtures_, self.candidates_ = trained.mixtures, trained.candidates
        self.certificates_: tuple[Certificate, ...] = tuple(
            mixture.certificate_ for mixture in trained.mixtures
        )
        self.converged_ = all(each.status is Status.CONVERGED for each in self.certificates_)
        self.n_iter_ = max(each.n_steps for each in self.certificates_)
        self.loglik_, self.n_parameters_, self._n = loglik, trained.n_parameters, n

    def _unfinished(self) -> str:
        unfinished = [each for each in self.certificates_ if each.status is not Status.CONVERGED]
        return (
            f"{len(unfinished)} of {len(self.certificates_)} mixtures did not converge: "
            f"{unfinished[0].ending} {unfinished[0].remaining}"
        )

    # -- using a fitted classifier -----------------------------------------------------------

    def _log_joint(self, X: Any) -> Array:
        """log p(x_i, c) of rows that are at hand, (n, C)."""
        blocks = (np.asarray(block.x, dtype=np.float64) for block in Rows.of(X).blocks())
        return np.concatenate([self.densities_.log_joint(block) for block in blocks])

    def _of_rows(self, X: Any) -> Array:
        check_is_fitted(self, "densities_")
        x = errors.validated(self, X, reset=False)
        errors.require_finite(x, getattr(self, "feature_names_in_", None), type(self).__name__)
        return self._log_joint(x)

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row, shape (n,)."""
        most = self._of_rows(X).argmax(axis=1)
        return self.classes_[most]

    def predict_log_proba(self, X: Any) -> Array:
        """Logarithms of `predict_proba`, shape (n, C)."""
        joint = self._of_rows(X)
        return joint - logsumexp(joint, axis=1, keepdims=True)

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class for each row, shape (n, C)."""
        return np.exp(self.predict_log_proba(X))

    def score_samples(self, X: Any) -> Array:
        """log p(x_i), whatever the class, shape (n,)."""
        return np.asarray(logsumexp(self._of_rows(X), axis=1))

    def bic(self, X: Any) -> float:
        """The Bayesian information criterion on X without its classes; lower is better."""
        log_density = self.score_samples(X)
        return criteria.bic(float(log_density.sum()), self.n_parameters_, len(log_density))

    def criteria(self) -> dict[str, float]:
        """AIC and BIC of the fit itself, weights applied; lower is better."""
        check_is_fitted(self, "densities_")
        return {
            "aic": criteria.aic(self.loglik_, self.n_parameters_),
            "bic": criteria.bic(self.loglik_, self.n_parameters_, self._n),
        }

    # -- report and files ----------------------------------------------------------------------

    def summary(self) -> Any:
        """A table of the classes that a person can read."""
        from latentia.report.discriminant import summarise_discriminant

        check_is_fitted(self, "densities_")
        return summarise_discriminant(self)

    @property
    def plot(self) -> Any:
        """Pictures of the fit: ``plot.classification(X)``, ``plot.uncertainty(X)``."""
        from latentia.report.discriminant import DiscriminantPlots

        check_is_fitted(self, "densities_")
        return DiscriminantPlots(self)

    def save(self, path: Any) -> None:
        """Write the fitted classifier to a file that `latentia.load` reads."""
        from latentia.persistence import save_estimator

        check_is_fitted(self, "densities_")
        save_estimator(self, path)

    def _to_record(self) -> Record:
        return record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> MixtureDiscriminant:
        return record.restore(cls(), written)
