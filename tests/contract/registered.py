"""Models and versions as rows, for tests of what is done with them rather than of how they come to be."""

from trackback.storage import Storage, Transaction

DIGEST = "a" * 64
OTHER_DIGEST = "b" * 64


async def register_model(storage: Storage, name: str) -> int:
    def operation(tx: Transaction) -> int:
        row = tx.row(
            "INSERT INTO registered_models (name, description, created_ms, updated_ms, last_version)"
            " VALUES (?, '', 1, 1, 0) RETURNING id",
            name,
        )
        assert row
        return int(row[0])

    return await storage.write(operation)


async def register_version(
    storage: Storage,
    model: int,
    digest: str | None = DIGEST,
    *,
    author: str = "ada",
    run_id: str = "",
    description: str = "",
) -> int:
    """The row of the model's next version, whose files have this digest."""

    def operation(tx: Transaction) -> int:
        if digest is not None:
            keep_snapshot(tx, digest)
        found = tx.row(
            "UPDATE registered_models SET last_version = last_version + 1 WHERE id = ? RETURNING last_version", model
        )
        assert found
        row = tx.row(
            "INSERT INTO model_versions (model, version, description, user_id, source, location, digest, run_id,"
            " run_link, logged_model, stage, status, status_message, created_ms, updated_ms)"
            " VALUES (?, ?, ?, ?, 'mlflow-artifacts:/x', '', ?, ?, '', '', 'None', 'READY', '', 1, 1) RETURNING id",
            model,
            found[0],
            description,
            author,
            digest,
            run_id,
        )
        assert row
        return int(row[0])

    return await storage.write(operation)


def keep_snapshot(tx: Transaction, digest: str) -> None:
    tx.run("INSERT INTO manifests (root) VALUES (?) ON CONFLICT DO NOTHING", f"versions/{digest}")
    tx.run(
        "INSERT INTO snapshots (digest, manifest, files, bytes, created_ms)"
        " SELECT ?, id, 1, 1, 1 FROM manifests WHERE root = ? ON CONFLICT DO NOTHING",
        digest,
        f"versions/{digest}",
    )


async def set_alias(storage: Storage, model: int, alias: str, version: int) -> None:
    await storage.write(
        lambda tx: tx.run(
            "INSERT INTO registered_model_aliases (model, alias, version) VALUES (?, ?, ?)", model, alias, version
        )
    )


async def delete_version(storage: Storage, row: int) -> None:
    await storage.write(lambda tx: tx.run("UPDATE model_versions SET deleted_ms = 1 WHERE id = ?", row))


async def promote(
    storage: Storage,
    seq: int,
    stream: str,
    environment: str,
    digest: str | None = DIGEST,
    *,
    model_version: int | None = None,
    run: int | None = None,
    kind: str = "promoted",
) -> None:
    """An entry of the log."""
    await storage.write(
        lambda tx: tx.run(
            "INSERT INTO promotions (seq, stream, environment, kind, model_version, run, digest, actor, time_ms,"
            " reason, origin, overridden, unverified, basis)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'ada', 1, '', 'request', 0, 0, '{}')",
            seq,
            stream,
            environment,
            kind,
            model_version,
            run,
            digest,
        )
    )
