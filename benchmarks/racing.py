"""Racing 32 starts against climbing them all: how often the best optimum is found, at what cost.

Prints a Markdown table. Both sides begin from the same starts in one run; an E-step that failed
or was repeated counts. A fit finds the best optimum if it ends within 0.01 nats of the highest
that any fit on these data ended at. Errors are binomial standard errors.

    python benchmarks/racing.py [repeats]
"""

import sys
import warnings
from pathlib import Path

import numpy as np

from latentia import EM, datasets
from latentia.data.arrays import Frame, Rows
from latentia.engine.fit import NotConvergedWarning
from latentia.families.covariance import STRUCTURES
from latentia.families.gaussian import Gaussian
from latentia.mixture import MixtureModel
from latentia.mixture.start import guesses

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "classics"))

STARTS = 32
NEAR = 0.01
SIDES = {"all": {}, "race": {"race": True}, "short runs": {"short_runs": 10}}


def mixture(x, k, structure, floor):
    """A Gaussian mixture that starts from rows chosen at random, variances held above `floor`."""
    rows = Rows.of(x)
    frame = Frame.of(rows)
    family = Gaussian(k, STRUCTURES[structure], frame, floor)

    def prepare(rows):
        return Rows((rows.x - frame.origin) / frame.scale, rows.weights)

    model = MixtureModel(
        family, k, lambda sample, rng: guesses(sample, k, "random_from_data", rng), prepare
    )
    return model, rows


def galaxies():
    """Six normals of unequal variances, which a floor keeps from collapsing on a few rows."""
    return mixture(datasets.load("galaxies").values, 6, "spherical", 0.05)


def wreath():
    """14 Gaussians on a ring, as mclust's wreath data."""
    rng = np.random.default_rng(0)
    angle = 2 * np.pi * rng.integers(14, size=1000) / 14
    centres = 10 * np.c_[np.cos(angle), np.sin(angle)]
    return mixture(centres + rng.normal(size=(1000, 2)), 14, "spherical", 1e-6)


def carcinoma():
    """Four latent classes of slides; a class that lost its last slide keeps its probabilities."""
    import carcinoma

    class Kept(carcinoma.LatentClasses):
        def m_step(self, suff, params):
            count, answers = suff.stats
            total = answers.sum(axis=2, keepdims=True)
            here = np.array(params.probabilities)
            return carcinoma.Params(
                count / count.sum(), np.divide(answers, total, out=here, where=total > 0)
            )

    model, rows = carcinoma.problem(4)
    return Kept(model.k, model.items), rows


CASES = {
    "galaxies, 6 components": lambda: mixture(
        datasets.load("galaxies").values, 6, "spherical", 0.05
    ),
    "carcinoma, 4 classes": carcinoma,
    "wreath, 14 components": wreath,
}


def main(repeats):
    print("| data | starts | E-steps a fit | of all | found the best |")
    print("|---|---|---|---|---|")
    for name, case in CASES.items():
        model, rows = case()
        ends = {side: np.empty((repeats, 2)) for side in SIDES}
        for i in range(repeats):
            for side, settings in SIDES.items():
                em = EM(starts=STARTS, max_iter=2000, on_degenerate="status", **settings)
                fit = em.fit(model, rows, i)
                ends[side][i] = fit.objective, fit.certificate.n_steps_all
        best = max(np.nanmax(e[:, 0]) for e in ends.values())
        for side, found in ends.items():
            share = float(np.mean(found[:, 0] > best - NEAR))
            error = np.sqrt(share * (1 - share) / repeats)
            steps = found[:, 1].mean()
            cost = steps / ends["all"][:, 1].mean()
            print(
                f"| {name} | {side} | {steps:.0f} | {100 * cost:.0f} % "
                f"| {100 * share:.0f} ± {100 * error:.0f} % |",
                flush=True,
            )


if __name__ == "__main__":
    warnings.simplefilter("ignore", NotConvergedWarning)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
