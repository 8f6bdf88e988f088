"""Where the recorded data is, for tests that need it."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def recorded_data() -> Path:
    """The folder of recorded data; skips the test where it is missing, but fails on CI."""
    folder = Path(os.environ.get("TRADEMESH_DATA") or _BESIDE)
    if folder.is_dir():
        return folder
    message = f"there is no recorded data in {folder}; set TRADEMESH_DATA"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def binance_spot() -> Path:
    """Recorded Binance spot messages: ``btcusdt_20240808.gz`` and ``ethusdt_20240808.gz``."""
    return recorded_data() / "binance_spot"
