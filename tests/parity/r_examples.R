# What the examples of R's own help pages print, with more digits: the numbers in r_examples.csv.
# R 4.2.2 (factanal, ability.cov, Harman74.cor), psych 2.2.9 (Thurstone), survival 3.5-3 (ovarian, lung).
# Rscript r_examples.R writes the file, and the rows of the times as ovarian.csv and lung.csv.
suppressMessages({library(psych); library(survival)})
rows <- NULL
say <- function(what, name, value)
  rows <<- rbind(rows, data.frame(what, name, value = sprintf("%.12g", value)))
keep <- function(what, x)
  say(paste(what, "covariance"), paste(row(x), col(x))[lower.tri(x, TRUE)], x[lower.tri(x, TRUE)])
tight <- list(opt = list(factr = 1, pgtol = 0, maxit = 10000))
factors <- function(what, x, n, most) {
  keep(what, x)
  for (q in seq_len(most)) {
    found <- factanal(covmat = list(cov = x, n.obs = n), factors = q, rotation = "none", control = tight)
    say(paste(what, q, "uniqueness"), seq_len(ncol(x)), found$uniquenesses)
    say(paste(what, q, "test"), c("statistic", "df"), c(found$STATISTIC, found$dof))
  }
}
factors("ability", ability.cov$cov, 112, 2)
factors("harman", Harman74.cor$cov, 145, 5)
factors("thurstone", Thurstone, 213, 3)
loadings <- unclass(factanal(covmat = ability.cov, factors = 2, rotation = "none", control = tight)$loadings)
turned <- varimax(loadings, eps = 1e-14)$loadings
say("ability varimax", paste(row(turned), col(turned)), c(turned))
turned <- with(list(), { Q <- turned * abs(turned)^3; U <- lm.fit(turned, Q)$coefficients  # as stats::promax
  turned %*% U %*% diag(sqrt(diag(solve(t(U) %*% U)))) })
say("ability promax", paste(row(turned), col(turned)), c(turned))
control <- survreg.control(rel.tolerance = 1e-14, maxiter = 100)
times <- function(what, model, data) for (d in c("weibull", "exponential", "lognormal", "loglogistic")) {
  found <- survreg(model, data, dist = d, control = control)
  se <- sqrt(diag(found$var))[seq_along(found$coefficients)]
  say(paste(what, d, "estimate"), seq_along(found$coefficients), found$coefficients)
  say(paste(what, d, "error"), seq_along(se), se)
  say(paste(what, d, "loglik"), "", found$loglik[2])
}
times("ovarian", Surv(futime, fustat) ~ ecog.ps + rx, ovarian)
times("lung", Surv(time, status) ~ ph.ecog + age + sex, lung)
curve <- survfit(Surv(time, status) ~ 1, lung)
say("lung survival", c(100, 300, 500), summary(curve, times = c(100, 300, 500))$surv)
say("lung quantile", c(.25, .5, .75), quantile(curve, c(.25, .5, .75))$quantile)
write.csv(rows, "r_examples.csv", row.names = FALSE, quote = FALSE)
write.csv(ovarian[, c("futime", "fustat", "ecog.ps", "rx")], "ovarian.csv", row.names = FALSE, quote = FALSE)
write.csv(lung[, c("time", "status", "ph.ecog", "age", "sex")], "lung.csv", row.names = FALSE, quote = FALSE)
