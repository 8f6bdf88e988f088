"""Binance's USD-M futures API (``/fapi``) over the venue's perpetuals.

It stands beside the spot API of the package above and takes from it what both have in common: signatures,
limits, the desk, connections. What is here is what the futures say in other words.
"""
