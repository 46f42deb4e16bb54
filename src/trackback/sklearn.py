"""MLflow's functions for scikit-learn."""

from trackback.autologging.libraries import Library

_library = Library("sklearn", "sk_model")
autolog = _library.autolog
log_model = _library.log_model
save_model = _library.save_model
load_model = _library.load_model
