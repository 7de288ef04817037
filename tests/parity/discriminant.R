# Makes discriminant.csv beside it: what mclust's MclustDA finds in data whose classes are known, EDDA with
# each model by itself and both types with their own choice among all models.
# Run from the root of the project: Rscript tests/parity/discriminant.R
# Recorded with R 4.2.2, mclust 6.0.0 (Scrucca, Fop, Murphy & Raftery 2016).
suppressMessages(library(mclust))

read <- function(name) read.csv(file.path("src/latentia/datasets", paste0(name, ".csv")))
long <- emControl(tol = c(1e-11, 1e-9), itmax = c(20000, 2000))

row <- function(name, type, models, numbers = 1:5) {
  table <- read(name)
  of_class <- !sapply(table, is.numeric)
  x <- as.matrix(table[!of_class])
  class <- factor(table[[which(of_class)]])
  made <- suppressWarnings(MclustDA(x, class, G = numbers, modelNames = models,
                                    modelType = type, control = long, verbose = FALSE))
  found <- predict(made)
  of_classes <- if (type == "EDDA") "" else
    paste(sprintf("%.10g", sapply(made$models, function(m)
      2 * m$loglik - nMclustParams(m$modelName, m$d, m$G) * log(m$n))), collapse = " ")
  own <- found$z[cbind(seq_len(nrow(x)), as.integer(class))]
  data.frame(data = name, type = type,
             asked = if (is.null(models)) "all" else paste(models, collapse = " "),
             model = paste(sapply(made$models, function(m) m$modelName), collapse = " "),
             components = paste(sapply(made$models, function(m) m$G), collapse = " "),
             loglik = sprintf("%.10g", made$loglik), df = round(made$df),
             bic = sprintf("%.10g", made$bic),
             of_classes = of_classes, wrong = sum(found$classification != class), own = sprintf("%.8g", sum(log(own))))
}

rows <- list()
for (name in c("iris", "diabetes")) {
  for (model in mclust.options("emModelNames"))
    rows[[length(rows) + 1]] <- row(name, "EDDA", model)
  for (type in c("EDDA", "MclustDA"))
    rows[[length(rows) + 1]] <- row(name, type, NULL)
  closed <- c("EII", "VII", "EEI", "EVI", "VVI", "EEE", "EEV", "EVV", "VVV")
  rows[[length(rows) + 1]] <- row(name, "MclustDA", closed, 1:4)
}
write.csv(do.call(rbind, rows), "tests/parity/discriminant.csv", row.names = FALSE, quote = FALSE)
