"""Formulas such as ``y ~ x + I(x**2)``: parsed, checked against a whitelist, never run as code.

formulaic reads the formula's own operators and codes factors; what stands inside a term is
checked on its syntax tree and computed here, so that a formula from a model file can do
arithmetic on columns and nothing else.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import numpy as np

from latentia.extras import require

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "I": lambda x: x,
    "abs": np.abs,
    "cos": np.cos,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
}
"""What a formula may call, each with one argument; ``C(column)`` makes a factor besides."""

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
    ast.UAdd: lambda x: x,
    ast.USub: np.negative,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}

LONGEST = 1000
"""Characters of a formula, and of an expression in it, at most."""

DEEPEST = 50
"""How deep an expression may be nested."""

_ONE = "1"


class FormulaError(ValueError):
    """A formula that cannot be used, and why."""


class Formula(NamedTuple):
    """A formula, checked.

    Attributes
    ----------
    text : str
    response : str or None
        The expression on the left.
    terms : tuple of tuple of str
        Each the expressions that are multiplied; ``("1",)`` is the intercept.
    """

    text: str
    response: str | None
    terms: tuple[tuple[str, ...], ...]

    @property
    def expressions(self) -> tuple[str, ...]:
        """The different expressions on the right, in their order."""
        each = dict.fromkeys(e for term in self.terms for e in term)
        return tuple(e for e in each if e != _ONE)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data on the right, in the order of their appearance."""
        return tuple(dict.fromkeys(name for e in self.expressions for name in names(e)))


def parsed(text: Any, response: bool) -> Formula:
    """Read a formula and refuse what is not allowed in one.

    Parameters
    ----------
    text : str
        Such as ``"y ~ x + I(x**2)"``, or ``"~ z"`` where no response is expected.
    response : bool
        Whether there is to be one on the left.

    Returns
    -------
    Formula

    Raises
    ------
    FormulaError
        If it is no formula, or if something in it is not allowed.
    ImportError
        If formulaic is not installed.

    Examples
    --------
    >>> parsed("yn ~ x + I(x**2)", response=True).terms
    (('1',), ('x',), ('I(x ** 2)',))
    >>> parsed("y ~ x.__class__()", response=True)
    Traceback (most recent call last):
    latentia.regression.formula.FormulaError: got x.__class__() in the formula 'y ~ x.__class__()',
    but ...
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        raise FormulaError(
            f"got {str(text)[:40]!r} as a formula, expected text such as 'y ~ x + I(x**2)' of at "
            f"most {LONGEST} characters"
        )
    formulaic = require("formulaic", extra="formula")
    try:
        made: Any = formulaic.Formula(text)
    except Exception as error:  # whatever the parser stumbles over
        raise FormulaError(
            f"got {text!r}, which is no formula; expected terms joined by + - * : and parentheses, "
            "as in 'y ~ x + I(x**2)'"
        ) from error
    left: Any = getattr(made, "lhs", None)
    right: Any = getattr(made, "rhs", None if left is not None else made)
    wanted = "a response on the left of ~" if response else "no response on the left of ~"
    if (left is not None) != response:
        raise FormulaError(f"got the formula {text!r}, expected {wanted}")
    if isinstance(right, tuple) or isinstance(left, tuple) or right is None:
        raise FormulaError(f"got the formula {text!r}, expected one part on each side of ~")
    parts = cast(Any, right)
    terms = tuple(tuple(_expression(f, text) for f in term.factors) for term in parts)
    if not terms:
        raise FormulaError(f"got the formula {text!r}, expected at least one term, such as 1")
    if not response:
        return Formula(text, None, terms)
    lefts = [tuple(_expression(f, text) for f in term.factors) for term in cast(Any, left)]
    if len(lefts) != 1 or len(lefts[0]) != 1 or lefts[0] == (_ONE,):
        raise FormulaError(f"got the formula {text!r}, expected one response on the left of ~")
    return Formula(text, lefts[0][0], terms)


def restored(text: str, response: str | None, terms: Any) -> Formula:
    """A formula from its parts as a file has them, each checked again.

    Raises
    ------
    FormulaError
        If something in it is not allowed.
    """
    each = tuple(tuple(_checked(str(e), text) for e in term) for term in terms)
    return Formula(text, None if response is None else _checked(response, text), each)


def _expression(factor: Any, text: str) -> str:
    """A factor's expression, once it is known to be harmless."""
    expression, kind = str(factor.expr), factor.eval_method.name
    if kind == "LITERAL" and expression != _ONE:
        raise FormulaError(
            f"got the number {expression} as a term of {text!r}, expected 0 or 1, or a number "
            "inside I(), as in I(2 * x)"
        )
    if kind == "LOOKUP" and not expression.isidentifier():
        if f"`{expression}`" not in text:
            raise _not_allowed(expression, text, "a column of that name needs `backticks`")
        expression = f"`{expression}`"
    return _checked(expression, text)


def _checked(expression: str, text: str) -> str:
    """The expression, if every piece of its syntax is on the list."""
    quoted = expression.startswith("`") and expression.endswith("`") and len(expression) > 2
    if expression == _ONE or quoted:
        return expression
    if len(expression) > LONGEST:
        raise _not_allowed(expression[:40] + " ...", text, "it is too long")
    try:
        tree = _tree(expression)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _not_allowed(expression, text, "it cannot be read") from None
    if _factor_of(tree) is None:
        fault = _fault(tree, DEEPEST)
        if fault is None and not names(expression):
            fault = "no column is in it"
        if fault is not None:
            raise _not_allowed(expression, text, fault)
    return expression


def _fault(node: ast.AST, depth: int) -> str | None:
    """What is not allowed in a node or below it."""
    parts: list[ast.AST] = []
    match node:
        case ast.Name():
            return None
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            return None
        case ast.UnaryOp(op=ast.UAdd() | ast.USub()):
            parts = [node.operand]
        case ast.BinOp(op=op) if type(op) in _OPERATORS:
            parts = [node.left, node.right]
        case ast.Compare(ops=[op], comparators=[right]) if type(op) in _OPERATORS:
            parts = [node.left, right]
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            parts = [argument]
        case ast.Call(func=ast.Name(id=name)):
            return f"{name}(...) is not a function of one argument that formulas know"
        case ast.Attribute() | ast.Call(func=ast.Attribute()):
            return "there is a point in it: write log(x) for np.log(x)"
        case _:
            return f"{type(node).__name__} is no arithmetic"
    if depth == 0:
        return "it is nested too deeply"
    return next((fault for part in parts if (fault := _fault(part, depth - 1))), None)


def _not_allowed(expression: str, text: str, why: str) -> FormulaError:
    return FormulaError(
        f"got {expression} in the formula {text!r}, but {why}; expected columns, numbers, "
        f"+ - * / **, comparisons, {', '.join(FUNCTIONS)}, and C(column) for a factor"
    )


def _factor_of(tree: ast.AST) -> str | None:
    """The column whose values are levels in ``C(column)``."""
    match tree:
        case ast.Call(func=ast.Name(id="C"), args=[ast.Name(id=name)], keywords=[]):
            return name
    return None


def factor_of(expression: str) -> str | None:
    """The column whose values are levels in ``C(column)``; None of any other expression."""
    return None if expression.startswith("`") else _factor_of(_tree(expression))


def _tree(expression: str) -> ast.AST:
    return ast.parse(expression, mode="eval").body


def names(expression: str) -> tuple[str, ...]:
    """The columns in an expression, in the order of their appearance.

    Examples
    --------
    >>> names("log(a) * b + a"), names("`odd name`"), names("C(g)")
    (('a', 'b'), ('odd name',), ('g',))
    """
    if expression.startswith("`"):
        return (expression.strip("`"),)
    found: list[str] = []

    def walk(node: ast.AST) -> None:
        match node:
            case ast.Call():
                for argument in node.args:
                    walk(argument)
            case ast.Name(id=name):
                found.append(name)
            case _:
                for child in ast.iter_child_nodes(node):
                    walk(child)

    walk(_tree(expression))
    return tuple(dict.fromkeys(found))


def computed(expression: str, columns: Mapping[str, Any]) -> Any:
    """The values of a checked expression, (n,).

    Parameters
    ----------
    expression : str
    columns : mapping of str to array of shape (n,)
        Numbers, or text where the expression is no more than the column's name.
    """
    if expression.startswith("`"):
        return columns[expression.strip("`")]
    tree = _tree(expression)
    if isinstance(tree, ast.Name):
        return columns[tree.id]
    with np.errstate(all="ignore"):
        return np.asarray(_value(tree, columns), dtype=np.float64)


def _value(node: Any, columns: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            column = np.asarray(columns[name])
            if column.dtype.kind not in "biuf":
                raise FormulaError(
                    f"got column {name!r} of text in arithmetic, expected numbers; let it stand as "
                    "a term of its own, which makes it a factor"
                )
            return column.astype(np.float64)
        case ast.Constant():
            return np.float64(cast(float, node.value))
        case ast.UnaryOp():
            return _OPERATORS[type(node.op)](_value(node.operand, columns))
        case ast.BinOp():
            operation = _OPERATORS[type(node.op)]
            return operation(_value(node.left, columns), _value(node.right, columns))
        case ast.Compare():
            operation = _OPERATORS[type(node.ops[0])]
            return operation(_value(node.left, columns), _value(node.comparators[0], columns))
        case _:
            return FUNCTIONS[node.func.id](_value(node.args[0], columns))
