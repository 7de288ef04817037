"""``latentia forecast``: what a model of sequences expects after the last step."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from latentia.cli import hidden_markov, switching
from latentia.cli.errors import Refusal, warnings_as_sentences
from latentia.cli.values import whole_number

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def forecast(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A file that --save wrote.")],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A file, or the name of a built-in data set.")
    ],
    steps: Annotated[
        int | None,
        typer.Option(
            parser=whole_number("--steps"),
            metavar="H",
            help="How many ahead: 10, or as many as --ahead has.",
        ),
    ] = None,
    ahead: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Covariates of the steps to come, for formulas."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A .csv, .tsv, .parquet, .arrow or .npy file; else CSV is printed."
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="The columns that stand for the model's, in its order."
        ),
    ] = None,
    id_: hidden_markov.Id = None,
    time: hidden_markov.Time = None,
) -> None:
    """Write the distribution of the steps after the last one of each sequence.

    A row a step ahead: the probability of each state, and of each column the mean and quantiles,
    or, of codes, their probabilities.
    """
    import numpy as np

    import latentia
    from latentia.cli.inputs import counted
    from latentia.cli.outputs import check_table, write_csv, write_table

    check_table("--out", out, {"the model": model, "the data": Path(data)})
    with warnings_as_sentences():
        estimator = latentia.load(model)
        if not hasattr(estimator, "forecast"):
            raise Refusal(
                f"{model} holds a {type(estimator).__name__}, which says nothing of steps to come; "
                "give a model of sequences, such as `latentia fit hmm` saves"
            )
        try:
            if hasattr(estimator, "transition_coefficients_"):
                told = (estimator, data, columns, id_, time, steps, ahead)
                law, responses, labels, steps = switching.outlook(*told)
            elif ahead is not None:
                raise Refusal(
                    f"got --ahead, but {model} has no covariates; leave it out, or use --steps"
                )
            else:
                read, ragged, *_ = hidden_markov.read_for(estimator, data, columns, id_, time)
                steps = 10 if steps is None else steps
                law = estimator.forecast(ragged.x, ragged.sizes, steps=steps)
                responses, labels = list(read.columns), ragged.names
            letters = getattr(estimator, "letters_", {})
            names, arrays = _table(law, steps, responses, letters)
            if labels is not None and (out is None or out.suffix.lower() != ".npy"):
                names, arrays = ["sequence", *names], [np.repeat(labels, steps), *arrays]
        except (TypeError, ValueError) as error:
            raise Refusal(str(error)) from error
    if out is None:
        write_csv(sys.stdout, names, arrays)
    else:
        write_table(out, names, arrays)
        print(f"Wrote {out}: {counted(len(arrays[0]), 'row')}, columns {', '.join(names)}.")


def _table(
    law: Any, steps: int, columns: list[str], letters: dict[str, list[str]]
) -> tuple[list[str], list[Any]]:
    """The columns to write, and what they are called."""
    import numpy as np

    names, arrays = ["step"], [np.tile(np.arange(1, steps + 1), len(law) // steps)]
    for k, share in enumerate(law.states.T):
        names.append(f"p{k}")
        arrays.append(share)
    means = law.mean()
    for j, column in enumerate(columns):
        if law.is_nominal(j):
            for code, share in enumerate(law.density(np.arange(law.n_codes(j)), column=j).T):
                names.append(f"{column}_{letters[column][code] if column in letters else code}")
                arrays.append(share)
            continue
        names.append(f"{column}_mean")
        arrays.append(means[:, j])
        for level, ends in zip(QUANTILES, law.quantile(QUANTILES, column=j).T, strict=True):
            names.append(f"{column}_q{100 * level:02.0f}")
            arrays.append(ends)
    return names, arrays
