"""The command line: `python -m scripts.pictures`."""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from scripts.pictures import calendar, story
from scripts.pictures.calendar import Calendar
from scripts.pictures.camera import Camera
from scripts.pictures.firm import Firm
from scripts.pictures.places import find_places
from scripts.pictures.shots import SHOTS
from scripts.pictures.workplace import Workplace
from tests.servers.accounts import add_admin
from tests.servers.threaded import ThreadedServer
from trackback.server.settings import Settings

PICTURES = Path(__file__).parents[2] / "docs" / "ui"
HOST = "trackback.example.org"
"""What the browser calls the server: whatever its port is, the pictures are the same."""


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        folder = options.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pictures-")))
        folder.mkdir(parents=True, exist_ok=True)
        os.chdir(folder)  # so that no page shows where it is
        is_new = not Path("trackback.db").exists()
        if is_new:
            add_admin("sqlite:///trackback.db")
        receiver = stack.enter_context(_receiver())
        now = stack.enter_context(calendar.opened())
        server = stack.enter_context(ThreadedServer(_settings()))
        firm = Firm(server.url, now)
        stack.callback(firm.close)
        if is_new:
            story.tell(firm, Workplace(folder / "work", server.url, now), receiver)
        _take_pictures(firm, now, server, options.only, options.into)


def _take_pictures(firm: Firm, now: Calendar, server: ThreadedServer, only: list[str], into: Path) -> None:
    now.turn_to(0)
    places = find_places(firm)
    with Camera(server.port, HOST, into) as camera:
        for shot in SHOTS:
            if not only or shot.name in only:
                print(shot.name, flush=True)
                camera.take(shot, places)


def _settings() -> Settings:
    return Settings(
        backend_store_uri="sqlite:///trackback.db",
        artifacts_destination="artifacts",
        auth=True,
        allowed_hosts=(HOST,),
        promotion_rules=("promote=true",),
        webhook_allowed_networks=("127.0.0.0/8",),
    )


class _Receiver(BaseHTTPRequestHandler):
    """Of webhooks: takes what CI is told, and has no time for the chat."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        is_taken = self.path == "/promoted"
        self.send_response(202 if is_taken else 503)
        self.end_headers()
        self.wfile.write(b"queued" if is_taken else b"Try again later.")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def _receiver() -> Iterator[str]:
    """Its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.pictures", description="Takes the pictures in docs/ui/.")
    parser.add_argument(
        "--data",
        type=lambda text: Path(text).absolute(),
        help="where the server's data are kept, to take more pictures of them later",
    )
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="one picture; may be repeated")
    parser.add_argument(
        "--into", type=lambda text: Path(text).absolute(), default=PICTURES, help="where pictures go (default: docs/ui)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
