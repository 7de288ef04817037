"""`MixedImputer`: fills tables of any columns, by the model that their kinds and number allow."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Rows
from latentia.engine import NotConvergedWarning, Status
from latentia.latent_class import columns
from latentia.latent_class.columns import Column
from latentia.mixture import Mixture, errors

from . import reading
from .estimators import GeneralLocation
from .reading import Kinds
from .terms import hierarchy

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]

MOST_CELLS = 5000
"""Of a table that is modelled cell by cell where nothing else is asked for."""

ROWS_EACH = 5
"""Rows to each free parameter of such a model, at least."""


@final
class MixedImputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Fills tables of categories and numbers, by a model that their kinds and number allow.

    Columns of texts, booleans and a data frame's categories are categories, others numbers. The
    general location model is taken where the categories make a table of few cells for the number of
    rows (for numbers alone it is the normal distribution, for categories alone a log-linear model);
    otherwise a mixture in which columns are independent within a component (latent classes, for
    categories), with the number of components chosen by BIC.

    Parameters
    ----------
    categorical : sequence of str or int, optional
        Columns of numbers that are categories.
    model : {"auto", "general-location", "mixture"}, default="auto"
    max_components : int, default=8
        Of a mixture.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    model_ : GeneralLocation or Mixture
        What was fitted; a mixture sees codes of the categories first, then the numbers.
    chosen_ : str
        What was chosen and why, in a sentence.
    categories_ : tuple of tuple
        Of each column of categories.
    n_features_in_ : int

    References
    ----------
    Schafer (1997), Analysis of Incomplete Multivariate Data, ch. 9; Vermunt, van Ginkel, van der
    Ark & Sijtsma (2008), Multiple imputation of incomplete categorical data using latent class
    analysis, Sociological Methodology 38, 369-397.

    Examples
    --------
    >>> from latentia import MixedImputer
    >>> rows = [
    ...     ["a", 1.0],
    ...     ["a", 2.0],
    ...     ["b", 5.0],
    ...     ["b", None],
    ...     [None, 5.5],
    ...     ["a", 1.5],
    ...     ["b", 6.0],
    ... ]
    >>> imputer = MixedImputer(random_state=0, model="general-location").fit(rows)
    >>> print(imputer.chosen_)
    General location model, as asked: 1 column of categories (2 cells), 1 of numbers.
    >>> print(imputer.transform(rows)[4])
    ['b' 5.5]
    """

    _parameter_constraints = {  # noqa: RUF012
        "categorical": ["array-like", None],
        "model": [StrOptions({"auto", "general-location", "mixture"})],
        "max_components": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    n_features_in_: int

    def __init__(
        self,
        categorical: Any = None,
        *,
        model: str = "auto",
        max_components: int = 8,
        random_state: Any = None,
    ) -> None:
        self.categorical = categorical
        self.model = model
        self.max_components = max_components
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Choose a model and estimate it.

        Parameters
        ----------
        X : data frame or array-like of shape (n, d)
            None, nan and null are missing.
        y : ignored
        sample_weight : array-like of shape (n,), optional
            How often each row counts.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a column has no value, or a cell is of the wrong kind.
        """
        self._validate_params()
        given = columns.read(self, X, reset=True)
        weights = errors.checked_weights(sample_weight, given[0].values)
        counted = weights > 0
        self._kinds = reading.kinds_of(given, self.categorical, counted, most=np.inf)
        table, why = self._chooses_table(float(weights.sum()))
        kinds = self._kinds
        parts = [
            f"{len(kinds.categorical)} column{'s' * (len(kinds.categorical) != 1)} of categories "
            f"({kinds.cells:.0f} cells)"
            if kinds.categorical
            else "",
            f"{len(kinds.numeric)} of numbers" if kinds.numeric else "",
        ]
        told = ", ".join(filter(None, parts))
        seed = int(check_random_state(self.random_state).randint(2**31))
        if table:
            named = [kinds.names[j] for j in kinds.categorical]
            self.model_ = GeneralLocation(named, random_state=seed)
            self.model_.fit(X, sample_weight=weights)
            self.chosen_ = f"General location model, {why}: {told}."
        else:
            x = reading.coded(given, kinds, counted)
            reading.warn_of(Rows(x, weights), kinds, "the components make")
            self.model_ = self._mixture(x, weights, seed)
            k = self.model_.n_components
            many = f"Mixture of {k} component{'s' * (k != 1)}"
            self.chosen_ = f"{many}, {why}: {told}."
        return self

    def _chooses_table(self, n: float) -> tuple[bool, str]:
        """Whether cells are modelled one by one, and why."""
        kinds = self._kinds
        if self.model != "auto":
            return self.model == "general-location", "as asked"
        names = [kinds.names[j] for j in kinds.categorical]
        if kinds.cells > MOST_CELLS:
            return False, f"for more than {MOST_CELLS} cells are too many to be modelled one by one"
        terms = hierarchy(2, names, "interactions")
        levels = np.array(kinds.levels)
        each = [int(np.prod(levels[list(t)] - 1)) for t in terms] if terms is not None else []
        free = int(kinds.cells) - 1 if terms is None else sum(each)
        p = len(kinds.numeric)
        free += p * (1 + int((levels - 1).sum())) + p * (p + 1) // 2
        if n < ROWS_EACH * free:
            return False, f"for {n:g} rows are few for the {free} parameters of a table"
        return True, f"whose {free} parameters {n:g} rows are enough for"

    def _mixture(self, x: Array, weights: Array, seed: int) -> Mixture:
        """A mixture with as many components as BIC likes best; two worse in a row end it."""
        q, d = len(self._kinds.categorical), x.shape[1]
        family: dict[Any, str] = dict.fromkeys(range(q), "categorical")
        family |= dict.fromkeys(range(q, d), "gaussian")
        best, worse = self._fitted(family, 1, x, weights, seed), 0
        if best.fit_.status is Status.INTERRUPTED:
            return best
        for k in range(2, self.max_components + 1):
            try:
                tried = self._fitted(family, k, x, weights, seed)
            except ValueError:  # a component without rows of its own
                break
            if (
                tried.fit_.status is Status.INTERRUPTED
            ):  # Ctrl-C ends the sweep with the best so far
                break
            if tried.criteria()["bic"] < best.criteria()["bic"]:
                best, worse = tried, 0
            else:
                worse += 1
            if worse == 2:
                break
        return best

    @staticmethod
    def _fitted(family: Any, k: int, x: Array, weights: Array, seed: int) -> Mixture:
        made = Mixture(family, k, tol=1e-3, max_iter=1000, n_init=3, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConvergedWarning)
            return made.fit(x, sample_weight=weights)

    @property
    def categories_(self) -> tuple[tuple[Any, ...], ...]:
        """Of each column of categories."""
        check_is_fitted(self, "model_")
        return self._kinds.categories

    def transform(self, X: Any) -> Any:
        """Rows with the most probable category, or the expected number, where one is missing.

        Returns
        -------
        data frame of X's kind, or array of shape (n, d)
            What was seen is as it was given.
        """
        check_is_fitted(self, "model_")
        if isinstance(self.model_, GeneralLocation):
            return self.model_.complete(X)
        given, x = self._read(X)
        return reading.filled(X, given, self._kinds, self._expected(x))

    def fit_transform(self, X: Any, y: Any = None, **given: Any) -> Any:
        """`fit`, then `transform` of the same rows."""
        return self.fit(X, y, **given).transform(X)

    def impute(
        self, X: Any, n_imputations: int = 5, sample_weight: ArrayLike | None = None
    ) -> list[Any]:
        """Proper multiple imputations of the rows of the fit, each by a model of rows drawn again.

        Returns
        -------
        list of data frames or arrays
        """
        check_is_fitted(self, "model_")
        if isinstance(self.model_, GeneralLocation):
            return self.model_.impute(X, n_imputations, sample_weight)
        errors.require_draws(n_imputations)
        given, x = self._read(X)
        weights = errors.checked_weights(sample_weight, x)
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
        made: list[Any] = []
        for _ in range(n_imputations):
            drawn = self._again(x, weights, rng)
            whole = drawn.sample_imputations(x, 1)[0]
            made.append(reading.filled(X, given, self._kinds, whole))
        return made

    def _again(self, x: Array, weights: Array, rng: np.random.Generator) -> Mixture:
        """The mixture fitted to rows drawn again; as it is where that has no maximum."""
        from sklearn.base import clone

        assert isinstance(self.model_, Mixture)
        count = rng.multinomial(round(weights.sum()), weights / weights.sum())
        again: Any = clone(self.model_)
        again.set_params(n_init=1, random_state=int(rng.integers(2**31)))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotConvergedWarning)
                again.fit(x, sample_weight=count)
            if again.fit_.status is Status.INTERRUPTED:  # the engine has caught Ctrl-C
                raise KeyboardInterrupt
            return again
        except ValueError:
            kept: Any = clone(self.model_)
            kept.set_params(random_state=int(rng.integers(2**31)))
            return kept.fit(x, sample_weight=weights)

    def _read(self, X: Any) -> tuple[list[Column], Array]:
        given = columns.read(self, X, reset=False)
        return given, reading.coded(given, self._kinds)

    def _expected(self, x: Array) -> Array:
        """Rows without holes: modes of categories over all components, means of numbers."""
        assert isinstance(self.model_, Mixture)
        q = len(self._kinds.categorical)
        resp = self.model_.predict_proba(x)
        out = np.array(x)
        for j, part in enumerate(self.model_.params_):
            gone = np.isnan(x[:, j])
            if j < q:
                share = np.asarray(part.probabilities)[:, 0]
                out[gone, j] = (resp[gone] @ share).argmax(axis=1)
            else:  # a part by itself is not moved by the other numbers
                out[gone, j] = resp[gone] @ np.asarray(part.means)[:, 0]
        return out

    # -- files -------------------------------------------------------------------------------

    def save(self, path: Any) -> None:
        """Write the fitted imputer to a file that `latentia.load` reads."""
        from latentia.persistence import save_estimator

        check_is_fitted(self, "model_")
        save_estimator(self, path)

    def summary(self) -> Any:
        """What the model that was chosen says of itself."""
        check_is_fitted(self, "model_")
        return self.model_.summary()

    @property
    def plot(self) -> Any:
        """The pictures of the model that was chosen."""
        check_is_fitted(self, "model_")
        return self.model_.plot

    def _to_record(self) -> Record:
        from latentia.persistence import Record

        inner = self.model_._to_record()
        kinds = self._kinds
        asked = self.categorical
        seed = self.random_state
        header = {
            "kind": inner.kind,
            "model": inner.header,
            "columns": list(kinds.names),
            "categorical": list(kinds.categorical),
            "categories": [list(each) for each in kinds.categories],
            "chosen": self.chosen_,
            "settings": {
                "categorical": None if asked is None else list(asked),
                "model": self.model,
                "max_components": self.max_components,
                "random_state": seed if isinstance(seed, int) else None,
            },
            "named": hasattr(self, "feature_names_in_"),
        }
        arrays = {f"model.{name}": value for name, value in inner.arrays.items()}
        return Record("MixedImputer", header, arrays)

    @classmethod
    def _from_record(cls, written: Record) -> MixedImputer:
        from latentia.persistence import Record

        header = written.header
        made = cls(**header["settings"])
        at, names = tuple(header["categorical"]), tuple(header["columns"])
        others = tuple(j for j in range(len(names)) if j not in at)
        made._kinds = Kinds(names, at, others, tuple(tuple(c) for c in header["categories"]))
        arrays = {name.removeprefix("model."): value for name, value in written.arrays.items()}
        inner = Record(header["kind"], header["model"], arrays)
        kind: Any = {"GeneralLocation": GeneralLocation, "Mixture": Mixture}[header["kind"]]
        made.model_ = kind._from_record(inner)
        made.chosen_ = header["chosen"]
        vars(made)["n_features_in_"] = len(names)
        if header["named"]:
            vars(made)["feature_names_in_"] = np.array(names, dtype=object)
        return made
