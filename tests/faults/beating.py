"""A training process that sends heartbeats: ``python -m tests.faults.beating PORT RUN_ID`` says of each a word."""

import json
import sys
import time

from tests.faults.client import Client, Unreachable

TIMEOUT_S = 3
PAUSE_S = 0.5


def main(port: int, run_id: str) -> None:
    body = json.dumps({"timeout_s": TIMEOUT_S}).encode()
    with Client(port, timeout_s=5) as client:
        while True:
            try:
                client.ask("POST", f"/api/v1/runs/{run_id}/heartbeat", body)
                say("heard")
            except Unreachable:
                say("unheard")
            time.sleep(PAUSE_S)


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
