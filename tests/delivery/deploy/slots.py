"""A slot of a test's own, and what is asked of it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import httpx

from tests.delivery.registered import NAME, ROWS, Ended, Registered
from tests.scoring.load import Load
from tests.servers.program import free_port


class OwnSlot:
    """``flags`` say which manager runs it: `--to process`."""

    def __init__(self, registered: Registered, flags: Sequence[str]) -> None:
        self.registered = registered
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.flags = [*flags, "--port", str(self.port)]

    def deploy(self, what: object, *more: object, command: Sequence[str] = ()) -> Ended:
        quick = ["--watch", "0.3", "--drain", "1", "--timeout", "240"]
        return self.registered.deliver(
            *([] if command else ["deploy"]), what, *self.flags, *quick, *more, command=command
        )

    def remove(self) -> Ended:
        return self.registered.deliver("deploy", "--slot", f"{NAME}-staging", "--remove", *self.flags)

    def answer(self) -> str:
        """What it predicts."""
        answer = httpx.post(f"{self.url}/invocations", json=ROWS, timeout=10, trust_env=False)
        return str(answer.raise_for_status().json()["predictions"][0])

    @contextmanager
    def under_load(self) -> Iterator[Counter[str]]:
        """Requests of connections that are kept and of such that are not, all the while; what came back."""
        body = json.dumps(ROWS)
        with Load(self.port, lambda number: body, connections=4, pause_s=0.03) as load:
            yield load.outcomes

    @property
    def live(self) -> list[str]:
        """The versions that are live by the record."""
        return [str(each.version) for each in self.registered.deployments(at="now") if each.kind == "endpoint"]


def predicting(word: str) -> str:
    return json.dumps({"predictions": [word]}, separators=(",", ":"))


Change = Callable[..., object]
