"""Designs: columns as formulaic makes them, levels kept, cells that cannot be used named."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from formulaic import model_matrix

from latentia.data.errors import DataError
from latentia.regression.data import columns_of
from latentia.regression.design import Design
from latentia.regression.formula import FormulaError, parsed

FRAME = pd.DataFrame(
    {
        "x": [1.0, 2.0, 4.0, 5.0, 7.0, 3.0],
        "z": [0.3, -1.0, 2.0, 0.1, 1.1, -0.7],
        "g": ["b", "a", "c", "a", "b", "c"],
        "n": [10, 2, 2, 10, 7, 7],
        "b": [True, False, True, True, False, False],
    }
)


def of(text, frame=FRAME):
    formula = parsed(text, text[0] != "~")
    columns = columns_of(frame, formula.columns)
    return Design.of_formula(formula, columns, len(frame["x"])), columns


@pytest.mark.parametrize(
    "text",
    ["~ x", "~ 0 + x", "~ x*z", "~ g", "~ 0 + g", "~ g*x", "~ C(n):x", "~ g:C(n) + z", "~ 1"],
)
def test_columns_are_formulaics(text):
    design, columns = of(text)
    expected = model_matrix(text.removeprefix("~ "), FRAME)
    np.testing.assert_array_equal(design.matrix(columns, 6), expected.to_numpy(float))
    assert design.names == tuple(expected.columns)


def test_arithmetic_is_a_column():
    design, columns = of("~ I(x**2) + log(x) + I(z > 0)")
    assert design.names == ("Intercept", "I(x ** 2)", "log(x)", "I(z > 0)")
    x, z = FRAME["x"], FRAME["z"]
    expected = np.column_stack([np.ones(6), x**2, np.log(x), z > 0])
    np.testing.assert_allclose(design.matrix(columns, 6), expected, rtol=1e-15)


def test_levels_are_those_of_the_fit():
    design, _ = of("~ g + C(n)")
    assert dict(design.levels) == {"g": ("a", "b", "c"), "C(n)": ("2", "7", "10")}
    some = design.matrix({"g": np.array(["c"], dtype=object), "n": np.array([7.0])}, 1)
    np.testing.assert_array_equal(some, [[1, 0, 1, 1, 0]])
    with pytest.raises(ValueError, match="got 'd' at row 1 for g, expected a level of the fit: a"):
        design.matrix({"g": np.array(["a", "d"], dtype=object), "n": np.array([7.0, 2.0])}, 2)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("x", np.nan, "contains NaN at row 2, 'x'"),
        ("x", -1.0, r"contains NaN at row 2, 'log\(x\)'"),
        ("x", 0.0, r"contains inf \(infinity\) at row 2, 'log\(x\)'"),
        ("g", None, "contains NaN at row 2, 'g'"),
    ],
)
def test_a_cell_that_cannot_be_used_is_named(column, value, told):
    frame = FRAME.copy()
    frame.loc[2, column] = value
    design, _ = of("~ x + log(x) + g")
    columns = columns_of(frame, design.columns)
    with pytest.raises(ValueError, match=told):
        design.matrix(columns, 6)


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "dict"])
def test_frames_of_any_kind(kind):
    frame = {
        "pandas": FRAME,
        "polars": pl.DataFrame(FRAME.to_dict("list")),
        "arrow": pl.DataFrame(FRAME.to_dict("list")).to_arrow(),
        "dict": FRAME.to_dict("list"),
    }[kind]
    design, columns = of("~ x + g + b + C(n)", frame)
    expected, theirs = of("~ x + g + b + C(n)")
    np.testing.assert_array_equal(design.matrix(columns, 6), expected.matrix(theirs, 6))


def test_columns_that_are_not_there():
    with pytest.raises(DataError, match=r"no column 'xx'.*did you mean 'x'"):
        columns_of(FRAME, ["xx"])
    with pytest.raises(TypeError, match="expected a data frame or a dict"):
        columns_of(np.zeros((3, 2)), ["x"])
    with pytest.raises(ValueError, match="columns of different lengths"):
        columns_of({"x": [1.0], "z": [1.0, 2.0]}, ["x", "z"])


def test_a_design_goes_round_as_json():
    for design in (of("~ g*x + I(z**2)")[0], Design.of_columns(["a", "b"], True)):
        assert Design.from_record(json.loads(json.dumps(design.to_record()))) == design


def test_a_design_from_a_file_is_checked():
    record = of("~ x")[0].to_record()
    record["terms"] = [["1"], ["x.__class__()"]]
    with pytest.raises(FormulaError, match="there is a point in it"):
        Design.from_record(record)
