"""Protects a venue from us, and us from a venue."""
