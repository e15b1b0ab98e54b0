"""Every fault of a signature, per service family, with AWS's code, text and status."""

import datetime
import hashlib
import hmac
import re
import urllib.error
import urllib.request

import botocore.auth
import botocore.compat
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from harness import ANONYMOUS, Principal, make_bucket, make_trail, refused

FAMILIES = {
    "s3": lambda client: client.list_buckets(),
    "kms": lambda client: client.list_keys(),
    "cloudtrail": lambda client: client.describe_trails(),
    "sts": lambda client: client.get_caller_identity(),
    "iam": lambda client: client.get_user(UserName="x"),
}
JSON, QUERY = ("kms", "cloudtrail"), ("sts", "iam")
SIGNATURE_TEXT = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)
TOKEN_TEXT = "The security token included in the request is invalid."


def expect(service, s3, json, query):
    return s3 if service == "s3" else json if service in JSON else query


@pytest.fixture
def shifted(monkeypatch):
    """Makes botocore sign with a moved clock."""
    real = botocore.compat.get_current_datetime

    def shift(**by):
        moved = lambda *given, **named: real(*given, **named) + datetime.timedelta(**by)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", moved)

    return shift


@pytest.mark.parametrize("service", FAMILIES)
def test_a_wrong_secret_is_told_as_awss_services_tell_it(server, service):
    wrong = Principal(server.root.access_key, "x" * 40)
    s3_text = (
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method."
    )
    expected = expect(
        service,
        ("SignatureDoesNotMatch", s3_text, 403),
        ("InvalidSignatureException", SIGNATURE_TEXT, 400),
        ("SignatureDoesNotMatch", SIGNATURE_TEXT, 403),
    )
    with refused(*expected):
        FAMILIES[service](server.client(service, who=wrong))


@pytest.mark.parametrize("service", FAMILIES)
def test_an_unknown_access_key_is_told_as_awss_services_tell_it(server, service):
    unknown = Principal("AKIAIOSFODNN7EXAMPLE", "x" * 40)
    s3_text = "The AWS Access Key Id you provided does not exist in our records."
    expected = expect(
        service,
        ("InvalidAccessKeyId", s3_text, 403),
        ("UnrecognizedClientException", TOKEN_TEXT, 400),
        ("InvalidClientTokenId", TOKEN_TEXT, 403),
    )
    with refused(*expected):
        FAMILIES[service](server.client(service, who=unknown))


@pytest.mark.parametrize("minutes", [-20, 20])
@pytest.mark.parametrize("service", FAMILIES)
def test_a_skewed_clock_is_told_as_awss_services_tell_it(server, shifted, service, minutes):
    client = server.client(service)
    shifted(minutes=minutes)
    stamp = r"\d{8}T\d{6}Z"
    if minutes < 0:
        text = re.compile(rf"^Signature expired: {stamp} is now earlier than {stamp} \({stamp} - \d+ min\.\)$")
    else:
        text = re.compile(rf"^Signature not yet current: {stamp} is still later than {stamp} \({stamp} \+ \d+ min\.\)$")
    s3_text = "The difference between the request time and the current time is too large."
    expected = expect(
        service,
        ("RequestTimeTooSkewed", s3_text, 403),
        ("InvalidSignatureException", text, 400),
        ("SignatureDoesNotMatch", text, 403),
    )
    with refused(*expected):
        FAMILIES[service](client)


@pytest.mark.parametrize("service", FAMILIES)
def test_a_clock_that_is_a_little_off_is_taken(server, shifted, service):
    server.client("iam").create_user(UserName="x")
    client = server.client(service)
    for minutes in (-4, 4):
        shifted(minutes=minutes)
        FAMILIES[service](client)


@pytest.mark.parametrize("service", FAMILIES)
def test_a_call_without_authentication_is_told_as_awss_services_tell_it(server, service):
    expected = expect(
        service,
        ("AccessDenied", None, 403),
        ("MissingAuthenticationTokenException", None, 400),
        ("MissingAuthenticationToken", None, 403),
    )
    with refused(*expected):
        FAMILIES[service](server.client(service, who=ANONYMOUS))


def get(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_presigned_url_ends_when_it_says(server, shifted):
    make_bucket(server, "bucket")
    s3 = server.client("s3")
    s3.put_object(Bucket="bucket", Key="key", Body=b"x")
    asked = {"ClientMethod": "get_object", "Params": {"Bucket": "bucket", "Key": "key"}}
    assert get(s3.generate_presigned_url(**asked, ExpiresIn=60)) == (200, b"x")
    shifted(hours=-2)
    status, answer = get(s3.generate_presigned_url(**asked, ExpiresIn=60))
    assert status == 403 and b"<Code>AccessDenied</Code>" in answer
    assert b"<Message>Request has expired</Message>" in answer and b"<ServerTime>" in answer
    # An old URL with a long life is still good: its age is no skew.
    assert get(s3.generate_presigned_url(**asked, ExpiresIn=86400)) == (200, b"x")


def test_a_presigned_url_with_wrong_parameters_is_refused(server):
    make_bucket(server, "bucket")
    url = server.client("s3").generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k"})
    for pattern, other in (
        (r"X-Amz-Expires=\d+", "X-Amz-Expires=604801"),
        (r"X-Amz-Expires=\d+", "X-Amz-Expires=-1"),
        (r"X-Amz-Expires=\d+", "X-Amz-Expires=soon"),
        (r"&X-Amz-Date=[^&]+", ""),
        (r"X-Amz-Credential=[^&]+", "X-Amz-Credential=nonsense"),
    ):
        status, answer = get(re.sub(pattern, other, url))
        assert status == 400 and b"<Code>AuthorizationQueryParametersError</Code>" in answer, (other, answer)
    status, answer = get(re.sub(r"X-Amz-Signature=[0-9a-f]{4}", "X-Amz-Signature=0000", url))
    assert status == 403 and b"SignatureDoesNotMatch" in answer


@pytest.mark.parametrize(
    "header",
    [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 nonsense",
        "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/s3/aws4_request, SignedHeaders=host",
    ],
)
def test_a_malformed_authorization_header_is_told_as_awss_services_tell_it(server, header):
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    sent = {"Authorization": header, "X-Amz-Date": stamp}
    answer = server.send("GET", "/", sent)
    assert (answer.status, answer.code) == (400, "AuthorizationHeaderMalformed")
    target = {**sent, "X-Amz-Target": "TrentService.ListKeys", "Content-Type": "application/x-amz-json-1.1"}
    answer = server.send("POST", "/", target, b"{}")
    assert (answer.status, answer.code) == (400, "IncompleteSignatureException")
    form = {**sent, "Content-Type": "application/x-www-form-urlencoded"}
    answer = server.send("POST", "/", form, b"Action=GetCallerIdentity&Version=2011-06-15")
    assert (answer.status, answer.code) == (400, "IncompleteSignature")


def test_a_signature_binds_every_part_of_the_request(server):
    """Method, path, query, signed headers and body: what is changed after signing is refused."""
    make_bucket(server, "bucket")
    signed = server.sign("s3", "PUT", "/bucket/key", {"x-amz-meta-a": "1"}, b"body")
    assert server.send("PUT", "/bucket/key", signed, b"body").status == 200
    for method, path, headers, body, code in (
        ("PUT", "/bucket/other", signed, b"body", "SignatureDoesNotMatch"),
        ("DELETE", "/bucket/key", signed, b"", "SignatureDoesNotMatch"),
        ("PUT", "/bucket/key?acl", signed, b"body", "SignatureDoesNotMatch"),
        ("PUT", "/bucket/key", {**signed, "x-amz-meta-a": "2"}, b"body", "SignatureDoesNotMatch"),
        ("PUT", "/bucket/key", signed, b"bodX", "XAmzContentSHA256Mismatch"),
        # A header that speaks to the service must be signed.
        ("PUT", "/bucket/key", {**signed, "x-amz-acl": "public-read"}, b"body", "AccessDenied"),
    ):
        answer = server.send(method, path, headers, body)
        assert answer.code == code, (method, path, answer)
        assert answer.status in (400, 403)
    kms = {"X-Amz-Target": "TrentService.ListKeys", "Content-Type": "application/x-amz-json-1.1"}
    signed = server.sign("kms", "POST", "/", kms, b"{}")
    assert server.send("POST", "/", signed, b"{}").status == 200
    assert server.send("POST", "/", signed, b"{ }").code == "InvalidSignatureException"
    other = {**signed, "X-Amz-Target": "TrentService.CreateKey"}
    assert server.send("POST", "/", other, b"{}").code == "InvalidSignatureException"


@pytest.mark.serve("--rehearsal")
def test_a_signature_for_a_region_that_is_not_enabled_opens_nothing(server):
    trail = make_trail(server, with_key=False)
    for region in ("af-south-1", "mars-north-1"):
        for service in ("kms", "cloudtrail", "sts", "ec2"):
            client = server.client(service, region)
            with pytest.raises(ClientError) as caught:
                client.describe_regions() if service == "ec2" else FAMILIES[service](client)
            answer = caught.value.response
            assert 400 <= answer["ResponseMetadata"]["HTTPStatusCode"] < 500, (region, service, answer)
            assert re.fullmatch(r"\w+", answer["Error"]["Code"]), (region, service, answer)
    server.advance("10m")
    assert trail.keys(region="us-east-1/")
    assert not trail.keys(region="af-south-1/") + trail.keys(region="mars-north-1/")


def test_a_session_token_with_a_long_term_key_is_refused(server):
    make_bucket(server, "bucket")
    token = {"X-Amz-Security-Token": "FwoGZXIvYXdzEXAMPLE"}
    answer = server.call("s3", "GET", "/bucket?list-type=2", token)
    assert (answer.status, answer.code) == (400, "InvalidToken")
    kms = {**token, "X-Amz-Target": "TrentService.ListKeys", "Content-Type": "application/x-amz-json-1.1"}
    answer = server.call("kms", "POST", "/", kms, b"{}")
    assert (answer.status, answer.code) == (400, "UnrecognizedClientException")


def test_a_signature_for_another_service_opens_nothing(server):
    kms = {"X-Amz-Target": "TrentService.ListKeys", "Content-Type": "application/x-amz-json-1.1"}
    answer = server.call("sts", "POST", "/", kms, b"{}")
    assert answer.status in (400, 403) and answer.code
    answer = server.call("kms", "GET", "/bucket/key")
    assert answer.status in (400, 403, 404) and answer.code


# --- aws-chunked ---


def hmac_sha256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def chunked(server, chunks, spoil=None, trailer=None):
    """A PUT in signed chunks, as the older SDKs stream it, written from AWS's description of it."""
    size = sum(len(chunk) for chunk in chunks)
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    headers = {
        "x-amz-content-sha256": kind,
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": str(size),
        "Host": "{}:{}".format(*server.address),
    }
    if trailer:
        kind += "-TRAILER"
        headers |= {"x-amz-content-sha256": kind, "x-amz-trailer": trailer[0]}
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers["x-amz-date"] = stamp
    names = sorted(name.lower() for name in headers)
    lower = {name.lower(): value for name, value in headers.items()}
    canonical = "PUT\n/bucket/chunked\n\n" + "".join(f"{name}:{lower[name]}\n" for name in names)
    canonical += "\n" + ";".join(names) + "\n" + kind
    scope = f"{day}/us-east-1/s3/aws4_request"
    key = ("AWS4" + server.root.secret_key).encode()
    for part in (day, "us-east-1", "s3", "aws4_request"):
        key = hmac_sha256(key, part)
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac_sha256(key, text).hex()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={server.root.access_key}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    empty, body = hashlib.sha256(b"").hexdigest(), b""
    for number, chunk in enumerate([*chunks, b""]):
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{stamp}\n{scope}\n{signature}\n{empty}\n{hashlib.sha256(chunk).hexdigest()}"
        signature = hmac_sha256(key, text).hex()
        if spoil == number:
            chunk = b"X" + chunk[1:]
        body += f"{len(chunk):x};chunk-signature={signature}\r\n".encode() + chunk + b"\r\n"
    if trailer:
        line = "{}:{}".format(*trailer)
        text = f"AWS4-HMAC-SHA256-TRAILER\n{stamp}\n{scope}\n{signature}\n"
        text += hashlib.sha256(f"{line}\n".encode()).hexdigest()
        # The trailer stands where the last chunk's empty line would.
        ending = f"{line}\r\nx-amz-trailer-signature:{hmac_sha256(key, text).hex()}\r\n\r\n"
        body = body.removesuffix(b"\r\n") + ending.encode()
    return headers, body


def test_signed_chunks_are_taken_and_a_changed_one_is_refused(server):
    make_bucket(server, "bucket")
    chunks = [b"a" * 65536, b"b" * 65536, b"c" * 100]
    headers, body = chunked(server, chunks)
    assert server.send("PUT", "/bucket/chunked", headers, body).status == 200
    got = server.client("s3").get_object(Bucket="bucket", Key="chunked")
    assert got["Body"].read() == b"".join(chunks)
    assert got.get("ContentEncoding", "") == ""
    server.client("s3").delete_object(Bucket="bucket", Key="chunked")
    for spoil in range(3):
        headers, body = chunked(server, chunks, spoil)
        answer = server.send("PUT", "/bucket/chunked", headers, body)
        assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    headers, body = chunked(server, chunks)
    # The last chunk is missing, so the end is not signed.
    cut = body[: body.rindex(b"0;chunk-signature")]
    answer = server.send("PUT", "/bucket/chunked", headers, cut)
    assert answer.status in (400, 403) and answer.code
    with refused("404"):
        server.client("s3").head_object(Bucket="bucket", Key="chunked")


def test_signed_chunks_with_a_signed_trailer_are_taken_and_a_changed_trailer_is_refused(server):
    make_bucket(server, "bucket")
    headers, body = chunked(server, [b"hello"], trailer=("x-amz-checksum-crc32", "NhCmhg=="))
    answer = server.send("PUT", "/bucket/chunked", headers, body)
    assert answer.status == 200, answer
    got = server.client("s3").get_object(Bucket="bucket", Key="chunked", ChecksumMode="ENABLED")
    assert (got["Body"].read(), got["ChecksumCRC32"]) == (b"hello", "NhCmhg==")
    server.client("s3").delete_object(Bucket="bucket", Key="chunked")
    answer = server.send("PUT", "/bucket/chunked", headers, body.replace(b"NhCmhg==", b"AAAAAA=="))
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    headers, body = chunked(server, [b"hello"], trailer=("x-amz-checksum-crc32", "AAAAAA=="))
    answer = server.send("PUT", "/bucket/chunked", headers, body)
    assert (answer.status, answer.code) == (400, "BadDigest")
    with refused("404"):
        server.client("s3").head_object(Bucket="bucket", Key="chunked")


def test_an_unsigned_chunked_body_with_its_checksum_behind_it_is_taken_and_compared(server):
    """What boto3 sends over TLS: STREAMING-UNSIGNED-PAYLOAD-TRAILER with a CRC32 trailer."""
    make_bucket(server, "bucket")
    headers = {
        "X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": "5",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    for crc, status in (("NhCmhg==", 200), ("AAAAAA==", 400)):
        body = f"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n".encode()
        signed = trailer_signed(server, headers)
        answer = server.send("PUT", "/bucket/trailer", signed, body)
        assert answer.status == status, answer
    assert answer.code == "BadDigest"
    assert server.client("s3").get_object(Bucket="bucket", Key="trailer")["Body"].read() == b"hello"


def trailer_signed(server, headers):
    class Streaming(S3SigV4Auth):
        def payload(self, request):
            return headers["X-Amz-Content-SHA256"]

    request = AWSRequest(method="PUT", url=server.endpoint + "/bucket/trailer", headers=dict(headers))
    root = server.root
    Streaming(Credentials(root.access_key, root.secret_key), "s3", "us-east-1").add_auth(request)
    return dict(request.headers.items())
