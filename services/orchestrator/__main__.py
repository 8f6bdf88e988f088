"""Runs the orchestrator: ``python -m services.orchestrator``."""

from services.chassis.runtime import main
from services.orchestrator.app import build

if __name__ == "__main__":
    main("orchestrator", build)
