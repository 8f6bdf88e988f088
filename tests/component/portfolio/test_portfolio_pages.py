"""Events that share a transaction leave the same books as each in a transaction of its own."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.persistence import Connection, Database
from services.kernel.decimals import EXACT
from services.portfolio.bookings import book
from services.portfolio.domain.events import (
    Contract,
    Correction,
    Event,
    Fill,
    Reversal,
    Side,
    Transfer,
    TransferKind,
)
from services.portfolio.domain.lots import LotMethod
from services.portfolio.rebuild import differences, rebuild
from services.portfolio.storage import held_lots
from services.portfolio.storage.journal import read_journal
from services.portfolio.storage.models import read_models
from services.portfolio.storage.tables import LEDGER_SUMS, METADATA
from services.portfolio.storage.writer import SqlBooksWriter
from tests.support.portfolio import MIGRATIONS

NOON = datetime(2024, 8, 8, 12, tzinfo=UTC)
LINEAR = Contract(Decimal("0.001"), "usdt", inverse=False)
INVERSE = Contract(Decimal(100), "btc", inverse=True)
INSTRUMENTS = {"btc-usdt": None, "eth-usdt": None, "btc-usdt-perp": LINEAR, "btc-usd-perp": INVERSE}
OFTEN = ["btc-usdt", "btc-usdt", "btc-usdt", *INSTRUMENTS]
MOSTLY_BUYS = [Side.BUY, Side.BUY, Side.BUY, Side.SELL]
"""Small buys and large sells, so that many lots are open and one closing takes several."""


@dataclass(frozen=True)
class Traded:
    """What a fill is made of, but for its name."""

    instrument: str
    side: Side
    quantity: int
    price: int
    minute: int
    strategy: str

    def fill(self, number: int) -> Fill:
        return Fill(
            name=f"accounts/paper/fills/{number}",
            account="paper",
            venue="sim",
            instrument=self.instrument,
            base_asset=self.instrument[:3],
            quote_asset="usdt",
            side=self.side,
            price=Decimal(self.price) / 8,
            quantity=Decimal(self.quantity) / (16 if self.side is Side.BUY else 4),
            fee=Decimal(self.quantity - 3) / 1000,
            fee_asset="bnb" if self.price % 2 else "usdt",
            exchange_time=NOON + timedelta(minutes=self.minute),
            strategy=self.strategy,
            contract=INSTRUMENTS[self.instrument],
        )


@dataclass(frozen=True)
class Moved:
    """A transfer or a correction, or the reversal of the newest of them."""

    kind: TransferKind | None
    amount: int
    minute: int
    taken_back: bool


History = Sequence[Traded | Moved]
trades = st.builds(
    Traded,
    st.sampled_from(OFTEN),
    st.sampled_from(MOSTLY_BUYS),
    st.integers(1, 9),
    st.integers(1, 12),
    st.integers(0, 5),
    st.sampled_from(["", "sma", "grid"]),
)
moves = st.builds(
    Moved,
    st.one_of(st.none(), st.sampled_from(TransferKind)),
    st.integers(-50, 50).filter(bool),
    st.integers(0, 5),
    st.booleans(),
)
histories = st.lists(st.one_of(trades, trades, trades, moves), max_size=30)


class Clock:
    """Stands still, so that books made at different moments are comparable."""

    def now(self) -> datetime:
        return NOON


def events_of(history: History) -> list[Event]:
    events: list[Event] = []
    reversible: list[str] = []
    for number, each in enumerate(history):
        if isinstance(each, Traded):
            events.append(each.fill(number))
            continue
        name, amount = f"accounts/paper/moves/{number}", Decimal(each.amount) / 16
        if each.taken_back and reversible:
            events.append(Reversal(name, "paper", reversible.pop(), NOON, "a mistake"))
            continue
        reversible.append(str(number))
        if each.kind is None:
            events.append(Correction(name, "paper", "sim", "usdt", amount, NOON, "by hand"))
        else:
            time, shared = NOON + timedelta(minutes=each.minute), each.kind is TransferKind.FUNDING
            moved = Transfer(name, "paper", "sim", "usdt", amount, time, each.kind, "btc-usdt-perp", shared)
            events.append(moved)
    return events


class _Undone(Exception):  # noqa: N818 - not an error: it takes the transaction back
    pass


@asynccontextmanager
async def undone(database: Database) -> AsyncIterator[Connection]:
    """A transaction of which nothing stays."""
    with suppress(_Undone):
        async with database.write() as connection:
            yield connection
            raise _Undone


async def booked(
    database: Database, events: Sequence[Event], pages: Sequence[int], method: LotMethod
) -> dict[str, list[Any]]:
    """The rows of every table after booking pages of so many events; what is left over is one page more."""
    left = list(enumerate(events))
    async with undone(database) as connection:
        for size in (*pages, len(events)):
            page, left = left[:size], left[size:]
            writer = SqlBooksWriter(connection, Clock(), method)
            for number, event in page:
                await book(event, transaction_id=str(number), books=writer)
            await writer.flush()
            await _require_balance(connection)
        live, rebuilt = await read_models(connection), await rebuild(read_journal(connection))
        assert differences(live, rebuilt) == []
        return {table.name: await _rows(connection, table) for table in METADATA.sorted_tables}


async def _require_balance(connection: Connection) -> None:
    sums: dict[tuple[str, str], Decimal] = {}
    for row in await connection.execute(sa.select(LEDGER_SUMS)):
        for owner in ("", row.strategy):
            sums[owner, row.asset] = EXACT.add(sums.get((owner, row.asset), Decimal(0)), row.amount)
    assert set(sums.values()) <= {Decimal(0)}


async def _rows(connection: Connection, table: sa.Table) -> list[Any]:
    """Rows in the order of their numbers; a number itself counts only where others speak of it."""
    counted = table.name == "tax_lots"
    columns = [column for column in table.columns if counted or column.name != "number"]
    return (await connection.execute(sa.select(*columns).order_by(*table.primary_key))).all()  # type: ignore[return-value]


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def shared(loop: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path: Path = tmp_path_factory.mktemp("pages") / "books.sqlite3"
    database = loop.run(Database.open(f"sqlite:///{path}", migrations=MIGRATIONS))
    yield database
    loop.run(database.close())


@pytest.fixture(autouse=True, scope="module")
def _small_reads() -> Iterator[None]:
    """A few lots at once, so that most closings read several times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held_lots, "_FEW", 2)
        patch.setattr(held_lots, "_MANY", 3)
        yield


@settings(max_examples=40, deadline=None)
@given(histories, st.lists(st.integers(1, 12), max_size=8), st.sampled_from(LotMethod))
def test_a_page_of_events_is_the_events_one_by_one(
    loop: asyncio.Runner, shared: Database, history: History, pages: Sequence[int], method: LotMethod
) -> None:
    events = events_of(history)
    one_by_one = loop.run(booked(shared, events, [1] * len(events), method))
    assert loop.run(booked(shared, events, pages, method)) == one_by_one


@pytest.mark.parametrize("method", list(LotMethod))
async def test_a_long_page_on_every_database(database_url: str, method: LotMethod) -> None:
    chance = random.Random(7)
    history: list[Traded | Moved] = [
        Traded(
            chance.choice(OFTEN),
            chance.choice(MOSTLY_BUYS),
            chance.randint(1, 9),
            chance.randint(1, 12),
            chance.randint(0, 5),
            chance.choice(["", "sma"]),
        )
        for _ in range(80)
    ]
    history[40:40] = [Moved(TransferKind.FUNDING, -7, minute, taken_back=minute == 4) for minute in range(5)]
    database = await Database.open(database_url, migrations=MIGRATIONS)
    events = events_of(history)
    one_by_one = await booked(database, events, [1] * len(events), method)
    assert await booked(database, events, [50, 3], method) == one_by_one
    await database.close()
