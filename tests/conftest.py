"""Fixtures that several test folders share; one line per file of tests/support."""

pytest_plugins = [
    "tests.support.properties",
    "tests.support.consul",
    "tests.support.controlplane",
    "tests.support.postgres",  # before mesh, which imports it
    "tests.support.mesh",
    "tests.support.recorded",
    "tests.support.grpcurl",
    "tests.support.recorded_mesh",
    "tests.support.rpc",
    "tests.support.smoke",
]
