import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentia.missing.scales import Scale, outside, scales_of

NAMES = ["income", "age", "grade"]


@given(st.sampled_from(["", "log", "sqrt"]), st.floats(1e-3, 1e6))
def test_there_and_back(transform, x):
    scale = Scale(transform)
    assert scale.back(scale.into(np.array([x])))[0] == pytest.approx(x, rel=1e-12)


@given(st.floats(-50, 50), st.floats(-3, 3), st.floats(0.5, 9))
def test_what_is_imputed_is_whole_and_within_bounds(y, low, wide):
    made = Scale("", low, low + wide + 1, whole=True).back(np.array([y]))[0]
    assert made == int(made)
    assert low <= made <= low + wide + 1


def test_levels_are_the_only_values():
    scale = Scale(levels=(1.0, 2.0, 5.0))
    assert scale.back(np.array([-9.0, 1.4, 1.6, 3.6, 99.0])).tolist() == [1, 1, 2, 5, 5]
    assert Scale(levels=(7.0,)).back(np.array([0.0])).tolist() == [7]


def test_columns_by_name_and_number():
    made = scales_of(NAMES, {"income": "log"}, {1: (0, None)}, ["age"], [-1])
    assert made[0] == Scale("log")
    assert made[1] == Scale(low=0.0, whole=True)
    assert np.isnan(made[2].levels[0])


def test_bounds_are_looked_at_on_the_scale_of_the_model():
    scales = [Scale("log", 1.0, np.e), Scale("sqrt")]
    y = np.array([[0.5, 1.0], [-0.1, 1.0], [1.1, 1.0], [0.5, -0.1]])
    assert outside(scales, y, np.ones((4, 2), dtype=bool)).tolist() == [False, True, True, True]
    assert not outside(scales, y, np.zeros((4, 2), dtype=bool)).any()


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        (({"wage": "log"}, None, (), ()), "the column 'wage' in transforms, expected one of"),
        (({"age": "exp"}, None, (), ()), "'exp' for column 'age' in transforms"),
        ((None, {"age": (3, 1)}, (), ()), "the lower one first"),
        ((None, {"age": 3}, (), ()), "expected two numbers"),
        ((None, None, [7], ()), "the column 7 in integers"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(asked, what):
    with pytest.raises(ValueError, match=what):
        scales_of(NAMES, *asked)
