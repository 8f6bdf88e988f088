"""The console script ``trademesh``."""
