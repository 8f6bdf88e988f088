"""Settings of venues: real money only where somebody said so."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.exchange.settings import VenueSettings

CCXT = {"exchange": "binance", "instruments": ["btc-usdt"]}
LOCAL = {**CCXT, "rest_url": "http://127.0.0.1:1", "ws_url": "ws://127.0.0.1:1"}


@pytest.mark.parametrize(
    "settings",
    [
        {"sandbox": True, "ccxt": CCXT},
        {"ccxt": LOCAL},
        {"simulated": False, "ccxt": CCXT},
        {"simulated": False, "live": True, "ccxt": CCXT},
    ],
)
def test_venues_that_say_what_they_are(settings: dict[str, Any]) -> None:
    assert VenueSettings.model_validate({"name": "a", "adapter": "ccxt", **settings}).ccxt is not None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"adapter": "ccxt", "ccxt": CCXT}, "real money"),
        ({"adapter": "ccxt", "live": True, "ccxt": CCXT}, "real money"),
        ({"adapter": "ccxt"}, "go together"),
        ({"adapter": "simvenue", "ccxt": CCXT}, "go together"),
        ({"adapter": "ftp"}, "adapter"),
    ],
)
def test_venues_that_cannot_be_meant(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        VenueSettings.model_validate({"name": "a", **settings})
