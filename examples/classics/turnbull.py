"""A survival curve from intervals alone: Turnbull's nonparametric estimate.

46 patients had radiotherapy for breast cancer; at visits it was noted whether the breast had
retracted, so the time is known to lie between two visits, or after the last one (Finkelstein &
Wolfe 1985, Biometrics 41, 933-945). Peto (1973) and Turnbull (1976, J. R. Statist. Soc. B 38,
290-295) showed that the estimate can put mass only on the innermost intervals (a left end
followed by a right end) and that it is found by self-consistency, which is EM: the latent
variable is the innermost interval that the time fell in.

The likelihood is concave, so there is one maximum; many masses are exactly zero there, where EM is
slowest. The published masses are those of Finkelstein & Wolfe's data as R's survival 3.5-3 prints
them, survfit(Surv(left, right, type = "interval2") ~ 1), which is not quite converged: it leaves
3e-4 of mass where the maximum has none. Its first digits are in many textbooks.
"""

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import xlogy

from latentia import EM, Model, Suff
from latentia.data.arrays import Rows
from latentia.engine.space import Simplex

DATA = Path(__file__).parent / "data"
PUBLISHED = {"survival": {5: 0.954, 7: 0.920, 8: 0.832, 12: 0.761, 25: 0.668, 34: 0.586, 40: 0.466}}


class Params(NamedTuple):
    mass: np.ndarray  # (m,), of the innermost intervals


class Stats(NamedTuple):
    count: np.ndarray  # (m,), expected patients in each


class Turnbull(Model):
    """Rows (left, right): the event fell in (left, right].

    Parameters
    ----------
    ends : array of shape (m, 2)
        The innermost intervals, as `innermost` finds them.
    """

    def __init__(self, ends):
        self.ends = np.asarray(ends, float)

    space = Params(Simplex())

    def start(self, sample, rng, given=None):
        return Params(np.full(len(self.ends), 1 / len(self.ends)))

    def inside(self, chunk):
        """Which innermost intervals each patient's own contains, shape (patients, m)."""
        left, right = chunk.x[:, :1], chunk.x[:, 1:]
        return (left <= self.ends[:, 0]) & (self.ends[:, 1] <= right)

    def e_step(self, params, chunk):
        joint = self.inside(chunk) * params.mass
        total = joint.sum(axis=1)
        count = (chunk.weights / total) @ joint
        n = chunk.weights.sum()
        return Suff(float(chunk.weights @ np.log(total)), n, n, Stats(count))

    def m_step(self, suff, params):
        return Params(suff.stats.count / suff.stats.count.sum())

    def q(self, params, suff):
        return float(xlogy(suff.stats.count, params.mass).sum())

    def score(self, params, suff):
        mass = np.where(params.mass > 0, params.mass, 1.0)
        return Params(suff.stats.count / mass)

    def slopes(self, params, chunk):
        """Derivative of the mean log-likelihood in each mass, less 1.

        At the maximum it is zero where there is mass and nowhere positive (Kuhn & Tucker).
        """
        inside = self.inside(chunk)
        return chunk.weights @ (inside / (inside @ params.mass)[:, None]) / chunk.weights.sum() - 1


def innermost(rows):
    """Intervals from a left end to the next right end, without another end between."""
    ends = sorted({(right, 0) for right in rows.x[:, 1]} | {(left, 1) for left in rows.x[:, 0]})
    return [(a, b) for (a, opens), (b, reopens) in pairwise(ends) if opens and not reopens]


def problem():
    """The model on the innermost intervals of the radiotherapy arm, and its rows."""
    data = Rows.of(np.genfromtxt(DATA / "cosmesis.csv", delimiter=",", skip_header=1))
    return Turnbull(innermost(data)), data


def survival(model, params, time):
    """The estimated probability of no event up to `time`."""
    return float(params.mass[model.ends[:, 1] > time].sum())


def report(fit, errors):
    """Names, what was found, what is published."""
    model, _ = problem()
    published = PUBLISHED["survival"].items()
    return [(f"S({time})", survival(model, fit.params, time), value) for time, value in published]


def main():
    model, data = problem()
    fit = EM(tol=1e-9, max_iter=100_000).fit(model, data)
    for name, found, published in report(fit, None):
        print(f"{name:8} {found:10.6f}   published {published:.3f}")
    print("\nmass on the innermost intervals, and the slope of the likelihood there")
    for (left, right), mass, slope in zip(
        model.ends, fit.params.mass, model.slopes(fit.params, data), strict=True
    ):
        print(f"({left:g}, {right:g}]  {mass:10.7f}  {slope:10.2e}")
    print(f"loglik {fit.loglik:.9f}")
    print(" ".join(fit.certificate.sentences()[:4]))


if __name__ == "__main__":
    main()
