"""A photograph in as many colours as BIC finds in it.

    python examples/segmentation.py

writes segmentation.jpg into the folder it is run in. The photograph is scikit-learn's flower.jpg,
by the Flickr user vultilion, under the Creative Commons licence CC BY 2.0.
"""

from typing import NamedTuple

import numpy as np
from matplotlib import pyplot
from sklearn.datasets import load_sample_image

from latentia import GaussianMixture, select

N_PIXELS = 500
"""Pixels to choose by: the more of them, the finer the shades that are told apart."""


class Segmentation(NamedTuple):
    """Regions of a photograph: the sweep that chose them, each pixel's region, their colours."""

    chosen: object
    regions: np.ndarray  # (height, width)
    colours: np.ndarray  # (K, 3), red, green and blue from 0 to 255


def segment(photo: np.ndarray, numbers: range, seed: int = 0) -> Segmentation:
    """Regions of like colour in a photograph of shape (height, width, 3).

    Colours are whole numbers; moved by less than half a step, no two pixels coincide.
    """
    rng = np.random.default_rng(seed)
    pixels = photo.reshape(-1, 3) + rng.uniform(-0.5, 0.5, size=(photo.size // 3, 3))
    some = rng.choice(len(pixels), size=min(N_PIXELS, len(pixels)), replace=False)
    mixture = GaussianMixture(init_params="portfolio", max_iter=1000, random_state=seed)
    chosen = select(mixture, pixels[some], {"n_components": numbers})
    labels = chosen.best_estimator.predict(pixels)
    counts = np.bincount(labels, minlength=len(chosen.best_estimator.weights_))
    sums = [np.bincount(labels, photo[..., c].ravel(), len(counts)) for c in range(3)]
    colours = np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]
    return Segmentation(chosen, labels.reshape(photo.shape[:2]), colours)


def main() -> None:
    """Segment the photograph and draw it."""
    photo = load_sample_image("flower.jpg")
    found = segment(photo, range(2, 10))
    print(found.chosen)
    for k in np.argsort(-np.bincount(found.regions.ravel())):
        red, green, blue = found.colours[k].round().astype(int)
        print(f"region {k}: {(found.regions == k).mean():6.1%}  #{red:02x}{green:02x}{blue:02x}")

    figure = pyplot.figure(figsize=(13, 3.1), layout="constrained")
    pictures, curve = figure.subfigures(1, 2, width_ratios=[2.3, 1])
    left, right = pictures.subplots(1, 2)
    left.imshow(photo)
    right.imshow(found.colours.round().astype(np.uint8)[found.regions])
    for ax, title in ((left, "photograph"), (right, f"{len(found.colours)} regions")):
        ax.set_title(title, fontsize="medium")
        ax.axis("off")
    found.chosen.plot.criterion(ax=curve.add_subplot())
    figure.savefig("segmentation.jpg", dpi=80)


if __name__ == "__main__":
    main()
