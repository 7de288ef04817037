"""Backends: chunks in order, one level of parallelism, the same bits."""

import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM
from latentia.engine.backend import Backend, Mapper, Threads, available_cores, backend_of

from .models import TwoPoissons


@pytest.mark.parametrize("workers", [1, 2, 4, None])
def test_results_come_in_the_order_of_the_chunks(workers):
    def slow_first(i):
        time.sleep(0.02 if i == 0 else 0.0)
        return i * i

    with Threads(workers).open(10) as mapper:
        assert mapper.map(slow_first, range(10)) == [i * i for i in range(10)]
        assert mapper.map(str, []) == []


def test_threads_are_used_and_let_go():
    seen, both = set(), threading.Barrier(2, timeout=10)

    def name(_):
        both.wait()  # passes only where two chunks are at work at once
        seen.add(threading.current_thread().name)

    with Threads(2).open(2) as mapper:
        mapper.map(name, [0, 1])
    assert len(seen) == 2
    assert not [t for t in threading.enumerate() if t.name.startswith("latentia")]


def test_no_more_threads_than_chunks():
    with Threads(8).open(1) as mapper:
        assert mapper.map(lambda _: threading.current_thread(), [0]) == [threading.main_thread()]


def test_blas_is_held_to_one_thread_while_open():
    def widths():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = widths()
    with Threads(2).open(2):
        assert all(width == 1 for width in widths())
    assert widths() == before


def test_an_exception_in_a_chunk_comes_out():
    def broken(i):
        raise ZeroDivisionError(i)

    with pytest.raises(ZeroDivisionError), Threads(2).open(4) as mapper:
        mapper.map(broken, range(4))
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


def test_a_backend_of_ones_own():
    class Backwards(Backend):
        def open(self, n_chunks):
            return _Opened()

    class _Opened(Mapper):
        def __enter__(self):
            return self

        def __exit__(self, *reason):
            return None

        def map(self, function, chunks):
            return [function(chunk) for chunk in reversed(chunks)][::-1]

    x = RowSource(Rows.of(np.random.default_rng(0).poisson(2.0, size=300)), block=50)
    ours = EM(backend=Backwards()).fit(TwoPoissons(), x, 0)
    assert ours.objective == EM().fit(TwoPoissons(), x, 0).objective
