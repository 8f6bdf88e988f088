"""Runs the risk service: ``python -m services.risk``."""

from services.chassis.runtime import main
from services.risk.app import build

if __name__ == "__main__":
    main("risk", build)
