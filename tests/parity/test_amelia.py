"""Panels with holes against Amelia: recorded in amelia.csv by amelia.R, which names versions."""

import csv
from pathlib import Path

import numpy as np
import pytest

from latentia import EMImputer, datasets
from latentia.missing import CellPrior, CellRange, Panel

OWN = ("tariff", "polity", "pop", "gdp.pc", "intresmi", "fiveop", "usheg")


def recorded():
    with Path(__file__).with_name("amelia.csv").open() as stream:
        return list(csv.DictReader(stream))


def trade():
    """The table of amelia.R, with the country as a number in the last column."""
    data = datasets.load("freetrade")
    x = data.values.copy()
    x[:, [3, 4]] = np.log(x[:, [3, 4]])
    country = np.unique(data.labels, return_inverse=True)[1]
    return [*data.columns, "country"], np.column_stack([x, country])


CELLS = (CellPrior(0, 1, 30, 3), CellPrior(1, 1, 40, 5), CellPrior(20, 1, 15, 0.5))
CASES = {
    "plain": {"panel": Panel(0, 9)},
    "quadratic": {"panel": Panel(0, 9, polynomial=2)},
    "units": {"panel": Panel(0, 9, polynomial=1, per_unit=True)},
    "levels": {"panel": Panel(0, 9, polynomial=0, per_unit=True)},
    "spline": {"panel": Panel(0, 9, spline=5)},
    "neighbours": {"panel": Panel(0, 9, lags=[1], leads=[1])},
    "cells": {"panel": Panel(0, 9), "priors": CELLS},
    "ranges": {"panel": Panel(0, 9), "priors": [CellRange(None, 1, 20, 40, 0.9)]},
}


@pytest.mark.parametrize("case", CASES)
def test_means_and_covariances(case):
    names, x = trade()
    imputer = EMImputer(ridge=0, tol=1e-13, ids=[6], **CASES[case]).fit(x)
    normal = imputer.normal_
    assert normal is not None
    place = {name: i for i, name in enumerate(n for n in names if n in OWN)}
    spread = np.sqrt(np.diagonal(normal.covariance_))
    compared = 0
    for row in recorded():
        if row["case"] != case or row["what"] not in ("mean", "covariance"):
            continue
        i, known = place[row["one"]], float(row["value"])
        if row["what"] == "mean":
            assert normal.mean_[i] == pytest.approx(known, rel=0, abs=1e-6 * spread[i])
        else:
            j = place[row["other"]]
            unit = spread[i] * spread[j]
            assert normal.covariance_[i, j] == pytest.approx(known, rel=0, abs=1e-6 * unit)
        compared += 1
    assert compared == 7 + 28


@pytest.mark.parametrize(("case", "m"), [("units", 50), ("cells", 60), ("nominal", 100)])
def test_imputations_have_the_same_distribution(case, m):
    # of 200 imputations there and m here: means and deviations of each cell within their errors
    names, x = trade()
    asked = CASES.get(case, {"panel": Panel(0, 9)})
    role = {"nominal": [6]} if case == "nominal" else {"ids": [6]}
    imputer = EMImputer(
        ridge=0, draw="bootstrap", n_imputations=m, tol=1e-3, random_state=0, **role, **asked
    ).fit(x)
    tables = np.array(list(imputer.imputations(x)))
    known = {
        (row["what"], names.index(row["one"]), int(row["other"])): float(row["value"])
        for row in recorded()
        if row["case"] == case and row["what"].startswith("imputed")
    }
    cells = [key[1:] for key in known if key[0] == "imputed mean"]
    assert len(cells) == (3 if case == "nominal" else 91)
    mean, sd = (np.array([known[f"imputed {w}", *cell] for cell in cells]) for w in ("mean", "sd"))
    drawn = np.array([tables[:, i, j] for j, i in cells])
    there, here = sd**2 / 200, drawn.var(axis=1, ddof=1) / m
    z = (drawn.mean(axis=1) - mean) / np.sqrt(there + here + 1e-12)
    assert np.abs(z).max() < 4.5
    if case != "nominal":  # three cells, which are 0 or 1
        assert np.sqrt((z**2).mean()) < 1.5
        ratio = np.log(drawn.std(axis=1, ddof=1) / sd) / np.sqrt(1 / (2 * m) + 1 / 400)
        assert np.abs(ratio).max() < 5
        assert abs(ratio.mean()) < 1.5
