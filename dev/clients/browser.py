"""A browser that is signed in to a server's console: Debian's Chromium, driven by Playwright, judged by axe.

Whatever a page does wrong fails the test that opened it: an error of a script, something that the content security policy stops,
a request that goes elsewhere, a finding of axe, a page wider than a phone.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import urllib.parse

import pytest
from playwright.sync_api import sync_playwright

from harness import BINARY
from tools import NODE_MODULES

AXE = NODE_MODULES / "axe-core" / "axe.min.js"
SHOTS = pathlib.Path(__file__).parents[2] / "docs" / "console"
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
FINDINGS = """
axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then((found) =>
  found.violations.map((one) => ({
    id: one.id, help: one.help, nodes: one.nodes.map((node) => node.html + " " + node.failureSummary),
  })))
"""


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        # The sandbox needs rights that root of a container does not have.
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--force-color-profile=srgb"]
        )
        yield browser
        browser.close()


def link(server):
    """A link that signs in as the root of the first account."""
    command = [BINARY, "console", "--data-dir", str(server.data_dir)]
    return subprocess.run(command, env=server.environment, capture_output=True, text=True, check=True).stdout.strip()


class Visit:
    """One window on the console. `page` is Playwright's."""

    def __init__(self, chromium, server, **how):
        self.server = server
        self.context = chromium.new_context(**{**DESKTOP, "locale": "en-GB", "timezone_id": "UTC", **how})
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.faults = []
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("console", self._said)
        self.page.on("request", self._asked)

    def _said(self, message):
        # What a page of an error tells is in its status; the browser repeats it.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.faults.append(f"{self.page.url}: {message.text}")

    def _asked(self, request):
        if not request.url.startswith((self.server.endpoint + "/console", "data:", "blob:")):
            self.faults.append(f"asked elsewhere: {request.url}")

    def sign_in(self):
        self.page.goto(link(self.server))
        return self

    def to(self, path):
        """Opens a page of the console and returns its status."""
        return self.page.goto(f"{self.server.endpoint}/console{path}").status

    @property
    def path(self):
        parts = urllib.parse.urlsplit(self.page.url)
        return parts.path.removeprefix("/console") + (f"?{parts.query}" if parts.query else "")

    def judged(self):
        """Nothing is wrong with the page as it stands: axe finds nothing, and it is no wider than its window."""
        # A world of its own does not run under the page's policy.
        session = self.context.new_cdp_session(self.page)
        frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})["executionContextId"]

        def run(script):
            told = session.send(
                "Runtime.evaluate",
                {"expression": script, "contextId": world, "awaitPromise": True, "returnByValue": True},
            )
            assert "exceptionDetails" not in told, told["exceptionDetails"]
            return told["result"].get("value")

        run(AXE.read_text())
        found = run(FINDINGS)
        assert not found, "\n".join(f"{one['id']}: {one['help']}\n  " + "\n  ".join(one["nodes"][:4]) for one in found)
        width = run("document.documentElement.scrollWidth")
        assert width <= self.page.viewport_size["width"], f"{self.page.url} is {width} pixels wide"
        assert not self.faults, self.faults
        return self

    def shown(self, name):
        """A picture for the documents: taken when they are blessed, else only asked for."""
        picture = SHOTS / f"{name}.png"
        if os.environ.get("SHOSEKI_BLESS"):
            SHOTS.mkdir(exist_ok=True)
            self.page.screenshot(path=picture, full_page=True)
        assert picture.is_file(), f"{picture.name} is not there: cargo xtask bless"
        return self

    def text(self):
        return self.page.inner_text("main")


@pytest.fixture
def visit(chromium, server):
    """Opens windows on the test's server: `visit()`, `visit(**PHONE)`, `visit(color_scheme="dark", locale="ja-JP")`."""
    with contextlib.ExitStack() as all_windows:
        visits = []

        def open_window(at=server, signed_in=True, **how):
            one = Visit(chromium, at, **how)
            all_windows.callback(one.context.close)
            visits.append(one)
            return one.sign_in() if signed_in else one

        yield open_window
        faults = [fault for one in visits for fault in one.faults]
    assert not faults, faults
