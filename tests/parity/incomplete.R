# Normal distributions of rows with holes by another program: the estimates in incomplete.csv.
# R 4.2.2, lavaan 0.6-14 (its EM of the saturated model); Rscript incomplete.R writes the file, and the rows
# that it draws as incomplete_rows.csv: a column that nearly follows from two others, 40 % of the cells of few
# rows missing, and cells missing by the value of another column, in units far apart.
suppressMessages(library(lavaan))
set.seed(20240131)
holes <- function(x, p) { x[matrix(runif(length(x)) < p, nrow(x))] <- NA; x[rowSums(!is.na(x)) > 0, ] }
root <- chol(0.5^abs(outer(1:4, 1:4, "-")))
sets <- list()
x <- matrix(rnorm(4 * 60), 60)
sets$near <- holes(cbind(x[, 1:3], x[, 1] - x[, 2] + 0.05 * x[, 4]), 0.25)
sets$sparse <- holes(matrix(rnorm(4 * 50), 50) %*% root, 0.4)
x <- matrix(rnorm(4 * 80), 80) %*% root
x[, 2:3][x[, 1] > 0.3] <- NA
x[1:15, 1] <- NA
sets$units <- sweep(sweep(x, 2, c(0.01, 1, 10, 100), "*"), 2, c(1, 20, -30, 4000), "+")
rows <- found <- NULL
for (name in names(sets)) {
  x <- signif(sets[[name]], 7)
  colnames(x) <- paste0("v", 1:4)
  rows <- rbind(rows, data.frame(set = name, x))
  at <- lavaan:::lav_mvnorm_missing_h1_estimate_moments(
    Y = x, Mp = lavaan:::lav_data_missing_patterns(x), max.iter = 100000L, tol = 1e-12)
  loglik <- lavaan:::lav_mvnorm_missing_loglik_data(Y = x, Mu = at$Mu, Sigma = at$Sigma)
  found <- rbind(found, data.frame(set = name, what = c("loglik", paste("mean", 1:4), paste("covariance", 1:16)),
    value = sprintf("%.12g", c(loglik, at$Mu, at$Sigma))))
}
write.csv(rows, "incomplete_rows.csv", row.names = FALSE, quote = FALSE)
write.csv(found, "incomplete.csv", row.names = FALSE, quote = FALSE)
