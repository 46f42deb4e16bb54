"""What a scoring server is told when it starts. The command line reads it from flags and from the environment."""

import msgspec

MAX_BATCH = 64
FOLLOW_S = 5.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Times are in seconds."""

    model_uri: str
    follow: bool = False
    follow_every_s: float = FOLLOW_S
    tracking_uri: str | None = None
    name: str = ""
    host: str = "127.0.0.1"
    port: int = 5001
    fd: int | None = None
    standby: str = ""
    allowed_hosts: tuple[str, ...] = ()
    workers: int = 1
    batch: bool | None = None
    max_batch: int = MAX_BATCH
    max_waiting: int = 1024
    max_body_bytes: int = 32 * 2**20
    timeout_s: float = 60.0
    header_deadline_s: float = 10.0
    body_deadline_s: float = 30.0
    keep_alive_s: float = 75.0
    stop_deadline_s: float = 20.0
    log_level: str = "info"
    json_logs: bool = False
