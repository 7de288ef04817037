import numpy as np
import pytest

import latentia
from latentia import EMImputer, datasets
from latentia.missing import Panel
from latentia.missing.panel import neighbours, trend_of


def panel(rng, units=4, times=12, hidden=0.2):
    unit, time = (a.ravel() for a in np.meshgrid(np.arange(units), np.arange(times), indexing="ij"))
    y = 3 * unit + 0.5 * (unit - 1) * time + 0.05 * rng.normal(size=unit.size)
    z = y + rng.normal(size=unit.size)
    whole = np.column_stack([unit, time, y, z]).astype(float)
    x = whole.copy()
    x[:, 2:][rng.random((len(x), 2)) < hidden] = np.nan
    return whole, x


def test_each_unit_has_its_own_line():
    whole, x = panel(np.random.default_rng(0))
    hidden = np.isnan(x[:, 2])
    away = {}
    for per_unit in (False, True):
        given = Panel(1, 0, polynomial=1, per_unit=per_unit)
        made = EMImputer(panel=given, ridge=0.01).fit_transform(x)
        away[per_unit] = np.abs(made - whole)[hidden, 2].max()
        assert (made[:, :2] == x[:, :2]).all()
    assert away[True] < 0.3
    assert away[False] > 1


@pytest.mark.parametrize(("given", "degree"), [({"polynomial": 3}, 3), ({"spline": 4}, 3)])
def test_trends_hold_every_polynomial_of_their_degree(given, degree):
    time = np.linspace(1970.0, 2000.0, 40)
    unit = np.tile([0.0, 1.0], 20)
    for per_unit, units in ((False, 1), (True, 2)):
        trend = trend_of(Panel(0, 1, per_unit=per_unit, **given), time, unit)
        columns = np.column_stack([np.ones(40), trend.columns(time, unit)])
        assert columns.shape[1] == units * (1 + given.get("polynomial", given.get("spline")))
        assert len(trend.names(["a", "b"])) == columns.shape[1] - 1
        assert np.linalg.matrix_rank(columns) == columns.shape[1]
        target = ((time - 1985) / 15) ** degree
        if per_unit:
            target = np.where(unit == 1, target, 2 - target)
        left = np.linalg.lstsq(columns, target)[0]
        np.testing.assert_allclose(columns @ left, target, atol=1e-9)


def test_another_unit_of_time_changes_nothing():
    _, x = panel(np.random.default_rng(1))
    made = {}
    for name, time in (("steps", x[:, 1]), ("years", 1900 + 7 * x[:, 1])):
        moved = np.column_stack([x[:, 0], time, x[:, 2:]])
        given = Panel(1, 0, spline=5, lags=[3])
        made[name] = EMImputer(panel=given, ridge=0, tol=1e-10).fit_transform(moved)[:, 2:]
    np.testing.assert_allclose(made["steps"], made["years"], rtol=1e-6)


def test_neighbours_are_of_the_same_unit_in_order_of_time():
    rng = np.random.default_rng(2)
    unit, time = rng.integers(0, 3, 30).astype(float), rng.permutation(30).astype(float)
    before, after = neighbours(time, unit)
    for i in range(30):
        mine = np.flatnonzero(unit == unit[i])
        past, future = mine[time[mine] < time[i]], mine[time[mine] > time[i]]
        assert before[i] == (past[np.argmax(time[past])] if past.size else -1)
        assert after[i] == (future[np.argmin(time[future])] if future.size else -1)


def test_rows_in_another_order_are_filled_the_same():
    _, x = panel(np.random.default_rng(3))
    order = np.random.default_rng(4).permutation(len(x))
    imputer = EMImputer(panel=Panel(1, 0, lags=[2], leads=[2]), tol=1e-8)
    np.testing.assert_allclose(
        imputer.fit_transform(x)[order], imputer.fit_transform(x[order]), rtol=1e-5
    )


@pytest.mark.filterwarnings("ignore:.*no value.*:latentia.mixture.errors.DataWarning")
def test_lags_help_where_there_is_nothing_else():
    rng = np.random.default_rng(5)
    walk = np.cumsum(rng.normal(size=400))
    x = np.column_stack([np.arange(400.0), walk])
    x[::4, 1] = np.nan
    away = {
        name: np.abs(EMImputer(panel=given).fit_transform(x)[:, 1] - walk)[::4].mean()
        for name, given in (("none", Panel(0)), ("both", Panel(0, lags=[1], leads=[1])))
    }
    assert away["both"] < away["none"] / 3


def test_a_file_brings_a_panel_back(tmp_path):
    _, x = panel(np.random.default_rng(6))
    given = Panel(1, 0, polynomial=2, per_unit=True, lags=(2,), leads=(3,))
    imputer = EMImputer(panel=given, draw="bootstrap", n_imputations=2, random_state=0).fit(x)
    imputer.save(tmp_path / "m.safetensors")
    again = latentia.load(tmp_path / "m.safetensors")
    assert again.panel == given
    for a, b in zip(imputer.imputations(x), again.imputations(x), strict=True):
        np.testing.assert_array_equal(a, b)


TRADE = datasets.load("freetrade").values


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Panel(0, polynomial=1, spline=4), "expected one trend"),
        (Panel(0, spline=3), "spline=3 in a panel, expected a whole number of at least 4"),
        (Panel(0, polynomial=-1), "polynomial=-1 in a panel"),
        (Panel(0, per_unit=True), "per_unit=True in a panel without unit"),
        (Panel(0, lags="tariff"), "expected a list of columns"),
        (Panel(0, lags=[1]), "rows 0 and 19 of one unit at the same time 1981"),
        (Panel(0, lags=[0]), "'x0' in lags or leads"),
        (Panel("year"), "'year' in panel"),
        (Panel(1), "expected time and unit of every row"),
    ],
)
def test_what_makes_no_sense(given, words):
    with pytest.raises(ValueError, match=words):
        EMImputer(panel=given).fit(TRADE)


def test_units_that_were_not_there():
    _, x = panel(np.random.default_rng(7))
    imputer = EMImputer(panel=Panel(1, 0, polynomial=1, per_unit=True)).fit(x)
    new = x.copy()
    new[3, 0] = 9
    with pytest.raises(ValueError, match="unit at row 3 of column 'x0' that was not in the fit"):
        imputer.transform(new)
