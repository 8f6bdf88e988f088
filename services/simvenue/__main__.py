"""Runs the simulated venue: ``python -m services.simvenue``."""

from services.chassis.runtime import main
from services.simvenue.app import build

if __name__ == "__main__":
    main("simvenue", build)
