"""The exception tree. Each class carries the code MLflow's clients know it by and the HTTP status it leaves with.

    TrackbackError                 INTERNAL_ERROR            500
      InvalidParameter             INVALID_PARAMETER_VALUE   400
        InvalidModel
      BadRequest                   BAD_REQUEST               400
      AlreadyExists                RESOURCE_ALREADY_EXISTS   400
      InvalidState                 INVALID_STATE             400
        NotAdmitted
      ReadTooSlow                  DEADLINE_EXCEEDED         400
      Unauthenticated              UNAUTHENTICATED           401
      PermissionDenied             PERMISSION_DENIED         403
        UntrustedModel
      NotFound                     RESOURCE_DOES_NOT_EXIST   404
      UnknownEndpoint              ENDPOINT_NOT_FOUND        404
      MethodNotAllowed             BAD_REQUEST               405
      DeadlineExceeded             DEADLINE_EXCEEDED         408
      Conflict                     RESOURCE_CONFLICT         409
      TooLarge                     BAD_REQUEST               413
      UnsupportedMediaType         BAD_REQUEST               415
      RangeNotSatisfiable          INVALID_PARAMETER_VALUE   416
      Overloaded                   REQUEST_LIMIT_EXCEEDED    429
      NotImplementedHere           NOT_IMPLEMENTED           501
      Unavailable                  TEMPORARILY_UNAVAILABLE   503
      StorageFull                  TEMPORARILY_UNAVAILABLE   507
      DataLoss                     DATA_LOSS                 500
      ModelNotLoaded               INTERNAL_ERROR            500
      UnanswerablePrediction       INTERNAL_ERROR            500
      ConfigurationError           (never on the wire: the command line prints it)
        SchemaError
        MissingLibrary
        MissingTool
      CheckFailed                  (never on the wire: the exit code of a stage of delivery says it)

The statuses are MLflow's (``RESOURCE_ALREADY_EXISTS`` is 400 there, and its clients rely on it), but for
``INVALID_STATE``, which it answers with 500 although the client is at fault.
"""

from collections.abc import Iterable
from typing import ClassVar, Self


class TrackbackError(Exception):
    """Anything that trackback itself raises. ``message`` says what was wrong, with which value, and what to do."""

    code: ClassVar[str] = "INTERNAL_ERROR"
    status: ClassVar[int] = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidParameter(TrackbackError):
    code = "INVALID_PARAMETER_VALUE"
    status = 400


class InvalidModel(InvalidParameter):
    """A model's files are damaged, incomplete, or of a kind that nothing here knows."""


class BadRequest(TrackbackError):
    code = "BAD_REQUEST"
    status = 400


class AlreadyExists(TrackbackError):
    code = "RESOURCE_ALREADY_EXISTS"
    status = 400


class InvalidState(TrackbackError):
    code = "INVALID_STATE"
    status = 400


class NotAdmitted(InvalidState):
    """Something may not enter an environment yet. ``unmet``: what is missing, a sentence each."""

    def __init__(self, message: str, unmet: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.unmet = tuple(unmet)


class Unauthenticated(TrackbackError):
    code = "UNAUTHENTICATED"
    status = 401


class PermissionDenied(TrackbackError):
    code = "PERMISSION_DENIED"
    status = 403


class UntrustedModel(PermissionDenied):
    """To load the model would run code that nobody here has vouched for."""


class NotFound(TrackbackError):
    code = "RESOURCE_DOES_NOT_EXIST"
    status = 404


class UnknownEndpoint(TrackbackError):
    """No such route. MLflow's clients try an alternative route on this code, so it must not be another 404."""

    code = "ENDPOINT_NOT_FOUND"
    status = 404


class MethodNotAllowed(TrackbackError):
    """``allowed``: the methods that the path answers to."""

    code = "BAD_REQUEST"
    status = 405

    def __init__(self, message: str, allowed: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.allowed = tuple(sorted(allowed))


class DeadlineExceeded(TrackbackError):
    """A client took too long to send its request."""

    code = "DEADLINE_EXCEEDED"
    status = 408


class ReadTooSlow(TrackbackError):
    """A search, history or list took longer than the server allows. It would again, so no client should just repeat it:
    MLflow's do so for 408 and 504, which its code suggests.
    """

    code = "DEADLINE_EXCEEDED"
    status = 400


class Conflict(TrackbackError):
    code = "RESOURCE_CONFLICT"
    status = 409


class TooLarge(TrackbackError):
    code = "BAD_REQUEST"
    status = 413


class UnsupportedMediaType(TrackbackError):
    """A body of a type that a scoring server does not read."""

    code = "BAD_REQUEST"
    status = 415


class RangeNotSatisfiable(TrackbackError):
    code = "INVALID_PARAMETER_VALUE"
    status = 416


class Overloaded(TrackbackError):
    """The queue of writes is full; the client should wait and repeat."""

    code = "REQUEST_LIMIT_EXCEEDED"
    status = 429


class NotImplementedHere(TrackbackError):
    """Part of the protocol that this server leaves out on purpose; clients fall back."""

    code = "NOT_IMPLEMENTED"
    status = 501


class Unavailable(TrackbackError):
    """The database or the object store does not answer. Whether it had written by then is not known; to be repeated."""

    code = "TEMPORARILY_UNAVAILABLE"
    status = 503


class StorageFull(TrackbackError):
    """The disk or the database has no room. Nothing was written."""

    code = "TEMPORARILY_UNAVAILABLE"
    status = 507


class DataLoss(TrackbackError):
    """Bytes that were stored are not there any more."""

    code = "DATA_LOSS"


class ModelNotLoaded(TrackbackError):
    """The processes of a scoring server can't load the model; the message says why."""


class UnanswerablePrediction(TrackbackError):
    """A model returned something that has no form in JSON."""


class ConfigurationError(TrackbackError):
    """The server can't start as it was told to."""


class SchemaError(ConfigurationError):
    """The database's schema is not the one that this version of trackback works with."""


class MissingLibrary(ConfigurationError):
    """What was asked for needs a library that is not installed here."""

    @classmethod
    def of(cls, who: str, distribution: str, error: ImportError) -> Self:
        """``who`` needs a library, which a package on PyPI has, and whose import has failed."""
        return cls(f"{who} needs {distribution}, which can't be imported ({error}): pip install {distribution}")


class CheckFailed(TrackbackError):
    """What a stage of delivery looked at is not as it has to be: it did what it is for, and the answer is no."""


class MissingTool(ConfigurationError):
    """What was asked for needs a program that is not installed here."""
