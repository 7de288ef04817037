"""Who has which chunks, and that sums come out the same whoever has what."""

from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from latentia.backends.shares import shared_out, succeeded
from latentia.engine import tree
from latentia.engine.tree import Partial

NAMES = st.lists(st.text("abcdef", min_size=1, max_size=2), unique=True, max_size=8)


class Sums(NamedTuple):
    number: float
    array: np.ndarray


@given(st.data())
def test_any_split_into_runs_gives_the_bits_of_the_whole(data):
    values = data.draw(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=70))
    n = len(values)
    parts = [Sums(value, np.array([value, 1 / (1 + abs(value))])) for value in values]
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=8)))
    nodes = []
    for first, stop in zip([0, *cuts], [*cuts, n], strict=True):
        run = [Partial(0, i, parts[i]) for i in data.draw(st.permutations(range(first, stop)))]
        held = tree.joined(run, n)
        assert len(held) <= 2 * max(len(run), 1).bit_length()
        nodes += held
    (whole,) = tree.joined(data.draw(st.permutations(nodes)), n)
    expected = tree.reduce_in_order(parts)
    assert whole.total.number == expected.number
    np.testing.assert_array_equal(whole.total.array, expected.array)


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 16), min_size=1), st.integers(0, 300))
def test_shares_are_runs_that_cover_all_chunks(threads, n):
    shares = shared_out(threads, n)
    assert [i for share in shares for i in range(share.first, share.stop)] == list(range(n))
    assert len({share.worker for share in shares}) == len(shares)
    if n >= len(threads):
        total = sum(threads.values())
        for share in shares:
            fair = n * threads[share.worker] / total
            assert abs(share.stop - share.first - fair) <= 1


@given(NAMES, NAMES)
def test_who_stays_keeps_its_place_where_there_is_somebody_before_it(before, present):
    after = succeeded(before, present)
    assert sorted(after) == sorted(present)
    stayed = [name for name in before if name in present]
    assert [name for name in after if name in stayed] == stayed
    if len(present) >= len(before):
        assert all(after.index(name) == before.index(name) for name in stayed)
