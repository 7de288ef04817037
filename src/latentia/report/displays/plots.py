"""What stands behind ``estimator.plot``."""

from __future__ import annotations

from typing import Any

from ..kinds import is_gaussian
from .climb import ClimbDisplay
from .density import DensityDisplay
from .marginals import MarginalsDisplay
from .membership import MembershipDisplay
from .pairs import PairsDisplay


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

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def pairs(self, X: Any, **options: Any) -> PairsDisplay | MarginalsDisplay:
        """The fit on the data; options as for `PairsDisplay.from_estimator`.

        Of components that are not normal, each column by itself: `MarginalsDisplay`.
        """
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
        options["column"] = column
        if not is_gaussian(self._estimator):
            return MarginalsDisplay.from_estimator(self._estimator, X, **options)
        return DensityDisplay.from_estimator(self._estimator, X, **options)
