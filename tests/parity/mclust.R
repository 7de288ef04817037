# Makes mclust.csv beside it: what mclust's EM reaches with each of its models from the partitions
# in hc.csv ("VVV"), or from quantiles for one column, as Mclust does; how many numbers it counts as
# free; and its thinnest component, the smallest eigenvalue of any covariance relative to their
# weighted mean.
# Run from the root of the project: Rscript tests/parity/mclust.R
# Recorded with R 4.2.2, mclust 6.0.0 (Scrucca, Fop, Murphy & Raftery 2016).
suppressMessages(library(mclust))

read <- function(name) {
  table <- read.csv(file.path("src/latentia/datasets", paste0(name, ".csv")))
  as.matrix(table[sapply(table, is.numeric)])
}
partitions <- read.csv("tests/parity/hc.csv")
models <- c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV",
            "EVV", "VVV")
long <- emControl(tol = c(1e-11, 1e-9), itmax = c(20000, 2000))

thinnest <- function(made) {
  if (is.null(made$loglik) || is.na(made$loglik)) return(NA)
  variance <- made$parameters$variance
  sigma <- if (made$d == 1) array(rep(variance$sigmasq, length.out = made$G), c(1, 1, made$G))
           else variance$sigma
  weights <- if (made$G == 1) 1 else made$parameters$pro
  pooled <- Reduce("+", lapply(1:made$G, function(k) weights[k] * sigma[, , k, drop = TRUE]))
  white <- solve(t(chol(as.matrix(pooled))))
  min(sapply(1:made$G, function(k)
    min(eigen(white %*% as.matrix(sigma[, , k]) %*% t(white), symmetric = TRUE)$values)))
}

reached <- function(name, x, k, model) {
  labels <- if (k == 1) rep(1, nrow(x))
            else if (ncol(x) == 1) mclust:::qclass(x[, 1], k)
            else partitions[partitions$data == name, paste0("VVV", k)]
  of <- function(control) suppressWarnings(me(x, model, unmap(labels), control = control))
  height <- function(made) if (is.null(made$loglik)) NA else made$loglik
  made <- of(emControl())
  data.frame(data = name, k = k, model = model, loglik = sprintf("%.10g", height(made)),
             longer = sprintf("%.10g", height(of(long))), df = nMclustParams(model, ncol(x), k),
             thinnest = sprintf("%.3g", thinnest(made)))
}

rows <- list()
for (name in c("faithful", "iris", "diabetes", "galaxies", "acidity")) {
  x <- read(name)
  for (k in 1:9) for (model in if (ncol(x) == 1) c("E", "V") else models)
    rows[[length(rows) + 1]] <- reached(name, x, k, model)
}
write.csv(do.call(rbind, rows), "tests/parity/mclust.csv", row.names = FALSE, quote = FALSE)
