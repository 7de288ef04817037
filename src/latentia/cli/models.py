"""``latentia models``: what can be fitted."""

MODELS = {
    "gaussian-mixture": "K normal components, covariances tied in one of fourteen ways",
    "bayesian-mixture": "normal components, at most K, with priors on all parameters",
    "mixture": "K components of any family, or of a family for each column",
    "regression": "K linear, Poisson, logistic or gamma regressions, weights may follow covariates",
    "hmm": "K states of any family that follow one another as a Markov chain",
    "markov-regression": "regressions of K hidden states, moves may follow covariates",
    "markov-autoregression": "autoregressions whose level or dynamics switch with K hidden states",
    "hmm-mixture": "sequences of G kinds, each kind a hidden Markov model",
    "hsmm": "K states of any family that last by laws of their own, and then give way",
    "latent-class": "K classes behind answers to items, with covariates of membership",
    "factors": "few factors behind many columns, rotated, with a test of fit",
    "pca": "principal components as a density, of rows with holes",
    "table": "categories, or categories and numbers, that may be missing",
    "survival": "times known up to intervals: a curve by no formula, or a regression",
    "discriminant": "Gaussian densities, or mixtures, of classes that are known",
}
"""The models of ``latentia fit``, in one line each."""


def models() -> None:
    """List the models that can be fitted, a line each."""
    widest = max(map(len, MODELS))
    for name, words in MODELS.items():
        print(f"{name:<{widest}}  {words}")
