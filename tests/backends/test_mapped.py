"""Arrays for other processes: the same numbers, by where they lie."""

import os
import pickle
from contextlib import closing
from typing import NamedTuple

import numpy as np
import pytest

pytest.importorskip("distributed", reason="needs distributed, of the extra dask")

from latentia.backends.mapped import SMALL, Depot, UnreadableError, in_a_file, packed
from latentia.data.arrays import Rows, RowSource

LARGE = np.arange(60_000, dtype=np.float64).reshape(6_000, 10)

VIEWS = {
    "whole": lambda x: x,
    "rows": lambda x: x[1000:5000],
    "every second": lambda x: x[::2],
    "backwards": lambda x: x[::-1, ::-2],
    "columns": lambda x: x[:, 2:5],
    "turned": lambda x: x.T,
    "cut in depth": lambda x: x.reshape(60, 100, 10)[:, ::3].transpose(2, 0, 1),
}


class Held(NamedTuple):
    one: np.ndarray
    other: np.ndarray


@pytest.fixture
def depot(tmp_path):
    with closing(Depot(tmp_path)) as depot:
        yield depot


def written(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_views_of_memory_come_back(depot, tmp_path, view, dtype):
    x = VIEWS[view](LARGE.astype(dtype))
    sent = packed(x, depot)
    assert len(sent) < 1000
    back = pickle.loads(sent)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, x)
    assert x.nbytes <= written(tmp_path) <= x.nbytes + 64


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_views_of_a_file_are_not_written_again(depot, tmp_path, view, order):
    np.save(tmp_path / "x.npy", np.asarray(LARGE, order=order))
    size = written(tmp_path)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    x = VIEWS[view](mapped)
    for each in (x, np.asarray(x)):
        sent = packed(each, depot)
        back = pickle.loads(sent)
        np.testing.assert_array_equal(back, VIEWS[view](LARGE))
        if "depth" not in view or order == "C":  # otherwise reshape has copied
            assert len(sent) < 1000
            assert written(tmp_path) == size
            assert back.strides == each.strides


def test_a_file_mapped_from_its_middle(depot, tmp_path):
    LARGE.tofile(tmp_path / "raw")
    x = np.memmap(tmp_path / "raw", np.float64, "r+", offset=8 * 12_345, shape=(3_000, 10))
    x[7, 3] = -1.0
    np.testing.assert_array_equal(pickle.loads(packed(x[5:], depot)), x[5:])
    assert os.listdir(tmp_path) == ["raw"]


def test_what_was_changed_in_memory_only_is_written(depot, tmp_path):
    np.save(tmp_path / "x.npy", LARGE)
    x = np.load(tmp_path / "x.npy", mmap_mode="c")
    x[0, 0] = 5.0
    assert in_a_file(x) is None
    assert pickle.loads(packed(x, depot))[0, 0] == 5.0


def test_an_array_is_written_once(depot, tmp_path):
    back = pickle.loads(packed(Held(LARGE, LARGE[:]), depot))
    packed(LARGE, depot)
    assert written(tmp_path) == LARGE.nbytes
    np.testing.assert_array_equal(back.other, LARGE)


def test_equal_weights_are_one_number(depot, tmp_path):
    rows = Rows(LARGE, np.broadcast_to(np.float64(2.5), len(LARGE)))
    back = pickle.loads(packed(RowSource(rows, 1000), depot)).rows
    assert back.weights.strides == (0,)
    np.testing.assert_array_equal(back.weights, rows.weights)
    assert written(tmp_path) == LARGE.nbytes


def test_what_was_computed_on_the_way_stays_here(depot, tmp_path):
    source = RowSource(Rows.of(LARGE), 1000)
    assert len(source.distinct) == len(LARGE)
    back = pickle.loads(packed(source, depot))
    assert written(tmp_path) == LARGE.nbytes
    assert "distinct" not in vars(back)
    np.testing.assert_array_equal(back.distinct.x, source.distinct.x)


def test_small_arrays_and_objects_go_along(depot, tmp_path):
    small = np.arange(SMALL // 8)
    names = np.array(["a"] * 20_000, dtype=object)
    back = pickle.loads(packed(Held(small, names), depot))
    np.testing.assert_array_equal(back.one, small)
    np.testing.assert_array_equal(back.other, names)
    assert written(tmp_path) == 0


def test_what_is_closed_leaves_nothing(tmp_path):
    with closing(Depot(tmp_path)) as depot:
        sent = packed(LARGE, depot)
        kept = pickle.loads(sent)
    assert not list(tmp_path.iterdir())
    np.testing.assert_array_equal(kept, LARGE)  # the mapping outlives the name
    del kept
    with pytest.raises(UnreadableError, match="which it cannot read"):
        pickle.loads(sent)


@pytest.mark.parametrize("there", [LARGE + 1, LARGE[:10], LARGE[:0]])
def test_another_file_of_that_name_is_refused(depot, tmp_path, there):
    LARGE.tofile(tmp_path / "raw")
    sent = packed(np.memmap(tmp_path / "raw", np.float64, "r", shape=LARGE.shape), depot)
    os.unlink(tmp_path / "raw")
    there.tofile(tmp_path / "raw")
    with pytest.raises(UnreadableError):
        pickle.loads(sent)


def test_a_full_disk_is_refused_before_it_is_written_to(depot, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(OSError, match=r"9.31e-07 GiB free in .*; give Dask a folder="):
        packed(LARGE, depot)
    assert not list(tmp_path.iterdir())
