import math

import pytest

from latentia.engine import Status
from latentia.report import formatting as f


@pytest.mark.parametrize("value", [0.0, -1e-9, 3.14159, -271.8, 6.02e23, 1e-12, math.inf])
@pytest.mark.parametrize("error", [math.nan, 0.0, 1e-14, 2e-3, 0.5, 700.0])
def test_an_estimate_reads_back_to_within_a_hundredth_of_its_error(value, error):
    (text,) = f.with_error(value, error=error)
    tolerance = error / 100 if error > 1e-10 else 5e-5 * abs(value) + 1e-15
    if math.isinf(value):
        assert text == "inf"
    else:
        assert abs(float(text) - value) <= max(tolerance, 1e-5 * abs(value), 1e-9)


def test_what_is_missing_is_left_blank():
    assert f.with_error(1.0, math.nan, error=math.nan)[1] == ""


def test_probabilities_of_zero_and_one_have_as_many_decimals():
    assert f.with_error(0.0, 0.0, 0.0, error=0.0) == ("0.0000",) * 3
    assert f.with_error(1.0, 1.0, 1.0, error=0.0) == ("1.0000",) * 3


def test_clusters_are_counted_in_words():
    from latentia.report.sweep import settings_words

    told = settings_words({"n_clusters": 1, "n_states": 2})
    assert told == "2 states with 1 cluster"
    assert settings_words({"n_states": 3, "n_clusters": 2}) == "3 states with 2 clusters"


def test_decimal_points_are_above_one_another():
    padded = f.on_the_point(["1.25", "-10", "300.125", "", "0.5"])
    points = {text.rstrip().find(".") - len(text) for text in padded if "." in text}
    assert len(points) == 1
    assert {len(text) - len(text.rstrip()) for text in padded} == {0, 1, 2, 4}


def test_a_few_rows_are_not_rounded_to_none_nor_nearly_all_to_all():
    assert "less than" in f.share(1e-6)
    assert "more than" in f.share(1 - 1e-6)
    assert f.share(1.0).startswith("100")
    assert f.share(0.0).startswith("0")


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\x00b", "a\u202eb", " a  b "])
def test_names_stay_on_one_line(name):
    assert f.one_line(name) == "a b"


def test_long_names_keep_both_ends():
    short = f.shorten("left" + "x" * 100 + "right", 20)
    assert len(short) <= 22
    assert short.startswith("left")
    assert short.endswith("right")


def test_every_status_has_a_word():
    words = [f.status_word(status) for status in Status]
    assert len(set(words)) == len(words)
