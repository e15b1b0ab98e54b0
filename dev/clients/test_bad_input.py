"""Input that no client should send: a clear AWS-shaped error, and a server that goes on."""

import base64
import hashlib
import json
import resource
import socket
import threading

import pytest
from harness import make_bucket, refused

KMS, TRAIL = "TrentService", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"


@pytest.fixture(autouse=True)
def alive(server):
    """Whatever a test sent, the server answers afterwards."""
    yield
    assert server.is_alive()


def exchange(server, data, then_close=True, seconds=20):
    """Sends raw bytes and returns all that comes back; a reset ends the answer, as it does for a real client."""
    received = b""
    with socket.create_connection(server.address, timeout=seconds) as connection:
        try:
            connection.sendall(data)
            if then_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        try:
            while part := connection.recv(65536):
                received += part
        except OSError:
            pass
    return received


def status_of(received):
    return int(received.split(b" ", 2)[1]) if received.startswith(b"HTTP/1.1 ") else None


BODIES = {
    "empty": b"",
    "no JSON": b"nonsense",
    "cut": b'{"KeyId": "abc',
    "trailing": b'{"KeyId": "abc"} {}',
    "bad UTF-8": b'{"KeyId": "\xff\xfe"}',
    "lone surrogate": b'{"KeyId": "\\ud800"}',
    "a list": b'["KeyId"]',
    "a number": b"1e999",
    "wrong type": b'{"KeyId": 5}',
    "wrong type within": b'{"KeyId": "a", "EncryptionContext": {"a": ["b"]}}',
    "deep": b"[" * 100_000,
    "deep within": b'{"KeyId":' + b'{"a":' * 100_000,
    "NUL": b'{"KeyId": "a\\u0000b"}',
    "twice": b'{"KeyId": "a", "KeyId": "b"}',
}


@pytest.mark.parametrize("name", BODIES)
def test_a_malformed_json_body_is_refused_clearly(server, name):
    for service, target in (("kms", f"{KMS}.GenerateDataKey"), ("cloudtrail", f"{TRAIL}.CreateTrail")):
        answer = server.json_call(service, target, BODIES[name])
        assert answer.status == 400, answer
        assert answer.headers["content-type"].startswith("application/x-amz-json-1.1")
        shapes = ("empty", "NUL", "lone surrogate", "twice", "wrong type", "wrong type within")
        assert answer.code == "SerializationException" or name in shapes or service == "cloudtrail", answer
        assert answer.headers["x-amzn-requestid"]


@pytest.mark.parametrize(
    "service, target",
    [
        ("kms", f"{KMS}.NoSuchOperation"),
        ("kms", "NoSuchService.ListKeys"),
        ("kms", KMS),
        ("kms", "." * 5000),
        ("cloudtrail", f"{TRAIL}.NoSuchOperation"),
        ("cloudtrail", f"{KMS}.NoSuchOperation"),
    ],
)
def test_an_unknown_json_operation_is_refused_by_name(server, service, target):
    answer = server.json_call(service, target, b"{}")
    assert (answer.status, answer.code) == (400, "UnknownOperationException")


@pytest.mark.parametrize(
    "body, code",
    [
        (b"Action=NoSuchOperation&Version=2011-06-15", "InvalidAction"),
        (b"Version=2011-06-15", "MissingAction"),
        (b"", "MissingAction"),
        (b"Action=%FF%FE&Version=2011-06-15", "MalformedInput"),
        (b"Action=" + b"A" * 100_000, "InvalidAction"),
        (b"Action=GetCallerIdentity&Version=1999-01-01", "InvalidAction"),
    ],
)
def test_an_unknown_query_action_is_refused_by_name(server, body, code):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = server.call("sts", "POST", "/", form, body)
    assert answer.status in (400, 404) and answer.code == code, answer


def test_wrong_query_parameters_are_refused_clearly(server):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (
        b"Action=CreateUser&Version=2010-05-08",
        b"Action=CreateUser&Version=2010-05-08&UserName=a%20b",
        b"Action=CreateUser&Version=2010-05-08&UserName=" + b"x" * 65,
        b"Action=CreateUser&Version=2010-05-08&UserName=%FF",
    ):
        answer = server.call("iam", "POST", "/", form, body)
        assert answer.status == 400 and answer.code in ("ValidationError", "MalformedInput"), answer


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        b"<Delete><Object><Key>a</Key></Object>",
        b"<Other/>",
        b"<Delete><Object><Key>\xff\xfe</Key></Object></Delete>",
        b"<Delete><Object/></Delete>",
        b"<Delete>" * 10_000,
        b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
        b"<Delete><Object><Key>&e;</Key></Object></Delete>",
        b"",
    ],
)
def test_malformed_xml_is_refused_clearly(server, body):
    make_bucket(server, "bucket")
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    answer = server.call("s3", "POST", "/bucket?delete=", {"Content-MD5": md5}, body)
    assert answer.status == 400 and answer.code in ("MalformedXML", "MissingRequestBodyError"), answer
    assert b"root:" not in answer.body
    if body:
        answer = server.call("s3", "PUT", "/bucket?encryption=", {"Content-MD5": md5}, body)
        assert (answer.status, answer.code) == (400, "MalformedXML")
        answer = server.call("s3", "PUT", "/another-bucket", {"Content-MD5": md5}, body)
        assert (answer.status, answer.code) == (400, "MalformedXML")


def test_more_than_a_thousand_keys_to_delete_are_refused(server):
    make_bucket(server, "bucket")
    with refused("MalformedXML", status=400):
        objects = [{"Key": str(number)} for number in range(1001)]
        server.client("s3").delete_objects(Bucket="bucket", Delete={"Objects": objects})


def test_paths_that_are_no_text_are_refused_clearly(server):
    make_bucket(server, "bucket")
    for path in ("/bucket/%FF%FE", "/bucket/%zz", "/bucket/%00", "/%FF", "/bucket?list-type=2&max-keys=many"):
        answer = server.call("s3", "GET", path)
        assert 400 <= answer.status < 500 and answer.code, path


@pytest.mark.parametrize(
    "head",
    [
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad\x00Name: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        b"",
    ],
)
def test_what_is_no_http_is_refused_or_dropped(server, head):
    status = status_of(exchange(server, head))
    assert status is None or 400 <= status < 600
    assert status != 500


def test_headers_without_end_are_refused(server):
    """Ten megabytes of headers: refused long before they are all read."""
    one = b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 10_000_000 + b"\r\n\r\n"
    many = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 990) for n in range(10_000)) + b"\r\n"
    path = b"GET /" + b"p" * 10_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    for data in (one, many, path):
        assert status_of(exchange(server, data)) in (400, 414, 431, None)
        assert server.is_alive()


def test_a_body_that_ends_too_early_changes_nothing(server):
    make_bucket(server, "bucket")
    host = "{}:{}".format(*server.address)
    for size in (100, 100_000):
        content = b"x" * size
        headers = server.sign("s3", "PUT", "/bucket/cut", {"Host": host}, content)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name.lower() != "host")
        head = f"PUT /bucket/cut HTTP/1.1\r\nHost: {host}\r\n{head}Content-Length: {size}\r\n\r\n".encode()
        status = status_of(exchange(server, head + content[: size // 2]))
        assert status is None or 400 <= status < 500
        with refused("404"):
            server.client("s3").head_object(Bucket="bucket", Key="cut")
    body = b'{"Description": "cut"}'
    headers = server.sign("kms", "POST", "/", {"X-Amz-Target": f"{KMS}.CreateKey", "Host": host}, body)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name.lower() != "host")
    head = f"POST / HTTP/1.1\r\nHost: {host}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode()
    exchange(server, head + body[:5])
    assert server.client("kms").list_keys()["Keys"] == []


def test_a_body_that_is_too_large_for_its_operation_is_refused(server):
    answer = server.json_call("kms", f"{KMS}.Encrypt", b'{"KeyId":"' + b"x" * 8_000_000 + b'"}')
    assert answer.status in (400, 413) and answer.code


def test_a_put_waits_for_100_continue_only_where_it_may_write(server):
    make_bucket(server, "bucket")
    nobody = server.user("nobody")
    host = "{}:{}".format(*server.address)

    def put(who):
        headers = server.sign("s3", "PUT", "/bucket/key", {"Host": host}, b"hello", who=who)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name.lower() != "host")
        head = f"PUT /bucket/key HTTP/1.1\r\nHost: {host}\r\n{head}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        with socket.create_connection(server.address, timeout=20) as connection:
            connection.sendall(head.encode())
            first = connection.recv(4096)
            if first.startswith(b"HTTP/1.1 100"):
                connection.sendall(b"hello")
                return 100, status_of(connection.recv(4096))
            return status_of(first), None

    assert put(server.root) == (100, 200)
    assert put(nobody)[0] == 403
    assert server.client("s3").get_object(Bucket="bucket", Key="key")["Body"].read() == b"hello"


def test_a_final_answer_in_place_of_100_continue_is_the_connections_last(server):
    """botocore would take it for the beginning of the next call's answer too."""
    make_bucket(server, "bucket")
    host = "{}:{}".format(*server.address)

    def put(body, who):
        headers = server.sign("s3", "PUT", "/bucket/key", {"Host": host, "Expect": "100-continue"}, body, who=who)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        with socket.create_connection(server.address, timeout=20) as connection:
            connection.sendall(f"PUT /bucket/key HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode())
            if (first := connection.recv(4096)).startswith(b"HTTP/1.1 100"):
                connection.sendall(body)
                first = connection.recv(4096)
            return status_of(first), b"\r\nconnection: close\r\n" in first

    assert put(b"hello", server.root) == (200, False)
    assert put(b"", server.root) == (200, True)
    assert put(b"hello", server.user("nobody")) == (403, True)


def test_slow_and_idle_connections_do_not_stop_others(server):
    connections = [socket.create_connection(server.address, timeout=20) for _ in range(200)]
    for connection in connections[:100]:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Le")
    assert server.is_alive()
    for connection in connections:
        connection.close()


def test_many_callers_at_once_lose_nothing(server):
    make_bucket(server, "bucket")
    failures = []

    def work(number):
        client = server._new_client("s3", "us-east-1", server.root, server.endpoint, {})
        try:
            for item in range(20):
                client.put_object(Bucket="bucket", Key=f"{number}/{item}", Body=f"{number}-{item}".encode())
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not failures
    s3 = server.client("s3")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="bucket")["Contents"]]
    assert len(keys) == 160
    assert all(s3.get_object(Bucket="bucket", Key=key)["Body"].read() == key.replace("/", "-").encode() for key in keys[::7])


@pytest.mark.allow_errors(".*")
def test_a_full_disk_refuses_calls_and_loses_nothing(server):
    """No byte can be added to any file (a limit of the process stands for the full disk); then there is room again."""
    make_bucket(server, "bucket")
    s3, kms = server.client("s3"), server.client("kms")
    s3.put_object(Bucket="bucket", Key="before", Body=b"kept" * 50_000)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    pid = server.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
    answers = [
        server.call("s3", "PUT", "/bucket/during", body=b"x" * 200_000),
        server.call("s3", "PUT", "/bucket/small", body=b"x"),
        server.json_call("kms", f"{KMS}.CreateKey", b"{}"),
    ]
    for answer in answers:
        assert answer.status in (500, 503, 507) and answer.code, answer
    assert server.process.poll() is None
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
    # A store may need a new start after it failed to write; what was answered must be there either way.
    server.stop()
    server.start()
    s3, kms = server.client("s3"), server.client("kms")
    assert s3.get_object(Bucket="bucket", Key="before")["Body"].read() == b"kept" * 50_000
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Enabled"] is True
    assert [one["KeyId"] for one in kms.list_keys()["Keys"]] == [key]
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="bucket")["Contents"]] == ["before"]
    s3.put_object(Bucket="bucket", Key="after", Body=b"x")


def test_errors_are_in_the_protocol_of_their_service(server):
    """XML for S3, JSON for JSON services, the query services' own envelope, EC2's own."""
    assert b"<?xml" in server.call("s3", "GET", "/no-such-bucket").body
    answer = server.json_call("kms", f"{KMS}.DescribeKey", json.dumps({"KeyId": "none"}).encode())
    assert set(answer.json) >= {"__type", "message"}
    answer = server.json_call("cloudtrail", f"{TRAIL}.GetTrail", b'{"Name": "nothing"}')
    assert set(answer.json) >= {"__type", "Message"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = server.call("iam", "POST", "/", form, b"Action=GetUser&Version=2010-05-08&UserName=none")
    assert b"<ErrorResponse" in answer.body and b"<Type>Sender</Type>" in answer.body
    answer = server.call("ec2", "POST", "/", form, b"Action=NoSuchThing&Version=2016-11-15")
    assert answer.body.startswith(b"<?xml") and b"<Response><Errors><Error>" in answer.body.replace(b"\n", b"")
