"""Runs the portfolio service: ``python -m services.portfolio``."""

from services.chassis.runtime import main
from services.portfolio.app import build

if __name__ == "__main__":
    main("portfolio", build)
