"""What the likelihood says of a hidden Markov model's parameters: names, errors, intervals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from latentia.engine import inference, tree
from latentia.engine.inference import ProfileInterval
from latentia.estimator import Estimate, LatentEstimator, feature_names
from latentia.families import making

from . import parameters
from .model import HiddenMarkovModel, HiddenMarkovParams
from .parameters import HiddenMarkovErrors
from .uses import Fitted


class ChainInference(LatentEstimator, ABC):
    """Parameters by their names, and how well they are known.

    Attributes
    ----------
    n_features_in_ : int
    """

    n_features_in_: int
    _of_data: HiddenMarkovModel

    @abstractmethod
    def _fitted(self) -> Fitted:
        """The model, and its parameters."""

    def _compute_errors(self, method: str = "oakes", **asked: Any) -> HiddenMarkovErrors:
        model, params = self._of_data, self._fitted().params
        return parameters.standard_errors(model, self._data, params, method, **asked)

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter with its standard error and interval.

        Names are such as ``start[0]``, ``transition[0, 1]`` and ``rate[0, count]``. Intervals are
        Wald's, each on a scale on which no end leaves what the parameter may be.
        """
        start, transitions, made, _ = self.standard_errors()
        return self._table(HiddenMarkovParams(start, transitions, made), level)

    def profile_interval(self, name: str, level: float = 0.95) -> ProfileInterval:
        """The profile-likelihood interval of a parameter.

        Where a Wald interval trusts that the likelihood is a parabola, this one goes out until it
        has fallen by half a quantile of chi-square, all else maximised anew.

        Parameters
        ----------
        name : str
            As `parameter_table` calls it, such as ``"transition[0, 1]"``.
        level : float, default=0.95

        Returns
        -------
        ProfileInterval
            ``lower``, ``upper``, whether these were ``found``, and the ``path`` to them.

        Raises
        ------
        ValueError
            If there is no such parameter, or it cannot move.
        NotFittedError
            If the data of the fit are not at hand; `remember` brings them back.

        Examples
        --------
        >>> from latentia import HiddenMarkov, datasets
        >>> counts = datasets.load("earthquakes").values[:, 1]
        >>> model = HiddenMarkov("poisson", 2, tol=1e-8, random_state=0).fit(counts)
        >>> found = model.profile_interval("rate[0, x0]")
        >>> print(f"{found.lower:.2f} to {found.upper:.2f}")
        13.17 to 16.73
        """
        check_is_fitted(self, "fit_")
        if self._data is None:
            raise NotFittedError(
                "the data of the fit are not kept in model files; give them to remember(X) first"
            )
        model, params = self._fitted()
        columns, leaves = feature_names(self, self.n_features_in_), tree.names(params)
        places = {
            one: (leaves[leaf], place)
            for one, leaf, place in parameters.named(model, params, columns)
        }
        if name not in places:
            raise ValueError(f"got {name!r}, expected one of {', '.join(places)}")
        what = places[name]
        whole = self._of_data
        return inference.profile_interval(whole, self._data, params, what, level, self._backend())

    def estimates(self) -> list[Estimate]:
        """Every parameter by its name, without standard errors, which are nan here."""
        params = self._fitted().params
        unknown = tree.filled(params, np.nan)
        return self._table(unknown, 0.95)

    def parameter_names(self, columns: Sequence[str] | None = None) -> list[str]:
        """What `parameter_table` calls them, with other names of the columns if given."""
        known = feature_names(self, self.n_features_in_) if columns is None else columns
        return [name for name, _, _ in parameters.named(*self._fitted(), known)]

    def _table(self, unsure: HiddenMarkovParams, level: float) -> list[Estimate]:
        columns = feature_names(self, self.n_features_in_)
        return parameters.table(*self._fitted(), unsure, columns, level)

    def described(self) -> str:
        """The family in words, with the columns of each where there are several."""
        columns = feature_names(self, self.n_features_in_)
        family: Any = self._fitted().model.family
        return making.described(getattr(family, "inner", family), columns)
