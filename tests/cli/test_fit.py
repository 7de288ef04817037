import html
import re
import shlex

import numpy as np
import pytest

import latentia
from latentia import datasets
from latentia.cli.fit import MCLUST
from latentia.families.covariance import PATTERNS

FIT = ("fit", "gaussian-mixture")
QUICK = ("--components", "2", "--covariance", "full", "--starts", "1", "--quiet")


def test_one_candidate_prints_parameters_and_certificate_and_no_table(run):
    done = run(*FIT, "faithful", *QUICK)
    assert done.status == 0
    assert done.err == ""
    assert "272 rows, 2 columns (eruptions, waiting)" in done.out
    assert "-1130.26" in done.out
    assert "std. error" in done.out
    assert "The climb converged" in done.out
    assert "Candidates" not in done.out


def test_sweep_finds_the_mclust_winner_of_old_faithful(run):
    # mclust 6.0.0: EEE, G=3 wins among all models; converged -1126.315928 (BIC -2314.2957)
    done = run(*FIT, "faithful", "--components", "2,3", "--covariance", "tied,full", "--starts", 4)
    assert done.status == 0
    table = done.out[done.out.index("Candidates") :].splitlines()
    best = next(line for line in table if line.startswith("* "))
    assert best.split()[1:4] == ["3", "tied", "2314.30"]
    assert "2314.2957" in done.out
    assert re.search(r"^4/4 3 components.*full.*BIC 2333.73$", done.err, re.MULTILINE)


def test_columns_left_out_are_named(run, csv):
    rows = [f"{i},{i * i % 7},s{i}" for i in range(20)]
    done = run(*FIT, csv(*rows, header="a,b,name"), "--components", 1, "--covariance", "diag")
    assert done.status == 0
    assert "20 rows, 2 columns (a, b)" in done.out
    assert "Left out, since not numbers: name." in done.out
    done = run(*FIT, csv(*rows, header="a,,name"), "--components", 1, "--covariance", "diag")
    assert "20 rows, 1 column (a)" in done.out
    assert "Left out, since not numbers: name." in done.out
    assert "Left out, as row numbers: a column without a name." in done.out


def test_columns_beyond_floats_are_refused(run, csv):
    name = csv(*[f"{i % 7 - 3}e300,{i}" for i in range(30)])
    run(*FIT, name, *QUICK).refused("standard deviation is about 2e+300", "another unit")


def test_a_file_is_no_folder_to_write_into(run, csv):
    name = csv(*[f"{i % 7},{i}" for i in range(30)])
    run(*FIT, name, *QUICK, "--save", f"{name}/m.safetensors").refused("which is a file")


def test_a_file_of_a_data_sets_name_wins(run, tmp_path):
    np.save(tmp_path / "faithful.npy", np.random.default_rng(0).normal(size=(30, 1)))
    (tmp_path / "faithful.npy").rename(tmp_path / "iris")
    run(*FIT, "iris", *QUICK).refused("no ending")


def test_report_and_model_are_written_and_hold_what_is_needed_to_repeat(run, tmp_path):
    args = (*FIT, "faithful", *QUICK, "--report", "a report.html", "--save", "m.safetensors")
    done = run(*args)
    assert done.status == 0
    assert done.out.splitlines()[-2:] == ["Model: m.safetensors", "Report: a report.html"]
    report = (tmp_path / "a report.html").read_text(encoding="utf-8")
    text = " ".join(html.unescape(re.sub("<[^>]*>", " ", report)).split())
    assert shlex.join(["latentia", *args]) in text
    restored = latentia.load(tmp_path / "m.safetensors")
    assert restored.loglik_ == pytest.approx(-1130.26396, abs=1e-5)
    assert restored.feature_names_in_.tolist() == ["eruptions", "waiting"]


def test_same_seed_same_model(run, tmp_path):
    for name in ("one.safetensors", "two.safetensors"):
        assert run(*FIT, "galaxies", *QUICK, "--seed", 7, "--save", name).status == 0
    one, two = (latentia.load(tmp_path / f"{n}.safetensors") for n in ("one", "two"))
    np.testing.assert_array_equal(one.means_, two.means_)


def test_unconverged_fit_is_written_and_exits_with_1(run, tmp_path):
    args = (*FIT, "faithful", *QUICK, "--max-iter", 2, "--save", "m.safetensors")
    done = run(*args)
    assert done.status == 1
    assert len(done.err.splitlines()) == 1
    assert "--allow-unconverged" in done.err
    assert (tmp_path / "m.safetensors").exists()
    allowed = run(*args, "--allow-unconverged")
    assert allowed.status == 0
    assert allowed.err.startswith("latentia: warning: ")


def test_collapse_without_a_floor_exits_with_1_and_leaves_old_files(run, csv, tmp_path):
    rng = np.random.default_rng(0)
    data = csv(*["1,1"] * 10, *(f"{a},{b}" for a, b in rng.normal(5, 1, size=(30, 2))))
    outputs = [tmp_path / "m.safetensors", tmp_path / "r.html"]
    for path in outputs:
        path.write_bytes(b"precious")
    to = ("--save", "m.safetensors", "--report", "r.html", "--reg-covar", 0)
    run(*FIT, data, *QUICK, *to).refused("collapsed", "--reg-covar 1e-06", status=1)
    sweep = ("--components", "2,3", "--covariance", "full", "--starts", 1, "-q")
    run(*FIT, data, *sweep, *to).refused("none of the 2 candidates", status=1)
    assert [path.read_bytes() for path in outputs] == [b"precious"] * 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data.csv", "m.safetensors", "r.html"]


def test_a_floor_that_holds_a_component_up_is_warned_of(run, csv):
    rng = np.random.default_rng(0)
    data = csv(*["1,1"] * 10, *(f"{a},{b}" for a, b in rng.normal(5, 1, size=(30, 2))))
    done = run(*FIT, data, *QUICK)
    assert done.status == 0
    assert "no proper maximum" in done.err


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["1,NaN", "2,NaN", "4,NaN", "8,NaN"], ["column b", "no value", "--columns a"]),
        (["1,2", "3,inf", "4,5"], ["1 infinite value", "row 2", "'b'"]),
        (["1,2", "x,3", "4,5", "6,1"], ["text in data row 2", "'x'"]),
        (["1,2", "3,4"], ["2 rows", "3 components", "at most 2"]),
        (["1,2"], ["1 row"]),
        (["1,7", "2,7", "4,7", "8,7"], ["column b", "same value", "--columns a"]),
        (["1,7"] * 5, ["all rows", "the same"]),
        ([], ["header and no rows"]),
        (["x,y", "z,w"], ["no column of numbers"]),
    ],
)
def test_data_that_cannot_be_used(run, csv, rows, words):
    run(*FIT, csv(*rows), "--components", "1:3").refused(*words)


def test_missing_cells_are_integrated_out(run, csv, tmp_path):
    rows = [f"{a},{b}" for a, b in np.random.default_rng(0).normal(size=(30, 2))]
    done = run(*FIT, csv(*rows, ",0.5", "NA,0.3", "0.2,NaN"), *QUICK, "--save", "m.safetensors")
    assert done.status == 0, done.err
    labels = run("predict", "m.safetensors", csv("1,", ",2", "0,1"))
    assert labels.status == 0, labels.err
    assert len(labels.out.splitlines()) >= 3
    (tmp_path / "parts").mkdir()
    for part in (rows[:20], [*rows[20:], ",0.5", "NA,0.3", "0.2,NaN"]):
        text = "\n".join(["a,b", *part])
        (tmp_path / "parts" / f"{len(part)}.csv").write_text(text, encoding="utf-8")
    parts = run(*FIT, "parts", *QUICK)
    assert parts.status == 0, parts.err
    assert "33 rows" in done.err + done.out
    assert "33 rows" in parts.err + parts.out


def test_files_that_cannot_be_read(run, tmp_path):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "bytes.csv").write_bytes(bytes(range(256)))
    (tmp_path / "table.xlsx").write_text("a,b\n1,2\n")
    run(*FIT, "empty.csv").refused("is empty")
    run(*FIT, "bytes.csv").refused("not text in UTF-8")
    run(*FIT, "table.xlsx").refused("unknown ending .xlsx")
    run(*FIT, "nowhere.csv").refused("no file nowhere.csv")
    run(*FIT, ".").refused("is a folder")
    run(*FIT, "").refused("is empty")
    run(*FIT, "faithfull").refused("did you mean faithful?")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--components", "0"), ["--components 0", "at least 1"]),
        (("--components", "9:1"), ["--components 9:1", "1:9"]),
        (("--components", "abc"), ["--components abc", "1:9"]),
        (("--components", ""), ["--components", "1:9"]),
        (("--components", "1,,2"), ["--components 1,,2"]),
        (("--components", "1:99999"), ["shorter range"]),
        (("--components", "273"), ["272 rows", "at most 272"]),
        (("--covariance", "ful"), ["--covariance ful", "did you mean full?"]),
        (("--covariance", ""), ["--covariance ''"]),
        (("--criterion", "bik"), ["did you mean bic?"]),
        (("--criterion", "aic,bic"), ["expected one"]),
        (("--accelerate", "squaremm"), ["did you mean squarem?"]),
        (("--columns", "wating"), ["did you mean 'waiting'?"]),
        (("--columns", "waiting,,"), ["empty name"]),
        (("--starts", "0"), ["--starts 0", "at least 1"]),
        (("--tol", "nan"), ["--tol nan", "at least 0"]),
        (("--tol", "-1"), ["--tol -1"]),
        (("--max-iter", "2.5"), ["--max-iter 2.5"]),
        (("--seed", "-1"), ["--seed -1"]),
        (("--seed", 2**40), ["at most"]),
        (("--componets", "3"), ["--components", "--help"]),
        (("more",), ["more", "--help"]),
    ],
)
def test_options_that_cannot_be_used(run, options, words):
    run(*FIT, "faithful", *options).refused(*words)


def test_models_that_there_are_not(run):
    run("fit", "gausian-mixture", "faithful").refused("did you mean gaussian-mixture?")
    run("fit", "GaussianMixture", "faithful").refused("did you mean gaussian-mixture?")
    run("fit", "data.csv").refused("latentia fit gaussian-mixture data.csv")
    run("fit").refused("latentia fit gaussian-mixture DATA")
    run(*FIT).refused("DATA", "--help")


def test_outputs_are_refused_before_any_work(run, csv, tmp_path, monkeypatch):
    monkeypatch.setattr("latentia.cli.fitting.fit", lambda request: pytest.fail("it was fitted"))
    data = csv("1,2", "3,4", "5,9")
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "link.html").hardlink_to(tmp_path / data)
    for options, words in [
        (("--report", "r.txt"), [".html"]),
        (("--save", "m.pkl"), [".safetensors"]),
        (("--report", "nowhere/r.html"), ["no folder", "create"]),
        (("--report", "folder.html"), ["is a folder"]),
        (("--report", "link.html"), ["would overwrite the data"]),
        (("--report", data), [".html"]),
    ]:
        run(*FIT, data, "--components", 1, *options).refused(*words)


def test_report_that_fails_still_prints_the_results(run, monkeypatch):
    def fail(*args, **options):
        raise OSError(28, "No space left on device", "r.html")

    monkeypatch.setattr("latentia.report.html.write_report", fail)
    done = run(*FIT, "faithful", *QUICK, "--report", "r.html")
    assert done.status == 2
    assert "-1130.26" in done.out
    assert done.err == "latentia: r.html: No space left on device\n"


def test_faults_and_full_memory_are_one_sentence(run, monkeypatch):
    def fail(error):
        def fit(request):
            raise error

        monkeypatch.setattr("latentia.cli.fitting.fit", fit)
        return run(*FIT, "faithful", *QUICK)

    fail(MemoryError()).refused("not enough memory", status=1)
    fault = fail(KeyError("x\ny"))
    assert fault.status == 1
    assert len(fault.err.splitlines()) == 1
    assert "fault in latentia" in fault.err


def test_iris_from_the_file_that_datasets_exports(run):
    assert run("datasets", "iris", "--out", "iris.parquet").status == 0
    done = run(*FIT, "iris.parquet", "--components", 1, "--covariance", "full")
    iris = datasets.load("iris")
    assert done.status == 0
    assert f"({', '.join(iris.columns)})" in done.out
    assert "not numbers: label" in done.out


def test_covariances_by_mclusts_names(run, tmp_path):
    to = ("--starts", 2, "--save", "m.safetensors")
    done = run(*FIT, "iris", "--components", 2, "--covariance", "VEV,EEE", *to)
    assert done.status == 0
    assert "2 components with VEV covariance" in done.out
    # mclust 6.0.0, VEV, G = 2
    loaded = latentia.load(tmp_path / "m.safetensors")
    assert loaded.loglik_ == pytest.approx(-215.726, abs=1e-3)


def test_models_of_one_column_are_refused_for_two(run):
    args = ("--components", 2, "--covariance", "E", "--quiet")
    run(*FIT, "faithful", *args).refused("got covariance_type='E' for 2 columns")


def test_mclusts_names_are_the_packages():
    assert tuple(PATTERNS) == MCLUST


def test_noise_and_a_prior(run):
    done = run(*FIT, "faithful", *QUICK, "--noise", "0.1", "--save", "n.safetensors")
    assert done.status == 0
    assert "and noise" in done.out
    assert "weight[noise]" in done.out
    predicted = run("predict", "n.safetensors", "faithful").out.split()
    assert set(predicted[1:]) == {"-1", "0", "1"}
    done = run(*FIT, "faithful", *QUICK, "--prior", "conjugate")
    assert "A prior is in force" in done.out


def test_candidates_exchange_starts(run):
    grid = ("--components", "7,8", "--covariance", "VII", "--starts", "1", "--quiet")
    alone, told = (
        run(*FIT, "faithful", *grid, "--no-standard-errors", *more)
        for more in ((), ("--exchange", "1"))
    )
    best = [float(re.search(r"BIC +([\d.]+)", done.out)[1]) for done in (alone, told)]
    assert best[1] <= best[0]


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--noise", "2", "got --noise 2, expected a share between 0 and 1, such as 0.1"),
        ("--prior", "flat", "got --prior flat, expected conjugate"),
        ("--exchange", "-1", "got --exchange -1, expected a whole number"),
    ],
)
def test_prior_noise_and_exchange_make_sense(run, option, value, sentence):
    done = run(*FIT, "faithful", *QUICK, option, value)
    assert done.status == 2
    assert sentence in done.err
