"""``latentia datasets``: the data that come with latentia."""

import textwrap
from pathlib import Path
from typing import Annotated

import typer

from latentia.cli.errors import Refusal


def datasets(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Tell more of this one.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write it to a .csv, .tsv, .parquet, .arrow or .npy file."
        ),
    ] = None,
) -> None:
    """List the built-in data sets, or tell where one comes from and export it."""
    from latentia import datasets as built_in
    from latentia.cli.inputs import counted, listed
    from latentia.cli.outputs import check_table, write_table

    if name is None:
        if out is not None:
            raise Refusal("--out needs a data set to write; name one of them before it")
        for dataset in map(built_in.load, built_in.names()):
            n, d = dataset.values.shape
            print(f"{dataset.name:<10} {n:>5} x {d:<3} {dataset.title}")
        return
    check_table("--out", out, {})
    dataset = built_in.load(name)
    if out is not None:
        columns, arrays = list(dataset.columns), list(dataset.values.T)
        if dataset.labels is not None and out.suffix.lower() != ".npy":
            columns.append("label")
            arrays.append(dataset.labels)
        write_table(out, columns, arrays)
        print(f"Wrote {out}: {counted(len(dataset.values), 'row')}, columns {listed(columns)}.")
        return
    print(dataset.title)
    print(textwrap.fill(dataset.description, 88))
    print(f"rows     {len(dataset.values)}")
    for column, unit in zip(dataset.columns, dataset.units, strict=True):
        print(f"column   {column} ({unit})")
    if dataset.labels is not None:
        print(f"labels   {listed(sorted(set(dataset.labels.tolist())))}")
    print(textwrap.fill(f"origin   {dataset.origin}", 88, subsequent_indent=" " * 9))
    print(f"licence  {dataset.licence}")
