"""Catalog, snapshots and the ADS stream rules: pure, without gRPC, protobuf, Consul or a clock."""
