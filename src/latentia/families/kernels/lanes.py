"""What is done to all lanes of a tile at once: exp, log, and the softmax over components.

A tile holds B rows side by side, one quantity a line: (K, B) for K components. Loops run along
the lanes, so that the compiler turns them into vector instructions; `math.exp` and `math.log`
would be one call a number. Polynomials interpolate at Chebyshev's points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

_LOG2_E = 1.4426950408889634
# ln 2 in two parts: multiples of the first by whole numbers up to 2^11 are exact.
_LN2_HIGH, _LN2_LOW = 0.6931471526622772, 2.7897668087737544621e-8

# Adding 1.5 * 2^52 rounds to a whole number and leaves it in the low bits of the sum; with the
# bias of the exponent added too, those bits, shifted to the exponent's place, are a power of two.
_ROUND = 1.5 * 2.0**52 + 1023.0
# Below this a density relative to the row's largest would be subnormal, and counts as zero.
_LEAST = -708.0

_LOG2_E_32 = np.float32(_LOG2_E)
_LN2_HIGH_32, _LN2_LOW_32 = np.float32(0.693359375), np.float32(-2.12194440054691e-4)
# Densities relative to the row's largest come 2^40 times too large in a float32 softmax, so that
# those which would be subnormal have all their digits and cost no more than others.
_LIFT = 40
_ROUND_32 = np.float32(1.5 * 2.0**23 + 127.0 + _LIFT)
_LEAST_32 = np.float32(-104.0)
_EXP_32 = tuple(
    np.float32(c) for c in (0.00139261831, 0.00836307905, 0.0416665546, 0.16666577, 0.5, 1.0)
)

_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD


def _bitcast(source: Any, target: Any) -> Any:
    """The bits of a number of one type read as a number of another."""

    @intrinsic
    def cast(typing_context: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(target))

        return target(source), generate

    return cast


_bits = _bitcast(types.float64, types.int64)
_double = _bitcast(types.int64, types.float64)
_bits_32 = _bitcast(types.float32, types.int32)
_single = _bitcast(types.int32, types.float32)


@njit(nogil=True, cache=True, fastmath={"contract"})
def exp(x):
    """e^x for x up to about 700, within two units in the last place; 0 below -708; nan for nan."""
    shifted = x * _LOG2_E + _ROUND
    whole = shifted - _ROUND
    r = (x - whole * _LN2_HIGH) - whole * _LN2_LOW
    p = 2.5100385495510319e-8
    p = p * r + 2.7620088445409748e-7
    p = p * r + 2.7557268459997065e-6
    p = p * r + 2.4801521295954375e-5
    p = p * r + 1.9841269863053617e-4
    p = p * r + 1.3888888917213717e-3
    p = p * r + 8.3333333333300618e-3
    p = p * r + 4.1666666666624128e-2
    p = p * r + 0.16666666666666667
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    value = p * _double(_bits(shifted) << 52)
    return 0.0 if x < _LEAST else value


@njit(nogil=True, cache=True, fastmath={"contract"})
def exp_32(x):
    """2^40 e^x of a float32 x up to about 60, in float32; 0 below -104."""
    shifted = x * _LOG2_E_32 + _ROUND_32
    whole = shifted - _ROUND_32
    r = (x - whole * _LN2_HIGH_32) - whole * _LN2_LOW_32
    p = _EXP_32[0]
    p = p * r + _EXP_32[1]
    p = p * r + _EXP_32[2]
    p = p * r + _EXP_32[3]
    p = p * r + _EXP_32[4]
    p = p * r + _EXP_32[5]
    p = p * r + _EXP_32[5]
    value = p * _single(_bits_32(shifted) << 23)
    return np.float32(0.0) if x < _LEAST_32 else value


@njit(nogil=True, cache=True, fastmath={"contract"}, error_model="numpy")
def log(x):
    """The natural logarithm of a normal x > 0, to a few eps of 1 + |log x|; nan for nan, inf."""
    bits = _bits(x)
    exponent = (bits - _SQRT_HALF_BITS) >> 52
    f = _double(bits - (exponent << 52)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 0.073082927131140703
    p = p * z + 0.076658553090413357
    p = p * z + 0.090914447278398286
    p = p * z + 0.11111105565129897
    p = p * z + 0.14285714313001635
    p = p * z + 0.19999999999949722
    p = p * z + 0.33333333333333348
    # x - x is nan for what is not finite, whose bits would otherwise pass for a number.
    return np.float64(exponent) * (_LN2_HIGH + _LN2_LOW) + 2.0 * (s + s * z * p) + (x - x)


@njit(nogil=True, cache=True, fastmath={"contract"})
def _shift_and_exp(joint, top, total):
    """`joint` becomes e^(joint - its largest of the lane), `total` its sums."""
    n_components, lanes = joint.shape
    for b in range(lanes):
        top[b] = joint[0, b]
        total[b] = 0
    for k in range(1, n_components):
        line = joint[k]
        for b in range(lanes):
            top[b] = line[b] if line[b] > top[b] else top[b]
    for k in range(n_components):
        line = joint[k]
        for b in range(lanes):
            value = exp(line[b] - top[b])
            line[b] = value
            total[b] += value


@njit(nogil=True, cache=True, fastmath={"contract"})
def _shift_and_exp_32(joint, top, total):
    """`_shift_and_exp` in float32, times 2^40."""
    n_components, lanes = joint.shape
    for b in range(lanes):
        top[b] = joint[0, b]
        total[b] = 0
    for k in range(1, n_components):
        line = joint[k]
        for b in range(lanes):
            top[b] = line[b] if line[b] > top[b] else top[b]
    for k in range(n_components):
        line = joint[k]
        for b in range(lanes):
            value = exp_32(line[b] - top[b])
            line[b] = value
            total[b] += value


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"}, error_model="numpy")
def _divide(joint, weight, top, total, count, lifted):
    """`joint` times weight / total; adds its sums to `count`; the weighted log-likelihood.

    `joint` and `total` come in `lifted` times too large, a power of two.
    """
    n_components, lanes = joint.shape
    loglik = 0.0
    for b in range(lanes):
        loglik += weight[b] * (np.float64(top[b]) + log(np.float64(total[b]) / lifted))
    for b in range(lanes):
        total[b] = weight[b] / total[b]
    for k in range(n_components):
        line = joint[k]
        added = 0.0
        for b in range(lanes):
            value = line[b] * total[b]
            line[b] = value
            added += value
        count[k] += added
    return loglik


@njit(nogil=True, cache=True)
def softmax(joint, weight, count, scratch):
    """Turn a tile of joint log-densities into weighted responsibilities, in place.

    Parameters
    ----------
    joint : array of shape (K, B), float64, C-contiguous
        log(weight_k f_k(z_b)); on return w_b r_bk. A component at -inf gets exactly 0.
    weight : array of shape (B,), float64
        Weights of the rows; 0 on lanes that hold no row.
    count : array of shape (K,), float64
        The sums of w r over the lanes are added.
    scratch : array of shape (2, B), float64

    Returns
    -------
    float
        The sum over the lanes of w_b log sum_k exp(joint_kb). What is not finite in a lane, or
        a lane where all components are at -inf, makes it nan.
    """
    _shift_and_exp(joint, scratch[0], scratch[1])
    return _divide(joint, weight, scratch[0], scratch[1], count, 1.0)


@njit(nogil=True, cache=True)
def softmax_32(joint, weight, count, scratch):
    """`softmax` of a float32 tile with float32 scratch; weights, counts and sums are float64.

    A component more than 104 below the largest of a lane gets 0 there.
    """
    _shift_and_exp_32(joint, scratch[0], scratch[1])
    return _divide(joint, weight, scratch[0], scratch[1], count, 2.0**_LIFT)
