"""A fitted imputer as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.mixture import evidence

from .columns import Columns
from .conditional import Normal
from .design import Design
from .panel import Panel, Trend
from .patterns import Patterns
from .priors import Beliefs, CellPrior, CellRange
from .scales import Scale

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .imputer import EMImputer

_BY_COLUMN = ("transforms", "bounds", "integers", "ordered", "nominal", "ids")


def to_record(estimator: EMImputer) -> Record:
    """Everything but the data."""
    from latentia.persistence import Record

    whole: Any = estimator
    normal = estimator.normal_
    inner = None if normal is None else normal._to_record()
    design, beliefs = estimator._design, estimator._beliefs
    columns, trend = design.columns, design.trend
    missing = estimator.missing_values
    settings = evidence.settings_of(whole)
    for name in ("panel", "priors", "min_value", "max_value"):
        settings["settings"].pop(name, None)
    for name in ("missing_values", "random_state"):
        value = settings["settings"].get(name)
        if isinstance(value, float) and not np.isfinite(value):
            del settings["settings"][name]
    header = {
        **settings,
        "columns": estimator.n_features_in_,
        "missing_is_nan": not (isinstance(missing, int | float) and missing == missing),
        "everywhere": [
            _item(np.asarray(ends).tolist()) for ends in (estimator.min_value, estimator.max_value)
        ],
        "scales": [[s.transform, s.whole] for s in design.scales],
        "names": list(design.names),
        "priors": [[type(p).__name__, _item(list(p))] for p in estimator.priors],
        "panel": None if estimator.panel is None else _plain(list(estimator.panel)),
        "places": [design.time, design.unit, list(design.lags), list(design.leads)],
        "nominal": sorted(design.nominal),
        "categories": [[j, list(texts)] for j, texts in estimator._categories.items()],
        "mark": estimator._mark.hex(),
        "table": list(estimator.patterns_.columns),
        "by_column": {name: _plain(getattr(estimator, name)) for name in _BY_COLUMN},
        "normal": None if inner is None else inner.header,
        "n_draws": len(estimator.draws_),
    }
    arrays: dict[str, Any] = {
        "modelled": columns.modelled,
        "constant": columns.constant,
        "kept": columns.kept,
        "holes": estimator._holes,
        "ends": np.array([[s.low, s.high] for s in design.scales]),
        "varying": design.varying,
    }
    arrays |= {f"beliefs.{name}": value for name, value in beliefs._asdict().items()}
    arrays |= {f"table.{k}": getattr(estimator.patterns_, k) for k in ("seen", "rows", "missing")}
    arrays |= {f"nominal.{j}": levels for j, levels in design.nominal.items()}
    if trend is not None:
        arrays["trend.place"] = np.array([trend.middle, trend.half, trend.degree])
        arrays |= {"trend.knots": trend.knots, "trend.units": trend.units}
    for j, scale in enumerate(design.scales):
        if scale.levels:
            arrays[f"levels.{j}"] = np.array(scale.levels)
    for i, draw in enumerate(estimator.draws_):
        arrays[f"draw.{i}.mean"], arrays[f"draw.{i}.covariance"] = draw
    if inner is not None:
        arrays |= {f"normal.{name}": value for name, value in inner.arrays.items()}
    return Record(type(estimator).__name__, header, arrays)


def _plain(value: Any) -> Any:
    """A setting by column as JSON can carry it: pairs, since keys may be numbers."""
    if value is None:
        return None
    if isinstance(value, dict):
        return {"pairs": [[_item(k), _items(v)] for k, v in value.items()]}
    return [_item(each) for each in value]


def _items(value: Any) -> Any:
    return value if isinstance(value, str) else [_item(each) for each in value]


def _item(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_item(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None  # no bound
    return value


def restore(estimator: EMImputer, written: Record) -> EMImputer:
    """A fitted imputer from its record; the inverse of `to_record`."""
    from latentia.persistence import Record

    from .estimator import IncompleteNormal

    header, arrays = written.header, written.arrays
    whole: Any = estimator
    evidence.take_settings(whole, written)
    evidence.take_names(whole, written)
    for name, value in header["by_column"].items():
        if isinstance(value, dict):
            pairs = value["pairs"]
            value = {k: v if isinstance(v, str) else tuple(v) for k, v in pairs}
        setattr(estimator, name, tuple(value) if isinstance(value, list) else value)
    estimator.min_value, estimator.max_value = header.get("everywhere", (None, None))
    vars(estimator)["n_features_in_"] = int(header["columns"])
    if header["panel"] is not None:
        time, unit, polynomial, spline, each, lags, leads = header["panel"]
        estimator.panel = Panel(time, unit, polynomial, spline, each, tuple(lags), tuple(leads))
    kinds = {"CellPrior": CellPrior, "CellRange": CellRange}
    estimator.priors = tuple(kinds[name](*values) for name, values in header["priors"])
    estimator._design = _design(header, arrays)
    estimator._categories = {int(j): tuple(texts) for j, texts in header["categories"]}
    estimator._mark = bytes.fromhex(header["mark"])
    estimator._beliefs = Beliefs(*(arrays[f"beliefs.{name}"] for name in Beliefs._fields))
    estimator._holes = arrays["holes"]
    found = (arrays[f"table.{name}"] for name in ("seen", "rows", "missing"))
    estimator.patterns_ = Patterns(tuple(header["table"]), *found)
    estimator.draws_ = [
        Normal(arrays[f"draw.{i}.mean"], arrays[f"draw.{i}.covariance"])
        for i in range(header["n_draws"])
    ]
    estimator._remember_indicator(np.atleast_2d(estimator._holes))
    estimator.normal_, estimator.certificate_, estimator.n_iter_ = None, None, 0
    if header["normal"] is not None:
        mine = {k.removeprefix("normal."): v for k, v in arrays.items() if k.startswith("normal.")}
        inner = Record(IncompleteNormal.__name__, header["normal"], mine)
        normal = IncompleteNormal._from_record(inner)
        estimator.normal_ = normal
        estimator.certificate_, estimator.n_iter_ = normal.certificate_, normal.n_iter_
    return estimator


def _design(header: Any, arrays: Any) -> Design:
    """The design of a record."""
    scales = tuple(
        Scale(
            transform,
            float(low),
            float(high),
            bool(rounded),
            tuple(float(level) for level in arrays.get(f"levels.{j}", ())),
        )
        for j, ((transform, rounded), (low, high)) in enumerate(
            zip(header["scales"], arrays["ends"], strict=True)
        )
    )
    time, unit, lags, leads = header["places"]
    trend = None
    if "trend.place" in arrays:
        middle, half, degree = arrays["trend.place"]
        knots, units = arrays["trend.knots"], arrays["trend.units"]
        trend = Trend(float(middle), float(half), int(degree), knots, units)
    return Design(
        Columns(arrays["modelled"], arrays["constant"], arrays["kept"]),
        scales,
        {int(j): arrays[f"nominal.{j}"] for j in header["nominal"]},
        tuple(lags),
        tuple(leads),
        time,
        unit,
        trend,
        arrays["varying"],
        tuple(header["names"]),
    )
