"""MLflow's client of scoring servers, which its Spark functions use: ask_as_mlflow_does.py PORT"""

import sys

import numpy as np
import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

client = ScoringServerClient("127.0.0.1", int(sys.argv[1]))
client.wait_server_ready()
assert client.get_version() == "3.17.2"
columns = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
frame = pd.DataFrame([[5.1, 3.5, 1.4, 0.2], [6.0, 3.0, 5.0, 2.0]], columns=columns, index=[4, 7])
answer = client.invoke(frame)
assert answer.get_predictions()[0].tolist() == [0, 2]
assert answer.get_predictions(predictions_format="ndarray").dtype == np.int64
