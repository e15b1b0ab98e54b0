"""The tamper corpus: a read-only endpoint that has a case's files, and the AWS CLI's validator run over it.

The validator's own command is run, by the AWS CLI's own entry point, but in this process: to start it a hundred times
would take minutes.
"""

import base64
import contextlib
import io
import json
import os
import subprocess
import threading
import xml.sax.saxutils
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

from harness import BINARY, CLEAN

PAGE = 4  # keys on a page of a listing: few, so that listings have pages


class Case:
    """A folder of the corpus."""

    def __init__(self, folder):
        self.facts = json.loads((folder / "case.json").read_text(encoding="utf-8"))
        self.name, self.trail, self.runs = self.facts["name"], self.facts["trail"], self.facts["runs"]
        self.keys = json.loads((folder / "public-keys.json").read_text())["PublicKeyList"]
        self.objects = {bucket: {} for bucket in self.facts["buckets"]}
        for bucket, objects in self.objects.items():
            root = folder / "objects" / bucket
            for file in root.rglob("*"):
                if file.is_file() and not file.name.endswith(".metadata.json"):
                    beside = file.with_name(file.name + ".metadata.json")
                    metadata = json.loads(beside.read_text()) if beside.exists() else {}
                    objects[unquote(str(file.relative_to(root)))] = file.read_bytes(), metadata


class Bucket:
    """A bucket without a trail."""

    def __init__(self, name, objects):
        self.facts = {"buckets": {name: "us-east-1"}, "status": None}
        self.objects = {name: {key: (body, {}) for key, body in objects.items()}}


class Endpoint:
    """CloudTrail, S3 and Organizations as far as a validator asks them. `case` is what they hold; `asked` what S3 was asked for; `page`
    makes the pages of listings."""

    def __init__(self):
        self.case, self.asked, self.page = None, [], listing
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def handle(self):
                # Whoever asks may go when it has enough.
                with contextlib.suppress(ConnectionError):
                    super().handle()

            def answer(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_GET(self):
                endpoint.s3(self)

            def do_HEAD(self):
                endpoint.s3(self)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                endpoint.json(self, self.headers.get("X-Amz-Target", ""), json.loads(body or b"{}"))

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # --- CloudTrail and Organizations ---

    def json(self, handler, target, request):
        operation = target.rsplit(".", 1)[-1]
        answer = getattr(self, operation, None) if operation[:1].isupper() else None
        headers = {"Content_Type": "application/x-amz-json-1.1"}
        if answer is None:
            fault = {"__type": "UnknownOperationException", "message": f"{target} is not here"}
            handler.answer(400, json.dumps(fault).encode(), **headers)
        else:
            handler.answer(200, json.dumps(answer(request)).encode(), **headers)

    def DescribeTrails(self, _request):
        trail = self.case.trail
        described = {
            "Name": trail["name"], "TrailARN": trail["arn"], "HomeRegion": trail["homeRegion"],
            "S3BucketName": trail["bucket"], "IsMultiRegionTrail": len(self.case.runs) > 1,
            "IsOrganizationTrail": bool(trail["organization"]), "LogFileValidationEnabled": True,
        }
        if trail["prefix"]:
            described["S3KeyPrefix"] = trail["prefix"]
        return {"trailList": [described]}

    def ListPublicKeys(self, request):
        start, end = request["StartTime"], request["EndTime"]
        keys = [key | {name: seconds(key[name]) for name in ("ValidityStartTime", "ValidityEndTime")} for key in self.case.keys]
        return {"PublicKeyList": [key for key in keys if key["ValidityStartTime"] <= end and key["ValidityEndTime"] >= start]}

    def DescribeOrganization(self, _request):
        return {"Organization": {"Id": self.case.trail["organization"]}}

    def GetTrailStatus(self, _request):
        status = self.case.facts["status"] or {"IsLogging": True}
        return {name: seconds(value) if isinstance(value, str) else value for name, value in status.items() if value is not None}

    def LookupEvents(self, request):
        start, end = request.get("StartTime", 0), request.get("EndTime", float("inf"))
        wanted = {found["AttributeValue"] for found in request.get("LookupAttributes", []) if found["AttributeKey"] == "EventName"}
        events = [
            {"EventId": f"00000000-0000-4000-8000-{number:012}", "EventName": event["eventName"],
             "EventTime": seconds(event["eventTime"]), "EventSource": "cloudtrail.amazonaws.com",
             "CloudTrailEvent": json.dumps(event | {"requestParameters": {"name": self.case.trail["arn"]}}), "Resources": []}
            for number, event in enumerate(self.case.facts["events"])
            if start <= seconds(event["eventTime"]) <= end and (not wanted or event["eventName"] in wanted)
        ]
        return {"Events": events}

    # --- S3 ---

    def s3(self, handler):
        self.asked.append(handler.path)
        url = urlsplit(handler.path)
        bucket, _, key = unquote(url.path)[1:].partition("/")
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        objects = self.case.objects.get(bucket)
        if objects is None:
            return refuse(handler, "NoSuchBucket", "The specified bucket does not exist", BucketName=bucket)
        if not key and "location" in query:
            region = self.case.facts["buckets"][bucket]
            text = "" if region == "us-east-1" else region
            return xml_answer(handler, f"<LocationConstraint>{text}</LocationConstraint>")
        if not key:
            return xml_answer(handler, self.page(bucket, objects, query))
        if key not in objects:
            return refuse(handler, "NoSuchKey", "The specified key does not exist.", Key=key)
        body, metadata = objects[key]
        headers = {f"x-amz-meta-{name}": value for name, value in metadata.items()}
        wanted = handler.headers.get("Range")
        if wanted:
            first, last = wanted.removeprefix("bytes=").split("-")
            first, last = int(first), min(int(last or len(body) - 1), len(body) - 1)
            if first >= len(body):
                return refuse(handler, "InvalidRange", "The requested range is not satisfiable", 416)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
            return handler.answer(206, body[first:last + 1], **headers)
        return handler.answer(200, body, **headers)


def listing(bucket, objects, query):
    prefix, delimiter, v2 = query.get("prefix", ""), query.get("delimiter", ""), query.get("list-type") == "2"
    token = base64.urlsafe_b64decode(query.get("continuation-token", "")).decode()
    after = (token or query.get("start-after", "")) if v2 else query.get("marker", "")
    # What is listed, in order: keys, and what keys have in common up to a delimiter.
    found = {}
    for key in objects:
        if key.startswith(prefix):
            common, met, _ = key[len(prefix):].partition(delimiter) if delimiter else ("", "", "")
            found[prefix + common + met if met else key] = bool(met)
    names = [name for name in sorted(found, key=str.encode) if name.encode() > after.encode()]
    page = names[:min(PAGE, int(query.get("max-keys", PAGE)))]
    more = len(names) > len(page)
    encoded = query.get("encoding-type") == "url"
    write = quote_url if encoded else xml.sax.saxutils.escape
    contents = "".join(
        f"<CommonPrefixes><Prefix>{write(name)}</Prefix></CommonPrefixes>" if found[name] else
        f"<Contents><Key>{write(name)}</Key><LastModified>2026-01-05T12:00:00.000Z</LastModified><ETag>&quot;0&quot;</ETag>"
        f"<Size>{len(objects[name][0])}</Size><StorageClass>STANDARD</StorageClass></Contents>" for name in page
    )
    ending = ""
    if more and v2:
        ending = f"<NextContinuationToken>{base64.urlsafe_b64encode(page[-1].encode()).decode()}</NextContinuationToken>"
    elif more and delimiter:
        ending = f"<NextMarker>{write(page[-1])}</NextMarker>"
    encoding = "<EncodingType>url</EncodingType>" if encoded else ""
    return (
        f"<ListBucketResult><Name>{bucket}</Name><Prefix>{write(prefix)}</Prefix>{encoding}<MaxKeys>{PAGE}</MaxKeys>"
        f"<IsTruncated>{str(more).lower()}</IsTruncated>{ending}{contents}</ListBucketResult>"
    )


def quote_url(text):
    return quote(text, safe="/")


def xml_answer(handler, text):
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    handler.answer(200, body, Content_Type="application/xml")


def refuse(handler, code, message, status=404, **more):
    more = "".join(f"<{name}>{xml.sax.saxutils.escape(value)}</{name}>" for name, value in more.items())
    body = f"<Error><Code>{code}</Code><Message>{message}</Message>{more}<RequestId>0</RequestId></Error>".encode()
    handler.answer(status, body, Content_Type="application/xml")


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


# --- validators ---


def environment(url):
    # How often is asked is left as it is: the AWS CLI's words say when it may ask only once.
    clean = {name: value for name, value in CLEAN.items() if name != "AWS_MAX_ATTEMPTS"}
    return {
        **clean, "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "AKIACORPUSCORPUSCORP",
        "AWS_SECRET_ACCESS_KEY": base64.b64encode(b"corpus").decode(),
    }


class Stock:
    """The AWS CLI in this process. It reads its settings from the environment, which is as it was afterwards."""

    def __init__(self, url):
        self.before = dict(os.environ)
        os.environ.clear()
        os.environ.update(environment(url))
        from awscli import __version__
        from awscli.clidriver import create_clidriver
        from awscli.customizations.cloudtrail import validation

        # Clients are kept, too: nothing in them is a run's own, and half of the time went into making them.
        self.validation, self.create, made = validation, validation.create_nested_client, {}

        def client(session, service, **settings):
            key = (service, *sorted(settings.items()))
            if key not in made:
                made[key] = self.create(session, service, **settings)
            return made[key]

        validation.create_nested_client = client
        self.version = f"aws-cli/{__version__}"
        self.driver = create_clidriver()

    def close(self):
        self.validation.create_nested_client = self.create
        os.environ.clear()
        os.environ.update(self.before)

    def validate(self, run, *more):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            # A command that is kept counts on from where it was; the session is kept, which is what takes long to make.
            self.driver._command_table = None
            status = self.driver.main(["cloudtrail", "validate-logs", *run["arguments"], *more])
        return {"exitStatus": status, "stdout": out.getvalue(), "stderr": err.getvalue()}


def ours(url, run, *more):
    done = subprocess.run(
        [BINARY, "trail", "verify", *run["arguments"], *more],
        env=environment(url), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )
    return {"exitStatus": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
