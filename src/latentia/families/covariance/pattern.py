"""The fourteen ways of tying covariances that Celeux & Govaert (1995) list, as a table."""

from __future__ import annotations

from typing import NamedTuple

EQUAL, OWN, NONE = "E", "V", "I"


class Pattern(NamedTuple):
    """What K covariances lambda_k D_k A_k D_kᵀ have in common (Celeux & Govaert 1995, table 1).

    Each letter is E where all components share it, V where each has its own, and I where it is
    the identity.

    Attributes
    ----------
    volume : {"E", "V"}
        Of lambda_k = |Sigma_k|^(1/d).
    shape : {"E", "V", "I"}
        Of A_k, diagonal with the product 1.
    orientation : {"E", "V", "I"}
        Of D_k, orthogonal.

    Examples
    --------
    >>> PATTERNS["VEV"].n_free(n_components=3, n_features=4)
    24
    """

    volume: str
    shape: str
    orientation: str

    @property
    def name(self) -> str:
        return "".join(self)

    @property
    def form(self) -> str:
        """The form that holds such covariances, by its name: matrices, diagonals or numbers."""
        if self.shape == NONE:
            return "spherical"
        return "diag" if self.orientation == NONE else "full"

    @property
    def shared(self) -> bool:
        """Whether all components have the same covariance."""
        return OWN not in self

    def n_free(self, n_components: int, n_features: int) -> int:
        """The number of free numbers in the covariances of so many components."""
        d = n_features
        each = zip(self, (1, d - 1, d * (d - 1) // 2), strict=True)
        times = {EQUAL: 1, OWN: n_components, NONE: 0}
        return sum(times[letter] * size for letter, size in each)


PATTERNS: dict[str, Pattern] = {
    name: Pattern(*name)
    for name in (
        *("EII", "VII", "EEI", "VEI", "EVI", "VVI"),
        *("EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"),
    )
}
"""By mclust's names (Scrucca, Fop, Murphy & Raftery 2016, table 3)."""
