"""What every storage guarantees: each write whole or not at all, whatever else is written at the same time."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from trackback.errors import InvalidParameter, Unavailable
from trackback.storage import Storage, Transaction

MANIFESTS = "SELECT root FROM manifests ORDER BY root"


def add(*roots: str, fails: bool = False, names: tuple[str, ...] = ()) -> Callable[[Transaction], list[int]]:
    def operation(tx: Transaction) -> list[int]:
        tx.insert_columns("INSERT INTO manifests (root) {columns text}", roots)
        numbers = tx.name_ids(names)
        if fails:
            raise InvalidParameter("this one is refused")
        return numbers

    return operation


async def roots(storage: Storage) -> list[str]:
    return [root for (root,) in await storage.read(lambda tx: tx.rows(MANIFESTS))]


async def test_an_operation_that_raises_leaves_nothing(storage: Storage) -> None:
    with pytest.raises(InvalidParameter, match="this one is refused"):
        await storage.write(add("a", "b", fails=True))
    assert await roots(storage) == []


@pytest.mark.parametrize("brief", [(), (0, 1), range(5)], ids=["none is brief", "some are", "all are"])
@pytest.mark.parametrize("writes", [20, 60])
async def test_writes_at_the_same_time_neither_fail_nor_vanish_with_one_that_does(
    storage: Storage, brief: Sequence[int], writes: int
) -> None:
    outcomes = await asyncio.gather(
        *(storage.write(add(f"{n:02d}", fails=n % 7 == 3), brief=n % 5 in brief) for n in range(writes)),
        return_exceptions=True,
    )
    assert [isinstance(outcome, InvalidParameter) for outcome in outcomes] == [n % 7 == 3 for n in range(writes)]
    assert await roots(storage) == [f"{n:02d}" for n in range(writes) if n % 7 != 3]


async def test_a_brief_write_that_is_under_way_when_a_storage_closes_is_written(storage: Storage) -> None:
    write = asyncio.create_task(storage.write(add("a"), brief=True))
    await asyncio.sleep(0)
    await storage.close()
    assert await write == []


async def test_a_name_entered_by_a_write_that_failed_is_entered_by_the_next(storage: Storage) -> None:
    outcomes = await asyncio.gather(
        storage.write(add("a", fails=True, names=("lost", "kept"))),
        storage.write(add("b", names=("kept", "other"))),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], InvalidParameter)
    kept, other = outcomes[1]  # type: ignore[misc]
    known = await storage.read(lambda tx: tx.known_name_ids(["lost", "kept", "other"]))
    assert known == {"kept": kept, "other": other}
    assert await storage.write(add("c", names=("lost",))) not in ([kept], [other])


@pytest.mark.parametrize("brief", [False, True])
async def test_a_write_whose_caller_is_gone_is_written_whole(storage: Storage, brief: bool) -> None:
    writes = [asyncio.create_task(storage.write(add(f"{n}a", f"{n}b"), brief=brief)) for n in range(5)]
    await asyncio.sleep(0)
    writes[2].cancel()
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(outcomes[2], asyncio.CancelledError)
    found = await roots(storage)
    assert [f"{number}{part}" for number in (0, 1, 3, 4) for part in "ab"] == [r for r in found if r[0] != "2"]
    assert [root for root in found if root[0] == "2"] in ([], ["2a", "2b"])


async def test_a_closed_storage_takes_nothing(storage: Storage) -> None:
    await storage.close()
    for call in (storage.read, storage.write):
        with pytest.raises(Unavailable, match="stopping"):
            await call(add("late"))
