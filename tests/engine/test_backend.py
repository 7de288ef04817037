"""Backends: chunks in order, one level of parallelism, the same bits."""

import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM, tree
from latentia.engine.backend import Backend, Mapper, Piece, Threads, backend_of, shared_out
from latentia.engine.cores import available_cores

from .models import TwoPoissons


def _index(model, args, chunk):
    """What chunk this is; `args` is called with it first."""
    i = int(chunk.x[0, 0])
    args(i)
    return i


def _numbered(n):
    return [Rows.of([i]) for i in range(n)]


@pytest.mark.parametrize("workers", [1, 2, 4, None])
def test_results_come_in_the_order_of_the_chunks(workers):
    def slow_first(i):
        time.sleep(0.02 if i == 0 else 0.0)

    with Threads(workers).over(TwoPoissons(), _numbered(10)) as mapper:
        assert mapper.each(_index, slow_first) == list(range(10))
        pieces = [Piece(3, np.array([0])), Piece(1, np.array([0, 0]))]
        assert mapper.each(_index, slow_first, pieces) == [3, 1]
        assert mapper.each(_index, slow_first, []) == []


def test_parts_of_an_only_chunk_go_to_threads_that_are_idle():
    """Two parts wait for each other there; beside other chunks they come one after the other."""
    both = threading.Barrier(2, timeout=30)

    def parts(model, wait, chunk):
        return shared_out(lambda i: (wait() if wait else 0, i)[1], 2)

    with Threads(2).over(TwoPoissons(), _numbered(1)) as mapper:
        assert mapper.each(parts, both.wait) == [[0, 1]]
    with Threads(2).over(TwoPoissons(), _numbered(3)) as mapper:
        assert mapper.each(parts, None) == [[0, 1]] * 3
    assert shared_out(lambda i: threading.get_ident(), 2) == [threading.get_ident()] * 2


def test_a_piece_is_the_units_of_one_chunk():
    def held(model, args, chunk):
        return chunk.x[:, 0].tolist()

    with Threads(2).over(TwoPoissons(), [Rows.of([1, 2, 3]), Rows.of([4, 5])]) as mapper:
        pieces = [Piece(0, np.array([0, 2])), Piece(1, np.array([0, 1]))]
        assert mapper.each(held, None, pieces) == [[1, 3], [4, 5]]


def test_threads_are_used_and_let_go():
    seen, both = set(), threading.Barrier(2, timeout=10)

    def name(_):
        both.wait()  # passes only where two chunks are at work at once
        seen.add(threading.current_thread().name)

    with Threads(2).over(TwoPoissons(), _numbered(2)) as mapper:
        mapper.each(_index, name)
    assert len(seen) == 2
    assert threading.current_thread().name in seen
    assert not [t for t in threading.enumerate() if t.name.startswith("latentia")]


def test_no_more_threads_than_chunks():
    seen = set()
    with Threads(8).over(TwoPoissons(), _numbered(1)) as mapper:
        mapper.each(_index, lambda _: seen.add(threading.current_thread()))
    assert seen == {threading.main_thread()}


def test_blas_is_held_to_one_thread_while_open():
    def widths():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = widths()
    with Threads(2).over(TwoPoissons(), _numbered(2)):
        assert all(width == 1 for width in widths())
    assert widths() == before


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("wrong", [0, 3])
def test_an_exception_in_a_chunk_comes_out(workers, wrong):
    def broken(i):
        if i == wrong:
            raise ZeroDivisionError(i)

    with (
        pytest.raises(ZeroDivisionError),
        Threads(workers).over(TwoPoissons(), _numbered(4)) as mapper,
    ):
        mapper.each(_index, broken)
    assert not [t for t in threading.enumerate() if t.name.startswith("latentia")]


def test_backends_by_name():
    assert backend_of("threads", 3).workers == 3
    assert backend_of("serial", 3).workers == 1
    own = Threads(2)
    assert backend_of(own, None) is own
    assert available_cores() >= 1
    with pytest.raises(ValueError, match="got backend='gpu', expected 'threads', 'serial'"):
        backend_of("gpu", None)
    with pytest.raises(ValueError, match="got workers=0"):
        Threads(0)


def test_the_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    x = Rows.of(rng.poisson(rng.choice([1.0, 4.0], size=5000)))
    source = RowSource(x, block=700)
    fits = [EM(workers=w).fit(TwoPoissons(), source, 0) for w in (1, 2, 4)]
    fits.append(EM(backend="serial").fit(TwoPoissons(), source, 0))
    for fit in fits[1:]:
        assert fit.objective == fits[0].objective
        np.testing.assert_array_equal(fit.params.rates, fits[0].params.rates)
        np.testing.assert_array_equal(fit.trace.objective, fits[0].trace.objective)


def test_other_borders_of_chunks_change_rounding_only():
    rng = np.random.default_rng(0)
    x = Rows.of(rng.poisson(rng.choice([1.0, 4.0], size=5000)))
    fits = [
        EM(tol=1e-9).fit(TwoPoissons(), RowSource(x, block=block), 0)
        for block in (100, 777, 5000, 10_000)
    ]
    for fit in fits[1:]:
        assert fit.objective == pytest.approx(fits[0].objective, rel=1e-9)
        np.testing.assert_allclose(fit.params.rates, fits[0].params.rates, rtol=1e-6)


class Backwards(Backend):
    @contextmanager
    def open(self, model, source):
        yield BackwardsMapper(model, [model.prepare(chunk) for chunk in source.chunks()])


class BackwardsMapper(Mapper):
    def __init__(self, model, chunks):
        self.model, self.chunks = model, chunks

    def each(self, work, args, pieces=None):
        assert pieces is None
        return [work(self.model, args, chunk) for chunk in reversed(self.chunks)][::-1]

    def total(self, work, args):
        return tree.reduce_in_order(self.each(work, args))


def test_a_backend_of_ones_own():
    x = RowSource(Rows.of(np.random.default_rng(0).poisson(2.0, size=300)), block=50)
    ours = EM(backend=Backwards()).fit(TwoPoissons(), x, 0)
    assert ours.objective == EM().fit(TwoPoissons(), x, 0).objective
