"""The operator's commands as people and scripts run them: the real binary against a server, by AWS's own variables."""

import json
import subprocess

from harness import BINARY


def environment(server, who=None, region=None, **more):
    return {**server.cli_environment(region, who), **more}


def operate(server, *arguments, who=None, region=None, status=0, seconds=120, **more):
    """Runs a command in the server's folder, with the rights of `who`. Its exit status must be this."""
    done = subprocess.run(
        [BINARY, *map(str, arguments)], env=environment(server, who, region, **more), cwd=server.folder,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
    )
    assert done.returncode == status, f"{arguments} ended with {done.returncode}, not {status}:\n{done.stdout}\n{done.stderr}"
    return done


def answer(server, *arguments, **more):
    """The same with `--output json`: its document."""
    return json.loads(operate(server, *arguments, "--output", "json", **more).stdout)
