"""The public door: owns Envoy, and answers for the mesh as a whole (reflection, health)."""
