"""MLflow's functions for Keras."""

from trackback.autologging.libraries import Library

_library = Library("keras")
autolog = _library.autolog
log_model = _library.log_model
save_model = _library.save_model
load_model = _library.load_model
