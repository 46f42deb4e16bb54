"""`python -m trackback.scoring.trial`: whether a model loads in this environment, and predicts for its input example.

Standard input is an Order, standard output a Finding, both as JSON; what the model prints goes to standard error.
"""

import os
import sys
import traceback
from pathlib import Path
from time import perf_counter

import msgspec

from trackback.errors import TrackbackError, UntrustedModel
from trackback.flavors import Trust, load_predictor


class Order(msgspec.Struct):
    """``trusted``: the digests of files that may run code; None for any."""

    directory: str
    trusted: tuple[str, ...] | None = ()


class Finding(msgspec.Struct, omit_defaults=True):
    """``problem``: why it does not load, or can't predict. ``example``: whether there was one to predict for."""

    problem: str | None = None
    untrusted: bool = False
    example: bool = False
    load_s: float = 0.0
    predict_s: float = 0.0


def attempt(order: Order) -> Finding:
    trust = Trust(everything=True) if order.trusted is None else Trust.of(order.trusted)
    started = perf_counter()
    try:
        predictor = load_predictor(Path(order.directory), trust=trust)
        loaded = perf_counter()
        example = predictor.input_example
        if example is not None:
            predictor.predict(example.inputs, example.params)
    except TrackbackError as error:
        return Finding(error.message, isinstance(error, UntrustedModel))
    except Exception as error:  # noqa: BLE001 - a model may raise anything, and what it was is what is asked for
        traceback.print_exc()
        return Finding(f"{type(error).__name__}: {error}")
    return Finding(None, False, example is not None, loaded - started, perf_counter() - loaded)


def main() -> None:
    answer = os.dup(1)
    os.dup2(2, 1)
    finding = attempt(msgspec.json.decode(sys.stdin.buffer.read(), type=Order))
    os.write(answer, msgspec.json.encode(finding))


if __name__ == "__main__":
    main()
