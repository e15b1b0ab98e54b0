"""What tests with people's ordinary tools share: a place for them to work on, files to give them, and their programs.

A tool is told an endpoint, keys and a bucket, as its users would, and nothing else.
"""

import contextlib
import hashlib
import os
import pathlib
import random
import select
import socket
import socketserver
import subprocess
import threading
import time
from dataclasses import dataclass, field

from harness import PROGRAMS, Server, make_bucket

# The libraries of npm and the program with the Rust SDK; `cargo xtask` puts them there.
NODE_MODULES = PROGRAMS.parent.parent / "clients-js" / "node_modules"
MIB = 1024 * 1024
DOMAIN = "example.test"


@dataclass(frozen=True)
class Way:
    """How a tool reaches its bucket, and how the bucket seals what it is given."""

    name: str
    tls: bool
    virtual: bool
    encryption: str


PLAIN = Way("http-path-s3", tls=False, virtual=False, encryption="AES256")
SEALED = Way("tls-virtual-kms", tls=True, virtual=True, encryption="aws:kms")
WAYS = [PLAIN, SEALED]


@dataclass
class Place:
    """A server with a bucket that is reached by this way."""

    server: Server
    way: Way
    bucket: str
    proxy: "Proxy | None"
    key_arn: str | None = None
    files: pathlib.Path = field(init=False)

    def __post_init__(self):
        self.files = self.server.folder / "files"
        self.files.mkdir()

    @property
    def endpoint(self):
        return f"https://s3.{DOMAIN}:{self.server.address[1]}" if self.way.virtual else self.server.endpoint

    @property
    def ca(self):
        return str(self.server.data_dir / "ca.pem") if self.way.tls else None

    @property
    def s3(self):
        """A client of another make, to see what the tool has done."""
        return self.server.client("s3")

    @property
    def environment(self):
        """What AWS's own tools read; ours is not the environment of whoever runs the tests."""
        environment = {**self.server.cli_environment(), "AWS_ENDPOINT_URL": self.endpoint}
        if self.proxy:
            del environment["NO_PROXY"]
            environment |= {"HTTPS_PROXY": self.proxy.url, "https_proxy": self.proxy.url}
        return environment

    def run(self, program, *arguments, check=True, seconds=240, environment=None, input=None):
        """A tool, by name on the PATH of the pinned programs. Returns the finished process."""
        done = subprocess.run(
            [program, *map(str, arguments)],
            env={**self.environment, **(environment or {})},
            cwd=self.server.folder,
            input=input,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        output = f"{done.stdout[-4000:]}{done.stderr[-4000:]}"
        assert not check or done.returncode == 0, f"{program} {arguments} ended with {done.returncode}: {output}"
        return done

    # --- what lies in the bucket, as another client sees it ---

    def keys(self, prefix="", bucket=None):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket or self.bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def digest(self, key, bucket=None):
        """The hash of what is stored, read to its end in small steps."""
        body = self.s3.get_object(Bucket=bucket or self.bucket, Key=key)["Body"]
        digest = hashlib.sha256()
        for chunk in body.iter_chunks(MIB):
            digest.update(chunk)
        return digest.hexdigest()

    def head(self, key, **more):
        return self.s3.head_object(Bucket=self.bucket, Key=key, **more)

    def check_sealed(self, *keys):
        """All of these, or all there are, lie as the bucket's default says."""
        keys = keys or self.keys()
        assert keys
        for key in keys:
            head = self.head(key)
            assert head["ServerSideEncryption"] == self.way.encryption, key
            assert head.get("SSEKMSKeyId") == self.key_arn, key

    def check_tree(self, prefix, folder):
        """What is stored under the prefix is what is in the folder: names and bytes."""
        stored = {key.removeprefix(prefix): self.digest(key) for key in self.keys(prefix)}
        assert stored == digests(folder)


def make_place(serve, way, bucket="tools", *options):
    """A server, a proxy that stands for DNS where one is needed, and a bucket with its default encryption."""
    options = [*options, "--domain", DOMAIN, *(["--tls", "auto"] if way.tls else [])]
    server = serve(*options)
    make_bucket(server, bucket)
    place = Place(server, way, bucket, Proxy(server.address) if way.virtual else None)
    if way.encryption == "aws:kms":
        place.key_arn = server.client("kms").create_key()["KeyMetadata"]["Arn"]
        seal_by_default(place.s3, bucket, place.key_arn)
    return place


def seal_by_default(s3, bucket, key_arn):
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
    rules = [{"ApplyServerSideEncryptionByDefault": rule, "BucketKeyEnabled": True}]
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


# --- files ---


def make_file(path, size, seed=0):
    """A file that looks random and is the same each time. Returns its hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    block = random.Random(f"{path.name} {seed}").randbytes(MIB)
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for number in range(0, size, MIB):
            # Every block differs, so that parts in a wrong order are found.
            part = (number.to_bytes(8, "big") + block[8:])[: size - number]
            digest.update(part)
            file.write(part)
    return digest.hexdigest()


def make_tree(folder):
    """Some files as people have them: empty, small, odd names, deep, and one that is neither small nor in parts."""
    names = ["empty", "a file.txt", "deep/er/still/x.bin", "deep/y+z&.txt", "証跡/ログ 1.json", "~tilde-(1).md", "big.bin"]
    for number, name in enumerate(names):
        make_file(folder / name, [0, 11, 4096, 70_000, 500, 1, 3 * MIB + 7][number])
    return folder


def digests(folder):
    files = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): digest_of(path) for path in files}


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- names under the domain ---


class Proxy:
    """Tunnels to the server whatever host is asked for: names of buckets are in no DNS, and every tool knows proxies."""

    def __init__(self, address):
        class Tunnel(socketserver.BaseRequestHandler):
            def handle(self):
                head = b""
                while b"\r\n\r\n" not in head and (more := self.request.recv(4096)):
                    head += more
                host = head.split(b" ")[1].decode() if head.startswith(b"CONNECT ") else ""
                if not host.rsplit(":", 1)[0].endswith(DOMAIN):
                    self.request.sendall(b"HTTP/1.1 502 Not Ours\r\nContent-Length: 0\r\n\r\n")
                    return
                proxy.hosts.add(host.rsplit(":", 1)[0])
                with socket.create_connection(address) as server:
                    self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    relay(self.request, server)

        proxy = self
        self.hosts = set()
        self.listener = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnel)
        self.listener.daemon_threads = True
        self.port = self.listener.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()


def relay(one, other):
    with contextlib.suppress(OSError):
        while True:
            for ready in select.select([one, other], [], [])[0]:
                if not (data := ready.recv(256 * 1024)):
                    return
                (other if ready is one else one).sendall(data)
