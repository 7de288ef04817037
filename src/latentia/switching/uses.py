"""What a fitted switching regression says of rows: states, responses, how likely they are."""

from __future__ import annotations

from abc import ABC
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from latentia.data.groups import GroupedRows
from latentia.engine import selection as criteria
from latentia.engine.chart import n_free
from latentia.hmm.chains import stationary
from latentia.hmm.decoding import require_algorithm
from latentia.hmm.dwelling import DwellTimes
from latentia.hmm.filtering import require_likely
from latentia.hmm.reading import require_count
from latentia.hmm.sequential import require_given
from latentia.regression.data import Beside, columns_in
from latentia.regression.formula import computed

from . import setting
from .model import SwitchingParams
from .outlook import ResponseOutlook
from .setting import Setting, Steps

Array = NDArray[np.float64]


class SwitchingUses(ABC):
    """Probabilities of states, paths, expected and drawn responses, criteria.

    Rows are given as `fit` has them: a data frame or a dict of columns, with `lengths`, or `id`
    and `time`, where they are of several sequences.
    """

    formula: Any
    transitions: str | None
    start: str | None
    random_state: Any
    n_features_in_: int
    params_: SwitchingParams
    transmat_: Array
    response_names_: list[str]
    _setting: Setting

    # -- reading -----------------------------------------------------------------------------

    def _steps(
        self, X: Any, lengths: Any, id: str | None, time: str | None, *, wanted: bool
    ) -> Steps:
        """The columns at hand; responses are among them where they are wanted."""
        needed, left = self.columns_needed()
        steps = setting.read(X, [*needed, *(left if wanted else [])], lengths, id, time)
        vars(self)["n_features_in_"] = len(needed)
        vars(self)["feature_names_in_"] = np.array(needed, dtype=object)
        return steps

    def columns_needed(self) -> tuple[list[str], list[str]]:
        """Columns of data that the formulas need: of covariates, and of responses."""
        asked = setting.formulas(self.formula, self.transitions, self.start)
        each = (*asked.responses, asked.moves, asked.start)
        needed = [name for one in each if one is not None for name in one.columns]
        left = [name for one in asked.responses for name in columns_in(one.response)]
        return list(dict.fromkeys(needed)), list(dict.fromkeys(left))

    def _rows(
        self, X: Any, lengths: Any, id: Any, time: Any, told: Beside, weights: Any = None
    ) -> tuple[Steps, GroupedRows]:
        check_is_fitted(self, "params_")
        steps = self._steps(X, lengths, id, time, wanted=True)
        given = np.ones(len(steps.sizes)) if weights is None else np.asarray(weights, np.float64)
        return steps, self._setting.rows(steps, X, given, told.filled(self._setting.beside))

    # -- what is said of them ------------------------------------------------------------------

    def score(
        self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None, **beside: Any
    ) -> float:
        """The log-likelihood of all sequences together, in nats; arguments are those of `fit`."""
        _, rows = self._rows(X, lengths, id, time, _told(beside))
        return float(self._setting.model().posterior(self.params_, rows).loglik.sum())

    def predict_proba(
        self,
        X: Any,
        lengths: Any = None,
        *,
        given: str = "all",
        id: Any = None,
        time: Any = None,
        **beside: Any,
    ) -> Array:
        """P(state | its sequence) of each row, shape (n, K).

        `given` is "all", or "so-far" or "before": given the rows up to it, or before it, alone.
        """
        require_given(given, ("all", "so-far", "before"))
        steps, rows = self._rows(X, lengths, id, time, _told(beside))
        model = self._setting.model()
        if given == "all":
            return steps.as_given(model.posterior(self.params_, rows).resp)
        return steps.as_given(model.filtered(self.params_, rows, given))

    def decode(
        self,
        X: Any,
        lengths: Any = None,
        algorithm: str | None = None,
        *,
        id: Any = None,
        time: Any = None,
        **beside: Any,
    ) -> tuple[float, NDArray[np.int64]]:
        """States of all rows that are likeliest together, or each by itself.

        Parameters
        ----------
        X, lengths, id, time, **beside
            Sequences, as `fit` has them.
        algorithm : {"viterbi", "map"}, default="viterbi"
            The likeliest paths (Viterbi 1967), or the likeliest state of each row.

        Returns
        -------
        log_probability : float
            log p(path, sequences) of the paths; for "map" the sum of the likeliest states'
            probabilities, as in hmmlearn.
        states : array of shape (n,)
        """
        how = require_algorithm(algorithm or "viterbi")
        steps, rows = self._rows(X, lengths, id, time, _told(beside))
        model = self._setting.model()
        if how == "map":
            resp = model.posterior(self.params_, rows).resp
            return float(resp.max(axis=1).sum()), steps.as_given(resp.argmax(axis=1))
        found = model.decoded(self.params_, rows)
        return float(found.log_probability.sum()), steps.as_given(found.states)

    def predict(
        self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None, **beside: Any
    ) -> NDArray[np.int64]:
        """The states that are likeliest together, shape (n,)."""
        return self.decode(X, lengths, id=id, time=time, **beside)[1]

    def responses(
        self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None
    ) -> tuple[Array, NDArray[np.intp], NDArray[np.intp]]:
        """What X has of the responses, sequence after sequence.

        Returns
        -------
        y : array of shape (n, responses)
            nan where one is missing.
        sizes : array of int, shape (m,)
            Steps of each sequence.
        rows : array of int, shape (n,)
            The row of X that each step is.
        """
        check_is_fitted(self, "params_")
        steps = self._steps(X, lengths, id, time, wanted=True)
        each = [
            setting.response(computed(name, steps.columns), name, steps.n)
            for name in self.response_names_
        ]
        return np.column_stack(each)[steps.order], steps.sizes, steps.order

    def get_stationary_distribution(self) -> Array:
        """The distribution of states that `transmat_` leaves as it is, shape (K,)."""
        check_is_fitted(self, "params_")
        return stationary(self.transmat_)

    def expected_durations(self, X: Any = None) -> Array:
        """How many steps in a row a state is expected to last, (K,); of each row of X, (n, K).

        Where moves follow covariates X has them, and what it says is as if they stayed so.

        Raises
        ------
        ValueError
            If moves follow covariates and there are none.
        """
        check_is_fitted(self, "params_")
        if X is None and self._setting.moves is not None:
            raise ValueError(
                "got no covariates, expected rows with those of transitions="
                f"{self.transitions!r}, on which durations depend; give X"
            )
        moves = self.transmat_ if X is None else self.transition_probabilities(X)
        return DwellTimes(np.diagonal(moves, axis1=-2, axis2=-1)).mean

    def transition_probabilities(self, X: Any) -> Array:
        """P(next state | state) from each row, (n, K, K); X has the covariates of moves."""
        check_is_fitted(self, "params_")
        design, model = self._setting.moves, self._setting.model()
        steps = self._steps(X, None, None, None, wanted=False)
        z = np.empty((steps.n, 0)) if design is None else design.matrix(steps.columns, steps.n)
        return np.exp(model.moves.log_transitions(self.params_.moves, z))

    def predict_by_state(self, X: Any, *, offset: Any = None, trials: Any = None) -> Array:
        """Expected responses of each row if it were of each state, (n, K), or (n, K, responses)."""
        check_is_fitted(self, "params_")
        told = Beside(offset, trials).filled(self._setting.beside)
        needed = len(vars(self)["feature_names_in_"]) > 0
        steps = self._steps(X, None, None, None, wanted=not needed)
        model = self._setting.model()
        parts = [
            np.column_stack([each, np.zeros(steps.n)])
            for each in self._setting.given(steps, X, told)[2:]
        ]
        means = model.responses.means(self.params_.responses, np.hstack(parts))
        return means[:, :, 0] if means.shape[2] == 1 else means

    def forecast(
        self,
        X: Any,
        lengths: Any = None,
        steps: int | None = None,
        *,
        ahead: Any = None,
        id: Any = None,
        time: Any = None,
        **beside: Any,
    ) -> ResponseOutlook:
        """The distributions of the responses after the last row of each sequence.

        A move depends on the covariates of the row that is left, so that the first state to come
        follows from those of the last row of X.

        Parameters
        ----------
        X, lengths, id, time
            Sequences, as `fit` has them.
        steps : int, optional
            How many steps ahead: 1 by default, or as many as `ahead` has for each sequence.
        ahead : data frame or dict of columns, optional
            Covariates of the steps to come, without which formulas that have some say nothing of
            them: as many rows for each sequence, one sequence after another in the order of X, or
            by the column `id`, and `time` where X has it.
        **beside
            `offset` and `trials`, as columns of X and `ahead`, or one number.

        Returns
        -------
        ResponseOutlook
            Of m times `steps` rows, sequence after sequence: ``states``, and ``mean()``,
            ``variance()``, ``quantile(p)``, ``density(x)``, ``cdf(x)``.

        Raises
        ------
        ValueError
            If fewer than one step is asked for; if covariates are missing, or of other sequences.

        References
        ----------
        Hamilton (1994), sec. 22.4.

        Examples
        --------
        >>> from latentia import MarkovRegression, datasets
        >>> years = datasets.load("earthquakes")
        >>> data = dict(zip(years.columns, years.values.T))
        >>> model = MarkovRegression("count ~ 1", family="poisson", random_state=0).fit(data)
        >>> model.forecast(data, steps=3).mean().ravel().round(1)
        array([16.2, 16.8, 17.3])
        """
        told = _told(beside)
        seen, rows = self._rows(X, lengths, id, time, told)
        given = told.filled(self._setting.beside)
        if ahead is None:
            needed = [*self.columns_needed()[0], *(one for one in given if isinstance(one, str))]
            if needed:
                raise ValueError(
                    f"got no covariates of the steps to come, expected {', '.join(needed)} as the "
                    "formulas have them; give ahead= with these columns"
                )
            steps = 1 if steps is None else steps
            require_count("steps", steps)
            n = int(steps) * len(rows)
            coming = Steps({}, np.arange(n), np.full(len(rows), int(steps), dtype=np.intp))
            after = self._setting.unanswered(coming, {}, given)
        else:
            coming = self._coming(seen, ahead, steps, id, time)
            steps = int(coming.sizes[0])
            after = self._setting.unanswered(coming, ahead, given)
        model, longer = self._setting.model(), setting.followed(rows, after, int(steps))
        known = model.posterior(self.params_, longer)
        require_likely(known.loglik)
        last = (np.cumsum(longer.sizes)[:, None] + np.arange(-int(steps), 0)).ravel()
        own = model.columns(longer.x[last])[2]
        laws = self._setting.laws(model, self.params_.responses, own)
        return ResponseOutlook(laws, known.resp[last], self.response_names_)

    def _coming(self, seen: Steps, ahead: Any, steps: int | None, id: Any, time: Any) -> Steps:
        """The rows of `ahead`, in the order of the sequences of X."""
        needed = self.columns_needed()[0]
        m, named = len(seen.sizes), id is not None
        wanted = needed or [str(one) for one in self._setting.beside if isinstance(one, str)]
        coming = setting.read(ahead, wanted, None, id, time if named or m == 1 else None)
        sizes, order = coming.sizes, coming.order
        if named:
            assert coming.names is not None
            assert seen.names is not None
            if sorted(map(str, coming.names)) != sorted(map(str, seen.names)):
                raise ValueError(
                    f"got steps to come of {', '.join(map(str, coming.names[:5]))}, expected those "
                    f"of {', '.join(map(str, seen.names[:5]))}, as X has: the same sequences"
                )
            ends = np.cumsum(sizes)
            at = {name: i for i, name in enumerate(coming.names)}
            turn = [at[name] for name in seen.names]
            order = np.concatenate([order[ends[i] - sizes[i] : ends[i]] for i in turn])
        elif coming.n % m == 0:
            sizes = np.full(m, coming.n // m, dtype=np.intp)
        if len(sizes) != m or (sizes != sizes[0]).any() or steps not in (None, int(sizes[0])):
            raise ValueError(
                f"got {coming.n} rows of steps to come for {m} sequences, expected "
                f"{'as many' if steps is None else steps} for each"
            )
        return coming._replace(sizes=sizes, order=order)

    def sample(
        self,
        X: Any,
        lengths: Any = None,
        *,
        id: Any = None,
        time: Any = None,
        random_state: Any = None,
        **beside: Any,
    ) -> tuple[Array, NDArray[np.int64]]:
        """Draw responses given the covariates of X, whose own responses are not looked at.

        Returns
        -------
        y : array of shape (n,), or (n, responses)
        states : array of shape (n,)
        """
        steps, rows = self._rows(X, lengths, id, time, _told(beside))
        seed = check_random_state(self.random_state if random_state is None else random_state)
        model, rng = self._setting.model(), np.random.default_rng(seed.randint(2**31, size=4))
        x, path = model.drawn(self.params_, rows, rng)
        own = model.columns(x)[2]
        y = np.column_stack([own[:, columns][:, -1] for columns in model.responses.columns])
        y = steps.as_given(y)
        return (y[:, 0] if y.shape[1] == 1 else y), steps.as_given(path).astype(np.int64)

    def aic(self, X: Any, lengths: Any = None, **told: Any) -> float:
        """Akaike's information criterion on X; lower is better."""
        return criteria.aic(self.score(X, lengths, **told), self._n_free())

    def bic(
        self, X: Any, lengths: Any = None, *, id: Any = None, time: Any = None, **beside: Any
    ) -> float:
        """The Bayesian information criterion on X, by its number of steps; lower is better."""
        _, rows = self._rows(X, lengths, id, time, _told(beside))
        loglik = float(self._setting.model().posterior(self.params_, rows).loglik.sum())
        return criteria.bic(loglik, self._n_free(), len(rows.x))

    def _n_free(self) -> int:
        """Free parameters, none of them counted as settled on a bound."""
        return n_free(self._setting.model().space, self.params_)


def _told(beside: dict[str, Any]) -> Beside:
    """The offset and the trials; other arguments are refused."""
    unknown = sorted(set(beside) - set(Beside._fields))
    if unknown:
        raise TypeError(f"got the argument {unknown[0]!r}, expected offset or trials beside X")
    return Beside(**beside)
