"""Runs the market service: ``python -m services.market``."""

from services.chassis.runtime import main
from services.market.app import build

if __name__ == "__main__":
    main("market", build)
