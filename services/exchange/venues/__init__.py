"""Venue adapters: each speaks one venue's own protocol behind ``ports.Venue``."""
