"""Pure rules of market data: books, candles, tickers, trades."""
