"""A machine as EC2 has them, in QEMU: it boots a disk, and finds its user data at the metadata's address."""

import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "169.254.169.2"
"""The address by which the machine reaches loopback of this one."""
TOKEN = "a-token"

_RELAY = """
import os, socket, sys, threading
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def send():
    while data := os.read(0, 65536):
        peer.sendall(data)
    peer.shutdown(socket.SHUT_WR)
threading.Thread(target=send, daemon=True).start()
while data := peer.recv(65536):
    os.write(1, data)
"""


def missing() -> str | None:
    """Why no machine can be started here, or None."""
    there = shutil.which("qemu-system-x86_64")
    return None if there else "no QEMU: install it (on Debian: apt install qemu-system-x86)"


def _accelerated() -> list[str]:
    """By KVM where this machine's processor has what that takes. Within some virtual machines there is a /dev/kvm that
    can't run a boot loader.
    """
    has = {word for word in ("vmx", "svm") if f" {word} " in Path("/proc/cpuinfo").read_text()}
    return ["-accel", "kvm"] if has and os.access("/dev/kvm", os.W_OK) else ["-accel", "tcg,thread=multi"]


class Metadata:
    """EC2's metadata service, version 2: user data, and the region."""

    def __init__(self, user_data: str) -> None:
        answers = {"/latest/user-data": user_data, "/latest/meta-data/placement/region": "us-east-1"}

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self._answer(TOKEN if self.path == "/latest/api/token" else None)

            def do_GET(self) -> None:
                known = self.headers.get("X-aws-ec2-metadata-token") == TOKEN
                self._answer(answers.get(self.path) if known else None)

            def _answer(self, text: str | None) -> None:
                body = (text or "").encode()
                self.send_response(404 if text is None else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
                """What is asked is nothing to the tests' output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> "Metadata":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def boot(disk: Path, user_data: str, folder: Path, timeout_s: float) -> str:
    """Boot a disk, which stays as it is, and wait until the machine has shut down; what its console showed."""
    relay = folder / "relay.py"
    relay.write_text(_RELAY)
    console = folder / "console.log"
    with Metadata(user_data) as metadata, console.open("wb") as log:
        forward = f"guestfwd=tcp:169.254.169.254:80-cmd:{sys.executable} {relay} {metadata.port}"
        network = f"user,id=net,net=169.254.169.0/24,host={HOST},dns=169.254.169.3,dhcpstart=169.254.169.15,{forward}"
        command = [
            *("qemu-system-x86_64", *_accelerated(), "-cpu", "max", "-smp", "2", "-m", "1024"),
            *("-nographic", "-no-reboot", "-drive", f"file={disk},format=raw,if=none,id=disk,snapshot=on"),
            *("-device", "nvme,drive=disk,serial=vol0", "-netdev", network, "-device", "virtio-net-pci,netdev=net"),
        ]
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=timeout_s, check=True)
    return console.read_text(errors="replace")
