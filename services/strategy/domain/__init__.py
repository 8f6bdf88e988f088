"""Pure rules: strategies, signals, moving averages."""
