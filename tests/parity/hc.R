# Makes hc.csv beside it: mclust's hierarchical partitions of its own default, use = "SVD".
# Run from the root of the project: Rscript tests/parity/hc.R
# Recorded with R 4.2.2, mclust 6.0.0 (Scrucca, Fop, Murphy & Raftery 2016).
# "apart" is faithful with its many ties broken by less than the data are rounded.
suppressMessages(library(mclust))

read <- function(name) {
  table <- read.csv(file.path("src/latentia/datasets", paste0(name, ".csv")))
  as.matrix(table[sapply(table, is.numeric)])
}

data <- sapply(c("faithful", "iris", "diabetes"), read, simplify = FALSE)
i <- seq_len(nrow(data$faithful))
data$apart <- data$faithful + cbind(0.01 * sin(i), 0.1 * cos(i * i))

partitions <- function(name) {
  of <- function(model) {
    made <- hclass(hc(data[[name]], modelName = model, use = "SVD"), 2:9)
    colnames(made) <- paste0(model, 2:9)
    made
  }
  data.frame(data = name, of("VVV"), of("EII"))
}

made <- do.call(rbind, lapply(names(data), partitions))
write.csv(made, "tests/parity/hc.csv", row.names = FALSE, quote = FALSE)
