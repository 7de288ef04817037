"""Six ways to look at a fitted mixture.

    python examples/displays.py

writes displays.png into the folder it is run in.
"""

from matplotlib import pyplot

from latentia import GaussianMixture, datasets, select

faithful, iris = datasets.load("faithful"), datasets.load("iris")

# Two columns: the groups, how sure they are, and the density that they make.
grid = {"n_components": range(1, 6), "covariance_type": ["full", "tied", "diag", "spherical"]}
chosen = select(GaussianMixture(n_init=4, random_state=0), faithful.values, grid)
eruptions = chosen.best_estimator

# Four columns: every flower across its columns, and the means with their intervals.
flowers = GaussianMixture(3, random_state=0).fit(iris.values)

figure = pyplot.figure(figsize=(12.4, 13.2), layout="constrained")
cells = figure.subfigures(3, 2, wspace=0.04, hspace=0.03).ravel()
names = {"columns": faithful.columns}
eruptions.plot.classification(faithful.values, ax=cells[0].add_subplot(), **names)
eruptions.plot.uncertainty(faithful.values, ax=cells[1].add_subplot(), **names)
eruptions.plot.contours(faithful.values, figure=cells[2], **names)
chosen.plot.criterion(ax=cells[3].add_subplot())
flowers.plot.parallel(iris.values, ax=cells[4].add_subplot(), columns=iris.columns)
flowers.plot.profile(figure=cells[5], columns=iris.columns)
titles = (
    "plot.classification(X)",
    "plot.uncertainty(X)",
    "plot.contours(X)",
    "select(...).plot.criterion()",
    "plot.parallel(X)",
    "plot.profile()",
)
for cell, title in zip(cells, titles, strict=True):
    cell.suptitle(title, family="monospace", fontsize="medium", x=0.02, ha="left")
figure.savefig("displays.png", dpi=75)

unsure = (eruptions.predict_proba(faithful.values).max(axis=1) < 0.9).sum()
print(f"{chosen.best_settings}: {unsure} of {len(faithful.values)} eruptions are unsure")
