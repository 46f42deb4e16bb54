"""Looks for good boosted trees at random: a run of its own for each that was tried, in the run of the search.

python search.py 12
"""

import random
import sys

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

import trackback


def main() -> None:
    chance = random.Random(4)
    trackback.set_experiment("tumours")
    features, benign = load_breast_cancer(return_X_y=True, as_frame=True)
    train_x, test_x, train_y, test_y = train_test_split(features, benign, test_size=0.3, random_state=0)
    with trackback.start_run(run_name="trees at random", tags={"team": "oncology"}):
        best = 0.0
        for number in range(int(sys.argv[1])):
            params = {
                "learning_rate": round(10 ** chance.uniform(-2, -0.3), 4),
                "max_leaf_nodes": chance.choice([4, 8, 16, 31]),
                "max_iter": chance.choice([40, 80, 160]),
            }
            with trackback.start_run(run_name=f"trees-{number:02}", nested=True, tags={"team": "oncology"}):
                trackback.log_params({**params, "kind": "trees"})
                trackback.log_input(train_x, name="tumours", context="training", targets=train_y)
                trees = HistGradientBoostingClassifier(**params, early_stopping=False, random_state=0)
                trees.fit(train_x, train_y)
                for step, chances in enumerate(trees.staged_predict_proba(test_x)):
                    trackback.log_metrics(figures(test_y, chances[:, 1]), step=step)
                auc = figures(test_y, trees.predict_proba(test_x)[:, 1])["test/auc"]
                trackback.log_model(trees, "model", input_example=train_x.head(2), pip_requirements=["scikit-learn"])
            best = max(best, auc)
            trackback.log_metric("best/auc", best, step=number)


def figures(actual, chances) -> dict[str, float]:
    return {
        "test/loss": log_loss(actual, chances),
        "test/accuracy": float(((chances > 0.5) == actual).mean()),
        "test/auc": roc_auc_score(actual, chances),
    }


if __name__ == "__main__":
    main()
