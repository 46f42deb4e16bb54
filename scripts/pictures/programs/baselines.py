"""What simple models make of a data set that scikit-learn ships: wine, digits or diabetes.

python baselines.py wine
"""

import sys

from sklearn import datasets, ensemble, linear_model, neighbors
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import trackback

CLASSIFIERS = {
    "linear": linear_model.LogisticRegression(max_iter=500),
    "neighbours": neighbors.KNeighborsClassifier(),
    "forest": ensemble.RandomForestClassifier(50, random_state=0),
}
REGRESSORS = {
    "linear": linear_model.Ridge(),
    "neighbours": neighbors.KNeighborsRegressor(),
    "forest": ensemble.RandomForestRegressor(50, random_state=0),
}

name = sys.argv[1]
trackback.set_experiment(name)
trackback.set_experiment_tags({"team": "research"})
trackback.autolog()
features, target = getattr(datasets, f"load_{name}")(return_X_y=True, as_frame=True)
train_x, test_x, train_y, test_y = train_test_split(features, target, random_state=0)
for kind, estimator in (REGRESSORS if name == "diabetes" else CLASSIFIERS).items():
    with trackback.start_run(run_name=f"{name}-{kind}"):
        model = make_pipeline(StandardScaler(), estimator).fit(train_x, train_y)
        trackback.log_metric("test_score", model.score(test_x, test_y))
