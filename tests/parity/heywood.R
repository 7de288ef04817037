# Factors of a table with two maxima, in each of which another uniqueness is held, by another program.
# R 4.2.2, factanal; Rscript heywood.R writes heywood.csv and the table, R's `swiss` (fertility and
# five other indicators of 47 provinces in 1888; Mosteller & Tukey 1977), as swiss.csv.
options(digits = 15)
write.csv(swiss, "swiss.csv", row.names = FALSE, quote = FALSE)
found <- factanal(swiss, 2, rotation = "none", nstart = 20, lower = 0.005,
                  control = list(opt = list(factr = 100, maxit = 500)))
turned <- varimax(unclass(found$loadings), eps = 1e-14)$loadings
oblique <- promax(turned)$loadings
rows <- rbind(
  data.frame(what = "uniqueness", name = names(swiss), value = found$uniquenesses),
  data.frame(what = "varimax 1", name = names(swiss), value = turned[, 1]),
  data.frame(what = "varimax 2", name = names(swiss), value = turned[, 2]),
  data.frame(what = "promax 1", name = names(swiss), value = oblique[, 1]),
  data.frame(what = "promax 2", name = names(swiss), value = oblique[, 2]),
  data.frame(what = "statistic", name = "", value = found$STATISTIC))
rows$value <- sprintf("%.12g", rows$value)
write.csv(rows, "heywood.csv", row.names = FALSE, quote = FALSE)
