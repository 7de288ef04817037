import os
import stat

import pytest

from latentia.data.files import write_atomically


@pytest.mark.parametrize("payload", [b"\x00\xff", "ähnlich\r\n", b""])
def test_writes_exactly_the_payload_and_leaves_nothing_else(tmp_path, payload):
    path = tmp_path / "out"
    path.write_text("old")
    write_atomically(path, payload)
    assert path.read_bytes() == (payload.encode() if isinstance(payload, str) else payload)
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_failure_leaves_the_old_file_and_no_temporary_one(tmp_path, monkeypatch, step):
    path = tmp_path / "out"
    path.write_text("old")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match=r"^cannot write .*out: No space left on device$"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_new_file_has_the_permissions_open_would_give(tmp_path):
    (tmp_path / "plain").write_text("")
    write_atomically(tmp_path / "ours", "")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "ours")]
    assert modes[0] == modes[1]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_replaced_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "out"
    path.write_text("old")
    path.chmod(0o640)
    write_atomically(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_is_followed(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_says_that_the_folder_is_missing_or_the_path_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere; create it"):
        write_atomically(tmp_path / "nowhere" / "out", "")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        write_atomically(tmp_path, "")
