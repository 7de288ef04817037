import builtins
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import latentia
from latentia import datasets
from latentia.cli import main
from latentia.data.tables import read_table


def test_version(run):
    assert run("--version").out == f"latentia {latentia.__version__}\n"


def test_help_names_every_command(run):
    text = run("--help").out
    for command in ("fit", "predict", "summary", "models", "datasets", "demo"):
        assert f" {command} " in text
        assert run(command, "--help").status == 0


def test_nothing_asked_for_is_help_and_status_2(run):
    assert "demo" in run().out
    assert run().status == 2


def test_commands_that_there_are_not(run):
    run("predikt").refused("did you mean predict?")
    run("xyz").refused("there are fit, predict")


def test_models_are_listed_a_line_each(run):
    assert run("models").out.startswith("gaussian-mixture ")


def test_datasets_are_listed_and_told_of(run):
    listed = run("datasets").out.splitlines()
    assert [line.split()[0] for line in listed] == list(datasets.names())
    told = run("datasets", "iris").out
    for word in ("Anderson", "BSD-3-Clause", "petal_width (cm)", "setosa"):
        assert word in told
    run("datasets", "iri").refused("did you mean 'iris'?")
    run("datasets", "--out", "x.csv").refused("--out")


def test_exported_data_are_the_same_bits(run, tmp_path):
    for ending in ("csv", "parquet", "npy"):
        assert run("datasets", "diabetes", "--out", f"d.{ending}").status == 0
        values = read_table(tmp_path / f"d.{ending}").values
        np.testing.assert_array_equal(values, datasets.load("diabetes").values)


def test_demo_writes_report_picture_and_model(run, tmp_path, monkeypatch):
    from latentia.cli import fitting

    def fewer(request):
        grid = {"n_components": [2, 3], "covariance_type": ["tied"]}
        return fit(request._replace(grid=grid))

    fit = fitting.fit
    monkeypatch.setattr(fitting, "fit", fewer)
    done = run("demo", "--out", "here/there", "--quiet")
    assert done.status == 0, done.err
    folder = tmp_path / "here" / "there"
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!")
    assert (folder / "faithful.png").read_bytes().startswith(b"\x89PNG")
    assert latentia.load(folder / "faithful.safetensors").n_components == 3
    for name in ("report.html", "faithful.png", "faithful.safetensors"):
        assert str(folder.relative_to(tmp_path) / name) in done.out
    (tmp_path / "file").touch()
    run("demo", "--out", "file").refused("is no folder")


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_missing_extra_is_one_sentence(monkeypatch, capsys, missing):
    real = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    sentence = "latentia's command line needs typer and rich; run pip install 'latentia[cli]'\n"
    assert capsys.readouterr().err == sentence


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['latentia', '--help']\n"
        "from latentia.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print({'numpy', 'scipy', 'sklearn', 'pyarrow', 'matplotlib'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "set()"


def test_reader_that_goes_away_is_no_error(start, model):
    process = start("predict", model, "faithful", "--proba", bufsize=1)
    process.stdout.close()
    with process:
        assert process.stderr.read() == ""
    assert process.returncode == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_interrupt_keeps_the_best_so_far(start, tmp_path):
    process = start(
        *("fit", "gaussian-mixture", "iris", "--components", "1:40", "--starts", "40"),
        *("--save", "best.safetensors"),
    )
    first = process.stderr.readline()  # a line a few candidates, the first after two seconds
    assert "components" in first or "component" in first
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "the best so far was written" in err.splitlines()[-1]
    assert "Model: best.safetensors" in out
    assert latentia.load(tmp_path / "best.safetensors").converged_


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a pipe with a name")
def test_interrupt_before_anything_is_said_so(start, tmp_path):
    os.mkfifo(tmp_path / "rows.csv")
    process = start("fit", "gaussian-mixture", "rows.csv", "--components", "2")
    with (tmp_path / "rows.csv").open("w", encoding="utf-8"):  # waits until it is being read
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert len(err.splitlines()) == 1
    assert "interrupted before" in err
