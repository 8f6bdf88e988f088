"""What moves the market: a seeded crowd, or a recording."""
