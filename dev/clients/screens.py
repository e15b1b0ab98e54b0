"""What people see: screens that are compared with golden files, and sessions on a terminal, in tmux.

A golden file is `dev/golden/screens/NAME.txt`. It is written by `cargo xtask bless`, which sets `SHOSEKI_BLESS=1` and runs
every file of tests that imports this one; without that variable a missing file is a failure as a different one is.
"""

import contextlib
import difflib
import os
import pathlib
import re
import shlex
import subprocess
import time

from harness import BINARY, CLEAN

GOLDEN = pathlib.Path(__file__).parent.parent / "golden" / "screens"
WAIT_SECONDS_MAX = 20
TMUX_SECONDS_MAX = 20

# --- golden files ---

_written = {}


def screen(name, text, mask=None):
    """The text, masked, must be what the golden file says.

    `mask` has more patterns and what stands for them; they go first. Languages are told apart by name: `status.ja`.
    """
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name), f"{name} is no name for a golden file"
    found = masked(text, mask)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("SHOSEKI_BLESS"):
        assert _written.setdefault(name, found) == found, f"two different screens are called {name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found, encoding="utf-8")
        return
    cure = "`cargo xtask bless` writes what is there now; read its diff"
    assert path.exists(), f"there is no dev/golden/screens/{name}.txt; {cure}. The screen is:\n{found}"
    golden = path.read_text(encoding="utf-8")
    if golden != found:
        diff = difflib.unified_diff(
            golden.splitlines(), found.splitlines(), f"dev/golden/screens/{name}.txt", "this run", lineterm="", n=100
        )
        raise AssertionError("the screen is not the golden one; " + cure + "\n" + "\n".join(diff))


def masked(text, mask=None):
    """The text without what differs from run to run.

    Whatever stands in columns keeps its width, so that tables stay tables. Ids are numbered in the order in which they come,
    so that the same one is seen to be the same. Accounts stay; so do the versions of policies and APIs, which are old dates.
    """
    for pattern, instead in (mask or {}).items():
        text = re.sub(pattern, instead, text)
    text = text.replace(str(BINARY), "shoseki")
    for pattern, instead in _PLAIN:
        text = re.sub(pattern, instead, text)
    for pattern, instead in _NUMBERED:
        text = _numbered(pattern, instead, text)
    lines = [line.rstrip() for line in text.splitlines()]
    return "\n".join(lines).rstrip("\n") + "\n"


_DAY = r"(?<!\d)20[2-9]\d-(?:0\d|1[0-2])-(?:[0-2]\d|3[01])"
_PLAIN = [
    # A test's own folder.
    (r"[^\s\"'`=(]*/pytest-of-[^/\s]+/pytest-\d+/(?:popen-gw\d+/)?[^/\s\"'`)]+", "TMP"),
    (rf"{_DAY}([T ])\d\d:\d\d:\d\d\.\d+", r"YYYY-MM-DD\1hh:mm:ss.fff"),
    (rf"{_DAY}([T ])\d\d:\d\d:\d\d", r"YYYY-MM-DD\1hh:mm:ss"),
    (rf"{_DAY}([T ])\d\d:\d\d\b", r"YYYY-MM-DD\1hh:mm"),
    (rf"{_DAY}(?!\d)", "YYYY-MM-DD"),
    (r"(?<!\d)20[2-9]\d/\d\d/\d\d\b", "YYYY/MM/DD"),
    (r"(?<!\d)20[2-9]\d{5}T\d{6}Z", "YYYYMMDDThhmmssZ"),
    (r"(?<!\d)20[2-9]\d{5}T\d{4}Z", "YYYYMMDDThhmmZ"),
    (r"(?<=[_ ])\d\d:\d\d:\d\d\b", "hh:mm:ss"),
    # The random part of a log file's name.
    (r"Z_[A-Za-z0-9]{16}(?=\.json)", "Z_RRRRRRRRRRRRRRRR"),
    (r"((?:127\.0\.0\.1|localhost|\[::1\]):)\d{4,5}\b", r"\1PPPPP"),
    (r"\b\d+(?:\.\d+)? ?(ms|µs)\b", r"N.N \1"),
    (r"\b\d+\.\d+ ?(s|seconds|秒)(?![a-z])", r"N.N \1"),
    (r"\b([Rr]equest ?I[dD]: ?)[A-Z0-9]{16,}", r"\1RRRRRRRRRRRRRRRR"),
]
_HEX = "0123456789abcdef"
_NUMBERED = [
    (rf"\bmrk-[{_HEX}]{{32}}\b", "mrk-"),
    (rf"\b[{_HEX}]{{8}}-(?:[{_HEX}]{{4}}-){{3}}[{_HEX}]{{12}}\b", "00000000-0000-0000-0000-"),
    (rf"\b[{_HEX}]{{64}}\b", ""),
    (r"\b(?:AKIA|ASIA|AIDA|AROA|AGPA|ANPA)[A-Z0-9]{12,17}\b", None),
]


def _numbered(pattern, start, text):
    numbers = {}

    def instead(found):
        found = found.group()
        number = str(numbers.setdefault(found, len(numbers) + 1))
        kept = found[:4] if start is None else start
        return kept + number.rjust(len(found) - len(kept), "0")

    return re.sub(pattern, instead, text)


# --- terminals ---

_SETTINGS = """
set -g status off
set -g remain-on-exit on
set -g remain-on-exit-format ""
set -g default-terminal "screen-256color"
set -g history-limit 20000
set -g escape-time 0
"""


class Session:
    """A program in a terminal of fixed size."""

    def __init__(self, folder, environment):
        self.folder, self.environment = folder, environment

    def tmux(self, *arguments, check=True):
        # The socket is named from its folder: the whole path may be longer than a socket's may be.
        done = subprocess.run(
            ["tmux", "-u", "-S", "tmux.socket", "-f", "tmux.conf", *map(str, arguments)],
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=TMUX_SECONDS_MAX,
        )
        out, err = (bytes.decode(errors="replace") for bytes in (done.stdout, done.stderr))
        assert not check or done.returncode == 0, f"tmux {arguments}: {out}{err}"
        return out

    def send(self, *keys):
        """Keys by tmux's names (`Enter`, `C-c`, `Up`); whatever is no such name is typed."""
        self.tmux("send-keys", *keys)

    def type(self, text):
        """The text as it is."""
        self.tmux("send-keys", "-l", "--", text)

    def capture(self, history=False):
        """What the screen shows, or all that was ever on it; lines that were broken by the terminal stay broken."""
        text = self.tmux("capture-pane", "-p", *(["-S", "-"] if history else []))
        lines = [line.rstrip() for line in text.split("\n")]
        return "\n".join(lines).rstrip("\n") + "\n"

    def wait_for(self, text, deadline=WAIT_SECONDS_MAX):
        """Until the screen shows this text, or a match of this pattern. Returns the screen."""
        pattern = text if isinstance(text, re.Pattern) else re.compile(re.escape(text))
        end = time.monotonic() + deadline
        while True:
            over = self.status() is not None
            found = self.capture()
            if pattern.search(found):
                return found
            assert not over, f"the program ended with {self.status()} before it showed {text!r}:\n{self.capture(history=True)}"
            assert time.monotonic() < end, f"the screen did not show {text!r} in {deadline} s:\n{found}"
            time.sleep(0.05)

    def status(self):
        """The exit status, or None while the program runs. tmux does not always know that of a program that ends at once."""
        path = self.folder / "status"
        return int(path.read_text()) if path.exists() else None

    def wait_end(self, deadline=WAIT_SECONDS_MAX):
        """Until the program ended. Returns its exit status."""
        end = time.monotonic() + deadline
        while (status := self.status()) is None:
            assert time.monotonic() < end, f"the program did not end in {deadline} s:\n{self.capture()}"
            time.sleep(0.05)
        return status


@contextlib.contextmanager
def tmux_session(folder, command, size=(100, 30), environment=None, cwd=None):
    """Runs the command in a terminal of this many columns and rows, on a tmux server of its own, which ends with the block.

    `folder` is the test's own (`tmp_path`). The environment is clean but for what is given, and of UTF-8.
    """
    place = pathlib.Path(folder) / f"tmux{len(list(pathlib.Path(folder).glob('tmux*')))}"
    place.mkdir()
    (place / "tmux.conf").write_text(_SETTINGS)
    environment = {**CLEAN, "HOME": str(folder), "TERM": "xterm-256color", "SHELL": "/bin/sh", **(environment or {})}
    session = Session(place, environment)
    # The shell outlives an interruption of the program; a status is there whole or not at all.
    status = shlex.quote(str(place / "status"))
    line = f"trap : INT; {shlex.join(map(str, command))}; echo $? > {status}.new; mv {status}.new {status}"
    columns, rows = size
    session.tmux("new-session", "-d", "-x", columns, "-y", rows, "-c", str(cwd or folder), line)
    try:
        yield session
    finally:
        session.tmux("kill-server", check=False)
