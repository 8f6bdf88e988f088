"""Follows Consul: which instances live, and the roots of the mesh."""
