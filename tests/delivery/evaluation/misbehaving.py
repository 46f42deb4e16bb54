"""A model that does what its first row says."""

import os
import signal
import subprocess
import time
from typing import Any


class Misbehaving:
    """Saved by the flavor for any object with ``predict``, as a pickle."""

    def predict(self, frame: Any) -> Any:
        words = frame["word"].tolist()
        match words[0]:
            case "raise":
                raise RuntimeError("no idea")
            case "exit":
                os._exit(3)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                subprocess.Popen(["sleep", "300"], stdin=subprocess.DEVNULL)
                time.sleep(300)
            case "fewer":
                return words[1:]
            case "nothing":
                return [None] * len(words)
        return ["a"] * len(words)
