"""What ``latentia fit`` says of its models, with an example of each."""

ENDINGS = (
    "Results go to standard output, progress and errors to standard error.\n\n"
    "The exit status is 0 where the fit converged, 1 where it did not, 2 for input that cannot be "
    "used, and 130 after Ctrl-C; whatever was fitted by then is written all the same."
)
GAUSSIAN = (
    "Fit Gaussian mixtures and keep the best.\n\n"
    f"Every number of components is tried with every type of covariance. {ENDINGS}"
)
GAUSSIAN_EXAMPLE = (
    "Example: latentia fit gaussian-mixture faithful --components 1:5 --report report.html"
)
MIXTURE = (
    "Fit mixtures of any family and keep the best.\n\n"
    f"Every number of components is tried with every family. Cells may be missing where the family "
    f"takes that. {ENDINGS}"
)
MIXTURE_EXAMPLE = "Example: latentia fit mixture deaths --family poisson --components 1:4"
BAYESIAN = (
    "Fit a Bayesian Gaussian mixture.\n\n"
    "Of the components that --components allows, those that the rows do not need are left with "
    f"next to none. {ENDINGS}"
)
BAYESIAN_EXAMPLE = "Example: latentia fit bayesian-mixture faithful --components 6"
REGRESSION = (
    "Fit mixtures of regressions by formula and keep the best.\n\n"
    "Every number of components is tried. Weights may follow covariates (--concomitant), and the "
    f"rows of a subject share a component (--groups). {ENDINGS}"
)
REGRESSION_EXAMPLE = (
    "Example: latentia fit regression npreg --formula 'yn ~ x + I(x**2)' --components 2"
)
DISCRIMINANT = (
    "Fit Gaussian densities of classes that are known, to predict the class of other rows.\n\n"
    "With --type mclustda each class is a mixture, its covariance and number of components "
    f"chosen by BIC; with edda each is one Gaussian. {ENDINGS}"
)
DISCRIMINANT_EXAMPLE = "Example: latentia fit discriminant iris --type edda --save iris.safetensors"
HIDDEN_MARKOV = (
    "Fit hidden Markov models of any family and keep the best.\n\n"
    "Rows are steps, of one sequence or of those that --id tells apart. Whole rows may be missing, "
    f"and cells where the family takes that. {ENDINGS}"
)
HIDDEN_MARKOV_EXAMPLE = (
    "Example: latentia fit hmm earthquakes --family poisson --states 1:4 --time year"
)
TABLE = (
    "Fit a log-linear model of categories, or with columns of numbers the general location model."
    f"\n\nColumns of texts are categories. Cells may be missing. {ENDINGS}"
)
TABLE_EXAMPLE = "Example: latentia fit table nhanes --categorical age,hyp --interactions 1"
FACTORS = (
    "Fit factor analyses for one or several numbers of factors, and keep the best.\n\n"
    f"Cells may be missing. {ENDINGS}"
)
FACTORS_EXAMPLE = "Example: latentia fit factors bfi --factors 1:6 --rotation oblimin --parallel"
PRINCIPAL = (
    "Fit principal components as a density, for one or several numbers, and keep the best.\n\n"
    f"Cells may be missing. {ENDINGS}"
)
PRINCIPAL_EXAMPLE = "Example: latentia fit pca airquality --components 1:3 --filled filled.csv"
SURVIVAL = (
    "Fit a survival curve by no formula, or with --on a regression of times on covariates.\n\n"
    "Times are known exactly or up to intervals; covariates may be missing. "
    f"{ENDINGS}"
)
SURVIVAL_EXAMPLE = (
    "Example: latentia fit survival cosmesis --lower left --upper right --on chemotherapy"
)
MARKOV_REGRESSION = (
    "Fit regressions that switch with the states of a hidden Markov chain, and keep the best.\n\n"
    "Lines differ between states; moves from state to state, and first states, may follow "
    f"covariates by logits. Responses may be missing. {ENDINGS}"
)
MARKOV_REGRESSION_EXAMPLE = (
    "Example: latentia fit markov-regression speed --formula 'rt ~ 1' --transitions '~ payoff' "
    "--id series"
)
MARKOV_AUTOREGRESSION = (
    "Fit autoregressions that switch with hidden states, and keep the best.\n\n"
    "The first values of each series, as many as there are lags, are given; the likelihood of the "
    f"others is exact. {ENDINGS}"
)
MARKOV_AUTOREGRESSION_EXAMPLE = (
    "Example: latentia fit markov-autoregression gnp --columns growth --order 4"
)
MARKOV_MIXTURE = (
    "Fit mixtures of hidden Markov models, which cluster sequences, and keep the best.\n\n"
    "Every number of clusters is tried with every number of states. --id says whose a row is. "
    f"{ENDINGS}"
)
MARKOV_MIXTURE_EXAMPLE = (
    "Example: latentia fit hmm-mixture rows.csv --id person --time day --clusters 1:4"
)
SEMI_MARKOV = (
    "Fit hidden states that last by laws of their own, and keep the best.\n\n"
    "Every number of states is tried with every law of durations. Rows are steps, of one sequence "
    f"or of those that --id tells apart; whole rows may be missing. {ENDINGS}"
)
SEMI_MARKOV_EXAMPLE = (
    "Example: latentia fit hsmm speed --columns rt --id series --durations geometric,poisson"
)
LATENT_CLASS = (
    "Fit latent class models and keep the best.\n\n"
    f"Columns are items, answers texts or numbers, and cells may be missing. {ENDINGS}"
)
LATENT_CLASS_EXAMPLE = "Example: latentia fit latent-class carcinoma --classes 1:4"
