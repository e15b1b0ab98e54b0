"""Fixtures: one server per test, on a port of its own, in a folder of its own."""

import os

for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
    del os.environ[name]
os.environ |= {"NO_PROXY": "*", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null"}
os.environ["AWS_SHARED_CREDENTIALS_FILE"] = "/dev/null"

import pytest

from harness import Server


@pytest.fixture
def serve(tmp_path, request):
    """Starts servers: `serve("--rehearsal")`. All are ended, and none may have panicked or logged an error."""
    servers = []

    def start(*options, name=None, ready=True, **more):
        server = Server(tmp_path / (name or f"server{len(servers)}"), *options, **more)
        servers.append(server)
        return server.start() if ready else server

    yield start
    allowed = "|".join(mark.args[0] for mark in request.node.iter_markers("allow_errors")) or None
    ends = [server.stop() for server in servers if server.process and server.process.poll() is None]
    complaints = [line for server in servers for line in server.complaints(allowed)]
    assert not complaints, "\n".join(complaints)
    assert all(end == 0 for end in ends), f"exit statuses {ends}"


@pytest.fixture
def server(serve, request):
    """The test's server, with the flags of its nearest `serve` mark."""
    mark = request.node.get_closest_marker("serve")
    return serve(*(mark.args if mark else ()))
