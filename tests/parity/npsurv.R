# Turnbull's estimate by another program: the masses in npsurv.csv.
# R 4.2.2, npsurv 0.5-0; Rscript npsurv.R writes the file. The entry (18, 26] of the package's data is
# (19, 26] in Finkelstein & Wolfe (1985).
suppressMessages(library(npsurv))
data(cancer)
x <- cancer
x[x$group == "RT" & x$L == 18 & x$R == 26, "L"] <- 19
rows <- NULL
for (g in c("RT", "RCT")) {
  found <- npsurv(x[x$group == g, 1:2])
  rows <- rbind(rows, data.frame(chemotherapy = as.integer(g == "RCT"), left = found$f$left,
    right = found$f$right, mass = sprintf("%.15g", found$f$p), loglik = sprintf("%.15g", found$ll)))
}
write.csv(rows, "npsurv.csv", row.names = FALSE, quote = FALSE)
