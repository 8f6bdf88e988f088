"""What the exchange says and what the books make of it; and that every value has its name in the contract."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trademesh.exchange.v1 import balance_pb2, fill_pb2
from trademesh.portfolio.v1 import equity_pb2, ledger_pb2, tax_lot_pb2
from trademesh.type.v1 import contract_pb2, side_pb2

from services.chassis.rpc.timestamps import to_timestamp
from services.kernel.decimals import render
from services.kernel.errors import DomainError
from services.portfolio import convert
from services.portfolio.domain.equity import Cause
from services.portfolio.domain.events import Contract, Fill, Side, Transfer, TransferKind
from services.portfolio.domain.ledger import TransactionKind
from services.portfolio.domain.lots import LotMethod
from services.portfolio.storage.journal import contract_columns, contract_of

ids = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
amounts = st.decimals("0.000000000001", "99999999999", places=12).filter(lambda amount: amount > 0)
contracts = st.none() | st.builds(Contract, amounts, ids, st.booleans())
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
fills = st.builds(
    Fill,
    name=st.tuples(ids, ids).map(lambda both: f"accounts/{both[0]}/fills/{both[1]}"),
    account=st.just(""),
    venue=ids,
    instrument=ids,
    base_asset=ids,
    quote_asset=ids,
    side=st.sampled_from(Side),
    price=amounts,
    quantity=amounts,
    fee=st.decimals("-10", "10", places=18),
    fee_asset=ids,
    exchange_time=moments,
    strategy=st.just("") | ids,
    contract=contracts,
)


def told(fill: Fill) -> fill_pb2.Fill:
    """A fill as the exchange tells it."""
    message = fill_pb2.Fill(
        name=fill.name,
        instrument=f"venues/{fill.venue}/instruments/{fill.instrument}",
        side=side_pb2.SIDE_BUY if fill.side is Side.BUY else side_pb2.SIDE_SELL,
        price=render(fill.price),
        quantity=render(fill.quantity),
        fee=render(fill.fee),
        fee_asset=fill.fee_asset,
        base_asset=fill.base_asset,
        quote_asset=fill.quote_asset,
        strategy=fill.strategy and f"strategies/{fill.strategy}",
        exchange_time=to_timestamp(fill.exchange_time),
    )
    if fill.contract is not None:
        message.contract.CopyFrom(convert.contract_to_proto(fill.contract))
    return message


@given(fills)
def test_a_fill_is_read_as_it_was_told(fill: Fill) -> None:
    read = convert.fill_from_proto(told(fill))
    for name in Fill.__dataclass_fields__:
        expected = fill.name.split("/")[1] if name == "account" else getattr(fill, name)
        assert getattr(read, name) == expected


@given(contracts)
def test_a_contract_is_kept_as_it_is(contract: Contract | None) -> None:
    assert contract_of(contract_columns(contract)) == contract


def test_a_fill_that_cannot_be_booked_is_refused() -> None:
    good = told(
        Fill(
            "accounts/paper/fills/f",
            "paper",
            "sim",
            "btc-usdt",
            "btc",
            "usdt",
            Side.BUY,
            Decimal(1),
            Decimal(1),
            Decimal(0),
            "usdt",
            datetime(2024, 8, 8, tzinfo=UTC),
        )
    )
    for field, value in {
        "price": "1e5",
        "quantity": "",
        "fee": "NaN",
        "side": side_pb2.SIDE_UNSPECIFIED,
    }.items():
        wrong = fill_pb2.Fill()
        wrong.CopyFrom(good)
        setattr(wrong, field, value)
        with pytest.raises(ValueError, match=r"decimal|side"):
            convert.fill_from_proto(wrong)
    good.instrument = "btc-usdt"
    with pytest.raises(DomainError):
        convert.fill_from_proto(good)


def test_spot_terms_are_no_contract() -> None:
    spot = contract_pb2.ContractTerms(kind=contract_pb2.INSTRUMENT_KIND_SPOT)
    assert convert.contract_from_proto(spot) is None


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [
        (balance_pb2.TRANSFER_KIND_UNSPECIFIED, "5", TransferKind.DEPOSIT),
        (balance_pb2.TRANSFER_KIND_UNSPECIFIED, "-5", TransferKind.WITHDRAWAL),
        (balance_pb2.TRANSFER_KIND_FUNDING, "-5", TransferKind.FUNDING),
        (balance_pb2.TRANSFER_KIND_INTERNAL, "5", TransferKind.INTERNAL),
        (balance_pb2.TRANSFER_KIND_CORRECTION, "5", TransferKind.CORRECTION),
    ],
)
def test_a_transfer_of_each_kind(kind: balance_pb2.TransferKind, amount: str, expected: TransferKind) -> None:
    message = balance_pb2.Transfer(
        account="accounts/paper",
        venue="venues/sim",
        venue_transfer_id="7",
        asset="usdt",
        amount=amount,
        exchange_time=to_timestamp(datetime(2024, 8, 8, tzinfo=UTC)),
        kind=kind,
        instrument="venues/sim/instruments/btc-usdt-perp",
    )
    assert convert.transfer_from_proto(message) == Transfer(
        "venues/sim/transfers/7",
        "paper",
        "sim",
        "usdt",
        Decimal(amount),
        datetime(2024, 8, 8, tzinfo=UTC),
        expected,
        "btc-usdt-perp",
        shared=expected is TransferKind.FUNDING,
    )


def test_every_value_has_its_name_in_the_contract() -> None:
    for names, prefix, enum in (
        (
            [kind.name for kind in TransactionKind],
            "LEDGER_TRANSACTION_KIND_",
            ledger_pb2.LedgerTransactionKind,
        ),
        ([method.name for method in LotMethod], "LOT_METHOD_", tax_lot_pb2.LotMethod),
        ([cause.name for cause in Cause], "EQUITY_POINT_CAUSE_", equity_pb2.EquityPointCause),
        ([kind.name for kind in TransferKind], "TRANSFER_KIND_", balance_pb2.TransferKind),
    ):
        assert {f"{prefix}{name}" for name in [*names, "UNSPECIFIED"]} == set(enum.keys())


def test_whose_books_are_asked_for() -> None:
    assert convert.strategy_from_proto("") is None
    assert convert.strategy_from_proto("manual") == ""
    assert convert.strategy_from_proto("strategies/sma-cross") == "sma-cross"
    with pytest.raises(DomainError):
        convert.strategy_from_proto("strategies/-")
