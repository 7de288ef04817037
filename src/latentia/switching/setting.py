"""What a switching regression learns of its data before it climbs, and data as the engine takes it.

Formulas are those of `MixtureRegression`: parsed and checked there, and never run as code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.errors import DataError
from latentia.data.groups import GroupedRows
from latentia.data.sequences import in_sequences
from latentia.families.predictor import Basis
from latentia.families.regression.gaussian import LinearFrame
from latentia.hmm.reading import weights_of
from latentia.mixture.concomitant import Concomitant
from latentia.mixture.weighting import Constant, Weighting
from latentia.regression import data
from latentia.regression.data import Beside
from latentia.regression.design import Design
from latentia.regression.formula import Formula, computed, parsed
from latentia.regression.kinds import KINDS, framed

from .model import SwitchingModel
from .moves import ConstantMoves, LogitMoves, MoveLaw
from .outlook import ResponseLaw
from .responses import Responses

Array = NDArray[np.float64]


class Formulas(NamedTuple):
    """Of the responses, and of the covariates of moves and of the start, where there are any."""

    responses: tuple[Formula, ...]
    moves: Formula | None
    start: Formula | None


class Steps(NamedTuple):
    """Columns of the data by name, and how their rows are sequences.

    Attributes
    ----------
    columns : dict of str to array of shape (n,)
    order : array of int, shape (n,)
        The rows, sequence after sequence.
    sizes : array of int, shape (m,)
    names : tuple or None
        What sequences are called, where a column says so.
    """

    columns: dict[str, Any]
    order: NDArray[np.intp]
    sizes: NDArray[np.intp]
    names: tuple[Any, ...] | None = None

    @property
    def n(self) -> int:
        return len(self.order)

    def as_given(self, values: NDArray[Any]) -> NDArray[Any]:
        """What is known of each step, in the order in which the rows were given."""
        placed = np.empty_like(values)
        placed[self.order] = values
        return placed


class Setting(NamedTuple):
    """A switching regression but for its parameters.

    Attributes
    ----------
    n_states : int
    families : tuple of str
        Names in `KINDS`, one a response.
    shared : bool
        Whether states share their dispersion.
    floor : float
        Under residual variances.
    designs : tuple of Design
        One a response.
    frames : tuple of LinearFrame
        Of these.
    beside : Beside
        What `fit` was told of offset and trials.
    moves, start : Design or None
        Of the covariates.
    moves_basis, start_basis : Basis or None
    """

    n_states: int
    families: tuple[str, ...]
    shared: bool
    floor: float
    designs: tuple[Design, ...]
    frames: tuple[LinearFrame, ...]
    beside: Beside
    moves: Design | None
    start: Design | None
    moves_basis: Basis | None
    start_basis: Basis | None

    def model(self, init_params: str = "lines") -> SwitchingModel:
        """The engine's view."""
        k = self.n_states
        parts = [
            KINDS[family].build(
                k, frame, self.shared and KINDS[family].dispersion is not None, self.floor
            )
            for family, frame in zip(self.families, self.frames, strict=True)
        ]
        widths = [part.n_features + part.n_beside + 1 for part in parts]
        begin: Weighting[Any, Any] = Constant(k)
        if self.start is not None:
            begin = Concomitant(k, len(self.start.names), self.start_basis)
        move: MoveLaw = ConstantMoves(k)
        if self.moves is not None:
            move = LogitMoves(k, len(self.moves.names), self.moves_basis)
        return SwitchingModel(Responses(parts, widths), begin, move, init_params)

    def given(self, steps: Steps, X: Any, told: Beside) -> list[Array]:
        """Covariates of the start and of the moves, and of each response, in the rows' order."""
        n, columns = steps.n, steps.columns
        both = (self.start, self.moves)
        made = [np.empty((n, 0)) if d is None else d.matrix(columns, n) for d in both]
        told = told.filled(self.beside)
        for family, design in zip(self.families, self.designs, strict=True):
            beside = data.beside(X, told, n, KINDS[family].trials)
            made.append(np.hstack([design.matrix(columns, n), beside]))
        return made

    def rows(self, steps: Steps, X: Any, weights: Array, told: Beside) -> GroupedRows:
        """The sequences, as the engine takes them."""
        start, moves, *each = self.given(steps, X, told)
        parts, model = [start, moves], self.model()
        for i, (design, given) in enumerate(zip(self.designs, each, strict=True)):
            assert design.formula is not None
            text = str(design.formula.response)
            y = response(computed(text, steps.columns), text, steps.n)
            own = np.column_stack([given, y])
            known = np.flatnonzero(~np.isnan(y))
            wrong, expected = model.responses.parts[i].wrong(own[known])
            if wrong.any():
                at = int(known[int(np.argmax(wrong))])
                raise ValueError(f"got the response {y[at]:g} of {text} at row {at}, {expected}")
            parts.append(own)
        return GroupedRows(np.hstack(parts)[steps.order], weights, steps.sizes)

    def unanswered(self, steps: Steps, X: Any, told: Beside) -> Array:
        """Rows whose responses are to come, sequence after sequence."""
        start, moves, *each = self.given(steps, X, told)
        blank = np.full((steps.n, 1), np.nan)
        parts = [start, moves, *(part for given in each for part in (given, blank))]
        return np.asarray(np.hstack(parts)[steps.order], dtype=np.float64)

    def laws(self, model: SwitchingModel, params: Any, x: Array) -> list[ResponseLaw]:
        """The distribution of each response in each state, of rows of its columns."""
        made: list[ResponseLaw] = []
        each = zip(
            self.families, model.responses.parts, params, model.responses.columns, strict=True
        )
        for family, part, own, columns in each:
            dispersion = None if KINDS[family].dispersion is None else np.asarray(own[1])
            trials = x[:, columns][:, -2:-1] if KINDS[family].trials else None
            made.append(ResponseLaw(family, part.mean(own, x[:, columns]), dispersion, trials))
        return made


def followed(before: GroupedRows, after: Array, steps: int) -> GroupedRows:
    """Sequences with `steps` rows behind each, of which no response is known.

    Parameters
    ----------
    before : GroupedRows
    after : array of shape (m steps, columns)
        As `Setting.unanswered` makes them.
    steps : int
    """
    ends, pieces = np.cumsum(before.sizes), []
    for i, (end, size) in enumerate(zip(ends, before.sizes, strict=True)):
        pieces += [before.x[end - size : end], after[i * steps : (i + 1) * steps]]
    return GroupedRows(np.concatenate(pieces), before.weights, before.sizes + steps)


def response(values: Any, text: str, n: int) -> Array:
    """A response as floats; nan is missing.

    Raises
    ------
    ValueError
        If it holds text, or infinity.
    """
    try:
        made = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"got text in {text}, expected numbers") from None
    made = np.broadcast_to(made, (n,))
    if np.isinf(made).any():
        raise ValueError(
            f"got {text} = inf at row {int(np.argmax(np.isinf(made)))}, expected a finite number, "
            "or nan where it is missing"
        )
    return made


def formulas(formula: Any, transitions: str | None, start: str | None) -> Formulas:
    """The formulas, checked.

    Raises
    ------
    TypeError, FormulaError
        If there is none, or something in one is not allowed.
    """
    texts = [formula] if isinstance(formula, str) else list(formula)
    if not texts or not all(isinstance(text, str) for text in texts):
        raise TypeError(f"got formula={formula!r}, expected a formula or a list of them")
    if start in ("stationary", "free"):
        raise ValueError(
            f"got start={start!r}, expected a formula such as '~ w', or None for first states that "
            "are free; MarkovAutoregression begins in equilibrium"
        )
    return Formulas(
        tuple(parsed(text, response=True) for text in texts),
        None if transitions is None else parsed(transitions, response=False),
        None if start is None else parsed(start, response=False),
    )


def families(family: Any, n_responses: int) -> tuple[str, ...]:
    """The name of each response's family; one name is that of all."""
    names = (family,) * n_responses if isinstance(family, str) else tuple(family)
    if len(names) != n_responses or not all(name in KINDS for name in names):
        raise ValueError(
            f"got family={family!r} for {n_responses} responses, expected one of "
            f"{', '.join(KINDS)}, or a list with one for each response"
        )
    return names


def read(X: Any, needed: Sequence[str], lengths: Any, id: str | None, time: str | None) -> Steps:
    """The columns that are needed, and the sequences that their rows make."""
    beside = [name for name in (id, time) if name is not None]
    wanted = list(dict.fromkeys([*needed, *beside]))
    if not wanted:
        raise ValueError("got formulas without a column, expected a response at least")
    columns = data.columns_of(X, wanted)
    n = len(columns[wanted[0]])
    if n == 0:
        raise DataError("got no rows, expected some steps")
    if lengths is not None:
        if beside:
            raise DataError("got lengths beside id or time columns, expected one of the two")
        sizes = np.atleast_1d(np.asarray(lengths))
        if sizes.dtype.kind not in "iu" or (sizes < 1).any() or sizes.sum() != n:
            raise DataError(
                f"got lengths={lengths!r} for {n} rows, expected whole numbers of steps, at least "
                "one in each sequence, that add up to the rows"
            )
        return Steps(columns, np.arange(n), sizes.astype(np.intp))
    labels = None if id is None else np.asarray(columns[id])
    times = None if time is None else np.asarray(columns[time])
    made = in_sequences(np.arange(n, dtype=np.float64)[:, None], labels, times)
    return Steps(columns, made.x[:, 0].astype(np.intp), made.sizes, made.names)


def learned(estimator: Any, X: Any, steps: Steps, sample_weight: Any, told: Beside) -> Any:
    """The sequences of a fit (GroupedRows), and the Setting that is learned of them."""
    asked = formulas(estimator.formula, estimator.transitions, estimator.start)
    kinds = families(estimator.family, len(asked.responses))
    columns, n, k = steps.columns, steps.n, estimator.n_states
    if estimator.shared_dispersion and all(KINDS[name].dispersion is None for name in kinds):
        raise ValueError(
            f"got shared_dispersion=True for family={estimator.family!r}, which has no dispersion; "
            "expected it for 'gaussian' or 'gamma'"
        )
    designs = tuple(Design.of_formula(each, columns, n) for each in asked.responses)
    moves, start = (
        None if each is None else Design.of_formula(each, columns, n)
        for each in (asked.moves, asked.start)
    )
    plain = tuple(LinearFrame.plain(len(design.names)) for design in designs)
    shared, floor = bool(estimator.shared_dispersion), float(estimator.reg_variance)
    setting = Setting(k, kinds, shared, floor, designs, plain, told, moves, start, None, None)
    weights = weights_of(sample_weight, len(steps.sizes))
    rows = setting.rows(steps, X, weights, told)
    each_row = rows.spread(rows.weights)
    model = setting.model()
    first, second, x = model.columns(rows.x)
    if start is not None:
        begin = rows.firsts(first)
        basis = Basis.of(begin, rows.weights)
        data.refuse_dependent(basis.dependent, start.names, "start, over the sequences,")
        setting = setting._replace(start_basis=basis)
    if moves is not None:
        moving = np.ones(n, dtype=np.bool_)
        moving[np.cumsum(rows.sizes) - 1] = False  # nothing is moved to from a last step
        basis = Basis.of(second[moving], each_row[moving])
        data.refuse_dependent(basis.dependent, moves.names, "transitions")
        setting = setting._replace(moves_basis=basis)
    frames: list[LinearFrame] = []
    for i, (name, design) in enumerate(zip(kinds, designs, strict=True)):
        own, there = model.responses.known(x, i)
        if not (each_row[there] > 0).any():
            text = None if design.formula is None else design.formula.response
            raise ValueError(f"got no response {text} that is known, expected some")
        frame = framed(KINDS[name], own, each_row[there], len(design.names))
        data.refuse_dependent(frame.basis.dependent, design.names, "design")
        frames.append(frame)
    return rows, setting._replace(frames=tuple(frames))
