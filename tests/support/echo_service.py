"""A service process for tests of the chassis; files in ``ECHO_FLAGS`` steer it.

``sick`` fails the self test, ``crash`` ends the background work, ``release`` lets slow calls answer.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

from services.chassis.runtime import Application, Background, Runtime, main
from tests.support.echo import Response, echo

_FLAGS = Path(os.environ["ECHO_FLAGS"])


async def _raised(flag: str) -> None:
    while not (_FLAGS / flag).exists():
        await asyncio.sleep(0.02)


async def _answer(request: Any, _: Any) -> Response:
    if request.page_token == "slow":
        (_FLAGS / "entered").touch()
        await _raised("release")
    return Response(next_page_token=request.page_token)


async def _self_test() -> None:
    if (_FLAGS / "sick").exists():
        raise ConnectionError("the flag says sick")


async def _background() -> None:
    await _raised("crash")
    raise RuntimeError("the flag says crash")


async def _prepare() -> None:
    (_FLAGS / "prepared").touch()


async def _close() -> None:
    (_FLAGS / "closed").touch()


async def build(runtime: Runtime) -> Application:
    """Wire it; the flag ``no_build`` fails here."""
    if (_FLAGS / "no_build").exists():
        raise RuntimeError("the flag says no build")
    assert runtime.spec.name == "market"
    return Application(
        servicers=[echo(_answer)],
        background=[Background("flagged", _background)],
        self_tests=[_self_test],
        prepare=_prepare,
        close=_close,
    )


if __name__ == "__main__":
    main("market", build)
