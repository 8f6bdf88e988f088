"""The control plane's own certificate, and whose certificates it accepts."""
