"""Figures as SVG that stands inside a page: no network, no date, the same bytes each time."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from io import StringIO
from typing import Any, NamedTuple, NoReturn

from latentia.extras import require

STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.labelcolor": "#333333",
    "text.color": "#222222",
    "xtick.labelcolor": "#444444",
    "ytick.labelcolor": "#444444",
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and copied
    "path.simplify": True,
}

RASTER_DPI = 130
"""Of the clouds of points that are too many for vectors."""

LARGEST = 1.25
"""How far a wide page may enlarge a figure."""


class Picture(NamedTuple):
    """A figure that a page shows, as the plots of an estimator offer it in `figures`.

    Attributes
    ----------
    name : str
        Sets it apart from the others of the page.
    title : str
        What it is of.
    words : str
        How to read it.
    size : (float, float)
        Inches.
    draw : callable
        Takes the matplotlib Figure to draw on.
    """

    name: str
    title: str
    words: str
    size: tuple[float, float]
    draw: Callable[[Any], Any]


def name_a_plot(plots: Any, *_: Any, **__: Any) -> NoReturn:
    """Refuse a call of all plots at once, naming them: each is a method.

    Parameters
    ----------
    plots : object
        The plots of an estimator.

    Raises
    ------
    TypeError
    """
    hidden = ("figures", "diagnostics")
    has = [name for name in dir(plots) if not name.startswith("_") and name not in hidden]
    raise TypeError(
        f"got a call of plot itself, expected one of its plots: plot.{', plot.'.join(has)}"
    )


def svg(draw: Callable[[Any], Any], *, name: str, alt: str, size: tuple[float, float]) -> str:
    """What `draw` puts on an empty figure, as an ``<svg>`` element with a description.

    Parameters
    ----------
    draw : callable
        Takes a matplotlib Figure.
    name : str
        Sets the figure's ids apart from those of others on the page.
    alt : str
        Says what is to be seen.
    size : (float, float)
        Inches.
    """
    matplotlib = require("matplotlib", extra="plot")
    figures = require("matplotlib.figure", extra="plot")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # the user's own style is for the user's own figures
        matplotlib.rcParams.update(STYLE | {"svg.hashsalt": f"latentia {name}"})
        figure = figures.Figure(figsize=size, layout="constrained")
        draw(figure)
        written = StringIO()
        figure.savefig(
            written, format="svg", dpi=RASTER_DPI, transparent=True, metadata={"Date": None}
        )
    return _for_a_page(written.getvalue(), alt, size[0])


def _for_a_page(document: str, alt: str, width: float) -> str:
    """The ``<svg>`` element without what a page has no use for."""
    body = document[document.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, count=1, flags=re.DOTALL)
    body = re.sub(r"<style\b.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"<g id=\"[^\"]*\"", "<g", body)
    body = re.sub(r"(<(?:use|image)\b[^>]*?)xlink:href=", r"\1href=", body)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    box = re.search(r'viewBox="([^"]*)"', body)
    assert box is not None
    end = body.index(">") + 1
    widest = f"{LARGEST * 96 * width:.0f}px"
    head = (
        f'<svg viewBox="{box.group(1)}" role="img" aria-label="{escape(alt)}" '
        f'style="max-width:{widest}">'
    )
    return head + re.sub(r"\n\s*", "\n", body[end:]).strip()
