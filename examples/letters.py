"""The letters of a novel by a hidden Markov model, which is told nothing of language.

    python examples/letters.py

writes letters.png into the folder it is run in. The data are the first thirty thousand letters and
spaces of Alice's Adventures in Wonderland (Carroll 1865); the idea is Cave & Neuwirth's (1980),
Hidden Markov models for English, in Hidden Markov Models for Speech, IDA-CRD.
"""

from typing import NamedTuple

import numpy as np
from matplotlib import pyplot

from latentia import CategoricalHMM, HiddenMarkov, datasets
from latentia.report.displays.canvas import colour, tidy

ALPHABET = " abcdefghijklmnopqrstuvwxyz"
VOWELS = "aeiou"


class Found(NamedTuple):
    """A model of the letters, and the share of each state in each symbol, (27, K)."""

    model: object
    shares: np.ndarray


def shares_of(emissions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """P(state | symbol) in the long run, by Bayes' rule."""
    joint = emissions.T * weights
    return joint / joint.sum(axis=1, keepdims=True)


def two_states(letters: np.ndarray) -> Found:
    """The climb from Cave & Neuwirth's question: is one state the vowels?

    The start says so faintly: one state makes vowels twice as often as chance has it.
    """
    alike = np.bincount(letters[:, 0].astype(int), minlength=27) / len(letters)
    more = np.where(np.isin(list(ALPHABET), list(VOWELS)), 2.0, 1.0)
    model = CategoricalHMM(2, init_params="", tol=1e-4)
    model.startprob_, model.transmat_ = np.full(2, 0.5), np.array([[0.4, 0.6], [0.6, 0.4]])
    guess = np.stack([alike * more, alike / more])
    model.emissionprob_ = guess / guess.sum(axis=1, keepdims=True)
    model.fit(letters)
    return Found(model, shares_of(model.emissionprob_, model.get_stationary_distribution()))


def more_states(letters: np.ndarray, k: int, n_init: int = 4) -> Found:
    """The best of a few starts that know nothing."""
    model = HiddenMarkov("categorical", k, n_init=n_init, tol=1e-2, random_state=0).fit(letters)
    emissions = model.params_.probabilities[:, 0]
    return Found(model, shares_of(emissions, model.get_stationary_distribution()))


def members(found: Found) -> list[str]:
    """The symbols that each state makes more often than any other; a space is _."""
    own = found.shares.argmax(axis=1)
    return [
        "".join(s.replace(" ", "_") for s, k in zip(ALPHABET, own, strict=True) if k == state)
        for state in range(found.shares.shape[1])
    ]


def draw(two: Found, four: Found, letters: np.ndarray):
    """Each symbol by its states, and the beginning of the text as it is decoded."""
    figure = pyplot.figure(figsize=(9.6, 5.2), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, height_ratios=[1, 1, 0.42])
    for ax, found in ((top, two), (middle, four)):
        floor = np.zeros(27)
        for k, share in enumerate(found.shares.T):
            ax.bar(np.arange(27), share, bottom=floor, width=0.9, color=colour(k))
            floor += share
        ax.set_xticks(np.arange(27), [s.replace(" ", "␣") for s in ALPHABET])
        ax.set_xlim(-0.6, 26.6)
        ax.set_ylabel("share")
        k = found.shares.shape[1]
        ax.set_title(f"{k} states: which makes which symbol", loc="left", fontsize="medium")
        tidy(ax)
    states = two.model.predict(letters)
    n = 66
    for line in range(2):
        for i in range(n):
            at = line * n + i
            symbol = ALPHABET[int(letters[at, 0])].replace(" ", "␣")
            look = {"color": colour(states[at]), "family": "monospace", "fontsize": 11}
            bottom.text(i / n, 0.75 - 0.6 * line, symbol, va="center", **look)
    bottom.set_title("the text as two states have it", loc="left", fontsize="medium")
    bottom.axis("off")
    return figure


def main() -> None:
    """Fit both models, say what they found, draw it."""
    letters = datasets.load("alice").values
    two, four = two_states(letters), more_states(letters, 4)
    for found in (two, four):
        k = found.shares.shape[1]
        print(f"{k} states, log-likelihood {found.model.loglik_:.1f}: {', '.join(members(found))}")
    draw(two, four, letters).savefig("letters.png", dpi=110)
    print("Wrote letters.png")


if __name__ == "__main__":
    main()
