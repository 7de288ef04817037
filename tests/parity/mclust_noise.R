# Makes mclust_noise.csv beside it: mclust's EM with a noise component, for Old Faithful and forty
# more points, from short eruptions, long ones, and those points as noise.
# Run from the root of the project: Rscript tests/parity/mclust_noise.R
# Recorded with R 4.2.2, mclust 6.0.0.
suppressMessages(library(mclust))

faithful <- as.matrix(read.csv("src/latentia/datasets/faithful.csv"))
i <- 1:40
x <- rbind(faithful, cbind(1 + 5 * ((0.37 * i) %% 1), 40 + 60 * ((0.61 * i) %% 1)))
labels <- ifelse(x[, 1] < 3, 1, 2)
labels[-(1:nrow(faithful))] <- 0
z <- cbind(labels == 1, labels == 2, labels == 0) + 0
vinv <- hypvol(x, reciprocal = TRUE)
long <- emControl(tol = c(1e-12, 1e-12), itmax = c(20000, 20000))
rows <- list()
for (model in c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV",
                "EVV", "VVV")) {
  made <- suppressWarnings(me(x, model, z, Vinv = vinv, control = long))
  rows[[length(rows) + 1]] <- data.frame(model = model, loglik = sprintf("%.10g", made$loglik),
    noise = sprintf("%.10g", made$parameters$pro[3]), volume = sprintf("%.12g", 1 / vinv),
    rows = sum(max.col(made$z) == 3))
}
write.csv(do.call(rbind, rows), "tests/parity/mclust_noise.csv", row.names = FALSE, quote = FALSE)
