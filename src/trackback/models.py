"""MLflow's names for what describes a model."""

from trackback.flavors import ModelSignature, infer_signature

__all__ = ["ModelSignature", "infer_signature"]
