"""Models of any library as directories that MLflow can read, and the other way round."""

from trackback.flavors.interface import Flavor, Saved
from trackback.flavors.mlflow_stand_in import PythonModel
from trackback.flavors.mlmodel import MLmodel, read_mlmodel, write_mlmodel
from trackback.flavors.models import load_model, load_predictor, own_params, save_model
from trackback.flavors.predictor import Predictor
from trackback.flavors.signature import ModelSignature, infer_signature
from trackback.flavors.table import recognise
from trackback.flavors.trust import Trust

__all__ = [
    "Flavor",
    "MLmodel",
    "ModelSignature",
    "Predictor",
    "PythonModel",
    "Saved",
    "Trust",
    "infer_signature",
    "load_model",
    "load_predictor",
    "own_params",
    "read_mlmodel",
    "recognise",
    "save_model",
    "write_mlmodel",
]
