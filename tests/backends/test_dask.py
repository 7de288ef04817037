"""A Dask cluster of two processes: the bits of threads, lost workers, and what is left behind."""

import logging
import os
import pickle
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from copy import deepcopy

import numpy as np
import pytest

pytest.importorskip("distributed", reason="needs distributed, of the extra dask")

import cloudpickle
from distributed import Client, LocalCluster

from latentia import EM, GaussianMixture, select
from latentia.backends import dask, held, workers
from latentia.backends.dask import Dask
from latentia.backends.errors import ClusterError
from latentia.data.arrays import Rows, RowSource
from latentia.engine.backend import Piece, Threads
from latentia.engine.callbacks import Callback
from latentia.engine.model import Chunks
from latentia.engine.online.warm_up import WarmUp
from latentia.engine.space import DegenerateError

from ..engine.models import TwoPoissons

# the workers do not have the tests
cloudpickle.register_pickle_by_value(sys.modules[__name__])
cloudpickle.register_pickle_by_value(sys.modules[TwoPoissons.__module__])

POISSON = np.random.default_rng(0).poisson([[1.0], [4.0]], size=(2, 32_000)).T.reshape(-1)


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.ERROR
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(autouse=True)
def two_workers_that_keep_nothing(client):
    client.wait_for_workers(2, timeout=20)
    yield
    assert not any(client.run(held.kept).values())


def source(n_chunks=64):
    """Counts in so many chunks."""
    return RowSource(Rows.of(POISSON), block=len(POISSON) // n_chunks)


def first_column(model, args, chunk):
    return chunk.x[:, 0].tolist()


def same(one, other):
    assert one.objective == other.objective
    np.testing.assert_array_equal(one.trace.objective, other.trace.objective)
    np.testing.assert_array_equal(one.params.rates, other.params.rates)


class KillAt(Callback):
    """Kills a worker's process at a step."""

    def __init__(self, client, step):
        self.client, self.step, self.seen, self.killed = client, step, 0, None

    def on_step(self, step):
        self.seen += 1
        if self.seen == self.step:
            pids = self.client.run(os.getpid)
            self.killed = min(pids)
            os.kill(pids[self.killed], signal.SIGKILL)


@pytest.mark.parametrize("n_chunks", [1, 7, 64])
def test_the_bits_of_threads_with_the_same_chunks(client, n_chunks):
    dask = EM(backend=Dask(client)).fit(TwoPoissons(), source(n_chunks), 0)
    same(dask, EM().fit(TwoPoissons(), source(n_chunks), 0))


def test_a_mixture_of_gaussians_in_memory_and_mapped_from_a_file(client, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4))[rng.integers(3, size=40_000)] * 3 + rng.normal(size=(40_000, 4))
    np.save(tmp_path / "x.npy", x)
    here = GaussianMixture(3, random_state=0, em=EM()).fit(x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for data in (x, mapped):
        there = GaussianMixture(3, random_state=0, em=EM(backend=Dask(client))).fit(data)
        np.testing.assert_array_equal(there.means_, here.means_)
        np.testing.assert_array_equal(there.covariances_, here.covariances_)
        np.testing.assert_array_equal(there.fit_.trace.objective, here.fit_.trace.objective)
        assert there.loglik_ == here.loglik_


@pytest.mark.parametrize("method", ["observed", "opg", "sem", "sandwich"])
def test_standard_errors_are_computed_by_the_workers(client, monkeypatch, method):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 1))[rng.integers(2, size=900)] * 3 + rng.normal(size=(900, 1))
    here = GaussianMixture(2, random_state=0, em=EM(tol=1e-9)).fit(x)
    there = GaussianMixture(2, random_state=0, em=EM(tol=1e-9, backend=Dask(client))).fit(x)
    expected = here.standard_errors(method=method)
    monkeypatch.setattr(Threads, "open", None)  # nothing is left to this process
    found = there.standard_errors(method=method)
    assert np.isfinite(found.means).all()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_online_passes_give_the_bits_of_threads(client):
    passes = WarmUp(2, block=3_000)
    dask = EM(warm_up=passes, backend=Dask(client)).fit(TwoPoissons(), source(16), 0)
    same(dask, EM(warm_up=passes).fit(TwoPoissons(), source(16), 0))


def test_a_worker_killed_in_the_middle_of_a_fit_changes_nothing(client, caplog):
    kill = KillAt(client, step=3)
    with caplog.at_level(logging.WARNING, logger="latentia"):
        fit = EM(backend=Dask(client), callbacks=[kill]).fit(TwoPoissons(), source(), 0)
    assert kill.seen > 3
    same(fit, EM().fit(TwoPoissons(), source(), 0))
    told = [record.getMessage() for record in caplog.records if record.name.startswith("latentia")]
    assert len(told) == 1
    assert kill.killed in told[0]


def test_a_worker_killed_in_the_middle_of_a_task(client):
    def slow(model, args, chunk):
        time.sleep(0.05)
        return chunk.x[:, 0].sum()

    pids = client.run(os.getpid)
    expected = [chunk.x.sum() for chunk in source(16).chunks()]
    with Dask(client).open(TwoPoissons(), source(16)) as mapper:
        assert mapper.each(slow, None) == expected
        killer = threading.Timer(0.2, os.kill, (pids[mapper.shares[-1].worker], signal.SIGKILL))
        killer.start()
        assert mapper.each(slow, None) == expected
        assert not killer.is_alive()
        assert {share.worker for share in mapper.shares} != set(pids)
        assert mapper.each(slow, None) == expected


def test_a_step_of_64_chunks_costs_40_ms_at_most(client):
    """Or four bare tasks one after another, where the machine is so busy that they take more."""

    def seconds(step):
        began = time.perf_counter()
        step()
        return time.perf_counter() - began

    def rounds(mapper):
        for _ in range(3):  # other processes may have the machine for a while
            pairs = [
                (
                    seconds(lambda: mapper.total(len_of, None)),
                    seconds(lambda: client.submit(len, (), pure=False).result()),
                )
                for _ in range(15)
            ]
            step, bare = (statistics.median(side) for side in zip(*pairs, strict=True))
            yield step <= max(0.040, 4 * bare)

    with Dask(client).open(TwoPoissons(), source()) as mapper:
        assert mapper.total(len_of, None) == len(POISSON)
        assert any(rounds(mapper))


def len_of(model, args, chunk):
    return len(chunk)


def test_chunks_pieces_and_their_order(client):
    numbers = [Rows.of(np.arange(5) + 10 * i) for i in range(6)]
    pieces = [Piece(5, np.array([0, 3])), Piece(0, np.arange(5)), Piece(5, np.array([4]))]
    with Dask(client).open(TwoPoissons(), Chunks(numbers)) as mapper:
        assert mapper.each(first_column, None) == [[*range(10 * i, 10 * i + 5)] for i in range(6)]
        assert mapper.each(first_column, None, pieces) == [[50, 53], [0, 1, 2, 3, 4], [54]]
        assert mapper.each(first_column, None, []) == []
        assert [len(chunk) for chunk in mapper.chunks] == [5] * 6


def test_little_is_sent_and_each_worker_keeps_its_run_of_chunks(client):
    with Dask(client).open(TwoPoissons(), source()) as mapper:
        mapper.total(len_of, None)
        assert mapper.sent < 40_000 < POISSON.nbytes
        first, before = mapper.sent, mapper.received
        mapper.total(len_of, None)
        assert mapper.sent - first < 5_000
        assert mapper.received - before < 5_000
        kept = [run for fits in client.run(held.kept).values() for run in fits.values()]
        assert sorted(kept) == [[*range(32)], [*range(32, 64)]]


def test_a_worker_that_does_not_know_the_fit_is_told(client):
    with Dask(client).open(TwoPoissons(), source(4)) as mapper:
        before = mapper.total(len_of, None)
        client.run(lambda: held._fits.clear())
        assert mapper.total(len_of, None) == before


def test_errors_of_the_model_come_back_as_they_are(client):
    def collapses(model, args, chunk):
        raise DegenerateError("component 1 has no rows")

    with (
        pytest.raises(DegenerateError, match="component 1") as caught,
        Dask(client).open(TwoPoissons(), source(4)) as mapper,
    ):
        mapper.each(collapses, None)
    assert "on worker tcp://" in caught.value.__notes__[0]


def test_ctrl_c_stops_the_workers_and_lets_their_memory_go(client):
    def endless(model, args, chunk):
        time.sleep(0.1)
        return len(chunk)

    main = threading.main_thread().ident

    def interrupt():
        while not any(client.processing().values()):
            time.sleep(0.05)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with (
        pytest.raises(KeyboardInterrupt),
        Dask(client).open(TwoPoissons(), source(512)) as mapper,
    ):
        mapper.total(endless, None)
    began = time.monotonic()  # all chunks would take another 25 seconds
    while any(client.run(held.kept).values()) or any(client.processing().values()):
        assert time.monotonic() - began < 8
        time.sleep(0.05)


def test_a_file_that_workers_cannot_read_is_said(client, tmp_path):
    with Dask(client, tmp_path).open(TwoPoissons(), source(4)) as mapper:
        (own,) = tmp_path.iterdir()
        shutil.rmtree(own)
        with pytest.raises(OSError, match=r"cannot read .* on worker tcp://.* folder="):
            mapper.total(len_of, None)


def test_what_is_written_is_removed(client, tmp_path):
    with Dask(client, tmp_path).open(TwoPoissons(), source(4)) as mapper:
        mapper.total(len_of, None)
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
    before = set(os.listdir(tempfile.gettempdir()))
    EM(backend=Dask(client)).fit(TwoPoissons(), source(4), 0)
    assert not [x for x in set(os.listdir(tempfile.gettempdir())) - before if "latentia-" in x]


def test_a_backend_is_copied_and_pickled_without_its_connection(client):
    backend = Dask(client)
    assert deepcopy(backend).client is client
    assert repr(backend) == f"Dask('{client.scheduler.address}')"
    address = pickle.loads(pickle.dumps(backend)).client
    assert address == client.scheduler.address
    with Dask(address).open(TwoPoissons(), source(4)) as mapper:
        assert mapper.total(len_of, None) == len(POISSON)


def test_what_is_not_a_cluster_is_refused(client, tmp_path, monkeypatch):
    monkeypatch.setattr(dask, "CONNECTING", 0.5)
    with pytest.raises(TypeError, match="got 3 as client, expected"):
        Dask(3)
    with pytest.raises(ValueError, match="expected a folder that exists"):
        Dask(client, tmp_path / "nowhere")
    with (
        pytest.raises(ClusterError, match=r"got no scheduler at tcp://127\.0\.0\.1:9"),
        Dask("tcp://127.0.0.1:9").open(TwoPoissons(), source(4)),
    ):
        pass


def test_without_workers_a_fit_says_so(monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE", 0.3)
    with (
        LocalCluster(n_workers=0, dashboard_address=":0", processes=False) as cluster,
        Client(cluster, set_as_default=False) as empty,
        pytest.raises(ClusterError, match=r"got no worker at .* start workers and fit again"),
        Dask(empty).open(TwoPoissons(), source(4)) as mapper,
    ):
        mapper.total(len_of, None)


def test_a_scheduler_that_goes_away_is_said():
    def slow(model, args, chunk):
        time.sleep(0.2)

    with (
        LocalCluster(
            n_workers=1, dashboard_address=":0", processes=False, silence_logs=logging.CRITICAL
        ) as cluster,
        Client(cluster, set_as_default=False) as gone,
        Dask(gone).open(TwoPoissons(), source(16)) as mapper,
    ):
        threading.Timer(0.3, cluster.close).start()
        with pytest.raises(ClusterError, match=r"the connection to .* was lost"):
            mapper.each(slow, None)


def test_a_sweep_ends_where_the_cluster_goes_away():
    done = []
    x = np.random.default_rng(0).normal(size=(300, 2))

    def told(n_done, n, candidate):
        done.append(candidate)
        gone.close()

    with (
        LocalCluster(
            n_workers=1, dashboard_address=":0", processes=False, silence_logs=logging.CRITICAL
        ) as cluster,
        Client(cluster, set_as_default=False) as gone,
    ):
        mixture = GaussianMixture(random_state=0, em=EM(backend=Dask(gone)))
        with pytest.raises(ClusterError, match=r"the connection to .* was lost; see to it"):
            select(mixture, x, {"n_components": [1, 2, 3]}, callback=told)
    assert len(done) == 1


def test_threads_and_workers_agree_on_sums_of_any_structure(client):
    def sums(model, args, chunk):
        return {"by": chunk.x.sum(axis=0) * args, "log": np.log1p(chunk.x).sum()}

    with (
        Dask(client).open(TwoPoissons(), source(13)) as there,
        Threads(2).open(TwoPoissons(), source(13)) as here,
    ):
        one, other = there.total(sums, 0.1), here.total(sums, 0.1)
        assert one["log"] == other["log"]
        np.testing.assert_array_equal(one["by"], other["by"])
