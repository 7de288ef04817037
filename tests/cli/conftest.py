import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import latentia
from latentia.cli.app import app


class Run:
    """What a command gave back."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def refused(self, *words, status=2):
        """Check that it ended with one sentence on stderr that has these words."""
        assert self.status == status, self.err
        assert self.out == ""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("latentia: ")
        assert "Traceback" not in self.err
        assert "fault in latentia" not in self.err
        for word in words:
            assert word in self.err


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*args):
        result = CliRunner().invoke(app, [str(arg) for arg in args], prog_name="latentia")
        return Run(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def start(tmp_path):
    """Start a command in a process of its own, in an empty folder."""

    def start(*args, **options):
        return subprocess.Popen(
            [sys.executable, "-m", "latentia.cli", *map(str, args)],
            cwd=tmp_path,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    return start


@pytest.fixture
def csv(tmp_path):
    """Write rows of text under a header ``a,b``."""

    def csv(*rows, name="data.csv", header="a,b"):
        (tmp_path / name).write_text("\n".join([header, *rows]) + "\n")
        return name

    return csv


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A mixture of two components on Old Faithful, as --save writes it."""
    path = tmp_path_factory.mktemp("model") / "faithful.safetensors"
    args = ["fit", "gaussian-mixture", "faithful", "--components", "2", "--covariance", "full"]
    result = CliRunner().invoke(app, [*args, "--starts", "1", "-q", "--save", str(path)])
    assert result.exit_code == 0, result.stderr
    return path


@pytest.fixture
def fitted(model):
    """The same, ready for values without names."""
    estimator = latentia.load(model)
    del estimator.feature_names_in_
    return estimator
