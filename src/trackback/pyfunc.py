"""MLflow's functions for models of any kind, as classes and functions of Python: a uniform ``predict``."""

from trackback.autologging.libraries import Library
from trackback.flavors import PythonModel

__all__ = ["PythonModel", "load_model", "log_model", "save_model"]

_library = Library("python", "python_model", native=False)
log_model = _library.log_model
save_model = _library.save_model
load_model = _library.load_model
