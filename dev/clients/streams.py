"""A reader of SubscribeEvents: the lines of an answer that goes on."""

import contextlib
import http.client
import json
import time


class Stream:
    """An open stream. Lines are read as they are asked for."""

    def __init__(self, server, parameters, who=None, region=None, agent=None):
        headers = {"X-Amz-Target": "Shoseki_20261101.SubscribeEvents", "Content-Type": "application/x-amz-json-1.1"}
        if agent:
            headers["User-Agent"] = agent
        body = json.dumps(parameters).encode()
        headers = server.sign("shoseki", "POST", "/", headers, body, region=region, who=who)
        self.connection = http.client.HTTPConnection(*server.address, timeout=30)
        self.connection.request("POST", "/", body, headers)
        self.response = self.connection.getresponse()
        self.opened = None
        if self.response.status != 200:
            answer = json.loads(self.response.read())
            self.code, self.message = answer["__type"].split("#")[-1], answer["message"]
            self.connection.close()
            return
        self.opened = self.next()["Open"]

    def next(self):
        """The next line; none at the end."""
        line = self.response.readline()
        return json.loads(line) if line else None

    def rest(self):
        """All lines to the end."""
        lines = []
        while (line := self.next()) is not None:
            lines.append(line)
        self.connection.close()
        return lines

    def until(self, wanted, seconds=20):
        """Reads on until a line is wanted; answers all that were read, that one the last."""
        end, lines = time.monotonic() + seconds, []
        while time.monotonic() < end:
            line = self.next()
            assert line is not None, f"the stream ended after {lines[-3:]}"
            lines.append(line)
            if wanted(line):
                return lines
        raise AssertionError(f"nothing of the kind came in {seconds} s; the last: {lines[-3:]}")

    def until_event(self, name):
        return self.until(lambda line: "Event" in line and line["Event"]["Record"]["eventName"] == name)

    def close(self):
        # The answer holds the socket too.
        self.response.close()
        self.connection.close()


@contextlib.contextmanager
def subscribed(server, parameters=None, **more):
    stream = Stream(server, parameters or {}, **more)
    assert stream.opened, (stream.code, stream.message)
    try:
        yield stream
    finally:
        stream.close()


def names(lines):
    """The names of the events among lines."""
    return [line["Event"]["Record"]["eventName"] for line in lines if "Event" in line]
