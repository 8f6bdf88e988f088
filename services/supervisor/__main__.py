"""``python -m services.supervisor``: started by ``trademesh up``."""

import sys

from services.supervisor.daemon import main

if __name__ == "__main__":
    sys.exit(main())
