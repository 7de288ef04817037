"""Emission tomography: an image from counts along lines, by EM and by ordered subsets.

The first application of EM to imaging (Shepp & Vardi 1982, IEEE Trans. Med. Imaging 1, 113-122;
Lange & Carson 1984, J. Comput. Assist. Tomogr. 8, 306-316). Pixel j emits Poisson(image[j])
photons; detector bin i counts

    y[i] ~ Poisson(sum over j of e[i] A[i, j] image[j] + r[i]),

A being the share of pixel j's square that lies in strip i, e the bin's efficiency times the
attenuation along its strip, r the expected background. Latent: how many of bin i's photons came
from pixel j. Bins are the units. What some bins say of a pixel must be divided by what those bins
could have seen of it, so the sensitivity is a statistic like the counts: both add up over bins.

The phantom is Shepp & Logan's (1974, IEEE Trans. Nucl. Sci. 21, 21-43) with the contrasts of Toft
(1996). The likelihood is concave; at its maximum half of the pixels are exactly zero. No numbers
are published for such an image: beside EM stand the maximum that SciPy's L-BFGS-B finds under the
bounds image >= 0, and the conditions of Kuhn & Tucker. Ordered subsets (Hudson & Larkin 1994, IEEE
Trans. Med. Imaging 13, 601-609) are many times faster at first and do not converge; full EM steps
finish.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array, diags_array
from scipy.special import gammaln, xlogy

from latentia import EM, Model, Suff
from latentia.engine.space import Positive

PUBLISHED = {}  # an independent solver stands in
ELLIPSES = (  # activity, half axes, centre, degrees: Toft's table
    (1.0, 0.69, 0.92, 0.0, 0.0, 0),
    (-0.8, 0.6624, 0.874, 0.0, -0.0184, 0),
    (-0.2, 0.11, 0.31, 0.22, 0.0, -18),
    (-0.2, 0.16, 0.41, -0.22, 0.0, 18),
    (0.1, 0.21, 0.25, 0.0, 0.35, 0),
    (0.1, 0.046, 0.046, 0.0, 0.1, 0),
    (0.1, 0.046, 0.046, 0.0, -0.1, 0),
    (0.1, 0.046, 0.023, -0.08, -0.605, 0),
    (0.1, 0.023, 0.023, 0.0, -0.606, 0),
    (0.1, 0.023, 0.046, 0.06, -0.605, 0),
)


@dataclass(frozen=True)
class Bins:
    """Detector bins: the rows of the system with what was counted there."""

    system: csr_array  # (bins, pixels), efficiency and attenuation included
    counts: np.ndarray  # (bins,)
    background: np.ndarray  # (bins,), expected
    weights: np.ndarray  # (bins,)

    def __len__(self):
        return len(self.counts)

    def take(self, idx):
        rows = self.counts[idx], self.background[idx], self.weights[idx]
        return Bins(self.system[idx], *rows)

    def reweight(self, w):
        return replace(self, weights=self.weights * w)


class Params(NamedTuple):
    image: np.ndarray  # (pixels,), expected emissions


class Stats(NamedTuple):
    emitted: np.ndarray  # (pixels,), expected detected photons that came from there
    seen: np.ndarray  # (pixels,), the share of its photons that these bins detect
    constant: np.ndarray  # scalar


class Emission(Model):
    """The image that made the counts."""

    space = Params(Positive())

    def start(self, sample, rng, given=None):
        seen = sample.weights @ sample.system
        total = sample.weights @ np.maximum(sample.counts - sample.background, 0)
        flat = total / seen.sum()
        return Params(flat * rng.uniform(0.9, 1.1, size=len(seen)))

    def e_step(self, params, chunk):
        system, y, w = chunk.system, chunk.counts, chunk.weights
        expected = system @ params.image + chunk.background
        loglik = float(w @ (xlogy(y, expected) - expected - gammaln(y + 1)))
        ratio = np.divide(w * y, expected, out=np.zeros_like(expected), where=y > 0)
        emitted, seen = params.image * (system.T @ ratio), system.T @ w
        moving = xlogy(emitted, params.image).sum() - seen @ params.image
        n = w.sum()
        return Suff(loglik, n, n, Stats(emitted, seen, loglik - moving))

    def m_step(self, suff, params):
        emitted, seen, _ = suff.stats
        return Params(np.divide(emitted, seen, out=params.image.copy(), where=seen > 0))

    def q(self, params, suff):
        """Up to what does not depend on the image, which is set so that q starts at loglik."""
        emitted, seen, constant = suff.stats
        return float(xlogy(emitted, params.image).sum() - seen @ params.image + constant)

    def score(self, params, suff):
        image = np.where(params.image > 0, params.image, 1.0)
        return Params(suff.stats.emitted / image - suff.stats.seen)

    def slopes(self, params, chunk):
        """Gradient of the log-likelihood in every pixel, zero ones too."""
        expected = chunk.system @ params.image + chunk.background
        return chunk.system.T @ (chunk.weights * (chunk.counts / expected - 1))


def phantom(size):
    """Shepp & Logan's head on size x size pixels of [-1, 1]^2, each the mean of 8 x 8 points."""
    at = (np.arange(8 * size) + 0.5) / (4 * size) - 1
    x, y = np.meshgrid(at, -at)
    fine = np.zeros_like(x)
    for activity, a, b, x0, y0, degrees in ELLIPSES:
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        u, v = c * (x - x0) + s * (y - y0), c * (y - y0) - s * (x - x0)
        fine += activity * ((u / a) ** 2 + (v / b) ** 2 <= 1)
    return np.maximum(fine.reshape(size, 8, size, 8).mean(axis=(1, 3)), 0)


def strips(size, angles):
    """Shares of pixels in strips as wide as a pixel, (angles * bins, size^2), angle by angle.

    The shadow of a square at angle t is the convolution of two boxes, |cos t| and |sin t| wide,
    so the share left of a line is a difference of four squares.
    """
    half = int(np.ceil(size / np.sqrt(2)))
    edges = np.arange(-half, half + 1.0)
    centre = np.arange(size) - (size - 1) / 2
    x, y = (grid.ravel() for grid in np.meshgrid(centre, -centre))
    blocks = []
    for angle in np.pi * (np.arange(angles) + 0.5) / angles:
        c, s = np.maximum(np.abs([np.cos(angle), np.sin(angle)]), 1e-6)  # upright squares too
        t = edges[:, None] - (x * np.cos(angle) + y * np.sin(angle))
        corners = ((c + s) / 2, 1), ((c - s) / 2, -1), ((s - c) / 2, -1), (-(c + s) / 2, 1)
        left = sum(sign * np.maximum(t + at, 0) ** 2 for at, sign in corners) / (2 * c * s)
        blocks.append(np.diff(left, axis=0))
    dense = np.concatenate(blocks)
    return csr_array(np.where(dense > 1e-12, dense, 0.0))


def problem(size=24, angles=30, photons=1000.0, seed=1):
    """The model and a noisy sinogram of size x size pixels, the brightest `photons` strong."""
    rng = np.random.default_rng(seed)
    area = strips(size, angles)
    truth = photons * phantom(size).ravel()
    through = area @ (phantom(size).ravel() > 0)  # length of the path through the head
    efficiency = rng.uniform(0.8, 1.0, size=area.shape[0]) * np.exp(-0.5 * through / size)
    system = csr_array(diags_array(efficiency / angles) @ area)
    clean = system @ truth
    background = np.full(len(clean), 0.05 * clean.mean())
    seen = (system @ np.ones(size**2)) > 0
    bins = Bins(system, rng.poisson(clean + background) * 1.0, background, np.ones(len(clean)))
    return Emission(), bins.take(np.flatnonzero(seen))


def ordered_subsets(model, data, params, subsets, passes):
    """Params after each pass; in a pass every subset of the bins takes an EM step by itself."""
    parts = [data.take(np.arange(k, len(data), subsets)) for k in range(subsets)]
    history = []
    for _ in range(passes):
        for part in parts:
            params = model.m_step(model.e_step(params, part), params)
        history.append(params)
    return history


def by_bounds(model, data):
    """The maximum that L-BFGS-B finds under image >= 0: shares no code with EM's steps."""

    def cost(image):
        expected = data.system @ image + data.background
        value = data.counts @ np.log(expected) - expected.sum()
        return -value, -(data.system.T @ (data.counts / expected - 1))

    image = np.ones(data.system.shape[1])
    for _ in range(5):  # each time with a fresh memory
        options = {"maxiter": 20_000, "maxfun": 50_000, "ftol": 0, "gtol": 1e-10, "maxcor": 50}
        bounds = [(0, None)] * len(image)
        found = minimize(cost, image, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        image = found.x
    return -found.fun - gammaln(data.counts + 1).sum()


def report(fit, errors, **sizes):
    """Names, what was found, what the independent solver found for `problem(**sizes)`."""
    return [("loglik", fit.loglik, by_bounds(*problem(**sizes)))]


def main():
    model, data = problem()
    start = model.start(data, np.random.default_rng(0))
    plain, subset = start, ordered_subsets(model, data, start, 10, 20)
    fit = EM(max_iter=20_000).fit(model, data, start=subset[-1])
    print("nats below the maximum after so many passes over the data")
    print("passes      EM    10 ordered subsets")
    for passes in range(1, 21):
        plain = model.m_step(model.e_step(plain, data), plain)
        if passes in (1, 2, 5, 10, 20):
            short = [fit.loglik - model.e_step(p, data).loglik for p in (plain, subset[passes - 1])]
            print(f"{passes:6}  {short[0]:10.4f}  {short[1]:10.4f}")
    print("\nfull steps from the last")
    for name, found, other in report(fit, None):
        print(f"{name} {found:.7f}   by L-BFGS-B {other:.7f}")
    slopes, zero = model.slopes(fit.params, data), fit.params.image < 1e-6
    print(f"{zero.sum()} of {len(zero)} pixels are zero")
    most = slopes[zero].max(), abs(slopes[~zero]).max()
    print("slope of the likelihood: at most {:.1e} there, {:.1e} elsewhere".format(*most))
    print(" ".join(fit.certificate.sentences()[:4]))


if __name__ == "__main__":
    main()
