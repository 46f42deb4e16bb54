"""A process that predicts partitions: `python -m trackback.delivery.batch.worker SOCKET`, which only a job starts.

It ends when the job closes its connection, or is gone.
"""

import logging
import signal
import socket
import sys
import threading

from trackback.delivery.batch.messages import Advanced, Failed, Finished, Loaded, decode_begin, decode_number
from trackback.delivery.batch.partitions import score_partition
from trackback.delivery.batch.places import place_at
from trackback.delivery.batch.plans import Plan
from trackback.delivery.batch.work import Work
from trackback.errors import ModelNotLoaded, TrackbackError
from trackback.scoring.messages import framed, receive
from trackback.scoring.predictors import load_to_stay
from trackback.scoring.worker import end_with_the_server

log = logging.getLogger(__name__)


def main(descriptor: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the job ends us
    threading.Thread(target=end_with_the_server, daemon=True).start()
    with socket.socket(fileno=descriptor) as connection:
        try:
            _predict(connection)
        except TrackbackError as error:
            connection.sendall(framed(Failed.of(error)))
        except Exception as error:
            log.exception("the process has failed")
            connection.sendall(framed(Failed("TrackbackError", f"{type(error).__name__}: {error}")))


def _predict(connection: socket.socket) -> None:
    message = receive(connection)
    if message is None:
        return
    begin = decode_begin(message)
    try:
        model = load_to_stay(begin.directory, begin.trusted)
    except TrackbackError:
        raise
    except Exception as error:
        raise ModelNotLoaded(f"The model can't be loaded: {type(error).__name__}: {error}") from error
    connection.sendall(framed(Loaded()))
    work = Work(place_at(begin.work))
    plan = None
    while (message := receive(connection)) is not None:
        number = decode_number(message)
        plan = plan or _plan(work)  # which may not have been made yet when the model was loaded
        score_partition(model, plan, number, work, lambda rows, size: connection.sendall(framed(Advanced(rows, size))))
        connection.sendall(framed(Finished(number)))


def _plan(work: Work) -> Plan:
    plan = work.plan()
    if plan is None:
        raise TrackbackError(f"The plan in {work.folder.text} is gone.")
    return plan


if __name__ == "__main__":
    main(int(sys.argv[1]))
