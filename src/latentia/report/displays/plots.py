"""What stands behind ``estimator.plot``."""

from __future__ import annotations

from typing import Any

from ..figures import name_a_plot
from ..kinds import (
    is_gaussian,
    is_hidden_markov,
    is_latent_class,
    is_regression,
    require_lines,
    require_responses,
    require_rows,
)
from .chain_plots import ChainPlots
from .classification import ClassificationDisplay
from .climb import ClimbDisplay
from .contours import ContoursDisplay
from .criterion import CriterionDisplay
from .density import DensityDisplay
from .lines import LinesDisplay
from .marginals import MarginalsDisplay
from .membership import MembershipDisplay
from .pairs import PairsDisplay
from .parallel import ParallelDisplay
from .profile import ProfileDisplay
from .responses import ItemResponsesDisplay
from .uncertainty import UncertaintyDisplay


def plots_of(estimator: Any) -> Plots | ChainPlots:
    """The plots that a fitted estimator has."""
    return ChainPlots(estimator) if is_hidden_markov(estimator) else Plots(estimator)


class Plots:
    """The plots of one fitted estimator; each method returns a Display.

    Parameters
    ----------
    estimator : estimator
        Fitted.

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets
    >>> X = datasets.load("faithful").values
    >>> Plots(GaussianMixture(2, random_state=0).fit(X)).pairs(X)
    <...PairsDisplay object at ...>
    """

    __call__ = name_a_plot

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def pairs(
        self, X: Any, **options: Any
    ) -> PairsDisplay | MarginalsDisplay | ItemResponsesDisplay | LinesDisplay:
        """The fit on the data; options as for `PairsDisplay.from_estimator`.

        Of components that are not normal, each column by itself: `MarginalsDisplay`; of latent
        classes, `responses`; of regressions, `lines`.
        """
        if is_regression(self._estimator):
            return self.lines(X, **options)
        if is_latent_class(self._estimator):
            return self.responses(**options)
        if not is_gaussian(self._estimator):
            return MarginalsDisplay.from_estimator(self._estimator, X, **options)
        return PairsDisplay.from_estimator(self._estimator, X, **options)

    def climb(self, **options: Any) -> ClimbDisplay:
        """The climb of every start; options as for `ClimbDisplay.from_estimator`."""
        return ClimbDisplay.from_estimator(self._estimator, **options)

    def membership(self, X: Any, **options: Any) -> MembershipDisplay:
        """How sure each row is; options as for `MembershipDisplay.from_estimator`."""
        return MembershipDisplay.from_estimator(self._estimator, X, **options)

    def density(self, X: Any, column: int = 0, **options: Any) -> DensityDisplay | MarginalsDisplay:
        """One column's density; options as for `DensityDisplay.from_estimator`.

        Of components that are not normal as for `MarginalsDisplay.from_estimator`.
        """
        require_rows(self._estimator, "density")
        options["column"] = column
        if not is_gaussian(self._estimator):
            return MarginalsDisplay.from_estimator(self._estimator, X, **options)
        return DensityDisplay.from_estimator(self._estimator, X, **options)

    def classification(self, X: Any, **options: Any) -> ClassificationDisplay:
        """Rows by component; options as for `ClassificationDisplay.from_estimator`."""
        require_rows(self._estimator, "classification")
        return ClassificationDisplay.from_estimator(self._estimator, X, **options)

    def uncertainty(self, X: Any, **options: Any) -> UncertaintyDisplay:
        """Where rows are unsure; options as for `UncertaintyDisplay.from_estimator`."""
        require_rows(self._estimator, "uncertainty")
        return UncertaintyDisplay.from_estimator(self._estimator, X, **options)

    def contours(self, X: Any, **options: Any) -> ContoursDisplay:
        """The density by pairs of columns; options as for `ContoursDisplay.from_estimator`."""
        require_rows(self._estimator, "contours")
        return ContoursDisplay.from_estimator(self._estimator, X, **options)

    def parallel(self, X: Any, **options: Any) -> ParallelDisplay:
        """Rows across their columns; options as for `ParallelDisplay.from_estimator`."""
        require_rows(self._estimator, "parallel")
        return ParallelDisplay.from_estimator(self._estimator, X, **options)

    def profile(self, **options: Any) -> ProfileDisplay:
        """Parameters with intervals; options as for `ProfileDisplay.from_estimator`."""
        return ProfileDisplay.from_estimator(self._estimator, **options)

    def lines(self, X: Any, y: Any = None, **options: Any) -> LinesDisplay:
        """Regressions along one covariate; options as for `LinesDisplay.from_estimator`."""
        require_lines(self._estimator)
        return LinesDisplay.from_estimator(self._estimator, X, y, **options)

    def responses(self, **options: Any) -> ItemResponsesDisplay:
        """How latent classes answer; options as for `ItemResponsesDisplay.from_estimator`."""
        require_responses(self._estimator)
        return ItemResponsesDisplay.from_estimator(self._estimator, **options)


class SelectionPlots:
    """The plots of a sweep; each method returns a Display.

    Parameters
    ----------
    selection : Selection
        As `latentia.select` returns it.

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets, select
    >>> X = datasets.load("faithful").values
    >>> swept = select(GaussianMixture(random_state=0), X, {"n_components": [1, 2, 3]})
    >>> swept.plot.criterion()
    <...CriterionDisplay object at ...>
    """

    __call__ = name_a_plot

    def __init__(self, selection: Any) -> None:
        self._selection = selection

    def criterion(self, **options: Any) -> CriterionDisplay:
        """The candidates; options as for `CriterionDisplay.from_selection`."""
        return CriterionDisplay.from_selection(self._selection, **options)
