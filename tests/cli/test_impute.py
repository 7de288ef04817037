import csv as csv_module

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import latentia
from latentia import datasets

AIR = datasets.load("airquality")


@pytest.fixture
def air(tmp_path):
    """Airquality as R writes it, with a column of dates."""
    rows = [",".join([*AIR.columns, "date"])]
    for line in AIR.values:
        cells = ["NA" if np.isnan(cell) else f"{cell:g}" for cell in line]
        rows.append(",".join([*cells, f"1973-{int(line[4]):02d}-{int(line[5]):02d}"]))
    (tmp_path / "air.csv").write_text("\n".join(rows) + "\n")
    return "air.csv"


def table(path):
    with open(path, newline="") as stream:
        return list(csv_module.reader(stream))


def test_what_was_there_stays_to_the_letter(run, air, tmp_path):
    done = run("impute", air, "--out", "filled.csv")
    assert done.status == 0, done.err
    assert "Missing: 44 numbers, in Ozone (37), Solar.R (7)." in done.out
    assert "Left as they are: date." in done.out
    before, after = table(tmp_path / air), table(tmp_path / "filled.csv")
    assert before[0] == after[0]
    changed = 0
    for old, new in zip(before[1:], after[1:], strict=True):
        for a, b in zip(old, new, strict=True):
            assert a == b or (a == "NA" and float(b).is_integer())
            changed += a != b
    assert changed == 44


def test_several_tables_and_a_report(run, air, tmp_path):
    args = (
        "--imputations",
        3,
        "--report",
        "page.html",
        "--log",
        "Ozone",
        "--bounds",
        "Solar.R=0:340",
    )
    done = run("impute", air, "--out", "filled.parquet", *args, "--save", "air.safetensors")
    assert done.status == 0, done.err
    assert "Wrote filled-1.parquet to filled-3.parquet: 153 rows." in done.out
    assert "Wrote page.html." in done.out
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "44 cells filled in, 3 times" in page
    assert "on 14 degrees of freedom" in page
    assert "mean[Ozone]" in page
    assert "<script" not in page
    assert 'href="http' not in page
    tables = [pq.read_table(tmp_path / f"filled-{i}.parquet") for i in (1, 2, 3)]
    hidden = np.isnan(AIR.values[:, 0])
    ozone = np.array([each["Ozone"].to_pylist() for each in tables])
    assert tables[0].schema.field("Ozone").type == pa.int64()
    assert (ozone[:, ~hidden] == AIR.values[~hidden, 0]).all()
    assert (ozone > 0).all()
    assert (ozone[0, hidden] != ozone[1, hidden]).mean() > 0.8
    again = latentia.load(tmp_path / "air.safetensors")
    del again.feature_names_in_  # values without names
    made = next(again.imputations(AIR.values))
    assert made[:, 0].tolist() == ozone[0].tolist()


def test_a_column_without_a_value_is_named_and_left(run, tmp_path):
    (tmp_path / "gap.csv").write_text("a,b,c\n1,,2\n2,NA,\n3,,5\n4,,9\n")
    done = run("impute", "gap.csv", "--out", "filled.csv")
    assert done.status == 0, done.err
    assert "Left empty: b has no value at all, so nothing can be said" in done.out
    assert [row[1] for row in table(tmp_path / "filled.csv")] == ["b", "", "NA", "", ""]
    (tmp_path / "gap.csv").write_text("a,b,c\n1,,2\n2,NA,3\n")
    done = run("impute", "gap.csv", "--out", "filled.csv")
    assert done.status == 2
    assert "no missing number in a, c, and b has no value at all to tell what is" in done.err


def test_a_data_set_by_name_and_the_same_seed(run, tmp_path):
    for name in ("one", "two"):
        done = run("impute", "nhanes", "--out", f"{name}.csv", "--draw", "conditional")
        assert done.status == 0, done.err
    assert table(tmp_path / "one.csv") == table(tmp_path / "two.csv")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("nowhere.csv", "--out", "a.csv"), ("no file nowhere.csv",)),
        (("air.csv", "--out", "air.csv"), ("would overwrite the data",)),
        (("air.csv", "--out", "a.txt"), ("does not end in .csv, .tsv, .parquet, .arrow or .npy",)),
        (("air.csv", "--out", "a.csv", "--draw", "median"), ("--draw", "median", "bootstrap")),
        (
            ("air.csv", "--out", "a.csv", "--draw", "mean", "--imputations", "2"),
            ("are all the same",),
        ),
        (("air.csv", "--out", "a.csv", "--log", "ozone"), ("'ozone'", "did you mean 'Ozone'")),
        (("air.csv", "--out", "a.csv", "--bounds", "Ozone=5"), ("'Ozone=5' in --bounds",)),
        (("air.csv", "--out", "a.csv", "--bounds", "Ozone=5:1"), ("the lower number first",)),
        (("faithful", "--out", "a.csv"), ("has no missing number", "nothing is to do")),
        (("air.csv", "--out", "a.csv", "--columns", "date"), ("date",)),
        (("air.csv", "--out", "a.csv", "--report", "a.txt"), ("--report", ".html")),
        (("air.csv", "--out", "a.csv", "--unit", "Month"), ("--unit without --time",)),
        (("air.csv", "--out", "a.csv", "--nominal", "Months"), ("'Months'", "did you mean")),
        (("air.csv", "--out", "a.csv", "--spline", "3", "--time", "Day"), ("--spline",)),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run, air, args, words):
    run("impute", *args).refused(*words)


def test_times_that_are_missing(run, air):
    done = run("impute", air, "--out", "a.csv", "--time", "Ozone")
    assert done.status == 1
    assert "at row 4 of column 'Ozone', expected time and unit of every row" in done.err


def test_a_column_without_a_number(run, tmp_path):
    (tmp_path / "data.csv").write_text("a,b,c\n1,,3\n2,,\n4,,1\n")
    pq.write_table(
        pa.table({"a": [1.0, None, 3.0], "b": pa.array([None] * 3, pa.float64())}),
        tmp_path / "data.parquet",
    )
    done = run("impute", "data.parquet", "--out", "out.csv")
    assert done.status == 2
    assert "column 'b' has no number at all; name the others with --columns" in done.err


def test_columns_that_follow_from_one_another(run, csv):
    name = csv("1,2", "2,4", "3,6", "4,", "5,10")
    done = run("impute", name, "--out", "out.csv", "--ridge", "0")
    assert done.status == 1
    assert "follow from one another" in done.err
    assert "--ridge 1" in done.err
    assert run("impute", name, "--out", "out.csv").status == 0


def test_a_saved_imputer_has_no_components(run, tmp_path):
    assert run("impute", "nhanes", "--out", "out.csv", "--save", "m.safetensors").status == 0
    run("predict", "m.safetensors", "nhanes").refused("holds EMImputer", "latentia impute")
    done = run("summary", "m.safetensors")
    assert done.status == 0
    assert "27 of 100 cells missing" in done.out


def shop(tmp_path):
    """A table with a date, a category, whole numbers and a name, in a CSV file."""
    rng = np.random.default_rng(0)
    lines = ["name,day,kind,pieces,price"]
    for i in range(60):
        kind, pieces = "abc"[i % 3], int(rng.poisson(5 + 5 * (i % 3)))
        cells = [f"n{i}", f"2024-{1 + i // 20:02d}-{1 + i % 20:02d}", kind, str(pieces)]
        cells.append(f"{pieces * 1.5 + i / 10 + rng.normal():.2f}")
        for j in (2, 3, 4):
            if rng.random() < 0.15:
                cells[j] = ("NA", "", "n/a")[j - 2]
        lines.append(",".join(cells))
    (tmp_path / "shop.csv").write_text("\n".join(lines) + "\n")
    return "shop.csv"


def test_dates_categories_and_whole_numbers(run, tmp_path):
    name = shop(tmp_path)
    args = ("--nominal", "kind", "--time", "day", "--polynomial", 1, "--imputations", 2)
    done = run("impute", name, "--out", "out.csv", *args, "--report", "page.html")
    assert done.status == 0, done.err
    before = table(tmp_path / name)
    missing = sum(row[2] == "NA" for row in before)
    assert f"Missing: {missing} texts, in kind ({missing})." in done.out
    assert "Left as they are: name, day." in done.out
    for i in (1, 2):
        after = table(tmp_path / f"out-{i}.csv")
        for old, new in zip(before[1:], after[1:], strict=True):
            for j, (a, b) in enumerate(zip(old, new, strict=True)):
                assert a == b or a in ("NA", "", "n/a")
                assert b not in ("NA", "", "n/a")
                assert j != 2 or b in "abc"
                assert j != 3 or b.isdigit()
    assert "kind = a" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_arrow_in_and_out(run, tmp_path):
    table = pa.table({"a": [1.0, None, 3.0, 4.0], "b": [2, 5, 5, 8], "c": list("wxyz")})
    with pa.ipc.new_file(tmp_path / "t.arrow", table.schema) as file:
        file.write_table(table)
    assert run("impute", "t.arrow", "--out", "f.arrow").status == 0
    with pa.ipc.open_file(tmp_path / "f.arrow") as file:
        filled = file.read_all()
    assert filled.schema.types == table.schema.types
    assert filled["a"].null_count == 0
    assert filled.select(["b", "c"]) == table.select(["b", "c"])


def test_a_panel_in_parquet(run, tmp_path):
    trade = datasets.load("freetrade")
    columns = dict(zip(trade.columns, trade.values.T, strict=True))
    frame = pa.table({"country": trade.labels.tolist(), **columns})
    frame = frame.set_column(1, "year", pa.array(columns["year"]).cast(pa.int16()))
    signed = [None if s != s else ("no", "yes")[int(s)] for s in columns["signed"]]
    frame = frame.set_column(7, "signed", pa.array(signed).dictionary_encode())
    pq.write_table(frame, tmp_path / "trade.parquet")
    args = ("--time", "year", "--unit", "country", "--polynomial", 1, "--per-unit", "--lags")
    done = run(
        "impute", "trade.parquet", "--out", "out.parquet", *args, "tariff", "--nominal", "signed"
    )
    assert done.status == 0, done.err
    made = pq.read_table(tmp_path / "out.parquet")
    assert made.schema.types == frame.schema.types
    assert made.column_names == frame.column_names
    assert set(made["signed"].to_pylist()) == {"no", "yes"}
    seen = ~np.isnan(columns["tariff"])
    tariff = made["tariff"].to_numpy()
    assert (tariff[seen] == columns["tariff"][seen]).all()
    assert np.isfinite(tariff).all()
