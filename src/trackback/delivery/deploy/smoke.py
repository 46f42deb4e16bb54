"""Whether a scoring server is well: its health, the digest of what it serves, a prediction for the input example."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from trackback.client.closing import Closing
from trackback.errors import CheckFailed
from trackback.flavors import read_mlmodel
from trackback.limits import shown

_PAUSE_S = 0.1
_PREDICT_S = 60.0


@dataclass(frozen=True)
class Example:
    """A body for /invocations that the model was saved with. None of it: the model has no input example."""

    body: bytes | None


def read_smoke_example(model: Path) -> Example:
    """InvalidModel: the model's files can't be read."""
    info = read_mlmodel(model).saved_input_example_info
    if info is None or info.serving_input_path is None:
        return Example(None)
    path = model / info.serving_input_path
    return Example(path.read_bytes() if path.is_file() else None)


class Server(Closing):
    """A scoring server, at a URL or at a Unix socket."""

    def __init__(self, url: str, socket: Path | None = None) -> None:
        transport = httpx.HTTPTransport(uds=str(socket)) if socket else httpx.HTTPTransport()
        self._client = httpx.Client(base_url=url, transport=transport, timeout=5, headers={"connection": "close"})

    def health(self) -> dict[str, Any] | None:
        """What it says of itself, if it is well; None otherwise."""
        try:
            answer = self._client.get("/health")
            said = answer.json()
        except (httpx.TransportError, ValueError):
            return None
        return said if answer.status_code == 200 and isinstance(said, dict) else None

    def wait(self, until: Callable[[dict[str, Any]], bool], deadline: float) -> dict[str, Any] | None:
        """Its health, once it is as it should be; None if it is not by then."""
        while True:
            said = self.health()
            if said is not None and until(said):
                return said
            if time.monotonic() >= deadline:
                return None
            time.sleep(_PAUSE_S)

    def check(self, digest: str, example: Example) -> None:
        """CheckFailed: it is not well, serves something else, or does not predict for the example."""
        said = self.health()
        if said is None:
            raise CheckFailed("The server does not answer /health with 200.")
        if said.get("digest") != digest:
            raise CheckFailed(f"The server has the digest {said.get('digest')}, and is to have {digest}.")
        if example.body is None:
            return
        try:
            answer = self._client.post(
                "/invocations", content=example.body, headers={"content-type": "application/json"}, timeout=_PREDICT_S
            )
        except httpx.TransportError as error:
            raise CheckFailed(f"The server did not answer for the input example: {error!r}.") from error
        check_predictions(answer.status_code, answer.text)

    def close(self) -> None:
        self._client.close()


def check_predictions(status: int, text: str) -> None:
    """CheckFailed: an answer of /invocations has no predictions."""
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if status != 200 or not isinstance(said, dict) or "predictions" not in said:
        raise CheckFailed(f"The server answered {status} for the input example: {shown(text.strip(), 500)}")
