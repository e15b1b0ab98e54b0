"""The operator's commands as people and scripts run them: the real binary against a server, by AWS's own variables."""

import json
import socket
import subprocess
import threading

from harness import BINARY


def environment(server, who=None, region=None, **more):
    return {**server.cli_environment(region, who), **more}


def operate(server, *arguments, who=None, region=None, status=0, seconds=120, **more):
    """Runs a command in the server's folder, with the rights of `who`. Its exit status must be this, if one is given."""
    done = subprocess.run(
        [BINARY, *map(str, arguments)], env=environment(server, who, region, **more), cwd=server.folder,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
    )
    assert status is None or done.returncode == status, f"{arguments} ended with {done.returncode}, not {status}:\n{done.stdout}\n{done.stderr}"
    return done


def answer(server, *arguments, **more):
    """The same with `--output json`: its document."""
    return json.loads(operate(server, *arguments, "--output", "json", **more).stdout)


class Gate:
    """Stands before a server and holds back the answer to one operation: the server has done it, the tool does not know."""

    def __init__(self, server, operation):
        self.server, self.operation = server, operation.encode()
        self.held = threading.Event()
        self.open = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                ours, _ = self.listener.accept()
            except OSError:
                return
            theirs = socket.create_connection(self.server.address)
            hold = threading.Event()
            threading.Thread(target=self._pump, args=(ours, theirs, hold, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(theirs, ours, hold, False), daemon=True).start()

    def _pump(self, source, target, hold, is_request):
        try:
            while part := source.recv(65536):
                if is_request:
                    (hold.set if self.operation in part else hold.clear)()
                elif hold.is_set():
                    self.held.set()
                    self.open.wait(60)
                target.sendall(part)
        except OSError:
            pass
        finally:
            for end in (source, target):
                end.close()

    def close(self):
        self.open.set()
        self.listener.close()


class Lost:
    """Stands before a server and loses its answer to the first call of one operation: it is done, and the caller never hears of it."""

    def __init__(self, server, operation):
        self.server, self.operation, self.is_lost = server, operation.encode(), False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                ours, _ = self.listener.accept()
            except OSError:
                return
            theirs = socket.create_connection(self.server.address)
            loses = threading.Event()
            for source, target, is_request in ((ours, theirs, True), (theirs, ours, False)):
                threading.Thread(target=self._pump, args=(source, target, loses, is_request), daemon=True).start()

    def _pump(self, source, target, loses, is_request):
        try:
            while part := source.recv(65536):
                if is_request and self.operation in part and not self.is_lost:
                    loses.set()
                if not is_request and loses.is_set():
                    self.is_lost = True
                    break
                target.sendall(part)
        except OSError:
            pass
        finally:
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
