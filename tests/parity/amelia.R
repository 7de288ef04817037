# Panels with holes by another program: the means, covariances and imputations in amelia.csv.
# R 4.2.2, Amelia 1.8.1; Rscript amelia.R writes the file. Data: Amelia's freetrade, population and
# income as logarithms, since Amelia's own logarithms are of x + 1. Its estimates are of standardised
# columns in another order; here they are put back into the columns' units.
suppressMessages(library(Amelia))
data(freetrade)
x <- freetrade
x$year <- x$year - 1990 # or levels and trends nearly coincide, and its digits suffer
x$pop <- log(x$pop)
x$gdp.pc <- log(x$gdp.pc)
own <- c("tariff", "polity", "pop", "gdp.pc", "intresmi", "fiveop", "usheg")
cells <- rbind(c(1, 3, 30, 3), c(2, 3, 40, 5), c(21, 3, 15, 0.5)) # row, column, mean, sd: rows from 1
ranges <- rbind(c(0, 3, 20, 40, 0.9)) # every missing tariff
cases <- list(
  plain = list(),
  quadratic = list(polytime = 2),
  units = list(polytime = 1, intercs = TRUE),
  levels = list(intercs = TRUE, polytime = 0),
  spline = list(splinetime = 5),
  neighbours = list(lags = "tariff", leads = "tariff"),
  cells = list(priors = cells),
  ranges = list(priors = ranges)
)
rows <- NULL
for (case in names(cases)) {
  asked <- c(list(x = x, m = 1, p2s = 0, ts = "year", cs = "country", idvars = "signed"), cases[[case]])
  found <- do.call(amelia, c(asked, boot.type = "none", tolerance = 1e-10))
  prep <- do.call(Amelia:::amelia.prep, asked)
  back <- order(prep$p.order)
  named <- prep$theta.names
  mean <- found$mu[back, 1] * prep$scaled.sd + prep$scaled.mu
  covariance <- found$covMatrices[back, back, 1] * outer(prep$scaled.sd, prep$scaled.sd)
  at <- match(own, named)
  for (i in seq_along(own)) {
    rows <- rbind(rows, data.frame(case, what = "mean", one = own[i], other = "", value = sprintf("%.12g", mean[at[i]])))
    for (j in 1:i) {
      rows <- rbind(rows, data.frame(case, what = "covariance", one = own[i], other = own[j],
        value = sprintf("%.12g", covariance[at[i], at[j]])))
    }
  }
}
set.seed(1)
m <- 200
for (case in c("units", "cells", "nominal")) {
  more <- if (case == "nominal") list(noms = "signed") else c(list(idvars = "signed"), cases[[case]])
  asked <- c(list(x = x, m = m, p2s = 0, ts = "year", cs = "country", tolerance = 1e-6), more)
  made <- do.call(amelia, asked)
  for (column in if (case == "nominal") "signed" else own) {
    for (i in which(is.na(x[[column]]))) {
      drawn <- sapply(made$imputations, function(table) as.numeric(table[i, column]))
      rows <- rbind(rows,
        data.frame(case, what = "imputed mean", one = column, other = i - 1, value = sprintf("%.8g", mean(drawn))),
        data.frame(case, what = "imputed sd", one = column, other = i - 1, value = sprintf("%.8g", sd(drawn))))
    }
  }
}
write.csv(rows, "amelia.csv", row.names = FALSE, quote = FALSE)
