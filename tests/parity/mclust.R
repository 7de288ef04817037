# Makes mclust.csv beside it: what mclust's EM reaches with each of its models from the partitions
# in hc.csv ("VVV"), and how many numbers it counts as free.
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

reached <- function(name, x, k, model) {
  labels <- if (k == 1) rep(1, nrow(x)) else partitions[partitions$data == name, paste0("VVV", k)]
  of <- function(control) {
    made <- suppressWarnings(me(x, model, unmap(labels), control = control))
    if (is.null(made$loglik)) NA else made$loglik
  }
  data.frame(data = name, k = k, model = model, loglik = sprintf("%.10g", of(emControl())),
             longer = sprintf("%.10g", of(long)), df = nMclustParams(model, ncol(x), k))
}

rows <- list()
for (name in c("faithful", "iris", "diabetes"))
  for (k in 1:9) for (model in models)
    rows[[length(rows) + 1]] <- reached(name, read(name), k, model)
write.csv(do.call(rbind, rows), "tests/parity/mclust.csv", row.names = FALSE, quote = FALSE)
