"""The process that holds a model: `python -m trackback.scoring.worker SOCKET`, which only the server starts.

It does one batch after the other, and ends when the server closes its connection, or is gone.
"""

import logging
import os
import signal
import socket
import sys
import threading

from trackback.errors import TrackbackError
from trackback.scoring.messages import Start, Started, decode_questions, decode_start, framed, receive
from trackback.scoring.predictors import load_to_stay
from trackback.scoring.scorer import Scorer
from trackback.server.logs import configure_logs
from trackback.server.settings import Settings as LogSettings

log = logging.getLogger(__name__)


def main(descriptor: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C reaches all processes; requests under way are to finish
    threading.Thread(target=end_with_the_server, daemon=True).start()
    with socket.socket(fileno=descriptor) as connection:
        message = receive(connection)
        if message is None:
            return
        try:
            scorer = _load(decode_start(message))
        except TrackbackError as error:
            connection.sendall(framed(Started(error.message)))
            return
        except Exception as error:
            log.exception("the model can't be loaded")
            connection.sendall(framed(Started(f"{type(error).__name__}: {error}")))
            return
        connection.sendall(framed(Started(None, scorer.batches)))
        while (message := receive(connection)) is not None:
            connection.sendall(framed(scorer.answer(decode_questions(message))))


def _load(start: Start) -> Scorer:
    """Raises TrackbackError."""
    configure_logs(LogSettings(log_level=start.log_level, json_logs=start.json_logs))
    logging.captureWarnings(True)
    return Scorer(load_to_stay(start.directory, start.trusted), batches=start.batch)


def end_with_the_server() -> None:
    """Standard input ends when the server does, however it ends; a prediction that hangs then ends, too."""
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
