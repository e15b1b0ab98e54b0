"""Server access logs: every call on a bucket, delivered where its owner says, if the target lets the service in."""

import base64
import hashlib
import json
import re
import urllib.parse
import urllib.request

import pytest

from harness import refused

pytestmark = pytest.mark.serve("--rehearsal")

ACCOUNT = "000000000000"
LINE = re.compile(
    r'^(?P<owner>[0-9a-f]{64}) (?P<bucket>\S+) \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000)\] (?P<ip>\S+) '
    r'(?P<requester>\S+) (?P<request_id>[0-9A-Z]+) (?P<operation>\S+) (?P<key>\S+) "(?P<uri>[^"]*)" (?P<status>\d{3}) '
    r'(?P<error>\S+) (?P<sent>\d+|-) (?P<size>\d+|-) \d+ \d+ "(?P<referer>[^"]*)" "(?P<agent>[^"]*)" (?P<version>\S+) '
    r'(?P<host_id>\S+) (?P<signature>SigV4|-) (?P<cipher>\S+) (?P<auth>AuthHeader|QueryString|-) (?P<host>\S+) '
    r'(?P<tls>\S+) - -$'
)
LET_IN = {
    "Version": "2012-10-17",
    "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::log-target/*",
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::logged"},
                      "StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }],
}


def logged(s3, prefix="access/", policy=LET_IN, **more):
    s3.create_bucket(Bucket="logged")
    s3.create_bucket(Bucket="log-target")
    if policy:
        s3.put_bucket_policy(Bucket="log-target", Policy=json.dumps(policy))
    enabled = {"TargetBucket": "log-target", "TargetPrefix": prefix, **more}
    s3.put_bucket_logging(Bucket="logged", BucketLoggingStatus={"LoggingEnabled": enabled})
    return enabled


def lines(s3):
    found = s3.list_objects_v2(Bucket="log-target").get("Contents", [])
    text = "".join(s3.get_object(Bucket="log-target", Key=one["Key"])["Body"].read().decode() for one in found)
    parsed = [LINE.match(line) for line in text.splitlines()]
    assert all(parsed), text
    return [match.groupdict() for match in parsed], [one["Key"] for one in found]


def test_every_call_is_written_where_the_owner_says(server):
    s3 = server.client("s3")
    enabled = logged(s3)
    assert s3.get_bucket_logging(Bucket="logged")["LoggingEnabled"] == enabled
    put = s3.put_object(Bucket="logged", Key="a folder/é", Body=b"seven b")
    s3.get_object(Bucket="logged", Key="a folder/é", Range="bytes=0-1")
    with refused("NoSuchKey"):
        s3.get_object(Bucket="logged", Key="absent")
    with refused("NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket="logged")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "logged", "Key": "a folder/é"})
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"seven b"
    s3.put_object(Bucket="log-target", Key="other", Body=b"not of the logged bucket")
    s3.delete_object(Bucket="log-target", Key="other")
    server.advance("10m")
    found, keys = lines(s3)
    assert all(re.fullmatch(r"access/\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9A-F]{16}", key) for key in keys), keys
    told = [(one["operation"], one["key"], one["status"], one["error"], one["size"]) for one in found]
    key = "a+folder/%C3%A9"
    assert [one for one in told if "LOGGING_STATUS" not in one[0]] == [
        ("REST.PUT.OBJECT", key, "200", "-", "7"),
        ("REST.GET.OBJECT", key, "206", "-", "7"),
        ("REST.GET.OBJECT", "absent", "404", "NoSuchKey", "-"),
        ("REST.GET.BUCKETPOLICY", "-", "404", "NoSuchBucketPolicy", "-"),
        ("REST.GET.OBJECT", key, "200", "-", "7"),
    ]
    assert [one["sent"] for one in found if one["key"] == key] == ["-", "2", "7"]
    assert {one["bucket"] for one in found} == {"logged"}
    by_id = {one["request_id"]: one for one in found}
    mine = by_id[put["ResponseMetadata"]["RequestId"]]
    assert mine["uri"] == "PUT /logged/a%20folder/%C3%A9 HTTP/1.1"
    assert (mine["auth"], mine["signature"]) == ("AuthHeader", "SigV4")
    assert "Boto3" in mine["agent"]
    presigned = next(one for one in found if one["auth"] == "QueryString")
    assert "X-Amz-Signature=..." in presigned["uri"]
    assert re.search(r"X-Amz-Signature=[0-9a-f]", presigned["uri"]) is None


def test_a_target_that_does_not_let_the_service_in_gets_nothing(server):
    s3 = server.client("s3")
    logged(s3, policy=None)
    s3.put_object(Bucket="logged", Key="a", Body=b"")
    server.advance("10m")
    assert lines(s3) == ([], [])
    # Nothing is lost yet: once the target lets the service in, the lines come.
    s3.put_bucket_policy(Bucket="log-target", Policy=json.dumps(LET_IN))
    server.advance("10m")
    found, _ = lines(s3)
    assert "REST.PUT.OBJECT" in [one["operation"] for one in found]


def test_a_bucket_that_logs_into_itself_does_not_feed_itself(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="log-target")
    policy = json.loads(json.dumps(LET_IN).replace(":::logged", ":::log-target"))
    s3.put_bucket_policy(Bucket="log-target", Policy=json.dumps(policy))
    s3.put_bucket_logging(Bucket="log-target", BucketLoggingStatus={
        "LoggingEnabled": {"TargetBucket": "log-target", "TargetPrefix": "l/"}})
    s3.put_object(Bucket="log-target", Key="a", Body=b"")
    server.advance("1h")
    kept = [one["Key"] for one in s3.list_objects_v2(Bucket="log-target")["Contents"] if one["Key"].startswith("l/")]
    assert len(kept) == 1, kept


def test_keys_by_date_and_the_end_of_logging(server):
    s3 = server.client("s3")
    format = {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}
    enabled = logged(s3, TargetObjectKeyFormat=format)
    assert s3.get_bucket_logging(Bucket="logged")["LoggingEnabled"] == enabled
    s3.put_object(Bucket="logged", Key="a", Body=b"")
    server.advance("10m")
    _, keys = lines(s3)
    pattern = rf"access/{ACCOUNT}/us-east-1/logged/\d{{4}}/\d\d/\d\d/\d{{4}}-[-0-9]+-[0-9A-F]{{16}}"
    assert keys and all(re.fullmatch(pattern, key) for key in keys), keys
    s3.put_bucket_logging(Bucket="logged", BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket="logged")
    before = len(lines(s3)[0])
    s3.put_object(Bucket="logged", Key="b", Body=b"")
    server.advance("10m")
    assert len(lines(s3)[0]) == before


def test_where_logs_cannot_go(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="logged")
    elsewhere = server.client("s3", region="eu-west-1")
    elsewhere.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def check(target, code, message):
        with refused(code, message):
            s3.put_bucket_logging(Bucket="logged", BucketLoggingStatus={
                "LoggingEnabled": {"TargetBucket": target, "TargetPrefix": ""}})

    check("absent-target", "InvalidTargetBucketForLogging", "The target bucket for logging does not exist")
    check("far", "CrossLocationLoggingProhibitted", "Cross S3 location logging not allowed. ")


def test_no_key_of_a_customer_is_written(server):
    s3 = server.client("s3")
    logged(s3)
    key = bytes(range(32))
    prefix = "x-amz-server-side-encryption-customer-"
    query = urllib.parse.urlencode({
        prefix + "algorithm": "AES256",
        prefix + "key": base64.b64encode(key).decode(),
        prefix + "key-MD5": base64.b64encode(hashlib.md5(key).digest()).decode(),
    })
    assert server.call("s3", "PUT", "/logged/k?" + query, body=b"hello").status == 200
    assert server.call("s3", "GET", "/logged/k?" + query).body == b"hello"
    server.advance("10m")
    uris = [one["uri"] for one in lines(s3)[0] if one["key"] == "k"]
    assert len(uris) == 2 and all(f"{prefix}key=...&{prefix}key-MD5=... " in uri for uri in uris), uris
    assert not any("AAECAw" in uri for uri in uris), uris


def test_who_makes_a_lost_target_again_gets_no_logs(server):
    s3 = server.client("s3")
    logged(s3)
    s3.delete_bucket(Bucket="log-target")
    stranger = server.client("s3", who=server.account("111122223333"))
    stranger.create_bucket(Bucket="log-target")
    let_in = {**LET_IN["Statement"][0]}
    del let_in["Condition"]
    stranger.put_bucket_policy(Bucket="log-target", Policy=json.dumps({**LET_IN, "Statement": [let_in]}))
    s3.list_objects_v2(Bucket="logged")
    server.advance("10m")
    assert "Contents" not in stranger.list_objects_v2(Bucket="log-target")
