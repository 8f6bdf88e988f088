"""The exchange service: orders, so that none is lost and none is doubled."""
