"""``python -m services.controlplane``."""

from services.controlplane.app import main

if __name__ == "__main__":
    raise SystemExit(main())
