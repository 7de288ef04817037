"""Writes the modules full_small_1 ... full_small_8, unrolled for their number of features.

Numba does not keep the compiled code of functions that are made while a program runs, so the
source stands in files. To write them anew: python -m latentia.families.kernels.full_small_write
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

FEATURES = range(1, 9)
# So many running sums stay in registers while a loop goes along the lanes.
_SUMS_A_LOOP = 22

_HEAD = '''\
"""E- and M-pass over a chunk of rows with {d} feature{s}, unrolled.

Written by full_small_write.py: change that file, not this one.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from latentia.families.kernels.full_small_parts import coefficients, unpacked
from latentia.families.kernels.lanes import softmax
from latentia.families.kernels.tile import load, load_weights
'''

_LOAD = '''

@njit(nogil=True, cache=True, fastmath={{"contract"}})
def _load(flat, start, origin, unit, z):
    """A whole tile of rows that lie one behind the other."""
    x = flat[start * {d} : (start + z.shape[1]) * {d}]
{centres}
{lines}
    for b in range(z.shape[1]):
{body}
'''

_JOINT = '''

@njit(nogil=True, cache=True, fastmath={{"contract"}})
def _joint(z, coefficient, joint):
    """Log-densities of a tile with the components' weights, (K, B)."""
{lines}
    for k in range(len(joint)):
        c, line = coefficient[k], joint[k]
{constants}
        for b in range(line.size):
{body}
'''

_MOMENTS = '''

@njit(nogil=True, cache=True, fastmath={{"contract", "reassoc"}})
def _moments{part}(z, resp, sums):
    """Add sums of r z and r z zᵀ over a tile{note}."""
{lines}
    for k in range(len(resp)):
        r, line = resp[k], sums[k]
{zeros}
        for b in range(r.size):
{body}
{ends}
'''

_PASS = '''

@njit(nogil=True, cache=True)
def chunk(flat, row, column, n, weights, origin, unit, offset, means, factor, lanes):
    """Log-likelihood, counts, first and second moments of n rows, in tiles of `lanes` rows."""
    n_components = len(offset)
    coefficient = coefficients(offset, means, factor)
    z = np.empty(({d}, lanes))
    joint = np.empty((n_components, lanes))
    weight, scratch = np.empty(lanes), np.empty((2, lanes))
    count, sums = np.zeros(n_components), np.zeros((n_components, {p}))
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        if rows == lanes and row == {d} and column == 1:
            _load(flat, start, origin, unit, z)
        else:
            load(flat, row, column, start, rows, origin, unit, z)
        load_weights(weights, start, rows, weight)
        _joint(z, coefficient, joint)
        loglik += softmax(joint, weight, count, scratch)
{moments}
    first, second = unpacked(sums, {d})
    return loglik, count, first, second
'''


def _join(lines: Iterator[str], indent: int) -> str:
    return "\n".join(" " * indent + line for line in lines)


def _lines(d: int) -> str:
    return _join((f"z{j} = z[{j}]" for j in range(d)), 4)


def _load(d: int) -> str:
    centres = _join((f"centre{j} = origin[{j}]" for j in range(d)), 4)
    at = ["b" if d == 1 else f"{d} * b" + (f" + {j}" if j else "") for j in range(d)]
    body = (f"z{j}[b] = (np.float64(x[{at[j]}]) - centre{j}) * unit" for j in range(d))
    return _LOAD.format(d=d, centres=centres, lines=_lines(d), body=_join(body, 8))


def _joint(d: int) -> str:
    def constants() -> Iterator[str]:
        at = 0
        for j in range(d):
            for name in [f"u{i}{j}" for i in range(j + 1)] + [f"v{j}"]:
                yield f"{name} = c[{at}]"
                at += 1
        yield f"offset = c[{at}]"

    def body() -> Iterator[str]:
        for j in range(d):
            yield f"x{j} = z{j}[b]"
        yield "value = offset"
        for j in range(d):
            yield f"t = v{j} + u0{j} * x0"
            for i in range(1, j + 1):
                yield f"t += u{i}{j} * x{i}"
            yield "value -= t * t"
        yield "line[b] = value"

    return _JOINT.format(lines=_lines(d), constants=_join(constants(), 8), body=_join(body(), 12))


def _terms(d: int) -> list[tuple[int, ...]]:
    """Which features are multiplied in each sum, in the order of the sums."""
    return [(j,) for j in range(d)] + [(i, j) for j in range(d) for i in range(j + 1)]


def _parts(d: int) -> list[list[int]]:
    """The sums that each loop takes: those of a few lines of the triangle."""
    terms = _terms(d)
    n_parts = -(-len(terms) // _SUMS_A_LOOP)
    size = -(-len(terms) // n_parts)
    return [list(range(at, min(at + size, len(terms)))) for at in range(0, len(terms), size)]


def _moments(d: int, part: int) -> str:
    terms, parts = _terms(d), _parts(d)
    chosen = parts[part]
    factors = sorted({terms[at][-1] for at in chosen})
    used = sorted({j for at in chosen for j in terms[at]})

    def body() -> Iterator[str]:
        yield "w = r[b]"
        for j in used:
            yield f"x{j} = z{j}[b]"
        for j in factors:
            yield f"y{j} = w * x{j}"
        for at in chosen:
            *left, right = terms[at]
            yield f"s{at} += " + " * ".join([f"y{right}"] + [f"x{i}" for i in left])

    return _MOMENTS.format(
        part=part,
        note=f", part {part + 1} of {len(parts)}" if len(parts) > 1 else "",
        lines=_join((f"z{j} = z[{j}]" for j in used), 4),
        zeros=_join((f"s{at} = 0.0" for at in chosen), 8),
        body=_join(body(), 12),
        ends=_join((f"line[{at}] += s{at}" for at in chosen), 8),
    )


def source(d: int) -> str:
    """The module for d features."""
    parts = range(len(_parts(d)))
    calls = _join((f"_moments{part}(z, joint, sums)" for part in parts), 8)
    return "".join(
        [
            _HEAD.format(d=d, s="" if d == 1 else "s"),
            _load(d),
            _joint(d),
            *(_moments(d, part) for part in parts),
            _PASS.format(d=d, p=len(_terms(d)), moments=calls),
        ]
    )


def path(d: int) -> Path:
    """Where the module for d features stands."""
    return Path(__file__).with_name(f"full_small_{d}.py")


if __name__ == "__main__":
    for number in FEATURES:
        path(number).write_text(source(number), encoding="utf-8")
