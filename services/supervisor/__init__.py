"""Starts the processes of one mesh, keeps them running and stops them.

Nothing in this package imports grpc: it forks, and grpc does not survive that.
"""
