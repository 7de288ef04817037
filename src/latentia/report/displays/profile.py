"""Profiles: the parameters of each component side by side, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..formatting import FIRST_GROUP, listed, shorten
from ..kinds import is_gaussian, is_latent_class, is_regression, noun_of
from ..summary import PlainEstimate, column_names, estimates_of, of_component
from .canvas import FAINT, Array, colour, dash, decades, mark, new_figure, tidy

WIDE = 20.0
"""Positive values that span more than this ratio are drawn on a logarithmic axis."""

MOST_PANELS, MOST_PLACES = 6, 40
"""Panels, and parameters of a component in each, that are drawn."""

SKIPPED = ("covariance", "precision")
"""What a profile does not show: a parameter that belongs to pairs of columns."""


class Profile(NamedTuple):
    """One kind of parameter of all components.

    Attributes
    ----------
    name : str
        What the axis is called.
    places : list of str
        The columns, or whatever else the parameters belong to.
    values, lower, upper : array of shape (K, P)
        Estimates and their intervals; nan where there are none.
    """

    name: str
    places: list[str]
    values: Array
    lower: Array
    upper: Array


class ProfileDisplay:
    """The parameters of each component as a line across the columns, with their intervals.

    Means of normal components are shown in standard deviations of their column under the whole
    mixture, from its mean, so that columns of different units stand side by side; every other
    parameter in its own unit, on a logarithmic axis where its values lie far apart.

    Parameters
    ----------
    profiles : sequence of Profile
        A panel each.
    level : float
        Of the intervals.
    note : str, default=""
        Why intervals are missing.
    noun : str, default="group"
        What a component is called.

    Attributes
    ----------
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets
    >>> iris = datasets.load("iris")
    >>> fitted = GaussianMixture(3, random_state=0).fit(iris.values)
    >>> display = ProfileDisplay.from_estimator(fitted, columns=iris.columns)
    >>> display.profiles[0].values.shape
    (3, 4)
    """

    def __init__(
        self, *, profiles: Sequence[Profile], level: float, note: str = "", noun: str = "group"
    ) -> None:
        self.profiles, self.level, self.note, self.noun = list(profiles), level, note, noun

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        level: float = 0.95,
        standard_errors: bool = True,
        columns: Any = None,
        figure: Any = None,
    ) -> ProfileDisplay:
        """Draw the parameters of a fitted mixture.

        Parameters
        ----------
        estimator : GaussianMixture or Mixture
            Fitted.
        level : float, default=0.95
            Of the intervals.
        standard_errors : bool, default=True
            Whether to compute intervals, which takes longer than all the rest.
        columns : sequence of str, optional
            Names of the columns.
        figure : matplotlib Figure, optional
            Draw here rather than in a new figure.

        Returns
        -------
        ProfileDisplay
        """
        made, note = profiles_of(estimator, level, standard_errors, columns)
        noun = noun_of(estimator)
        return cls(profiles=made, level=level, note=note, noun=noun).plot(figure=figure)

    def plot(self, *, figure: Any = None) -> ProfileDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        ProfileDisplay
        """
        shown = self.profiles[:MOST_PANELS]
        n = len(shown)
        most = max(min(len(each.places), MOST_PLACES) for each in shown)
        letters = max(sum(map(len, each.places[:MOST_PLACES])) for each in shown)
        wide = max(4.6, 0.45 * most + 2.0, min(0.75 * most, 0.1 * letters) + 2.0)
        across = 1 if n < 3 or wide > 6.5 else 2
        down = -(-n // across)
        figure = new_figure(figure, (min(across * wide, 13.0), 2.5 * down + 1.1))
        for i, each in enumerate(shown):
            self._panel(figure.add_subplot(down, across, i + 1), each, legend=i == 0)
        known = any(np.isfinite(each.lower).any() for each in shown)
        told = f"bars: {100 * self.level:g} % intervals" if known else "without intervals"
        if left := [each.name for each in self.profiles[MOST_PANELS:]]:
            told += f"; not drawn: {listed(left)}"
        figure.supxlabel(told, fontsize="small", color=FAINT)
        self.figure_, self.axes_ = figure, np.array(figure.axes, dtype=object)
        return self

    def _panel(self, ax: Any, profile: Profile, *, legend: bool) -> None:
        places = profile.places[:MOST_PLACES]
        p, k = len(places), len(profile.values)
        apart = min(0.6 / max(k, 1), 0.16)
        for j in range(k):
            at = np.arange(p) + apart * (j - (k - 1) / 2)
            value = profile.values[j, :p]
            ends = np.stack([value - profile.lower[j, :p], profile.upper[j, :p] - value])
            ax.plot(at, value, color=colour(j), linestyle=dash(j), linewidth=1.0, alpha=0.6)
            ax.errorbar(
                at,
                value,
                yerr=np.where(np.isfinite(ends), np.maximum(ends, 0), 0.0),
                color=colour(j),
                marker=mark(j),
                linestyle="none",
                markersize=5,
                elinewidth=1.3,
                capsize=2.5,
                label=f"{self.noun} {j + FIRST_GROUP}",
                zorder=3,
            )
        self._scale(ax, profile)
        names = [shorten(name, 22).replace("$", r"\$") for name in places]
        room = ax.get_position().width * ax.figure.bbox.width / ax.figure.dpi
        turned = sum(map(len, names)) > 12 * room
        angle: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
        ax.set_xticks(np.arange(p), names, **(angle if turned else {}))
        ax.set_xlim(-0.6, p - 0.4)
        left = len(profile.places) - p
        ax.set_ylabel(profile.name + (f"\n({left} more not drawn)" if left else ""))
        tidy(ax, "y")
        if legend and k > 1:
            ax.legend(
                frameon=False,
                fontsize="small",
                loc="lower left",
                bbox_to_anchor=(0, 1),
                borderaxespad=0.3,
                ncols=min(k, 4),
                columnspacing=1.2,
                handletextpad=0.3,
            )

    def _scale(self, ax: Any, profile: Profile) -> None:
        known = profile.values[np.isfinite(profile.values)]
        least = np.nanmin([*known, *profile.lower[np.isfinite(profile.lower)]])
        if profile.name == "probability":
            ax.set_ylim(-0.03, 1.03)
        elif least > 0 and known.max() > WIDE * known.min():
            ax.set_yscale("log")
            low, high = ax.get_ylim()
            decades(ax.yaxis, low, high)


def profiles_of(
    estimator: Any, level: float = 0.95, standard_errors: bool = True, columns: Any = None
) -> tuple[list[Profile], str]:
    """What `ProfileDisplay.from_estimator` draws, and why intervals are missing."""
    estimates, note = estimates_of(estimator, level, standard_errors, columns)
    if is_latent_class(estimator):
        follows = _complements(estimator, columns)
        estimates = [e for e in estimates if e.name.partition(", ")[2][:-1] not in follows]
    k = len(estimator.weights_)
    made = [_profile(what, estimates, k) for what in _kinds(estimates, k)]
    if is_gaussian(estimator):
        means = next(each for each in made if each.name == "mean")
        made = [_in_deviations(means, estimator)]
    if is_regression(estimator):  # coefficients have a unit each
        made = [one for each in made for one in _apart(each)]
    return made, note


def _apart(profile: Profile) -> list[Profile]:
    """A profile for each place."""
    return [
        Profile(profile.name, [place], *(each[:, [j]] for each in profile[2:]))
        for j, place in enumerate(profile.places)
    ]


def _kinds(estimates: Sequence[PlainEstimate], n_components: int) -> list[str]:
    """The kinds of parameters that components have, in their order."""
    kinds = dict.fromkeys(
        what for k in range(n_components) for what, _, _ in of_component(estimates, k)
    )
    return [what for what in kinds if what != "weight" and not what.startswith(SKIPPED)]


def _complements(estimator: Any, columns: Any) -> set[str]:
    """Of items with two categories the first: its probabilities follow from the second's."""
    items = estimator.item_names(column_names(estimator, columns))
    each = zip(items, estimator.category_names(), strict=True)
    return {f"{item}={names[0]}" for item, names in each if len(names) == 2}


def _profile(what: str, estimates: Sequence[PlainEstimate], n_components: int) -> Profile:
    mine = [
        {place or what: e for kind, place, e in of_component(estimates, k) if kind == what}
        for k in range(n_components)
    ]
    places = list(dict.fromkeys(place for each in mine for place in each))
    missing = PlainEstimate("", float("nan"))
    found = np.array(
        [[each.get(place, missing)[1:] for place in places] for each in mine], dtype=float
    )
    return Profile(what, places, found[:, :, 0], found[:, :, 2], found[:, :, 3])


def _in_deviations(means: Profile, estimator: Any) -> Profile:
    """Means as multiples of the standard deviation that the mixture gives their column."""
    weights = np.asarray(estimator.weights_, dtype=float)
    matrices = np.asarray(estimator.covariance_matrices(), dtype=float)
    middle = weights @ means.values
    within = weights @ np.diagonal(matrices, axis1=1, axis2=2)
    deviation = np.sqrt(weights @ (means.values - middle) ** 2 + within)
    scaled = [(each - middle) / deviation for each in (means.values, means.lower, means.upper)]
    return Profile("mean, in standard deviations\nof its column", means.places, *scaled)
