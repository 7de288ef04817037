"""Koehn's word alignment: a dictionary learned from three pairs of sentences.

das Haus / the house, das Buch / the book, ein Buch / a book. Each English word translates one of
the German words of its sentence, all equally likely beforehand; which one is latent (IBM model
1, without the empty word). From a table with 1/4 everywhere EM finds the dictionary.

Brown, P. F. et al. (1993). The mathematics of statistical machine translation. Computational
Linguistics 19, 263-311, section 4.1. Koehn, P. (2010). Statistical Machine Translation,
chapter 4. Cambridge University Press.

    python examples/classics/word_alignment.py
"""

import warnings
from typing import Any, NamedTuple

import numpy as np
from scipy.special import xlogy

from latentia import EM, Model, Suff
from latentia.engine.fit import NotConvergedWarning
from latentia.engine.space import Simplex


class Params(NamedTuple):
    table: Any  # (German words, English words): probabilities of translations


class Stats(NamedTuple):
    pairs: Any  # (German words, English words) expected numbers of translations
    choices: Any  # sum over English words of the logarithm of their sentence's German words


class Sentences(NamedTuple):
    """Pairs of sentences as numbers of each word: the order of words plays no part."""

    german: Any  # (pairs, German words)
    english: Any  # (pairs, English words)
    weights: Any  # (pairs,)

    def __len__(self):
        return len(self.weights)

    def take(self, idx):
        return Sentences(self.german[idx], self.english[idx], self.weights[idx])

    def reweight(self, w):
        return Sentences(self.german, self.english, self.weights * w)


class WordAlignment(Model):
    """IBM model 1; the length of the English sentence is taken as given."""

    space = Params(Simplex())

    def start(self, sample, rng, given=None):
        shape = sample.german.shape[1], sample.english.shape[1]
        return Params(np.full(shape, 1 / shape[1]))

    def e_step(self, params, chunk):
        german, english, w = chunk
        mixed = german @ params.table  # proportional to the probability of each English word
        length = german.sum(axis=1, keepdims=True)
        share = np.divide(english, mixed, out=np.zeros_like(mixed), where=english > 0)
        pairs = params.table * (german.T @ (w[:, None] * share))
        choices = w @ (english * np.log(length)).sum(axis=1)
        loglik = w @ xlogy(english, mixed).sum(axis=1) - choices
        return Suff(float(loglik), w.sum(), w @ english.sum(axis=1), Stats(pairs, choices))

    def m_step(self, suff, params):
        pairs = suff.stats.pairs
        return Params(pairs / pairs.sum(axis=1, keepdims=True))

    def q(self, params, suff):
        return float(xlogy(suff.stats.pairs, params.table).sum() - suff.stats.choices)

    def score(self, params, suff):
        table, pairs = params.table, suff.stats.pairs
        return Params(np.divide(pairs, table, out=np.zeros_like(table), where=table > 0))


GERMAN, ENGLISH = ("das", "Haus", "Buch", "ein"), ("the", "house", "book", "a")

START = Params(np.full((4, 4), 1 / 4))

PUBLISHED = {
    "t(the|das), step 1": 0.5000,
    "t(the|das), step 2": 0.6364,
    "t(the|das), step 3": 0.7479,
    "t(the|das), step 4": 0.8344,
    "t(the|das), step 5": 0.8961,
}


def problem():
    """The model and its data."""
    pairs = [("das Haus", "the house"), ("das Buch", "the book"), ("ein Buch", "a book")]
    german = np.array([[g.split().count(word) for word in GERMAN] for g, _ in pairs], float)
    english = np.array([[e.split().count(word) for word in ENGLISH] for _, e in pairs], float)
    return WordAlignment(), Sentences(german, english, np.ones(len(pairs)))


def after(steps):
    """The table after this many plain EM steps from `START`."""
    em = EM(tol=0, accelerate="none", max_iter=steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)  # it is meant to stop short
        return em.fit(*problem(), start=START).params.table


def report(fit=None, errors=None):
    """Rows of (name, found, published), from fits of one to five steps of their own."""
    found = [float(after(steps)[0, 0]) for steps in range(1, 6)]
    return [(name, value, PUBLISHED[name]) for name, value in zip(PUBLISHED, found, strict=True)]


def main():
    print(f"{'':22}{'found':<14}published")
    for name, found, published in report():
        print(f"{name:22}{found:<14.6f}{published:.4f}")
    model, sentences = problem()
    fit = EM(tol=1e-9).fit(model, sentences, start=START)
    for word, row in zip(GERMAN, fit.params.table, strict=True):
        print(f"{word} means {ENGLISH[int(row.argmax())]} with probability {row.max():.6f}")
    print("\n".join(fit.certificate.sentences()[:3]))


if __name__ == "__main__":
    main()
