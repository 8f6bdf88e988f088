"""Runs the strategy service: ``python -m services.strategy``."""

from services.chassis.runtime import main
from services.strategy.app import build

if __name__ == "__main__":
    main("strategy", build)
