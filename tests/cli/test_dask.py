"""``--dask``: the same result from a cluster, and one sentence where there is none."""

import logging

import pytest

import latentia

pytest.importorskip("distributed", reason="needs distributed, of the extra dask")

from distributed import LocalCluster

from latentia.backends import dask

FIT = ("fit", "gaussian-mixture", "faithful", "--covariance", "full", "--no-standard-errors")


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(
        n_workers=1,
        processes=False,
        protocol="tcp",
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster


def test_a_sweep_on_a_cluster_finds_what_threads_find(run, cluster, tmp_path):
    args = (*FIT, "--components", "2:3", "--starts", 2, "--dask-folder", tmp_path)
    there = run(*args, "--dask", cluster.scheduler_address, "--save", "there.safetensors")
    assert there.status == 0, there.err
    first = there.err.splitlines()[0]
    assert first.startswith(f"latentia: {cluster.scheduler_address} has 1 worker with ")
    here = run(*args[:-2], "--save", "here.safetensors")
    assert there.out.replace("there.", "here.") == here.out
    one, other = (latentia.load(tmp_path / f"{where}.safetensors") for where in ("there", "here"))
    assert one.loglik_ == other.loglik_


def test_a_single_fit_on_a_cluster_says_nothing_when_quiet(run, cluster):
    done = run(*FIT, "--components", 2, "--dask", cluster.scheduler_address, "--quiet")
    assert done.err == ""
    assert done.status == 0


def test_no_scheduler_is_said_at_once(run, monkeypatch):
    monkeypatch.setattr(dask, "CONNECTING", 0.3)
    run(*FIT, "--dask", "tcp://127.0.0.1:9").refused("no scheduler at tcp://127.0.0.1:9")
    run(*FIT, "--dask", "nowhere at all").refused("no scheduler at nowhere at all")


def test_no_workers_are_said(run):
    with LocalCluster(
        n_workers=0, processes=False, protocol="tcp", dashboard_address=":0"
    ) as empty:
        run(*FIT, "--dask", empty.scheduler_address).refused("has no workers", "dask worker")


def test_folders_that_do_not_fit_are_refused(run, cluster):
    run(*FIT, "--dask-folder", ".").refused("--dask-folder", "--dask")
    run(*FIT, "--dask", cluster.scheduler_address, "--dask-folder", "no").refused("is no folder")


def test_the_missing_extra_is_named(run, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    run(*FIT, "--dask", "tcp://127.0.0.1:9").refused("pip install 'latentia[dask]'")
