"""PreviewOrder: what an order would do, as the contract shows it."""

from decimal import Decimal

from trademesh.exchange.v1 import exchange_service_pb2

from services.exchange.views import Preview
from services.kernel.decimals import render


def preview_to_proto(preview: Preview) -> exchange_service_pb2.PreviewOrderResponse:
    """A preview as the contract shows it."""
    message = exchange_service_pb2.PreviewOrderResponse(
        approved=not preview.reason,
        reason=preview.reason,
        reason_message=preview.message,
        required_quantity=_amount(preview.required),
        required_asset=preview.required_asset,
    )
    if preview.handling is not None:
        message.handling = f"ORDER_HANDLING_{preview.handling}"  # type: ignore[assignment]
    expected = preview.estimate
    if expected is not None:
        message.expected_price = _amount(expected.price)
        message.expected_notional = _amount(expected.notional)
        message.expected_fee = _amount(expected.fee)
        message.fee_asset = expected.fee_asset
        message.takes_liquidity = expected.takes
    return message


def _amount(amount: Decimal | None) -> str:
    return "" if amount is None else render(amount)
