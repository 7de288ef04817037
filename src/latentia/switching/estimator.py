"""`MarkovRegression`: regressions whose lines follow a hidden Markov chain, with covariates."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.data.groups import GroupedRows, GroupedSource
from latentia.engine import EM, tree
from latentia.estimator import Estimate, latent_entropy
from latentia.hmm.start import starts_for
from latentia.mixture.base import Climbing
from latentia.mixture.given import First
from latentia.regression.data import Beside, no_maximum
from latentia.regression.start import METHODS

from . import naming, record, setting
from .model import SwitchingParams
from .naming import SwitchingErrors, Tested
from .setting import Setting
from .uses import SwitchingUses

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]

DEFAULTS = {"tol": 1e-5, "max_iter": 1000, "starts": None}
"""What `tol`, `max_iter` and `n_init` are where nothing is said, by their names in `EM`."""


@final
class MarkovRegression(SwitchingUses, Climbing):
    """Regressions of K hidden states that follow one another as a Markov chain.

    p(y) = sum over paths s of P(s_1 | w_1) ∏ P(s_t | s_t-1, z_t-1) ∏ f(y_t | s_t, x_t)

    Lines, and variances or shapes, differ between states (Goldfeld & Quandt 1973; Hamilton 1994,
    ch. 22). Where the chain starts, and how it moves on, may follow covariates w and z by
    multinomial logits, as in depmixS4 (Visser & Speekenbrink 2010): the covariates of a row bear on
    the move from its step to the next.

    Parameters
    ----------
    formula : str or list of str
        Such as ``"y ~ x"``; several responses, independent given the state, as a list. Formulas
        need formulaic (``pip install 'latentia[formula]'``) and are never run as code.
    n_states : int, default=2
        Number of states K.
    family : str or list of str, default="gaussian"
        Of each response given its state, or one for all: "gaussian", "poisson", "binomial" or
        "gamma", as in `MixtureRegression`.
    transitions : str, optional
        Covariates of moves, such as ``"~ z"``: each state that is left has logits of its own.
    start : str, optional
        Covariates of first states, such as ``"~ w"``; those of a sequence's first row count.
    shared_dispersion : bool, default=False
        Whether states share the variance (gaussian) or the shape (gamma).
    reg_variance : float, default=0.0
        Floor under residual variances (gaussian), in squared units of the response.
    tol : float, default=1e-5
        The fit stops when the estimated gain that is left falls below this many nats of the
        total log-likelihood.
    max_iter : int, default=1000
        E-steps of each start, at most.
    n_init : int, optional
        Starts; the best is kept. By default many where they cost little, of which a race lets
        only the best go on.
    init_params : {"lines", "random"}, default="lines"
        How a start guesses the states of steps, as in `MixtureRegression`.
    random_state : int, RandomState instance or None, default=None
    verbose : int, default=0
    em : EM, optional
        Settings of the climb. An argument above that differs from its default wins.

    Attributes
    ----------
    startprob_ : array of shape (K,)
        Probabilities of the first state; with covariates their mean over the sequences.
    transmat_ : array of shape (K, K)
        Probabilities of moves; with covariates their mean over the steps that were moved on from.
    start_coefficients_ : array of shape (K, r), or None
    transition_coefficients_ : array of shape (K, K, q), or None
        ``[i, j]`` are those of the logit of moving from i to j against moving to state 0.
    params_ : NamedTuple of arrays
        Start, moves and responses.
    response_names_ : list of str
    beside_ : NamedTuple
        What `fit` was told of offset and trials; columns of these names are looked up again.
    converged_, n_iter_, lower_bound_, lower_bounds_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`; bounds are means per step.
    n_features_in_ : int
    feature_names_in_ : array of str
        The columns that formulas need, responses aside.

    References
    ----------
    Visser & Speekenbrink (2010), depmixS4: an R package for hidden Markov models, Journal of
    Statistical Software 36(7). Diebold, Lee & Weinbach (1994), Regime switching with time-varying
    transition probabilities. Hamilton (1994), Time series analysis, ch. 22.

    Examples
    --------
    Answers that are fast guesses or slow and right, and what moves a person from one to the other:

    >>> from latentia import MarkovRegression, datasets
    >>> speed = datasets.load("speed")
    >>> data = dict(zip(speed.columns, speed.values.T))
    >>> model = MarkovRegression("rt ~ 1", transitions="~ payoff", n_init=5, random_state=0)
    >>> model = model.fit(data, id="series")
    >>> print(f"{model.loglik_:.4f}")
    -38.1219
    >>> model.transition_coefficients_[:, 1].round(1)
    array([[  3.1, -15.3],
           [  3.8,  -8. ]])
    """

    _parameter_constraints = {  # noqa: RUF012
        "formula": [str, list, tuple],
        "n_states": [Interval(Integral, 1, None, closed="left")],
        "family": [str, list, tuple],
        "transitions": [str, None],
        "start": [str, None],
        "shared_dispersion": ["boolean"],
        "reg_variance": [Interval(Real, 0.0, None, closed="left")],
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
        formula: Any,
        n_states: int = 2,
        *,
        family: Any = "gaussian",
        transitions: str | None = None,
        start: str | None = None,
        shared_dispersion: bool = False,
        reg_variance: float = 0.0,
        tol: float = 1e-5,
        max_iter: int = 1000,
        n_init: int | None = None,
        init_params: str = "lines",
        random_state: Any = None,
        verbose: int = 0,
        em: EM | None = None,
    ) -> None:
        self.formula = formula
        self.n_states = n_states
        self.family = family
        self.transitions = transitions
        self.start = start
        self.shared_dispersion = shared_dispersion
        self.reg_variance = reg_variance
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
        offset: Any = None,
        trials: Any = None,
    ) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        X : data frame, or dict of columns
            A row a step. A response that is nan is missing and tells nothing of its step;
            covariates must be known.
        lengths : array-like of int, optional
            Steps of each sequence, where rows are of several one behind the other.
        sample_weight : array-like of shape (m,), optional
            How often each sequence counts.
        id, time : str, optional
            Columns that say whose a step is, and when it was.
        offset : str, float or array-like of shape (n,), optional
            Added to the linear predictors.
        trials : str, int or array-like of shape (n,), optional
            The number of trials of binomial responses; 1 by default.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a formula is not allowed; if sequences make no sense; if a covariate is missing, or
            follows from others; if a response cannot be; if a state collapses.
        """
        self._validate_params()
        told = Beside(offset, trials)
        steps = self._steps(X, lengths, id, time, wanted=True)
        rows, learned = setting.learned(self, X, steps, sample_weight, told)
        source, em = GroupedSource(rows), self._climb_settings(defaults=DEFAULTS)
        if em.starts is None:
            em.starts = starts_for(len(rows.x), self.n_states)
            em.race = em.starts > 1
        model = learned.model(self.init_params)
        fit: Any = self._climb(em, model, source, First(), no_maximum)  # type: ignore[arg-type]
        self._set_parameters(fit.params, learned, rows)
        self._restore(fit, latent_entropy(model, fit))
        self._data = source
        self._warn_unless_done(em)
        return self

    def _set_parameters(
        self, params: SwitchingParams, learned: Setting, rows: GroupedRows | None
    ) -> None:
        self._setting, self.params_, self.beside_ = learned, params, learned.beside
        self.response_names_ = [
            str(design.formula.response) for design in learned.designs if design.formula is not None
        ]
        self.start_coefficients_ = self.transition_coefficients_ = None
        if learned.start is not None:
            self.start_coefficients_ = params.start.coefficients
        if learned.moves is not None:
            self.transition_coefficients_ = params.moves.coefficients
        if rows is None:
            return
        _, begin, move = learned.model().logs(params, rows)
        self.startprob_ = np.average(np.exp(begin), axis=0, weights=rows.weights)
        moving = rows.spread(rows.weights)
        moving[np.cumsum(rows.sizes) - 1] = 0.0
        usual = moving if moving.any() else np.ones(len(moving))
        self.transmat_ = np.average(np.exp(move), axis=0, weights=usual)

    # -- what `LatentEstimator` asks for -----------------------------------------------------

    def remember(
        self,
        X: Any,
        lengths: Any = None,
        sample_weight: Any = None,
        *,
        id: str | None = None,
        time: str | None = None,
        offset: Any = None,
        trials: Any = None,
    ) -> Self:
        """Put the data of the fit at hand again, for `standard_errors`, after loading."""
        _, rows = self._rows(X, lengths, id, time, Beside(offset, trials), sample_weight)
        self._data, self._errors = GroupedSource(rows), None
        return self

    def _compute_errors(self, method: str = "oakes", **asked: Any) -> SwitchingErrors:
        model = self._setting.model(self.init_params)
        return naming.standard_errors(model, self._data, self.params_, method, **asked)

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter with its standard error and Wald interval.

        Names are such as ``coefficient[0, x]``, ``variance[1]`` and ``transition[0, 1]``; with
        covariates ``transition_logit[0, 1, z]`` and ``start_logit[1, w]``.
        """
        start, moves, responses, _ = self.standard_errors()
        return self._table(SwitchingParams(start, moves, responses), level)

    def estimates(self) -> list[Estimate]:
        """Every parameter by its name, without standard errors, which are nan here."""
        unknown = tree.filled(self.params_, np.nan)
        return self._table(unknown, 0.95)

    def _table(self, unsure: Any, level: float) -> list[Estimate]:
        check_is_fitted(self, "params_")
        model = self._setting.model()
        return naming.table(self._setting, model, self.params_, unsure, level)

    def parameter_names(self, columns: Any = None) -> list[str]:
        """What `parameter_table` calls them; formulas decide, so `columns` has no say."""
        return [name for name, _, _ in naming.names(self._setting)]

    def tested(self, estimates: list[Estimate] | None = None) -> list[Tested]:
        """Every coefficient with its standard error, z and p against 0 (Wald's test).

        Of `parameter_table()`, or of other estimates of the same names.
        """
        return naming.tested(self.parameter_table() if estimates is None else estimates)

    def described(self) -> str:
        """Formulas and families in words."""
        pairs = zip(self._setting.designs, self._setting.families, strict=True)
        said = [f"{d.formula.text} ({family})" for d, family in pairs if d.formula is not None]
        also = [("transitions", self._setting.moves), ("start", self._setting.start)]
        said += [f"{what} {d.formula.text}" for what, d in also if d is not None and d.formula]
        return ", ".join(said)

    def smallest_variance(self) -> float:
        """1: what it says of Gaussian components has no meaning here."""
        return 1.0

    def _to_record(self) -> Record:
        return record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> MarkovRegression:
        return record.restore(cls, written)
