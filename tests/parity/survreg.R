# Regressions of censored times by another program: the estimates in survreg.csv.
# R 4.2.2, survival 3.5-3; Rscript survreg.R writes the file. Data: those of npsurv.R with both arms, and
# Tobin's (1958) 20 households (survival::tobin).
suppressMessages({library(survival); library(npsurv)})
data(cancer, package = "npsurv")
x <- cancer
x[x$group == "RT" & x$L == 18 & x$R == 26, "L"] <- 19
x$chemotherapy <- as.integer(x$group == "RCT")
left <- ifelse(x$L == 0, NA, x$L)
right <- ifelse(is.finite(x$R), x$R, NA)
control <- survreg.control(rel.tolerance = 1e-14, maxiter = 100)
rows <- NULL
add <- function(data, distribution, found) {
  se <- sqrt(diag(found$var))
  estimates <- c(found$coefficients, if (length(se) > length(found$coefficients)) log(found$scale))
  names <- c("intercept", names(found$coefficients)[-1], "log scale")[seq_along(se)]
  rows <<- rbind(rows, data.frame(data, distribution, parameter = names,
    estimate = sprintf("%.12g", estimates), se = sprintf("%.12g", se),
    loglik = sprintf("%.12g", found$loglik[2])))
}
for (d in c("weibull", "exponential", "lognormal", "loglogistic")) {
  y <- Surv(left, right, type = "interval2")
  add("cosmesis", d, survreg(y ~ chemotherapy, data = x, dist = d, control = control))
}
for (d in c("gaussian", "logistic")) {
  y <- Surv(tobin$durable, tobin$durable > 0, type = "left")
  add("tobin", d, survreg(y ~ age + quant, data = tobin, dist = d, control = control))
}
write.csv(rows, "survreg.csv", row.names = FALSE, quote = FALSE)
write.csv(tobin, "tobin.csv", row.names = FALSE, quote = FALSE)
