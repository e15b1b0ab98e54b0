"""The real binary under test: started on a free port, used by stock clients, stopped by its id, watched for panics.

Nothing here knows how the server works; all goes through its command line and its wire.
"""

import configparser
import contextlib
import gzip
import http.client
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import boto3
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

BINARY = os.environ.get("SHOSEKI_BIN", "shoseki")
PROGRAMS = pathlib.Path(sys.executable).parent
ACCOUNT = "000000000000"
READY_SECONDS_MAX = 30
STOP_SECONDS_MAX = 30
# Never the environment's region, keys, profiles or proxies.
CLEAN = {
    "PATH": f"{PROGRAMS}:/usr/local/bin:/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
    "NO_COLOR": "1",
    "NO_PROXY": "*",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_PAGER": "",
    "AWS_MAX_ATTEMPTS": "1",
}
SEVENTEEN_REGIONS = """
    ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 eu-north-1
    eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2
""".split()

_SESSION = boto3.session.Session()


@dataclass(frozen=True)
class Principal:
    """A root, a user or, with a token, a session, whose name is its role's and its own."""

    access_key: str
    secret_key: str
    name: str = "root"
    account: str = ACCOUNT
    token: str | None = None

    @property
    def arn(self):
        if self.token:
            return f"arn:aws:sts::{self.account}:assumed-role/{self.name}"
        return f"arn:aws:iam::{self.account}:" + ("root" if self.name == "root" else f"user/{self.name}")


ANONYMOUS = Principal("", "", "anonymous")


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The error code, whichever protocol told it; no code is a failure, since every error must carry one."""
        if self.body.lstrip()[:1] == b"{":
            return self.json["__type"].split("#")[-1]
        found = re.search(rb"<Code>([^<]+)</Code>", self.body)
        assert found, f"no AWS error in {self.status} {self.headers} {self.body[:500]!r}"
        return found.group(1).decode()


class Server:
    def __init__(self, folder, *options, environment=None, data_dir=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data_dir = pathlib.Path(data_dir or self.folder / "data")
        self.options = list(options)
        self.environment = {**CLEAN, "HOME": str(self.folder), **(environment or {})}
        self.log = self.folder / "stderr.log"
        self.offset = timedelta()
        self.process = None
        self.endpoint = None
        self.printed = []
        self._clients = {}

    # --- the process ---

    def start(self):
        command = [BINARY, "serve", "--data-dir", str(self.data_dir), "--listen", "127.0.0.1:0", *self.options]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=self.environment, text=True
            )
        self.endpoint, self._clients = None, {}
        ready = threading.Event()
        threading.Thread(target=self._read, args=(self.process, ready), daemon=True).start()
        ready.wait(READY_SECONDS_MAX)
        assert self.endpoint, f"no ready line; printed {self.printed}, stderr:\n{self.stderr()[-3000:]}"
        return self

    def _read(self, process, ready):
        for line in process.stdout:
            self.printed.append(line.rstrip("\n"))
            if line.startswith("ready "):
                self.endpoint = line.split()[1]
                ready.set()
        ready.set()

    def stop(self, how=signal.SIGTERM):
        """Ends the process by its id and returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS_MAX)
            raise AssertionError(f"the server did not end in {STOP_SECONDS_MAX} s")

    def restart(self):
        assert self.stop() == 0, self.stderr()[-3000:]
        return self.start()

    def stderr(self):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return re.sub(r"\x1b\[[0-9;]*m", "", text)

    def complaints(self, allowed=None):
        """The stderr lines that no test may leave behind."""
        bad = [line for line in self.stderr().splitlines() if "panicked" in line or " ERROR " in line]
        return [line for line in bad if "panicked" in line or not (allowed and re.search(allowed, line))]

    def run(self, *arguments, check=True, seconds=120):
        """Another command of the binary."""
        done = subprocess.run(
            [BINARY, *arguments], env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=seconds
        )
        assert not check or done.returncode == 0, f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done

    # --- who and when ---

    @property
    def root(self):
        profile = configparser.ConfigParser()
        profile.read(self.data_dir / "credentials")
        return Principal(profile["default"]["aws_access_key_id"], profile["default"]["aws_secret_access_key"])

    @property
    def region(self):
        return self.options[self.options.index("--region") + 1] if "--region" in self.options else "us-east-1"

    def user(self, name, *statements, of=None):
        """A new IAM user with an access key and, if statements are given, an inline policy of them.

        It is of the first account, or of that whose root is given.
        """
        root = of or self.root
        iam = self.client("iam", who=root)
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Principal(key["AccessKeyId"], key["SecretAccessKey"], name, root.account)

    def account(self, number):
        """The root of a new account."""
        answer = self.json_call("shoseki", "Shoseki_20261101.CreateAccount", json.dumps({"Account": number}).encode())
        assert answer.status == 200, answer.body
        return Principal(answer.json["AccessKeyId"], answer.json["SecretAccessKey"], account=number)

    def assume(self, who, role_arn, session="session", **more):
        """A session of a role."""
        sts = self.client("sts", who=who)
        given = sts.assume_role(RoleArn=role_arn, RoleSessionName=session, **more)["Credentials"]
        name = f"{role_arn.rsplit('/', 1)[1]}/{session}"
        account = role_arn.split(":")[4]
        return Principal(given["AccessKeyId"], given["SecretAccessKey"], name, account, given["SessionToken"])

    def now(self):
        """Domain time: real time and what the rehearsal clock was moved."""
        return datetime.now(timezone.utc) + self.offset

    def advance(self, duration):
        self.run("clock", "advance", duration, "--data-dir", str(self.data_dir))
        number, unit = int(duration[:-1]), duration[-1]
        self.offset += timedelta(**{{"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[unit]: number})

    # --- clients ---

    def client(self, service, region=None, who=None, endpoint=None, **config):
        key = (service, region, who, endpoint, repr(config))
        if key not in self._clients:
            self._clients[key] = self._new_client(service, region or self.region, who or self.root, endpoint, config)
        return self._clients[key]

    def _new_client(self, service, region, who, endpoint, config):
        if who is ANONYMOUS:
            config = {**config, "signature_version": UNSIGNED}
        elif service == "s3":
            # botocore still presigns by Signature Version 2 in us-east-1, which AWS refuses on buckets made since 2020.
            config = {"signature_version": "s3v4", **config}
        settings = {"retries": {"total_max_attempts": 1}, "connect_timeout": 10, "read_timeout": 60, **config}
        ca = self.data_dir / "ca.pem"
        return _SESSION.client(
            service,
            region_name=region,
            endpoint_url=endpoint or self.endpoint,
            aws_access_key_id=who.access_key or "none",
            aws_secret_access_key=who.secret_key or "none",
            aws_session_token=getattr(who, "token", None),
            verify=str(ca) if ca.exists() else None,
            config=Config(**settings),
        )

    def cli_environment(self, region=None, who=None):
        who = who or self.root
        environment = {
            **self.environment,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": who.access_key,
            "AWS_SECRET_ACCESS_KEY": who.secret_key,
            "AWS_DEFAULT_REGION": region or self.region,
        }
        if getattr(who, "token", None):
            environment["AWS_SESSION_TOKEN"] = who.token
        if (self.data_dir / "ca.pem").exists():
            environment["AWS_CA_BUNDLE"] = str(self.data_dir / "ca.pem")
        return environment

    def aws(self, *arguments, region=None, who=None, check=True, input=None):
        """The pinned aws CLI. Returns the finished process; `.stdout` and `.stderr` are text."""
        return self._finish([str(PROGRAMS / "aws"), *arguments], self.cli_environment(region, who), check, input)

    def bash(self, script, region=None, who=None, check=True, environment=None):
        """A shell script with the pinned aws CLI first on its PATH."""
        environment = self.cli_environment(region, who) if environment is None else environment
        return self._finish(["bash", "-c", script], environment, check, None)

    def _finish(self, command, environment, check, input):
        done = subprocess.run(
            command, env=environment, cwd=self.folder, input=input, capture_output=True, text=True, timeout=240
        )
        assert not check or done.returncode == 0, f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done

    # --- requests that no stock client would send ---

    @property
    def address(self):
        parts = urllib.parse.urlsplit(self.endpoint)
        return parts.hostname, parts.port

    def sign(self, service, method, path="/", headers=None, body=b"", region=None, who=None):
        """The headers of a request that is signed as it is."""
        who = who or self.root
        request = AWSRequest(method=method, url=self.endpoint + path, data=body, headers=headers or {})
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(Credentials(who.access_key, who.secret_key), service, region or self.region).add_auth(request)
        return dict(request.headers.items())

    def send(self, method, path, headers, body=b""):
        """Sends exactly this."""
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        if self.endpoint.startswith("https:"):
            context = ssl.create_default_context(cafile=str(self.data_dir / "ca.pem"))
            connection = http.client.HTTPSConnection(*self.address, timeout=60, context=context)
        with contextlib.closing(connection):
            names = {name.lower() for name in headers}
            connection.putrequest(method, path, skip_host="host" in names, skip_accept_encoding=True)
            if not names & {"content-length", "transfer-encoding"} and (body or method in ("POST", "PUT")):
                connection.putheader("Content-Length", str(len(body)))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def call(self, service, method, path="/", headers=None, body=b"", **signing):
        return self.send(method, path, self.sign(service, method, path, headers, body, **signing), body)

    def json_call(self, service, target, body, **signing):
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        return self.call(service, "POST", "/", headers, body, **signing)

    def is_alive(self):
        """The server still answers a real call."""
        return self.process.poll() is None and self.client("sts").get_caller_identity()["Account"] == ACCOUNT


# --- expectations ---


@contextlib.contextmanager
def refused(code, message=None, status=None):
    """The call inside must be refused with this code and, if given, exactly this text (or a pattern) and status.

    Gives a dictionary that afterwards has what else the error says.
    """
    told = {}
    try:
        yield told
    except ClientError as error:
        found = error.response["Error"]
        told |= found
        text = found.get("Message", "")
        assert found["Code"] == code, f"{found}"
        if isinstance(message, re.Pattern):
            assert message.search(text), text
        elif message is not None:
            assert text == message
        if status is not None:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status
        return
    raise AssertionError(f"the call was not refused; expected {code}")


def deny_text(who, action, resource, kind="identity-based"):
    """AWS's text for a call that no policy of this kind allows."""
    return (
        f"User: {who.arn} is not authorized to perform: {action} on resource: {resource} "
        f"because no {kind} policy allows the {action} action"
    )


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def poll(question, seconds=20):
    """Asks until the answer is true; for what real time brings. Returns the last answer."""
    end = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < end:
        time.sleep(0.1)
    return answer


# --- trails ---

SERVICE = {"Service": "cloudtrail.amazonaws.com"}


def bucket_policy(bucket, prefix=""):
    start = f"{prefix}/" if prefix else ""
    return policy(
        allow("s3:GetBucketAcl", f"arn:aws:s3:::{bucket}", Principal=SERVICE),
        allow(
            "s3:PutObject",
            f"arn:aws:s3:::{bucket}/{start}AWSLogs/{ACCOUNT}/*",
            Principal=SERVICE,
            Condition={"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
        ),
    )


def key_policy():
    context = {"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"}}
    return policy(
        allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        allow("kms:GenerateDataKey*", Principal=SERVICE, Condition=context),
        allow("kms:DescribeKey", Principal=SERVICE),
    )


def make_bucket(server, bucket, region="us-east-1"):
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    server.client("s3", region).create_bucket(Bucket=bucket, **where)
    return bucket


@dataclass
class Trail:
    """A trail with the bucket and the key it writes with."""

    server: Server
    name: str
    home: str
    bucket: str
    key_arn: str | None
    arn: str = ""
    prefix: str = ""

    @property
    def s3(self):
        return self.server.client("s3", self.home)

    @property
    def cloudtrail(self):
        return self.server.client("cloudtrail", self.home)

    @property
    def kms(self):
        return self.server.client("kms", self.home)

    def keys(self, kind="CloudTrail", region=""):
        start = (f"{self.prefix}/" if self.prefix else "") + f"AWSLogs/{ACCOUNT}/{kind}/{region}"
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=start)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def digests(self, region=""):
        return self.keys("CloudTrail-Digest", region)

    def read(self, key):
        return json.loads(gzip.decompress(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()))

    def records(self, region=""):
        return [record for key in self.keys(region=region) for record in self.read(key)["Records"]]

    def status(self, region=None):
        return self.server.client("cloudtrail", region or self.home).get_trail_status(Name=self.arn)

    def validate(self, region, start, *more, check=False):
        """The stock validator, from `start` to now in domain time."""
        form = "%Y-%m-%dT%H:%M:%SZ"
        arguments = ["--trail-arn", self.arn, "--start-time", start.strftime(form)]
        arguments += ["--end-time", self.server.now().strftime(form), "--verbose", "--region", region, *more]
        return self.server.aws("cloudtrail", "validate-logs", *arguments, check=check)


def make_trail(server, name="audit", home="us-east-1", bucket="audit-logs", with_key=True, prefix="", **settings):
    """Key, bucket, both policies, and a started multi-Region trail with validation."""
    key_arn = None
    if with_key:
        key_arn = server.client("kms", home).create_key(Policy=key_policy())["KeyMetadata"]["Arn"]
        settings.setdefault("KmsKeyId", key_arn)
    make_bucket(server, bucket, home)
    server.client("s3", home).put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket, prefix))
    if prefix:
        settings.setdefault("S3KeyPrefix", prefix)
    settings = {"IsMultiRegionTrail": True, "EnableLogFileValidation": True, **settings}
    cloudtrail = server.client("cloudtrail", home)
    arn = cloudtrail.create_trail(Name=name, S3BucketName=bucket, **settings)["TrailARN"]
    cloudtrail.start_logging(Name=name)
    return Trail(server, name, home, bucket, key_arn, arn, prefix)
