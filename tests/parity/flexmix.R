# Makes flexmix.csv beside it: mixtures of regressions by flexmix (Gruen & Leisch 2008), the best of
# 20 starts, run to the end, and a gamma regression by glm with the shape of MASS's gamma.shape.
# flexmix divides squared residuals by the degrees of freedom, so that its normal components are a
# little off the maximum of the likelihood; Poisson and binomial ones are at it.
# Run from the root of the project: Rscript tests/parity/flexmix.R
# Recorded with R 4.2.2, flexmix 2.3-18, MASS 7.3-58.2.
suppressMessages({library(flexmix); library(MASS)})

data <- read.csv("src/latentia/datasets/npreg.csv")
data$first <- ave(data$x, data$id2, FUN = function(x) x[1])  # a covariate of the subject
co2 <- read.csv("src/latentia/datasets/co2.csv")
control <- list(minprior = 0, tolerance = 1e-14, iter.max = 20000)
made <- data.frame()

line <- function(case, name, value)
  made[nrow(made) + 1, c("case", "name", "value")] <<- list(case, name, signif(value, 10))

best <- function(...) {
  fits <- lapply(1:20, function(seed) {
    set.seed(seed)
    try(flexmix(..., k = 2, control = control), silent = TRUE)
  })
  fits <- Filter(function(fit) !inherits(fit, "try-error"), fits)
  fits[[which.max(sapply(fits, logLik))]]
}

told <- function(case, fit) {
  fit <- relabel(fit, order(parameters(fit)[2, ]))  # by the slope of the first covariate
  line(case, "loglik", as.numeric(logLik(fit)))
  line(case, "df", attr(logLik(fit), "df"))
  p <- parameters(fit)
  for (k in 1:2) for (name in rownames(p)) line(case, paste0(name, "[", k - 1, "]"), p[name, k])
  w <- parameters(fit, which = "concomitant")
  for (name in rownames(w)) line(case, paste("logit", name), w[name, 2])
}

poisson <- FLXMRglm(family = "poisson")
by.first <- FLXPmultinom(~ first)
told("yn", best(yn ~ x + I(x^2), data = data))
told("yn by fours", best(yn ~ x + I(x^2) | id2, data = data))
told("yp", best(yp ~ x, data = data, model = poisson))
told("yp with weights by x", best(yp ~ x, data = data, model = poisson, concomitant = FLXPmultinom(~ x)))
told("yp by fours", best(yp ~ x | id2, data = data, model = poisson))
told("yp by fours with weights by first",
     best(yp ~ x | id2, data = data, model = poisson, concomitant = by.first))
told("yb by fours",
     best(cbind(yb, 1 - yb) ~ x | id2, data = data, model = FLXMRglm(family = "binomial")))

g <- glm(co2 ~ gnp, data = co2, family = Gamma(link = "log"), epsilon = 1e-14, maxit = 100)
shape <- gamma.shape(g, eps.max = 1e-12)$alpha
line("gamma", "coef.(Intercept)[0]", coef(g)[1])
line("gamma", "coef.gnp[0]", coef(g)[2])
line("gamma", "shape[0]", shape)
line("gamma", "loglik", sum(dgamma(co2$co2, shape, rate = shape / fitted(g), log = TRUE)))
write.csv(made, "tests/parity/flexmix.csv", row.names = FALSE, quote = FALSE)
