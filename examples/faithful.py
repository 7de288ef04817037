"""From rows to a report: how many kinds of eruption does Old Faithful have?

    python examples/faithful.py

writes faithful.html, faithful.png and faithful.safetensors into the folder it is run in.
"""

import latentia
from latentia import EM, GaussianMixture, datasets, select
from latentia.report import write_report

faithful = datasets.load("faithful")
X = faithful.values
print(faithful.description, "\n")

# Every number of components with every covariance, five starts each, climbed to 1e-5 nats.
chosen = select(
    GaussianMixture(random_state=0, em=EM(starts=5)),
    X,
    {"n_components": range(1, 6), "covariance_type": ["full", "tied", "diag", "spherical"]},
)
print(chosen)

best = chosen.best_estimator
print(best.summary())

# A figure is for people, a certificate for programs: refuse what is not a maximum.
assert best.converged_
assert not best.certificate_.active_floors

# How sure is each eruption's group?
sureness = best.predict_proba(X).max(axis=1)
print(f"{(sureness >= 0.9).mean():.0%} of the eruptions belong to a group with 90 % or more.")

best.plot.pairs(X, columns=faithful.columns).figure_.savefig("faithful.png", dpi=160)
write_report(
    "faithful.html",
    estimator=best,
    X=X,
    columns=faithful.columns,
    source="Old Faithful (R datasets)",
    selection=chosen,
)
best.save("faithful.safetensors")
assert (latentia.load("faithful.safetensors").predict(X) == best.predict(X)).all()
