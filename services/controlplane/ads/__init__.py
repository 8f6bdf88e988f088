"""The ADS server: state of the world and incremental, to every proxy and channel of the mesh."""
