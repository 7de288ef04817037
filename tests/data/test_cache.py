import gc
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from latentia.data import cache as caches
from latentia.data.errors import DataError
from latentia.data.scan import scan

X = np.arange(12.0).reshape(6, 2)


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "t.parquet"
    pa.parquet.write_table(pa.table({"a": X[:, 0], "b": X[:, 1]}), path)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


def caches_in(folder):
    return sorted(folder.rglob(".latentia-*"))


def test_a_cache_goes_with_the_last_array_that_looks_at_it(data, folder):
    part = scan(data).values[2:4]
    gc.collect()
    assert len(caches_in(folder)) == 1
    np.testing.assert_array_equal(part, X[2:4])
    del part
    gc.collect()
    assert not caches_in(folder)


def test_a_cache_is_an_array_that_numpy_loads_and_others_cannot_read(data, folder):
    with scan(data) as scanned:
        np.testing.assert_array_equal(np.load(scanned.cache), X)
        assert scanned.cache.stat().st_mode & 0o077 == 0
        assert scanned.cache.parent.stat().st_mode & 0o077 == 0


def test_it_lies_where_it_was_asked_to(data, folder, tmp_path):
    (tmp_path / "other").mkdir()
    for cache, expected in (("beside", tmp_path), (tmp_path / "other", tmp_path / "other")):
        with scan(data, cache=cache) as scanned:
            assert scanned.cache.parent == expected
        assert not scanned.cache.exists()
    with pytest.raises(DataError, match="no folder; create it first"):
        scan(data, cache=tmp_path / "nowhere")


def test_a_folder_of_somebody_else_is_not_used(data, folder):
    with scan(data) as scanned:
        own = scanned.cache.parent
    own.chmod(0o777)
    with pytest.raises(DataError, match="not a folder of yours alone"):
        scan(data)


def start(data, folder, ending):
    code = (
        f"from latentia.data.scan import scan; s = scan({str(data)!r}); print(s.cache, flush=True);"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code + ending],
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_it_goes_at_the_end_of_the_interpreter(data, folder):
    out, _ = start(data, folder, "").communicate(timeout=60)
    assert out.strip()
    assert not caches_in(folder)


def test_caches_of_the_dead_are_removed_and_those_of_the_living_are_not(data, folder):
    process = start(data, folder, "import time; time.sleep(60)")
    try:
        path = process.stdout.readline().strip()
        scan(data).close()
        assert os.path.exists(path)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert os.path.exists(path)
    scan(data).close()
    assert not os.path.exists(path)


def test_a_kept_cache_is_used_again_only_for_the_same_data(data, folder, monkeypatch):
    with scan(data, keep=True) as first:
        np.testing.assert_array_equal(first.values, X)
    made = first.cache.stat().st_mtime_ns, first.cache.stat().st_ino
    with scan(data, keep=True) as again:
        assert (again.cache.stat().st_mtime_ns, again.cache.stat().st_ino) == made
        np.testing.assert_array_equal(again.values, X)
        assert (again.columns, again.parts) == (first.columns, first.parts)
    with scan(data, ["b"], keep=True) as other:
        np.testing.assert_array_equal(other.values, X[:, 1:])
    pa.parquet.write_table(pa.table({"a": -X[:, 0], "b": X[:, 1]}), data)
    os.utime(data, ns=(1, 1))
    with scan(data, keep=True) as changed:
        np.testing.assert_array_equal(changed.values[:, 0], -X[:, 0])


def test_no_part_of_a_kept_cache_is_taken_for_the_whole(data, folder):
    with scan(data, keep=True) as kept:
        pass
    whole = kept.cache.read_bytes()
    for length in range(0, len(whole), 61):
        kept.cache.write_bytes(whole[:length])
        with scan(data, keep=True) as again:
            np.testing.assert_array_equal(again.values, X)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_disk_too_small_is_refused_in_one_sentence(tmp_path, folder, monkeypatch, suffix):
    path = tmp_path / f"t.{suffix}"
    if suffix == "csv":
        path.write_text("a,b\n1,2\n3,4\n")
    else:
        pa.parquet.write_table(pa.table({"a": X[:, 0]}), path)
    usage = shutil.disk_usage(tmp_path)._replace(free=caches.MARGIN + 10)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    with pytest.raises(DataError, match=r"needs .*bytes in .*are free .*larger disk.*single") as e:
        scan(path)
    assert "\n" not in str(e.value)
    assert not caches_in(folder)


def test_keeping_what_is_no_file_is_refused(folder):
    with pytest.raises(DataError, match="no files"):
        scan(pa.table({"a": [1.0]}).to_reader(), keep=True)
