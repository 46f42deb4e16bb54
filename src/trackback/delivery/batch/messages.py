"""What a job and its processes tell each other."""

import msgspec

from trackback import errors
from trackback.errors import TrackbackError


class Begin(msgspec.Struct, array_like=True, frozen=True):
    """The first word to a process: the folder of the job, and the model that it is to load."""

    work: str
    directory: str
    trusted: tuple[str, ...] | None


class Loaded(msgspec.Struct, array_like=True, frozen=True, tag="loaded"):
    """It is ready for partitions, whose numbers it is sent."""


class Advanced(msgspec.Struct, array_like=True, frozen=True, tag="advanced"):
    """So many rows more are predicted, and so much more of the partition's size is done."""

    rows: int
    size: int


class Finished(msgspec.Struct, array_like=True, frozen=True, tag="finished"):
    """The part is there."""

    number: int


class Failed(msgspec.Struct, array_like=True, frozen=True, tag="failed"):
    """``kind``: the name of an error's class."""

    kind: str
    message: str

    @classmethod
    def of(cls, error: TrackbackError) -> "Failed":
        return cls(type(error).__name__, error.message)

    def error(self) -> TrackbackError:
        kind = getattr(errors, self.kind, TrackbackError)
        return kind(self.message) if issubclass(kind, TrackbackError) else TrackbackError(self.message)


Told = Loaded | Advanced | Finished | Failed

decode_begin = msgspec.msgpack.Decoder(Begin).decode
decode_number = msgspec.msgpack.Decoder(int).decode
decode_told = msgspec.msgpack.Decoder(Told).decode
