"""Feeds: one module per kind of venue."""
