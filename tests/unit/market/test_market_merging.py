"""Several streams as one: order, failure, closing."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from services.market.feeds.merging import merged


class _Source:
    def __init__(self, name: str, count: int, failure: Exception | None = None) -> None:
        self.closed = False
        self._name, self._count, self._failure = name, count, failure

    async def stream(self) -> AsyncGenerator[str, None]:
        try:
            for number in range(self._count):
                await asyncio.sleep(0)
                yield f"{self._name}{number}"
            if self._failure:
                raise self._failure
            await asyncio.Event().wait()
        finally:
            self.closed = True


async def test_items_of_each_stream_stay_in_order() -> None:
    sources = [_Source("a", 700), _Source("b", 400)]
    seen: list[str] = []
    async with asyncio.timeout(5), aclosing(merged([each.stream() for each in sources])) as items:
        async for item in items:
            seen.append(item)
            if len(seen) == 1100:
                break
    for name, count in (("a", 700), ("b", 400)):
        assert [each for each in seen if each[0] == name] == [f"{name}{number}" for number in range(count)]
    assert all(each.closed for each in sources)


async def test_what_was_read_before_a_failure_comes_first_and_all_are_closed() -> None:
    sources = [_Source("a", 3, ConnectionError("cut")), _Source("b", 0)]
    seen: list[str] = []

    async def read() -> None:
        async with asyncio.timeout(5), aclosing(merged([each.stream() for each in sources])) as items:
            async for item in items:
                seen.append(item)  # noqa: PERF401 - what came before the failure counts

    with pytest.raises(ConnectionError):
        await read()
    assert seen == ["a0", "a1", "a2"]
    assert all(each.closed for each in sources)
