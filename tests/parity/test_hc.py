"""Hierarchical partitions against mclust's, recorded in hc.csv by hc.R.

Partitions into 2 to 9 clusters of three data by two criteria are equal but for the eight of "VVV"
on faithful, where distances tie and mclust and we go on from different pairs; with its ties broken
all are equal there too.
"""

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from latentia import datasets
from latentia.mixture.agglomerate import agglomerate

RECORDED = list(csv.DictReader(Path(__file__).with_name("hc.csv").read_text().splitlines()))


def _values(name):
    if name != "apart":
        return datasets.load(name).values
    i = np.arange(1.0, 273.0)
    return datasets.load("faithful").values + np.column_stack([np.sin(i) / 100, np.cos(i * i) / 10])


@pytest.mark.parametrize(
    ("name", "criterion"),
    [
        (name, criterion)
        for name in ("faithful", "apart", "iris", "diabetes")
        for criterion in ("VVV", "EII")
        if (name, criterion) != ("faithful", "VVV")
    ],
)
def test_partitions_are_mclusts(name, criterion):
    merges = agglomerate(_values(name), None, 9, criterion)
    for k in range(2, 10):
        recorded = [int(row[f"{criterion}{k}"]) for row in RECORDED if row["data"] == name]
        assert adjusted_rand_score(recorded, merges.labels(k)) == 1
