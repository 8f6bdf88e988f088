"""Strategies and the signals they send."""
