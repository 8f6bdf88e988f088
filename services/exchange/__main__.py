"""The exchange service as a process."""

from services.chassis.runtime import main
from services.exchange.app import build

if __name__ == "__main__":
    main("exchange", build)
