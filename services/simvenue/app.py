"""Wires the simulated venue."""

import time
from collections.abc import Callable
from decimal import Decimal

import structlog
from prometheus_client import CollectorRegistry
from trademesh.simvenue.v1 import fault_service_pb2_grpc, simvenue_service_pb2_grpc

from services.chassis.runtime import Application, Background, Binding, Runtime
from services.simvenue import convert
from services.simvenue.age import AgeLimit
from services.simvenue.binance.door import Behind, BinanceDoor, Opened
from services.simvenue.binance.keys import ApiKey
from services.simvenue.domain.account import AccountState
from services.simvenue.domain.liquidation import INSURANCE_FUND
from services.simvenue.domain.terms import QueueModel, SelfTrade
from services.simvenue.domain.venue import Ids, Venue
from services.simvenue.doors import Doors, end_now
from services.simvenue.drivers.driver import MarketDriver
from services.simvenue.drivers.empty import EmptyDriver
from services.simvenue.drivers.recording import RecordingDriver, find_files
from services.simvenue.drivers.synthetic import SyntheticDriver
from services.simvenue.fault_script import read_script
from services.simvenue.floor import TradingFloor
from services.simvenue.handlers import MarketData, Trading, VenueFacts
from services.simvenue.latency import LatencyModel, read_delay
from services.simvenue.listing import INSTRUMENTS, PERPETUALS, PROFILES
from services.simvenue.marks import ExchangeClock, Leases
from services.simvenue.metrics import SimvenueMetrics
from services.simvenue.ports import StoredVenue
from services.simvenue.pump import MarketPump
from services.simvenue.servicer import FaultServicer, SimvenueServicer
from services.simvenue.settings import SimvenueSettings
from services.simvenue.storage.ledger import SqlLedger
from services.simvenue.streams import AccountStream, MarketStream

_log = structlog.get_logger(__name__)

_SECOND_NS = 1_000_000_000
_DAY_S = 86_400


async def build(runtime: Runtime) -> Application:
    """Make the service with the settings of its environment."""
    return await assemble(runtime, SimvenueSettings(), SimvenueMetrics())


async def assemble(
    runtime: Runtime,
    settings: SimvenueSettings,
    metrics: SimvenueMetrics | None = None,
    *,
    door_made: Opened | None = None,
    end_process: Callable[[], object] = end_now,
    monotonic_ns: Callable[[], int] = time.monotonic_ns,
) -> Application:
    """Wire the ledger, the markets, what moves them, and the ways in.

    Args:
        runtime: what the chassis gives.
        settings: what an operator sets.
        metrics: counts what happens; where nobody looks if it is absent.
        door_made: told of the Binance door, where there is one.
        end_process: what the fault RESTART does.
        monotonic_ns: our time, which exchange time follows; in nanoseconds, from any point on.

    Raises:
        RecordingError: there is no recording where the settings say.
        DomainError: UNKNOWN_ACCOUNT, an API key is of an account that there is not.
    """
    driver = _driver(settings)
    ledger = SqlLedger(runtime.require_database(), settings.venue)
    stored = await ledger.claim()
    begin_ns = _begin_ns(runtime, settings, driver, stored)
    clock = ExchangeClock(float(settings.speed), monotonic_ns)
    leases = Leases(clock, stored.marks)
    self_trade = {name: SelfTrade[mode.upper()] for name, mode in settings.self_trade_prevention.items()}
    venue = Venue(
        (*INSTRUMENTS, *PERPETUALS) if settings.perpetuals else INSTRUMENTS,
        Ids(leases.trades, leases.orders, leases.transfers),
        self_trade,
        QueueModel[settings.queue_model.upper()],
        liquidates=settings.liquidation,
    )
    unfunded = _open_accounts(venue, settings, stored)
    floor = TradingFloor(venue, leases, ledger, convert.encode_account_event, settings.buffered_events)
    pump = MarketPump(driver, floor, clock)
    facts = VenueFacts(settings.venue, driver.source, convert.speed_to_proto(settings.speed), begin_ns)
    doors = Doors(
        Trading(floor, ledger),
        AccountStream(floor, ledger, settings.heartbeat_seconds),
        convert.tells_fill,
        _latency(settings),
        SimvenueMetrics(CollectorRegistry()) if metrics is None else metrics,
        stored.run,
        end_process,
    )
    keep_ns = int(settings.keep_ended_days * _DAY_S * float(settings.speed)) * _SECOND_NS
    age = AgeLimit(floor, ledger, convert.event_time, keep_ns)
    script = read_script(settings.faults)
    servicer = SimvenueServicer(
        MarketData(floor, facts), doors, MarketStream(floor, settings.heartbeat_seconds), runtime.clock
    )

    more: list[Background] = []
    if settings.binance_port is not None:
        door = BinanceDoor(
            Behind(floor, doors, runtime.clock, runtime.ids),
            _api_keys(venue, settings),
            settings.binance_port,
        )
        more.append(Background("binance_door", door.run))
        if door_made is not None:
            door_made(door)

    async def prepare() -> None:
        clock.set(begin_ns)
        await floor.flush()  # no id and no time may be used before their bounds are on disk
        for account, deposits in unfunded.items():
            for currency, amount in deposits.items():
                venue.deposit(account, currency, amount, begin_ns)
        venue.reopen()
        await pump.warm_up(begin_ns, begin_ns + _warmup_ns(settings))
        await floor.flush()
        clock.run()
        if script is not None:
            doors.install(script)
        _log.info("venue_opened", source=driver.source.name.lower(), speed=facts.speed)

    return Application(
        servicers=[
            Binding(
                servicer,
                simvenue_service_pb2_grpc.add_SimvenueServiceServicer_to_server,
            ),
            Binding(
                FaultServicer(doors),
                fault_service_pb2_grpc.add_SimvenueFaultServiceServicer_to_server,
            ),
        ],
        background=[
            Background("ledger_writer", floor.run),
            Background("market", pump.run),
            Background("late_fills", doors.run),
            Background("age_limit", age.run),
            *more,
        ],
        prepare=prepare,
    )


def _driver(settings: SimvenueSettings) -> MarketDriver:
    if settings.recording is None and not settings.crowd:
        return EmptyDriver()
    if settings.recording is None:
        return SyntheticDriver(settings.seed, PROFILES)
    return RecordingDriver(find_files(settings.recording, INSTRUMENTS))


def _api_keys(venue: Venue, settings: SimvenueSettings) -> list[ApiKey]:
    return [
        ApiKey(venue.account(owner.account).name, key, owner.seal())
        for key, owner in settings.binance_keys.items()
    ]


def _latency(settings: SimvenueSettings) -> LatencyModel:
    delays = {name: read_delay(text) for name, text in settings.latency.items()}
    return LatencyModel(delays, settings.latency_seed)


def _warmup_ns(settings: SimvenueSettings) -> int:
    recorded = settings.recording is not None
    seconds = settings.recording_warmup_seconds if recorded else settings.synthetic_warmup_seconds
    return int(seconds * _SECOND_NS)


def _begin_ns(runtime: Runtime, settings: SimvenueSettings, driver: MarketDriver, stored: StoredVenue) -> int:
    """Where exchange time begins: after the run before, else where the recording or our past does."""
    if stored.marks is not None:
        return stored.marks.time_ns
    natural = driver.begin_ns()
    if natural is not None:
        return natural
    return int(runtime.clock.now().timestamp() * _SECOND_NS) - _warmup_ns(settings)


def _open_accounts(
    venue: Venue, settings: SimvenueSettings, stored: StoredVenue
) -> dict[str, dict[str, Decimal]]:
    """Open all accounts; answers the deposits of those that are new."""
    for state in stored.accounts:
        venue.open_account(state)
    known = {state.account for state in stored.accounts}
    wanted = {**settings.accounts, **({INSURANCE_FUND: {}} if settings.liquidation else {})}
    unfunded = {name: deposits for name, deposits in wanted.items() if name not in known}
    for name in unfunded:
        venue.open_account(AccountState(name))
    return unfunded
