"""``python -m services.edge``: the public door of the mesh."""

import sys

from services.edge.process import run

if __name__ == "__main__":
    sys.exit(run())
