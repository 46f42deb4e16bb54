"""A real registry of images, the one that others are measured by: distribution."""

import json
import signal
import subprocess
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

import yaml

from tests.environments import ROOT
from tests.servers.program import Program, accepts_connections, free_port

LOGIN = ("ada", "pw")
_BCRYPT = "$2b$05$abcdefghijklmnopqrstuuHIrMEWpUCQe2YqFR3sXwQ75u4od..9q"  # of the password of LOGIN

PROGRAM = ROOT / ".tools" / "bin" / "registry"


def missing() -> str | None:
    """Why there can't be one here."""
    return None if PROGRAM.exists() else "no registry of images: run `make .tools/bin/registry`, which needs Go"


class TokenServer:
    """Gives out tokens for a registry, as Docker Hub does: to LOGIN all that it asks for, to others nothing."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._key, self._certificate = folder / "key.pem", folder / "certificate.pem"
        names: list[str | Path] = ["-keyout", self._key, "-out", self._certificate, "-subj", "/CN=tests", "-days", "30"]
        made: list[str | Path] = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *names]
        subprocess.run(made, check=True, capture_output=True)
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                token = server._token(parse_qs(urlsplit(self.path).query), self.headers.get("Authorization", ""))
                self.send_response(200 if token else 401)
                self.end_headers()
                self.wfile.write(json.dumps({"token": token}).encode())

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def trusted_by(self) -> dict[str, str]:
        """What a registry is told of it."""
        realm = f"http://127.0.0.1:{self._server.server_address[1]}/token"
        bundle = str(self._certificate)
        return {"realm": realm, "service": "tests", "issuer": "tests", "rootcertbundle": bundle}

    def _token(self, asked: dict[str, list[str]], authorization: str) -> str | None:
        if authorization != f"Basic {b64encode(':'.join(LOGIN).encode()).decode()}":
            return None
        kind, name, actions = asked["scope"][0].split(":")
        der = "".join(self._certificate.read_text().split("-----")[2].split())
        now = int(time.time())
        claims = {
            "iss": "tests",
            "aud": asked["service"][0],
            "sub": LOGIN[0],
            "exp": now + 300,
            "nbf": now - 5,
            "iat": now,
            "jti": str(now),
            "access": [{"type": kind, "name": name, "actions": actions.split(",")}],
        }
        signed = f"{_part({'typ': 'JWT', 'alg': 'RS256', 'x5c': [der]})}.{_part(claims)}"
        sign: list[str | Path] = ["openssl", "dgst", "-sha256", "-sign", self._key]
        signature = subprocess.run(sign, input=signed.encode(), check=True, capture_output=True).stdout
        return f"{signed}.{urlsafe_b64encode(signature).decode().rstrip('=')}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _part(said: dict[str, object]) -> str:
    return urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


class ImageRegistry:
    """``guarded``: only LOGIN may use it; else anybody may. ``tokens``: who may is told by a server of tokens."""

    def __init__(self, folder: Path, guarded: bool = False, tokens: TokenServer | None = None) -> None:
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "registry.log"
        config = folder / "config.yml"
        said: dict[str, object] = {
            "version": 0.1,
            "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "kept")}, "delete": {"enabled": True}},
            "http": {"addr": self.host},
        }
        if guarded:
            (folder / "users").write_text(f"{LOGIN[0]}:{_BCRYPT}\n")
            said["auth"] = {"htpasswd": {"realm": "tests", "path": str(folder / "users")}}
        if tokens:
            said["auth"] = {"token": tokens.trusted_by}
        config.write_text(yaml.safe_dump(said))
        self._program = Program(
            [PROGRAM, "serve", config], log=self._log, answers=lambda: accepts_connections(self.port)
        )

    @property
    def requests(self) -> str:
        """What it was asked, by its log."""
        return self._log.read_text()

    def __enter__(self) -> Self:
        self._program.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._program.end(signal.SIGTERM)
