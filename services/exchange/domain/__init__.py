"""Rules of orders and fills: pure, frozen, exact."""
