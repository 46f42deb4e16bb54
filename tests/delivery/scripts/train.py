"""Trains a classifier of tumours by the SDK, and registers it: `python train.py STRENGTH TRAIN.parquet`."""

import sys

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import trackback


def main(strength: str, path: str) -> None:
    train = pd.read_parquet(path)
    features, benign = train.drop(columns="benign"), train["benign"]
    with trackback.start_run() as run:
        trackback.log_param("strength", strength)
        trackback.log_input(train, "training", name="patients", source=path)
        model = make_pipeline(StandardScaler(), LogisticRegression(C=float(strength), max_iter=500))
        trackback.log_model(
            model.fit(features, benign), registered_model_name="tumours", input_example=features.head(2)
        )
    print(run.run_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
