"""Starts a container in a network of its own that leads nowhere, and tells how it went, as JSON.

`unshare --net python run_image.py PORT BODY COMMAND…`: the seconds until /ping, its health, what it predicts, and whose
the process is.
"""

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main(port: str, body: str, *command: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=sys.stderr, stderr=sys.stderr)
    try:
        while ask(port, "/ping") is None:
            assert process.poll() is None, f"it ended with {process.returncode}"
            assert time.monotonic() - started < 60, "it did not answer within a minute"
            time.sleep(0.02)
        found = {
            "ping_s": time.monotonic() - started,
            "health": json.loads(ask(port, "/health") or "{}"),
            "predictions": json.loads(ask(port, "/invocations", body) or "{}"),
            "users": users(),
        }
        print(json.dumps(found))
    finally:
        for pid in servers():
            os.kill(pid, signal.SIGTERM)
        process.wait(30)


def ask(port: str, path: str, body: str | None = None) -> str | None:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body.encode() if body else None)
    request.add_header("Content-Type", "application/json")
    try:
        answer: Any = OPENER.open(request, timeout=30)
    except OSError:
        return None
    text: str = answer.read().decode()
    return text


def servers() -> list[int]:
    """The processes of the scoring server that are in this network."""
    ours = Path("/proc/self/ns/net").readlink()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            if b"serve" in command and b"/opt/model" in command and (folder / "ns" / "net").readlink() == ours:
                found.append(int(folder.name))
        except OSError:
            continue
    # buildah is told the same command
    return [
        pid
        for pid in found
        if pid != os.getpid() and b"python" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    ]


def users() -> list[int]:
    status = (Path(f"/proc/{pid}/status").read_text() for pid in servers())
    return sorted({int(line.split()[1]) for text in status for line in text.splitlines() if line.startswith("Uid:")})


if __name__ == "__main__":
    main(*sys.argv[1:])
