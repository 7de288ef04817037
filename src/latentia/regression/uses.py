"""What a fitted mixture of regressions says of rows: responses, and which line each is of."""

from __future__ import annotations

from abc import ABC
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from latentia.mixture import errors
from latentia.mixture.model import Membership, MixtureParams

from . import data, reading
from .data import NOTHING, Beside
from .lines import Lines, lines
from .prediction import Expected, expected, posterior
from .reading import Read
from .setting import Setting

Array = NDArray[np.float64]


class RegressionUses(ABC):
    """Expected responses, memberships, likelihoods and lines of rows, given as `fit` has them."""

    n_features_in_: int
    _setting: Setting
    _fitted: MixtureParams

    def _seen(self, X: Any, y: Any, *, wanted: bool) -> Read:
        """Data to be looked at, read as those of the fit were."""
        check_is_fitted(self, "params_")
        design, beside = self._setting.design, self._setting.concomitant
        told = design.formula, None if beside is None else beside.formula
        return reading.read(self, X, y, told, reset=False, wanted=wanted)

    def _expected(self, X: Any, told: Beside) -> Expected:
        given = self._setting.given(self._seen(X, None, wanted=False), X, told)
        return expected(self._setting, self._fitted, given)

    def predict(
        self,
        X: Any,
        *,
        y: Any = None,
        groups: Any = None,
        offset: Any = None,
        trials: Any = None,
    ) -> Array:
        """The expected response of each row, over components, shape (n,).

        Parameters
        ----------
        X : as in `fit`
            The response need not be among its columns, unless `groups` are given.
        y, groups : as in `fit`
            With `groups` components count by what the known responses of a row's group, its own
            among them, say of the group; where none is known, as they do without. A response that
            is to be predicted is nan.
        offset, trials : as in `fit`
            By default the columns that `fit` named; otherwise 0, and one trial.

        Examples
        --------
        A subject whose first rows are known, and whose last is to come:

        >>> import numpy as np
        >>> from latentia import MixtureRegression, datasets
        >>> known = datasets.load("npreg")
        >>> data = dict(zip(known.columns, known.values.T))
        >>> lines = MixtureRegression("yn ~ x + I(x**2)", random_state=0).fit(data, groups="id2")
        >>> subject = {"x": [2.0, 3.0, 8.0], "yn": [28.0, 35.0, np.nan], "id2": [1, 1, 1]}
        >>> lines.predict(subject, groups="id2").round(1)
        array([30.5, 35.5, 31.4])
        >>> lines.predict(subject).round(1)
        array([20. , 25. , 35.9])
        """
        check_is_fitted(self, "params_")
        if groups is None and y is not None:
            raise ValueError(
                "got y without groups, expected both: a row's own response is not to predict it"
            )
        found, told = self._expected(X, Beside(offset, trials)), Beside(offset, trials)
        weights = found.weights
        if groups is not None:
            weights = self._posterior(X, y, groups, told).resp
        return (found.means * weights).sum(axis=1)

    def predict_by_component(self, X: Any, *, offset: Any = None, trials: Any = None) -> Array:
        """The expected response of each row if it were from each component, shape (n, K)."""
        check_is_fitted(self, "params_")
        return self._expected(X, Beside(offset, trials)).means

    def predict_weights(self, X: Any) -> Array:
        """The probability of each component before a row's response is seen, shape (n, K)."""
        check_is_fitted(self, "params_")
        return self._expected(X, NOTHING).weights

    def predict_memberships(
        self, X: Any, y: Any = None, *, groups: Any = None, **beside: Any
    ) -> Array:
        """The probability of each component given the response, shape (n, K).

        Parameters
        ----------
        X, y, groups : as in `fit`
            Rows of one subject have the same probabilities. Where a response is missing, or none
            are given where there is no formula, those before it is seen.
        **beside
            offset and trials, as in `fit`; by default the columns that `fit` named.
        """
        check_is_fitted(self, "params_")
        if y is None and self._setting.design.formula is None:
            return self.predict_weights(X)
        return self._posterior(X, y, groups, Beside(**beside)).resp

    def predict_components(
        self, X: Any, y: Any = None, *, groups: Any = None, **beside: Any
    ) -> NDArray[np.int64]:
        """The most probable component of each row given the response, shape (n,).

        Arguments are those of `predict_memberships`.
        """
        return self.predict_memberships(X, y, groups=groups, **beside).argmax(axis=1)

    def log_likelihood(self, X: Any, y: Any = None, **beside: Any) -> Array:
        """The log-likelihood of each row's response by itself, shape (n,); 0 where it is missing.

        Arguments are those of `predict_memberships`, without groups.
        """
        return self._posterior(X, y, None, Beside(**beside)).log_density

    def _posterior(self, X: Any, y: Any, groups: Any, told: Beside) -> Membership:
        found = self._seen(X, y, wanted=True)
        assert found.y is not None
        given = self._setting.given(found, X, told)
        label = None if groups is None else data.one_column(X, groups, found.n, "groups")
        return posterior(self._setting, self._fitted, given, found.y, label)

    def lines(
        self,
        X: Any,
        y: Any = None,
        *,
        column: str | None = None,
        groups: Any = None,
        **beside: Any,
    ) -> Lines:
        """Rows and each component's line along one covariate, as ``plot.lines`` draws them.

        Parameters
        ----------
        X, y, groups : as in `fit`
        column : str, optional
            The covariate; by default the first of numbers. Others stand at their mean or most
            frequent level.
        **beside
            offset and trials, as in `fit`.

        Returns
        -------
        Lines
            A NamedTuple: column, response, x, y, resp, at, means.
        """
        found, told = self._seen(X, y, wanted=True), Beside(**beside)
        given = self._setting.given(found, X, told)
        resp = self._posterior(X, y, groups, told).resp
        return lines(self._setting, self._fitted, found, given, resp, column)

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """The share of the responses' variance that `predict` explains, R²."""
        found = self._seen(X, y, wanted=True)
        assert found.y is not None
        known = ~np.isnan(found.y)
        weights = errors.checked_weights(sample_weight, found.y[:, None])[known]
        return float(r2_score(found.y[known], self.predict(X)[known], sample_weight=weights))
