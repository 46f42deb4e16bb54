"""Starts a container in a network of its own that leads nowhere, and tells how it went, as JSON.

`unshare --net python run_image.py PORT BODY HEALTH COMMAND…`: the seconds until /ping, those of processors that its
processes took until then, its health, what it predicts, whose the processes are, and how the command HEALTH, a JSON
list, ended before and after.
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
from contextlib import suppress
from pathlib import Path
from typing import Any

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main(port: str, body: str, health: str, *command: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    checks = [check(health)]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=sys.stderr, stderr=sys.stderr)
    try:
        while ask(port, "/ping") is None:
            assert process.poll() is None, f"it ended with {process.returncode}"
            assert time.monotonic() - started < 300, "it did not answer within five minutes"
            time.sleep(0.02)
        found = {
            "ping_s": time.monotonic() - started,
            "processor_s": sum(map(processor_s, processes())),
            "health": json.loads(ask(port, "/health") or "{}"),
            "predictions": json.loads(ask(port, "/invocations", body) or "{}"),
            "users": users(),
            "checks": [*checks, check(health)],
        }
        print(json.dumps(found))
    finally:
        for pid in servers():
            os.kill(pid, signal.SIGTERM)
        process.wait(120)


def ask(port: str, path: str, body: str | None = None) -> str | None:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body.encode() if body else None)
    request.add_header("Content-Type", "application/json")
    try:
        answer: Any = OPENER.open(request, timeout=30)
    except OSError:
        return None
    text: str = answer.read().decode()
    return text


def processes() -> list[int]:
    """The Pythons of the image that are in this network: the scoring server, and those that hold the model."""
    ours = Path("/proc/self/ns/net").readlink()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            program, *arguments = (folder / "cmdline").read_bytes().split(b"\0")
            is_python = b"python" in program and int(folder.name) != os.getpid()  # buildah is told the same command
            if is_python and b"-m" in arguments and (folder / "ns" / "net").readlink() == ours:
                found.append(int(folder.name))
    return found


def servers() -> list[int]:
    return [pid for pid in processes() if b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]


def processor_s(pid: int) -> float:
    """Of a process, and of those that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def check(health: str) -> int:
    """The exit code of the image's health check."""
    return subprocess.run(json.loads(health), stdout=sys.stderr, stderr=sys.stderr, timeout=300).returncode


def users() -> list[int]:
    status = (Path(f"/proc/{pid}/status").read_text() for pid in processes())
    return sorted({int(line.split()[1]) for text in status for line in text.splitlines() if line.startswith("Uid:")})


if __name__ == "__main__":
    main(*sys.argv[1:])
