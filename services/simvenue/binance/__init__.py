"""A second door of the simulated venue: Binance's spot REST and WebSocket formats over the same engine.

What is said here of Binance's formats, codes and texts is from its public API documentation
(github.com/binance/binance-spot-api-docs: rest-api.md, web-socket-streams.md, web-socket-api.md,
user-data-stream.md, errors.md, filters.md).
"""
