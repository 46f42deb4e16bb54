"""What a server is told when it starts. The command line reads it from flags and from the environment."""

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """``0`` as a limit of bytes, or as the time that a read may take, means none. Times are in seconds."""

    backend_store_uri: str = "sqlite:///trackback-data/trackback.db"
    artifacts_destination: str = "trackback-data/artifacts"
    default_artifact_root: str = "mlflow-artifacts:/"
    host: str = "127.0.0.1"
    port: int = 5000
    allowed_hosts: tuple[str, ...] = ()
    auth: bool = False
    allow_anonymous: bool = False
    environments: tuple[str, ...] = ("staging", "production")
    promotion_rules: tuple[str, ...] = ("promote=true",)
    read_timeout_s: float = 30.0
    webhook_allowed_networks: tuple[str, ...] = ()
    webhook_history_days: float = 30.0
    gocd_jar: str = ""
    max_json_bytes: int = 32 * 2**20
    max_artifact_bytes: int = 0
    header_deadline_s: float = 10.0
    body_deadline_s: float = 30.0
    keep_alive_s: float = 75.0
    stop_deadline_s: float = 20.0
    refuse_long_values: bool = False
    log_level: str = "info"
    json_logs: bool = False
