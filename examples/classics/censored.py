"""Weibull survival times, some seen only up to an interval: what a table of follow-ups gives.

A patient whose event fell between two visits is known to have had it in (left, right]; one who
has not had it yet is known to have it after the last visit; a death has a date. Two sets of data:

- "cosmesis": months until the breast retracts after radiotherapy, 46 patients, all of them
  interval- or right-censored (Finkelstein & Wolfe 1985, Biometrics 41, 933-945);
- "remission": weeks of remission of acute leukaemia on 6-mercaptopurine, 21 patients, twelve
  of them right-censored (Freireich et al. 1963, Blood 21, 699-716).

The latent variable is the exact time t. With y = log t the complete-data log-likelihood is

    log k + (k y + a) - exp(k y + a) - y,        a = -k log(scale),  k the shape,

which has no finite sufficient statistics in k but is concave in b = (a, k). So the E-step returns
value, gradient and curvature of Q at the present b, in absolute coefficients, which add up over
patients; the M-step is the Newton step (Lange 1995, J. R. Statist. Soc. B 57, 425-437).

Compared with R 4.2.2, survival 3.5-3: survreg(Surv(left, right, type = "interval2") ~ 1).
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from latentia import EM, Model, Suff
from latentia.data.arrays import Rows
from latentia.engine.backend import Threads
from latentia.engine.inference import observed_information
from latentia.engine.space import Positive, Real

DATA = Path(__file__).parent / "data"
PUBLISHED = {
    "cosmesis": {
        "loglik": -64.7314706152882,
        "log scale": 4.05201267637283,
        "shape": 1.12161284578631,
        "SE(log scale)": 0.225984721206893,
        "SE(log shape)": 0.213663574646560,
    },
    "remission": {
        "loglik": -41.6586784768815,
        "log scale": 3.51942923414475,
        "shape": 1.35373452382622,
        "SE(log scale)": 0.273368922146781,
        "SE(log shape)": 0.278397883979914,
    },
}
REACH = 42.0  # exp(-42) is below rounding: further out nothing is left of a density
PANELS, NODES = 6, 24  # of the quadrature over the interval of a patient


class Params(NamedTuple):
    log_scale: np.ndarray  # scalar
    shape: np.ndarray  # scalar


class Stats(NamedTuple):
    constant: np.ndarray  # scalar
    linear: np.ndarray  # (2,), gradient of Q plus curvature times coefficients
    curvature: np.ndarray  # (2, 2), minus the Hessian of Q


class Weibull(Model):
    """Rows (left, right): the event fell in (left, right], or at left where the two are equal."""

    space = Params(Real(), Positive())
    m_step_exact = False

    def start(self, sample, rng, given=None):
        x, w = sample
        middle = np.where(np.isfinite(x[:, 1]), x.mean(axis=1), 1.5 * x[:, 0])
        return Params(np.array(np.log(w @ middle / w.sum())), np.array(1.0))

    def coefficients(self, params):
        return np.array([-params.shape * params.log_scale, params.shape])

    def e_step(self, params, chunk):
        b = self.coefficients(params)
        (left, right), w = chunk.x.T, chunk.weights
        u0, u1 = np.exp(b[0]) * left ** b[1], np.exp(b[0]) * right ** b[1]  # cumulative hazards
        exact = left == right
        top = np.log(np.where(exact, 1.0, -np.expm1(u0 - u1)))
        log_z = np.log(np.where(exact, u0, 1.0))
        log_t = (log_z - b[0]) / b[1]
        loglik = w @ np.where(exact, np.log(b[1]) + log_z - u0 - log_t, top - u0)
        z, share = self.nodes(u0, u1, exact)
        u, y = np.exp(z), (z - b[0]) / b[1]
        n = w.sum()
        mean = {k: w @ (share * v).sum(axis=1) for k, v in (("y", y), ("u", u), ("z", z))}
        uy, uyy = w @ (share * u * y).sum(axis=1), w @ (share * u * y * y).sum(axis=1)
        value = n * np.log(b[1]) + mean["z"] - mean["u"] - mean["y"]
        gradient = np.array([n - mean["u"], n / b[1] + mean["y"] - uy])
        curvature = np.array([[mean["u"], uy], [uy, uyy + n / b[1] ** 2]])
        linear = gradient + curvature @ b
        stats = Stats(value - gradient @ b - 0.5 * b @ curvature @ b, linear, curvature)
        return Suff(float(loglik), n, n, stats)

    def nodes(self, u0, u1, exact):
        """Places z = log u in each patient's interval, and what each counts, (patients, nodes).

        u is exponential, so z has density exp(z - exp(z)): entire, falling off on both sides.
        """
        width = np.where(exact, 0.0, np.minimum(u1 - u0, REACH))
        base = np.maximum(u0, (u0 + width) * np.exp(-REACH))
        x, weight = np.polynomial.legendre.leggauss(NODES)
        at = ((np.arange(PANELS)[:, None] + (x + 1) / 2) / PANELS).ravel()
        ahead = np.log1p((u0 - base + width) / base)[:, None] * at
        z, base = np.log(base)[:, None] + ahead, base[:, None]
        passed = base * np.expm1(ahead) + base - u0[:, None]  # u - u0, exact where u0 is large
        density = np.exp(z - passed) * np.tile(weight, PANELS)
        return z, density / density.sum(axis=1, keepdims=True)

    def m_step(self, suff, params):
        old = self.coefficients(params)
        step = np.linalg.solve(suff.stats.curvature, suff.stats.linear) - old
        if step[1] < -old[1] / 2:  # the shape stays positive
            step *= -old[1] / 2 / step[1]
        a, k = old + step
        return Params(np.array(-a / k), np.array(k))

    def q(self, params, suff):
        b, s = self.coefficients(params), suff.stats
        return float(s.constant + s.linear @ b - 0.5 * b @ s.curvature @ b)


def problem(name="cosmesis"):
    """The model and the rows of one of the two sets of data."""
    rows = np.genfromtxt(DATA / f"{name}.csv", delimiter=",", skip_header=1)
    return Weibull(), Rows.of(rows)


def report(fit, errors, name="cosmesis"):
    """Names, what was found, what is published."""
    shape = float(fit.params.shape)
    found = {
        "loglik": fit.loglik,
        "log scale": float(fit.params.log_scale),
        "shape": shape,
        "SE(log scale)": float(errors.log_scale),
        "SE(log shape)": float(errors.shape) / shape,
    }
    return [(key, found[key], value) for key, value in PUBLISHED[name].items()]


def main():
    for name in PUBLISHED:
        model, data = problem(name)
        fit = EM(tol=1e-12).fit(model, data)
        errors = observed_information(model, data, fit.params, Threads()).standard_errors()
        print(name)
        for key, found, published in report(fit, errors, name):
            print(f"  {key:14} {found:14.8f}   R survival {published:14.8f}")
        print(" ", " ".join(fit.certificate.sentences()[:4]))


if __name__ == "__main__":
    main()
