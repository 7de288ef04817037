# Factor analyses of psych::bfi's 25 items by R's own factanal, lavaan and GPArotation.
# R 4.2.2, psychTools 2.2.9 (the data), lavaan 0.6-14, GPArotation 2022.10-2.
# Rscript tests/parity/factanal.R > tests/parity/factanal.csv
suppressMessages({library(psychTools); library(lavaan); library(GPArotation)})
items <- psychTools::bfi[, 1:25]
whole <- items[complete.cases(items), ]
say <- function(what, names, values) cat(sprintf("%s,%s,%.12g\n", what, names, values), sep = "")
cat("what,name,value\n")
tight <- list(opt = list(factr = 1, pgtol = 0, maxit = 10000))
for (q in c(1, 3, 5)) {
  fit <- factanal(whole, q, rotation = "none", control = tight, lower = 1e-4)
  say(paste0("uniqueness", q), names(fit$uniquenesses), fit$uniquenesses)
  say(paste0("statistic", q), "", fit$STATISTIC)
  say(paste0("df", q), "", fit$dof)
}
cells <- function(m) paste(rep(rownames(m), ncol(m)), rep(seq_len(ncol(m)), each = nrow(m)))
fit <- factanal(whole, 3, rotation = "none", control = tight)
A <- unclass(fit$loadings)
say("varimax_kaiser", cells(A), c(unclass(varimax(A, normalize = TRUE, eps = 1e-14)$loadings)))
say("varimax", cells(A), c(unclass(varimax(A, normalize = FALSE, eps = 1e-14)$loadings)))
turned <- promax(A, m = 4)  # which rotates by varimax with Kaiser's weights first
say("promax_kaiser", cells(A), c(unclass(turned$loadings)))
gpa <- function(f) f(A, eps = 1e-7, maxit = 10000)
say("quartimax", cells(A), c(gpa(quartimax)$loadings))
free <- gpa(oblimin)
say("oblimin", cells(A), c(free$loadings))
say("oblimin_correlation", c("1 2", "1 3", "2 3"), free$Phi[upper.tri(free$Phi)])
scores <- factanal(whole, 3, rotation = "none", control = tight, scores = "regression")$scores
say("regression_score", paste("row", 1:5, rep(1:3, each = 5)), c(scores[1:5, ]))
scores <- factanal(whole, 3, rotation = "none", control = tight, scores = "Bartlett")$scores
say("bartlett_score", paste("row", 1:5, rep(1:3, each = 5)), c(scores[1:5, ]))

# lavaan: two items of each kind and the third factor left free, so that it is the same model
eight <- c("A2", "A3", "A5", "E1", "E2", "E4", "N1", "N2")
model <- 'efa("a")*f1 + efa("a")*f2 =~ A2 + A3 + A5 + E1 + E2 + E4 + N1 + N2'
whole8 <- items[complete.cases(items[, eight]), eight]
lav <- function(data, missing) cfa(model, data = data, missing = missing, meanstructure = TRUE,
  rotation = "none", control = list(rel.tol = 1e-10), information = "observed")
for (kind in c("listwise", "fiml")) {
  fit <- lav(items[, eight], if (kind == "fiml") "ml" else "listwise")
  m <- fitMeasures(fit)
  for (name in c("logl", "chisq", "df", "rmsea", "rmsea.ci.lower", "rmsea.ci.upper", "tli"))
    say(paste0("lavaan_", kind), name, m[[name]])
  found <- parameterEstimates(fit)
  own <- found[found$op == "~~" & found$lhs == found$rhs & found$lhs %in% eight, ]
  say(paste0("lavaan_", kind, "_uniqueness"), own$lhs, own$est)
  say(paste0("lavaan_", kind, "_uniqueness_se"), own$lhs, own$se)
}
for (turn in c("varimax", "quartimin")) {
  fit <- cfa(model, data = whole8, meanstructure = TRUE, rotation = turn, information = "observed",
    std.lv = TRUE, rotation.args = list(row.weights = "none", std.ov = FALSE),
    control = list(rel.tol = 1e-10))
  found <- parameterEstimates(fit)
  own <- found[found$op == "=~", ]
  say(paste0("lavaan_", turn), paste(own$rhs, own$lhs), own$est)
  say(paste0("lavaan_", turn, "_se"), paste(own$rhs, own$lhs), own$se)
  phi <- found[found$op == "~~" & found$lhs == "f1" & found$rhs == "f2", ]
  say(paste0("lavaan_", turn, "_correlation"), c("est", "se"), c(phi$est, phi$se))
}
