"""Finds or installs the programs the mesh and its tests need, and generates code from the contracts.

Everything that `find` and `ensure` need is standard library only, since `make setup` runs parts of this
package before any wheel is installed. Nothing here imports grpc: the supervisor may import this package
and start processes afterwards.
"""

from services.toolchain.finder import ensure, environment, find, version
from services.toolchain.tools import Tool, ToolMissing

__all__ = ["Tool", "ToolMissing", "ensure", "environment", "find", "version"]
