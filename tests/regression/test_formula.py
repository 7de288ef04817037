"""Formulas: what is read, what is computed, and that nothing else can be in them."""

import numpy as np
import pytest

from latentia.regression.formula import (
    FUNCTIONS,
    FormulaError,
    computed,
    names,
    parsed,
    restored,
)

COLUMNS = {"x": np.array([1.0, 2.0, 4.0]), "z": np.array([3.0, 0.5, -1.0]), "odd name": np.ones(3)}

HARMFUL = [
    "__import__('os').system('true')",
    "I(__import__('os'))",
    "x.__class__",
    "x.real",
    "np.log(x)",
    "I(x.__class__)",
    "I((lambda: 1)())",
    "I(open(x))",
    "eval(x)",
    "getattr(x, 'y')",
    "I(x[0])",
    "I([x])",
    "I({x})",
    "I({1: x})",
    "I(x if x else z)",
    "I([x for x in x])",
    "I(x or z)",
    "I(not x)",
    "I(x := 1)",
    "I('text')",
    "I(f'{x}')",
    "I(True)",
    "I(None)",
    "I(x @ z)",
    "I(x << 2)",
    "I(~x)",
    "I(x is z)",
    "I(x < z < 3)",
    "I(*x)",
    "I(x, z)",
    "I(x=z)",
    "log(x, 2)",
    "C(x + 1)",
    "C(x, contr.sum)",
    "poly(x, 2)",
    "center(x)",
    "I(await x)",
    "I(x + " + "(" * 200 + "x" + ")" * 200 + ")",
    "I(" + "-" * 300 + "x)",
    "I(" + "x + " * 400 + "x)",
]


@pytest.mark.parametrize("term", HARMFUL)
def test_what_is_not_arithmetic_is_refused_in_a_sentence(term):
    for text, response in ((f"y ~ {term}", True), (f"{term} ~ x", True), (f"~ {term}", False)):
        with pytest.raises(FormulaError, match="expected"):
            parsed(text, response)


@pytest.mark.parametrize("term", HARMFUL)
def test_a_file_can_hold_no_more_than_a_formula(term):
    with pytest.raises(FormulaError, match="expected"):
        restored("y ~ x", "y", [["1"], [term]])
    with pytest.raises(FormulaError, match="expected"):
        restored("y ~ x", term, [["1"]])


@pytest.mark.parametrize(
    ("text", "response", "told"),
    [
        ("", True, "expected a response on the left"),
        ("~ x", True, "expected a response on the left"),
        ("y ~ x", False, "expected no response on the left"),
        ("y ~ x | z", True, "one part on each side"),
        ("y + z ~ x", True, "expected one response"),
        ("1 ~ x", True, "expected one response"),
        ("y ~ -1", True, "at least one term"),
        ("y ~ x ~ z", True, "is no formula"),
        ("y ~ .", True, "is no formula"),
        ("y ~ 2:x", True, "got the number 2 as a term"),
        ("y ~ I(3)", True, "no column is in it"),
        ("y ~ x +* z", True, "is no formula"),
        (7, True, "got '7' as a formula"),
        ("y ~ " + "x + " * 500 + "x", True, "at most 1000 characters"),
    ],
)
def test_what_is_no_formula(text, response, told):
    with pytest.raises(FormulaError, match=told):
        parsed(text, response)


def test_operators_are_formulaics():
    assert parsed("y ~ x", True).terms == (("1",), ("x",))
    assert parsed("y ~ 0 + x", True).terms == (("x",),)
    assert parsed("y ~ x - 1", True).terms == (("x",),)
    assert parsed("y ~ x * z", True).terms == (("1",), ("x",), ("z",), ("x", "z"))
    assert parsed("y ~ (x + z)**2 - z", True).terms == (("1",), ("x",), ("x", "z"))
    assert parsed("~ z", False).terms == (("1",), ("z",))
    assert parsed("~ 1", False).terms == (("1",),)
    assert parsed("y ~", True).terms == (("1",),)


def test_columns_of_a_formula():
    formula = parsed("log(y) ~ I(x**2):C(g) + `odd name` + z", True)
    assert formula.response == "log(y)"
    assert set(formula.columns) == {"x", "g", "odd name", "z"}
    assert names("log(exp(x) + I(z))") == ("x", "z")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x", COLUMNS["x"]),
        ("`odd name`", COLUMNS["odd name"]),
        ("I(x ** 2)", COLUMNS["x"] ** 2),
        ("I(-x + 3 * z / 2 - 1e-3)", -COLUMNS["x"] + 1.5 * COLUMNS["z"] - 1e-3),
        ("I(x > 1.5)", [0, 1, 1]),
        ("I((x >= 2) * (z != 0.5))", [0, 0, 1]),
        ("I(2 ** x)", 2 ** COLUMNS["x"]),
        ("x ** 2", COLUMNS["x"] ** 2),
        *((f"{name}(x)", function(COLUMNS["x"])) for name, function in FUNCTIONS.items()),
    ],
)
def test_values(expression, expected):
    np.testing.assert_allclose(computed(expression, COLUMNS), expected, rtol=1e-15)


def test_large_powers_end_at_once():
    made = computed("I(x ** 9 ** 9 ** 9)", COLUMNS)
    np.testing.assert_array_equal(made, [1.0, np.inf, np.inf])


def test_text_takes_no_part_in_arithmetic():
    with pytest.raises(FormulaError, match="column 'g' of text in arithmetic"):
        computed("log(g)", {"g": np.array(["a", "b"], dtype=object)})


def test_a_formula_goes_round():
    formula = parsed("log(y) ~ x*C(g) + `odd name` + I(x**2)", True)
    again = restored(formula.text, formula.response, [list(term) for term in formula.terms])
    assert again == formula
