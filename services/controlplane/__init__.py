"""The control plane: Consul's catalog becomes snapshots, and ADS carries them to every proxy and channel."""
