"""The strategy service's database."""
