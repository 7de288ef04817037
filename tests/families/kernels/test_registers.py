"""Narrow vectors, as on processors without AVX-512: passes in a process that has only these."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from numba.core.registry import cpu_target

from latentia.families.kernels import full_large, full_middle, registers

_PASSES = """
import json, sys
import numpy as np
from latentia.families.kernels import full_large, full_middle, registers
sys.path.insert(0, sys.argv[1])
from test_registers import case
made = {}
for room, kind in ((full_middle, "f8"), (full_large, "f4")):
    made[kind] = [np.asarray(each).tolist() for each in room.run(*case(kind))]
print(json.dumps({"bytes": registers.ALIGNMENT, "made": made}))
"""


def case(kind):
    """Rows of 11 columns, a number that no block divides, and three components."""
    rng = np.random.default_rng(4)
    x, means = rng.normal(size=(500, 11)).astype(kind), rng.normal(size=(3, 11))
    factor = np.eye(11) + np.triu(rng.normal(size=(3, 11, 11))) / 5
    return x, rng.uniform(0, 2, 500), np.zeros(11), 1.0, rng.normal(size=3), means, factor


@pytest.mark.skipif(registers.ALIGNMENT == 32, reason="all vectors of this processor are narrow")
def test_narrow_vectors_make_the_same_pass():
    _, _, features = cpu_target.target_context.codegen().magic_tuple()
    kept = [name for name in features.split(",") if "avx512" not in name]
    narrow = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ",".join([*kept, "-avx512f"])}
    command = [sys.executable, "-c", _PASSES, os.path.dirname(__file__)]
    ended = subprocess.run(command, env=os.environ | narrow, capture_output=True, check=True)
    answer = json.loads(ended.stdout)
    assert answer["bytes"] == 32
    for room, kind, close in ((full_middle, "f8", 1e-13), (full_large, "f4", 1e-6)):
        for a, b in zip(answer["made"][kind], room.run(*case(kind)), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=close * np.abs(b).max())
