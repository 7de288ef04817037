"""What estimators of tables share: reading, climbing, completing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Frame, Rows, RowSource
from latentia.engine import DegenerateFitError, Fit, Status, inference, tree
from latentia.estimator import Estimate, LatentEstimator, climb, climb_settings, warn_unless_done
from latentia.latent_class import columns
from latentia.latent_class.items import written
from latentia.missing import holes
from latentia.mixture import errors

from . import reading
from .completing import completed
from .model import CellModel, CellParams
from .reading import Kinds
from .terms import design, hierarchy, named

Array = NDArray[np.float64]

DEFAULTS = {"tol": 1e-5, "max_iter": 1000}
"""What `tol` and `max_iter` are where nothing is said."""


class CellErrors(NamedTuple):
    """Standard errors, shaped like `CellParams`.

    Attributes
    ----------
    effects, coefficients, covariance : array
    note : str
        Why something is missing; empty where all is well.
    """

    effects: Any
    coefficients: Any
    covariance: Any
    note: str


class TableEstimator(LatentEstimator, ABC):
    """A table of categories, and perhaps numbers, with holes.

    A leaf has the parameters `interactions`, `prior`, `tol`, `max_iter`, `random_state` and `em`.
    """

    interactions: Any
    prior: float
    tol: float
    max_iter: int
    kinds_: Kinds

    @abstractmethod
    def _asked(self) -> tuple[Any, Any]:
        """Which columns are of categories, and the terms of the numbers' means."""

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Estimate the parameters.

        Parameters
        ----------
        X : data frame or array-like of shape (n, d)
            Categories as texts, numbers, booleans, or categories of a data frame; None, nan and
            null are missing.
        y : ignored
        sample_weight : array-like of shape (n,), optional
            How often each row counts: the counts of a table. A whole number is the same as
            repeating the row.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a column has no value, or a cell is of the wrong kind, or the table too large.
        """
        self._validate_params()
        given = columns.read(self, X, reset=True)
        weights = errors.checked_weights(sample_weight, given[0].values)
        counted = weights > 0
        asked, means = self._asked()
        self.kinds_ = reading.kinds_of(given, asked, counted)
        x = reading.coded(given, self.kinds_, counted)
        q = len(self.kinds_.categorical)
        numbers = Rows(x[:, q:], weights)
        self._frame = Frame.of(numbers) if self.kinds_.numeric else None
        self._require_spread(x[counted][:, q:])
        names = [self.kinds_.names[j] for j in self.kinds_.categorical]
        self._terms = hierarchy(self.interactions, names, "interactions")
        self._mean_terms = hierarchy(means, names, "means") if self._frame is not None else ()
        settings = climb_settings(self.em, {"tol": self.tol, "max_iter": self.max_iter}, DEFAULTS)
        rows = Rows(x, weights)
        reading.warn_of(rows, self.kinds_, "the others and where the climb began make")
        try:
            fit = climb(settings, self._model(), RowSource(rows))
        except DegenerateFitError as error:
            told = self._singular(rows)
            if told is None:
                raise
            raise ValueError(told) from error
        except np.linalg.LinAlgError as error:
            raise ValueError(
                "numbers follow from one another within the cells; leave some of them out"
            ) from error
        self._restore(fit, 0.0)
        self._data = rows
        warn_unless_done(self.fit_, self.max_iter)
        return self

    def _singular(self, rows: Rows) -> str | None:
        """Which numbers follow from one another in the rows that have them all, if any do."""
        q = len(self.kinds_.categorical)
        names = [self.kinds_.names[j] for j in self.kinds_.numeric]
        z = rows.x[(rows.weights > 0) & ~np.isnan(rows.x[:, q:]).any(axis=1), q:]
        if len(names) < 2 or len(z) < len(names) + 2:
            return None
        covariance = np.cov(z.T)
        if not holes.is_singular(covariance):
            return None
        return holes.singular(covariance, len(z), names, "")

    def _require_spread(self, z: Array) -> None:
        for place, j in enumerate(self.kinds_.numeric):
            seen = z[~np.isnan(z[:, place]), place]
            if (seen == seen[0]).all():
                raise ValueError(
                    f"column {self.kinds_.names[j]!r} is {seen[0]:g} wherever it was seen, so it "
                    "tells nothing; leave it out"
                )

    def _model(self) -> CellModel:
        levels = self.kinds_.levels
        own = None if self._terms is None else design(levels, self._terms)
        means = np.ones((self.kinds_.cells, 1))
        if self._mean_terms is None:
            means = np.eye(self.kinds_.cells)
        elif self._mean_terms:
            means = np.hstack([means, design(levels, self._mean_terms)])
        return CellModel(levels, self._frame, own, means, self.prior)

    def _restore(self, fit: Fit[Any], entropy: float) -> None:
        model = self._model()
        params: CellParams = fit.params
        mass = np.exp(model.log_mass(params.effects))
        self.probabilities_ = mass.reshape(self.kinds_.levels)
        if self._frame is not None:
            cells = model.means @ params.coefficients
            self.means_ = cells.reshape(*self.kinds_.levels, -1)
            self.covariance_ = np.asarray(params.covariance)
        self._take(fit, entropy)

    @property
    def categories_(self) -> tuple[tuple[Any, ...], ...]:
        """Of each column of categories, in the order of `probabilities_`."""
        check_is_fitted(self, "fit_")
        return self.kinds_.categories

    # -- using a fitted table ----------------------------------------------------------------

    def score_samples(self, X: Any) -> Array:
        """The log-likelihood of what was seen of each row, (n,); 0 for a row without a value."""
        check_is_fitted(self, "fit_")
        x = reading.coded(columns.read(self, X, reset=False), self.kinds_)
        return self._model().unit_logliks(self.fit_.params, Rows(x, np.ones(len(x))))

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`."""
        return float(self.score_samples(X).mean())

    def complete(self, X: Any, *, draw: bool = False) -> Any:
        """Rows with what is missing filled in.

        Parameters
        ----------
        X : data frame or array-like of shape (n, d)
        draw : bool, default=False
            Draw from what is known of a row rather than take the most probable category and the
            expected number. The parameters stay what they are, so several such draws are too much
            alike: `impute` draws those too.

        Returns
        -------
        data frame of X's kind, or array of shape (n, d)
            What was seen is as it was given.
        """
        check_is_fitted(self, "fit_")
        given = columns.read(self, X, reset=False)
        x = reading.coded(given, self.kinds_)
        rng = self._generator() if draw else None
        made = completed(self._model(), self.fit_.params, x, rng)
        return reading.filled(X, given, self.kinds_, made)

    def impute(
        self, X: Any, n_imputations: int = 5, sample_weight: ArrayLike | None = None
    ) -> list[Any]:
        """Proper multiple imputations: each drawn with parameters of rows drawn again.

        The bootstrap takes the place of draws of the parameters from their posterior (Honaker &
        King 2010, Amer. J. Pol. Sci. 54, 561-581). `latentia.missing.pool` puts results together.

        Parameters
        ----------
        X : data frame or array-like of shape (n, d)
            The rows of the fit.
        n_imputations : int, default=5
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        list of data frames or arrays
        """
        check_is_fitted(self, "fit_")
        errors.require_draws(n_imputations)
        given = columns.read(self, X, reset=False)
        x = reading.coded(given, self.kinds_)
        weights = errors.checked_weights(sample_weight, x)
        model, rng = self._model(), self._generator()
        settings = climb_settings(self.em, {"tol": self.tol, "max_iter": self.max_iter}, DEFAULTS)
        made: list[Any] = []
        for _ in range(n_imputations):
            p = weights / weights.sum()
            drawn = rng.multinomial(round(weights.sum()), p).astype(np.float64)
            source, here = RowSource(Rows(x, drawn)), self.fit_.params
            fit = climb(settings, model, source, here, on_degenerate="status")
            if fit.status is Status.INTERRUPTED:  # the engine has caught Ctrl-C
                raise KeyboardInterrupt
            params = here if fit.status is Status.DEGENERATE else fit.params
            made.append(reading.filled(X, given, self.kinds_, completed(model, params, x, rng)))
        return made

    def sample(self, n_samples: int = 1) -> Any:
        """Draw whole rows, (n_samples, d): categories as they were given, and numbers.

        Of objects where a category is a text, else of numbers.
        """
        check_is_fitted(self, "fit_")
        errors.require_draws(n_samples)
        empty = np.full((n_samples, len(self.kinds_.names)), np.nan)
        made = completed(self._model(), self.fit_.params, empty, self._generator())
        return reading.decoded(self.kinds_, made)

    # -- what `LatentEstimator` asks for -----------------------------------------------------

    def remember(self, X: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Put the data of the fit at hand again, for `standard_errors`, after loading."""
        check_is_fitted(self, "fit_")
        x = reading.coded(columns.read(self, X, reset=False), self.kinds_)
        self._data = Rows(x, errors.checked_weights(sample_weight, x))
        return self

    def _compute_errors(self, method: str = "oakes", **asked: Any) -> CellErrors:
        found = inference.standard_errors(
            self._model(), RowSource(self._data), self.fit_.params, method, **asked
        )
        return CellErrors(**found.errors._asdict(), note=found.note)

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter with its standard error and interval.

        Log-linear effects as ``a[x]:b[y]``, or probabilities of the cells as ``p[a=x, b=y]`` where
        the table is saturated; then, of numbers, ``z ~ a[x]`` and ``covariance[z, w]``.
        """
        return list(self._table(self.standard_errors(), level))

    def estimates(self) -> list[Estimate]:
        """Every parameter by its name, without standard errors, which are nan here."""
        check_is_fitted(self, "fit_")
        params: CellParams = self.fit_.params
        effects, coefficients, covariance = tree.filled(params, np.nan)
        return list(self._table(CellErrors(effects, coefficients, covariance, ""), 0.95))

    def _table(self, found: CellErrors, level: float) -> Iterator[Estimate]:
        params = self.fit_.params
        errors_ = CellParams(found.effects, found.coefficients, found.covariance)
        lower, upper = inference.wald(self._model().space, params, errors_, level)
        every = (params, errors_, lower, upper)

        def row(name: str, leaf: str, *at: int) -> Estimate:
            return Estimate(name, *(float(getattr(e, leaf)[at]) for e in every))

        # without categories there is one cell, of which there is nothing to say
        for i, name in enumerate(self._effect_names() if self.kinds_.categorical else ()):
            yield row(name, "effects", i)
        numbers = [self.kinds_.names[j] for j in self.kinds_.numeric]
        for j, number in enumerate(numbers):
            for i, name in enumerate(self._mean_names()):
                yield row(f"{number} ~ {name}", "coefficients", i, j)
        for j, number in enumerate(numbers):
            for i in range(j + 1):
                yield row(f"covariance[{numbers[i]}, {number}]", "covariance", i, j)

    def _labels(self) -> tuple[list[str], list[list[str]]]:
        names = [self.kinds_.names[j] for j in self.kinds_.categorical]
        return names, [[written(each) for each in known] for known in self.kinds_.categories]

    def _cell_names(self) -> list[str]:
        names, categories = self._labels()
        made: list[str] = []
        for at in np.ndindex(*self.kinds_.levels):
            each = (f"{n}={c[k]}" for n, c, k in zip(names, categories, at, strict=True))
            made.append(f"p[{', '.join(each)}]")
        return made

    def _effect_names(self) -> list[str]:
        if self._terms is None:
            return self._cell_names()
        return named(*self._labels(), self._terms)

    def _mean_names(self) -> list[str]:
        if self._mean_terms is None:
            return [name[2:-1] or "1" for name in self._cell_names()]
        return ["1", *named(*self._labels(), self._mean_terms)]

    def smallest_variance(self) -> float:
        """1: what it says of components has no meaning here."""
        return 1.0

    def summary(self) -> Any:
        """A table of the fit that a person can read."""
        from latentia.report.contingency import summarise_table

        check_is_fitted(self, "fit_")
        return summarise_table(self)

    @property
    def plot(self) -> Any:
        """Pictures of the fit: ``plot.mosaic()``, ``plot.climb()``."""
        from latentia.report.contingency import TablePlots

        check_is_fitted(self, "fit_")
        return TablePlots(self)
