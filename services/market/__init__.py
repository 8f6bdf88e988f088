"""Market data of every venue the mesh is connected to."""
