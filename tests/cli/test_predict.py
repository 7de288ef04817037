import csv as csv_module
import io

import numpy as np
import pytest

from latentia import datasets
from latentia.data.tables import read_table

X = datasets.load("faithful").values


def test_labels_go_to_standard_output(run, model, fitted):
    done = run("predict", model, "faithful")
    assert done.status == 0
    head, *labels = done.out.splitlines()
    assert head == "component"
    assert [int(label) for label in labels] == fitted.predict(X).tolist()
    assert done.err == ""


def test_probabilities_and_log_density_come_back_as_the_same_bits(run, model, fitted):
    done = run("predict", model, "faithful", "--proba")
    rows = list(csv_module.DictReader(io.StringIO(done.out)))
    shares = np.array([[float(row["p0"]), float(row["p1"])] for row in rows])
    np.testing.assert_array_equal(shares, fitted.predict_proba(X))
    density = [float(row["log_density"]) for row in rows]
    np.testing.assert_array_equal(density, fitted.score_samples(X))


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "arrow", "npy"])
def test_every_kind_of_file_holds_the_same(run, model, fitted, tmp_path, ending):
    done = run("predict", model, "faithful", "--proba", "--out", f"labels.{ending}")
    assert done.status == 0
    table = read_table(tmp_path / f"labels.{ending}")
    if ending != "npy":
        assert table.columns == ("component", "p0", "p1", "log_density")
    np.testing.assert_array_equal(table.values[:, 0], fitted.predict(X))
    np.testing.assert_array_equal(table.values[:, 1:3], fitted.predict_proba(X))


def test_columns_are_found_by_name_in_any_order(run, model, csv):
    rows = [f"{w},x,{e}" for e, w in X]
    swapped = csv(*rows, header="waiting,note,eruptions")
    assert run("predict", model, swapped).out == run("predict", model, "faithful").out


def test_named_columns_stand_for_the_models(run, model, csv):
    rows = [f"{w},{e}" for e, w in X]
    data = csv(*rows, header="wait,length")
    run("predict", model, data).refused("'eruptions'", "eruptions, waiting", "--columns")
    done = run("predict", model, data, "--columns", "length,wait")
    assert done.out == run("predict", model, "faithful").out
    run("predict", model, data, "--columns", "wait").refused("1 column (wait)", "fitted on 2")


def test_arrays_without_names_are_taken_in_their_order(run, model, tmp_path):
    np.save(tmp_path / "x.npy", X)
    assert run("predict", model, "x.npy").out == run("predict", model, "faithful").out


def test_bad_input_leaves_an_old_file_as_it_was(run, model, csv, tmp_path):
    old = tmp_path / "labels.csv"
    old.write_bytes(b"precious")
    data = csv("1,2", "inf,3", header="eruptions,waiting")
    run("predict", model, data, "--out", "labels.csv").refused("infinite value")
    run("predict", model, data, "--out", data).refused("would overwrite the data")
    run("predict", model, data, "--out", "labels.txt").refused(".csv")
    assert old.read_bytes() == b"precious"
    assert "inf" in (tmp_path / data).read_text()


@pytest.mark.parametrize("command", ["predict", "summary"])
def test_files_that_are_no_model(run, model, tmp_path, command):
    whole = model.read_bytes()
    flipped = bytearray(whole)
    flipped[-3] ^= 1
    for name, content, word in [
        ("short.safetensors", whole[:300], "cut short"),
        ("flipped.safetensors", bytes(flipped), "damaged"),
        ("text.safetensors", b"hello", "not a latentia model file"),
        ("empty.safetensors", b"", "is empty"),
    ]:
        (tmp_path / name).write_bytes(content)
        run(command, name, *["faithful"] * (command == "predict")).refused(name, word)
    run(command, "nowhere", *["faithful"] * (command == "predict")).refused("no file nowhere")


def test_summary_prints_parameters_and_certificate(run, model):
    done = run("summary", model)
    assert done.status == 0
    assert "-1130.26" in done.out
    assert "mean[0, eruptions]" in done.out
    assert "The climb converged" in done.out
