"""MLflow's functions for PyTorch."""

from trackback.autologging.libraries import Library

_library = Library("pytorch", "pytorch_model")
log_model = _library.log_model
save_model = _library.save_model
load_model = _library.load_model
