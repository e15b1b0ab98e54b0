"""Fixtures: one server per test, on a port of its own, in a folder of its own."""

import os

for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
    del os.environ[name]
os.environ |= {"NO_PROXY": "*", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null"}
os.environ["AWS_SHARED_CREDENTIALS_FILE"] = "/dev/null"

import pytest

from browser import chromium, visit  # noqa: F401  fixtures of the console's tests
from harness import Server
from tools import DOMAIN, WAYS, make_place


# --- tests that are left out are counted: pytest-xdist's closing line is silent about them ---

left_out = set()


def pytest_deselected(items):
    left_out.update(item.nodeid for item in items)


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = sorted(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Every worker has collected the same tests."""
    reporter = node.config.pluginmanager.get_plugin("terminalreporter")
    reporter.stats["deselected"] = getattr(node, "workeroutput", {}).get("left_out", [])


# --- fixtures ---


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


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
def place(serve, request):
    """A bucket for an ordinary tool, by each way there is, or by those that a test asks for; flags as for `server`."""
    mark = request.node.get_closest_marker("serve")
    place = make_place(serve, request.param, "tools", *(mark.args if mark else ()))
    yield place
    if place.proxy:
        place.proxy.close()
        found = place.proxy.hosts
        assert any(host.endswith(f".s3.{DOMAIN}") for host in found), f"no bucket's name was in a host: {found}"
