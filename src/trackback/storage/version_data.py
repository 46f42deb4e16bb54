"""The params and metrics that a version keeps of what it was registered from: a run, a logged model, a version."""

from trackback.storage.interface import Transaction


def copy_run_params(tx: Transaction, model_version: int, run: int) -> int:
    """Keep a run's params with a new version; how many there are."""
    return tx.run(
        "INSERT INTO model_version_params (model_version, key, value) SELECT ?, key, value FROM params WHERE run = ?",
        model_version,
        run,
    )


def copy_run_metrics(tx: Transaction, model_version: int, run: int) -> int:
    """Keep a run's latest metrics with a new version; how many there are."""
    return tx.run(
        "INSERT INTO model_version_metrics (model_version, key, value, is_nan, step, timestamp_ms)"
        " SELECT ?, key, value, is_nan, step, timestamp_ms FROM latest_metrics WHERE run = ?",
        model_version,
        run,
    )


def copy_logged_model_params(tx: Transaction, model_version: int, logged_model: int) -> int:
    """Keep a logged model's params with a new version; how many there are."""
    return tx.run(
        "INSERT INTO model_version_params (model_version, key, value)"
        " SELECT ?, key, value FROM logged_model_params WHERE model = ?",
        model_version,
        logged_model,
    )


def copy_logged_model_metrics(tx: Transaction, model_version: int, logged_model: int) -> int:
    """Keep a logged model's latest metrics with a new version; how many there are."""
    ranked = (
        "SELECT key, value, is_nan, step, timestamp_ms,"
        " row_number() OVER (PARTITION BY key ORDER BY step DESC, timestamp_ms DESC, value DESC) AS place"
        " FROM model_metrics WHERE model = ?"
    )
    return tx.run(
        "INSERT INTO model_version_metrics (model_version, key, value, is_nan, step, timestamp_ms)"
        f" SELECT ?, key, value, is_nan, step, timestamp_ms FROM ({ranked}) AS ranked WHERE place = 1",
        model_version,
        logged_model,
    )


def copy_data(tx: Transaction, model_version: int, other: int) -> None:
    """Keep another version's params and metrics with a new one."""
    tx.run(
        "INSERT INTO model_version_params (model_version, key, value)"
        " SELECT ?, key, value FROM model_version_params WHERE model_version = ?",
        model_version,
        other,
    )
    tx.run(
        "INSERT INTO model_version_metrics (model_version, key, value, is_nan, step, timestamp_ms)"
        " SELECT ?, key, value, is_nan, step, timestamp_ms FROM model_version_metrics WHERE model_version = ?",
        model_version,
        other,
    )
