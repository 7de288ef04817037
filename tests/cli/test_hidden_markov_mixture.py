"""`latentia fit hmm-mixture`, and `predict` of its models."""

import csv

import numpy as np
import pytest

QUICK = ("--quiet", "--starts", "3")


@pytest.fixture
def table(tmp_path):
    """Counts of twelve people on ten days; the last six change their level every day."""
    path, rng = tmp_path / "rows.csv", np.random.default_rng(0)
    with path.open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(["person", "day", "count"])
        for person in range(12):
            level = person % 2
            for day in range(10):
                write.writerow([f"p{person}", day, rng.poisson((1.0, 20.0)[level])])
                level = 1 - level if person >= 6 else level
    return path


def test_clusters_are_found_saved_and_predicted(run, table, tmp_path):
    path = tmp_path / "model.safetensors"
    asked = ("--family", "poisson", "--id", "person", "--time", "day")
    made = run("fit", "hmm-mixture", table, *asked, "--clusters", "1:2", "--save", path, *QUICK)
    assert made.status == 0
    assert "2 clusters of sequences" in made.out
    shown = run("predict", path, table, "--id", "person", "--time", "day")
    rows = list(csv.DictReader(shown.out.splitlines()))
    assert list(rows[0]) == ["cluster", "state"]
    clusters = [{row["cluster"] for row in rows[i : i + 10]} for i in range(0, 120, 10)]
    assert all(len(each) == 1 for each in clusters)
    assert clusters[:6] == [clusters[0]] * 6
    assert clusters[6:] == [clusters[6]] * 6
    assert clusters[0] != clusters[6]
