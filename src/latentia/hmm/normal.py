"""What the drop-ins of normal states share: families before any data, and conjugate priors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.families import registry, twofold
from latentia.families.gaussian import Gaussian, GaussianStats

from .arguments import broadcast

Array = NDArray[np.float64]


def unframed(specification: str, d: int) -> tuple[registry.Part, ...]:
    """The family's part where there are no rows yet that its frame could be of."""
    (part,) = registry.parts_of(specification, [f"x{j}" for j in range(d)])
    frame = {"origin": [0.0] * d, "scale": 1.0, "spread": [1.0] * d}
    return (part._replace(arguments={**part.arguments, "frame": frame}),)


def imagined(gaussian: Gaussian, steps: Array, centre: Any, squares: Any) -> GaussianStats:
    """Moments of steps that a conjugate prior adds to those seen.

    Parameters
    ----------
    gaussian : Gaussian
        Of G densities.
    steps : array of shape (G,)
        How many are imagined at the mean of each.
    centre : array-like, broadcast to (G, d)
        Where.
    squares : array-like, broadcast to (G, d, d), (d, d) or (G, d)
        What is imagined in the scatter besides: for "full", "tied", and "diag" and "spherical".
    """
    g, d, scale = gaussian.n_components, gaussian.n_features, gaussian.frame.scale
    form = gaussian.covariance.form
    shapes = {"full": (g, d, d), "tied": (d, d), "diag": (g, d), "spherical": (g, d)}
    away = broadcast("means_prior", centre, (g, d)) - gaussian.frame.origin
    away = away / scale
    second = broadcast("covars_prior", squares, shapes[form]) / scale**2
    second = second.sum(axis=1) if form == "spherical" else second
    second = second + gaussian.covariance.outer(steps, away, away)
    low = twofold.nothing(g, d) if form == "full" else ()
    return GaussianStats(steps, steps[:, None] * away, second, low)


def covariances_of(value: Any, shape: tuple[int, ...], kind: str) -> Array:
    """Covariances that a user has set, of a type that has this shape.

    Raises
    ------
    ValueError
        If their shape is another, or if they are none.
    """
    given = np.asarray(value, dtype=np.float64)
    if given.shape != shape:
        raise ValueError(
            f"got covars_ of shape {given.shape}, expected {shape} for covariance_type={kind!r}"
        )
    if kind in ("diag", "spherical"):
        proper = bool((given > 0).all())
    else:
        across = np.swapaxes(given, -1, -2)
        proper = np.allclose(given, across) and bool((np.linalg.eigvalsh(given) > 0).all())
    if not proper:
        what = "variances" if kind in ("diag", "spherical") else "symmetric matrices that are"
        raise ValueError(
            f"got covars_ for covariance_type={kind!r} that are none, expected {what} positive"
            f"{'' if kind in ('diag', 'spherical') else ' definite'}"
        )
    return given
