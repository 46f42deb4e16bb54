"""Trains networks that tell benign tumours from others: one for each width and each learning rate.

python train.py 8,32 0.003,0.01
"""

import logging
import sys
from itertools import product

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import ConfusionMatrixDisplay, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import trackback

EPOCHS = 60
L2 = 0.0001

logging.basicConfig(filename="train.log", filemode="w", format="%(asctime)s %(message)s", level=logging.INFO)
logging.getLogger("httpx").setLevel(logging.WARNING)
log = logging.getLogger("train")


def main() -> None:
    widths, rates = sys.argv[1:3]
    trackback.set_experiment("tumours")
    features, benign = load_breast_cancer(return_X_y=True, as_frame=True)
    train_x, test_x, train_y, test_y = train_test_split(features, benign, test_size=0.3, random_state=0)
    test_x.assign(benign=test_y).to_csv("test.csv", index=False)
    for width, rate in product(map(int, widths.split(",")), map(float, rates.split(","))):
        with trackback.start_run(run_name=f"net-{width}x{rate:g}", tags={"team": "oncology"}):
            trackback.log_params({"width": width, "rate": rate, "l2": L2, "epochs": EPOCHS, "kind": "network"})
            trackback.log_input(train_x, name="tumours", context="training", targets=train_y, store=True)
            trackback.log_input(test_x, name="tumours-test", context="test", targets=test_y)
            scaler = StandardScaler().fit(train_x)
            network = MLPClassifier(width, learning_rate_init=rate, alpha=L2, batch_size=32, random_state=width)
            for epoch in range(EPOCHS):
                network.partial_fit(scaler.transform(train_x), train_y, classes=[0, 1])
                report(network, scaler, epoch, train_x, train_y, test_x, test_y)
            model = make_pipeline(scaler, network)
            trackback.log_model(model, "model", input_example=train_x.head(2), pip_requirements=["scikit-learn"])
            keep_files(model, test_x, test_y)


def report(network, scaler, epoch, train_x, train_y, test_x, test_y) -> None:
    chances = network.predict_proba(scaler.transform(test_x))[:, 1]
    figures = {
        "train/loss": network.loss_,
        "test/loss": log_loss(test_y, chances),
        "test/accuracy": float(((chances > 0.5) == test_y).mean()),
        "test/auc": roc_auc_score(test_y, chances),
    }
    trackback.log_metrics(figures, step=epoch)
    log.info("epoch %3d  loss %.5f  test accuracy %.4f", epoch, figures["train/loss"], figures["test/accuracy"])


def keep_files(model, test_x, test_y) -> None:
    chances = model.predict_proba(test_x)[:, 1]
    predictions = test_x.iloc[:, :4].assign(benign=test_y, chance=chances.round(4))
    predictions.to_csv("predictions.csv", index_label="patient")
    predictions.to_parquet("predictions.parquet")
    figure, axes = plt.subplots(figsize=(5, 4))
    ConfusionMatrixDisplay.from_predictions(test_y, chances > 0.5, ax=axes, cmap="Blues")
    trackback.log_figure(figure, "reports/confusion.png")
    plt.close(figure)
    for path in ("predictions.csv", "predictions.parquet"):
        trackback.log_artifact(path, "reports")
    wrong = [{"patient": int(i), "chance": round(float(c), 4)} for i, c in zip(test_x.index, chances, strict=True)]
    trackback.log_dict({"threshold": 0.5, "patients": wrong[:20]}, "reports/chances.json")
    trackback.log_artifact("train.log", "logs")


if __name__ == "__main__":
    main()
