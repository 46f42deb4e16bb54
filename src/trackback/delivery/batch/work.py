"""The folder of a job under way, beside its output: the plan, and the partitions that are done.

It is gone when the output is there.

    .out.parquet.scoring/
      plan.json
      lock                        held by the job, where there are locks
      parts/part-00000.arrow …    each there as a whole, or not at all
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import msgspec

from trackback.client.file_locks import hold_now
from trackback.delivery.batch import plans
from trackback.delivery.batch.places import LocalPlace, Place
from trackback.delivery.batch.plans import Plan
from trackback.errors import Conflict
from trackback.scoring.files.targets import Target

PLAN = "plan.json"
LOCK = "lock"


class Work:
    def __init__(self, folder: Place) -> None:
        self.folder = folder
        self.parts = folder.below("parts")

    @classmethod
    def beside(cls, output: Place) -> "Work":
        return cls(output.beside(f".{output.name}.scoring"))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Conflict: another job is at it, on this machine. Object stores have no locks."""
        with ExitStack() as stack:
            if isinstance(self.folder, LocalPlace):
                self.folder.path.mkdir(parents=True, exist_ok=True)
                lock = stack.enter_context((self.folder.path / LOCK).open("wb"))
                if not hold_now(lock):
                    raise Conflict(
                        f"Another job is writing the same output, in {self.folder.text}. Wait for its end, or end it."
                    )
            try:
                yield
            finally:
                if self.plan() is None:
                    self.folder.remove()

    def plan(self) -> Plan | None:
        """The plan of the job that was begun here."""
        try:
            return plans.decode(self.folder.below(PLAN).read())
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def begin(self, plan: Plan) -> None:
        """Let go of what there is of another job."""
        for each in list(self.folder.found()):
            if each.path != LOCK:
                each.place.remove()
        self.folder.below(PLAN).write(plans.encode(plan))

    def done(self, plan: Plan) -> set[int]:
        """Which partitions are there."""
        names = {each.path for each in self.parts.found()}
        return {number for number in range(len(plan.partitions)) if plan.part_name(number) in names}

    def part(self, plan: Plan, number: int) -> Target:
        return self.parts.below(plan.part_name(number)).target()
