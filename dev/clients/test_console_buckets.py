"""The console's pages of buckets and objects: how each is encrypted, and a log file opened for those who may."""

import gzip
import html
import http.client
import json
import random
import re
import urllib.parse

import pytest
from browser import PHONE
from console import signed_in, words
from harness import allow, make_bucket, make_trail

pytestmark = pytest.mark.serve("--rehearsal")
LOG = "AWSLogs/000000000000/CloudTrail/us-east-1/2026/01/01/made.json.gz"


def object_path(bucket, key, **more):
    return f"/buckets/{bucket}/object?" + urllib.parse.urlencode({"key": key, **more})


def links(page):
    return [html.unescape(found) for found in re.findall(r'href="([^"]*)"', page)]


def rows(page):
    """The objects of a page: name, and how it says that they are encrypted."""
    found = {}
    for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL):
        place = re.search(r'href="/console/buckets/[^"]*/object\?key=([^"&]*)', row)
        if place:
            cells = re.findall(r"<td>.*?</td>", row, re.DOTALL)
            key = re.search(r'href="/console/keys/us-east-1/([0-9a-f-]{36})"', cells[2])
            found[urllib.parse.unquote(html.unescape(place[1]))] = ("aws:kms" if "aws:kms" in cells[2] else "AES256", key and key[1])
    return found


def test_a_log_file_opens_for_who_may_and_says_who_refuses(server):
    trail = make_trail(server)
    server.advance("10m")
    log = trail.keys("CloudTrail", "us-east-1")[0]
    path = object_path(trail.bucket, log, open=1)
    records = json.loads(gzip.decompress(trail.s3.get_object(Bucket=trail.bucket, Key=log)["Body"].read()))["Records"]
    page = signed_in(server).get(path)
    assert f"{len(records)} records" in words(page)
    for record in records[:50]:
        assert f"/console/events/{record['awsRegion']}/{record['eventID']}" in links(page), record["eventName"]
    assert trail.key_arn.rsplit("/", 1)[1] in page

    read = allow("s3:GetObject", f"arn:aws:s3:::{trail.bucket}/*")
    text = words(signed_in(server, server.user("s3-only", read)).get(path))
    assert "S3 lets you get this object, but KMS does not let you open it" in text
    assert "not authorized to perform: kms:Decrypt" in text and "eventName" not in text
    both = server.user("both", read, allow("kms:Decrypt", trail.key_arn))
    assert f"{len(records)} records" in words(signed_in(server, both).get(path))
    page = signed_in(server, server.user("nobody", allow("kms:Decrypt", trail.key_arn))).get(path, status=403)
    assert "S3 does not let you get this object: you have no s3:GetObject" in words(page)


def test_a_refusal_is_explained_to_who_may_ask(server):
    trail = make_trail(server)
    server.advance("10m")
    log = trail.keys("CloudTrail", "us-east-1")[0]
    rights = [allow("s3:GetObject", f"arn:aws:s3:::{trail.bucket}/*"), allow("shoseki:ExplainDecision")]
    text = words(signed_in(server, server.user("asker", *rights)).get(object_path(trail.bucket, log, open=1)))
    assert "Why" in text and "No identity-based policy allows it." in text and "The smallest change that would allow it" in text, text


def test_a_digest_leads_to_its_log_files(server):
    trail = make_trail(server)
    server.advance("2h")
    [digest, *_] = [key for key in trail.keys("CloudTrail-Digest", "us-east-1")]
    told = json.loads(gzip.decompress(trail.s3.get_object(Bucket=trail.bucket, Key=digest)["Body"].read()))
    page = signed_in(server).get(object_path(trail.bucket, digest, open=1))
    assert told["digestPublicKeyFingerprint"] in page
    places = links(page)
    for file in told["logFiles"]:
        wanted = urllib.parse.quote(file["s3Object"], safe="/")
        assert any(f"object?key={wanted}" in place for place in places), file["s3Object"]


def test_files_that_are_none_and_bombs_are_not_opened(server):
    make_bucket(server, "odd-files")
    s3, pages = server.client("s3"), signed_in(server)

    def opened(body):
        s3.put_object(Bucket="odd-files", Key=LOG, Body=body)
        return words(pages.get(object_path("odd-files", LOG, open=1)))

    assert "Far more comes out of it" in opened(gzip.compress(b'{"Records":[' + b" " * (65 << 20), 9))
    assert "too long to be opened" in opened(random.Random(1).randbytes((8 << 20) + 1))
    whole = gzip.compress(json.dumps({"Records": [{"eventID": "x" * 4_000}]}).encode())
    for body in (b"", b"\x1f\x8b", whole[: len(whole) // 2], b"[]", b'{"Records": 3}', b"\xff\xfe"):
        assert "no log file or digest" in opened(body), body[:20]
    assert "1 records; here 1 to 1" in opened(whole)


def test_what_is_listed_equals_what_the_api_tells(server):
    chance = random.Random(80)
    make_bucket(server, "mixed-bucket")
    s3, pages = server.client("s3"), signed_in(server)
    key = server.client("kms").create_key()["KeyMetadata"]["KeyId"]
    names = ["a b", "a+b", "ü", "a/b/c", "a/b", "a//b", " led", "x&y=z", "%41", "q?r#s", "é/ü", "'\"><i>"]
    for _ in range(2):
        for name in chance.sample(names, 9):
            sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if chance.random() < 0.5 else {}
            s3.put_object(Bucket="mixed-bucket", Key=name, Body=b"x", **sealed)
        seen, folders = {}, [""]
        while folders:
            prefix = folders.pop()
            query = urllib.parse.urlencode({"prefix": prefix}) if prefix else ""
            page = pages.get("/buckets/mixed-bucket" + (f"?{query}" if query else ""))
            seen |= rows(page)
            part = re.search(r'<ul class="folders">.*?</ul>', page, re.DOTALL)
            for place in links(part[0]) if part else []:
                folders.append(urllib.parse.parse_qs(urllib.parse.urlsplit(place).query)["prefix"][0])
        truth = {}
        for item in s3.list_objects_v2(Bucket="mixed-bucket")["Contents"]:
            head = s3.head_object(Bucket="mixed-bucket", Key=item["Key"])
            under = head.get("SSEKMSKeyId")
            truth[item["Key"]] = (head["ServerSideEncryption"], under and under.rsplit("/", 1)[1])
        assert seen == truth
    for name in names:
        if name in truth:
            assert f"<code>{name}</code>" in html.unescape(pages.get(object_path("mixed-bucket", name)))


def test_pages_of_objects_and_versions_go_on(server):
    make_bucket(server, "many-objects")
    s3, pages = server.client("s3"), signed_in(server)
    s3.put_bucket_versioning(Bucket="many-objects", VersioningConfiguration={"Status": "Enabled"})
    for number in range(60):
        s3.put_object(Bucket="many-objects", Key=f"k{number:03}", Body=b"x")
    s3.put_object(Bucket="many-objects", Key="k000", Body=b"newer")
    s3.delete_object(Bucket="many-objects", Key="k001")

    def all_of(path, pattern):
        seen = []
        while path:
            page = pages.get(path)
            seen += re.findall(pattern, page)
            more = re.search(r'class="button" href="/console([^"#]*)[^"]*">Next page', page)
            path = html.unescape(more[1]) if more else None
        return seen

    found = all_of("/buckets/many-objects", r"object\?key=(k\d+)\"")
    assert found == [f"k{number:03}" for number in range(60) if number != 1]
    versions = all_of("/buckets/many-objects?versions=1", r"object\?key=(k\d+)&amp;versionId=([^\"]+)\"")
    listed = s3.list_object_versions(Bucket="many-objects")["Versions"]
    assert sorted(versions) == sorted((version["Key"], version["VersionId"]) for version in listed) and len(listed) == 61
    old = next(version for version in listed if version["Key"] == "k000" and not version["IsLatest"])
    assert "1 B" in words(pages.get(object_path("many-objects", "k000", versionId=old["VersionId"])))
    assert "delete marker" in pages.get("/buckets/many-objects?versions=1")


def test_downloads_are_files_and_never_shown(server):
    make_bucket(server, "some-files")
    s3, pages = server.client("s3"), signed_in(server)
    bodies = {"page.html": b"<script>alert(1)</script>", "empty": b"", "long": random.Random(2).randbytes((9 << 20) + 5)}
    for key, body in bodies.items():
        s3.put_object(Bucket="some-files", Key=key, Body=body, ContentType="text/html")
        connection = http.client.HTTPConnection(*server.address, timeout=60)
        cookies = "; ".join(f"{name}={value}" for name, value in pages.cookies.items())
        connection.request("GET", f"/console/buckets/some-files/download?key={key}", headers={"Cookie": cookies})
        answer = connection.getresponse()
        assert answer.read() == body, key
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"] == f'attachment; filename="{key}"'
        connection.close()
    stranger = signed_in(server, server.user("stranger"))
    stranger.get("/buckets/some-files/download?key=long", status=403)
    pages.get("/buckets/some-files/download?key=none", status=404)


def test_settings_are_changed_as_shown(server):
    make_bucket(server, "plain-bucket")
    s3, pages, path = server.client("s3"), signed_in(server), "/buckets/plain-bucket/settings"
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]

    def make(**fields):
        answer, made = pages.confirm(path, pages.post(path, fields))
        assert answer.status == 200 and "The change is made" in made, words(made)
        return re.search(r'href="/console(/changes/[^"]*)"', made)[1]

    back = make(what="encryption", algorithm="aws:kms", **{"kms-key": key, "bucket-key": "on"})
    [rule] = s3.get_bucket_encryption(Bucket="plain-bucket")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} and rule["BucketKeyEnabled"]
    assert key.rsplit("/", 1)[1] in pages.get("/buckets/plain-bucket")
    answer, _ = pages.confirm(back, pages.get(back))
    assert answer.status == 200
    [rule] = s3.get_bucket_encryption(Bucket="plain-bucket")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}

    make(what="public", BlockPublicAcls="on", BlockPublicPolicy="on")
    block = s3.get_public_access_block(Bucket="plain-bucket")["PublicAccessBlockConfiguration"]
    assert block == {"BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": True, "RestrictPublicBuckets": False}
    make(what="versioning", status="Enabled")
    assert s3.get_bucket_versioning(Bucket="plain-bucket")["Status"] == "Enabled"
    elsewhere = server.client("kms", "eu-west-1").create_key()["KeyMetadata"]["Arn"]
    shown = pages.post(path, {"what": "encryption", "algorithm": "aws:kms", "kms-key": elsewhere})
    assert "of another Region" in shown and "change-digest" not in shown


def test_a_lifecycle_is_told_in_sentences(server):
    trail = make_trail(server)
    rules = [
        {"ID": "end", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1095}},
        {"ID": "uploads", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
    ]
    trail.s3.put_bucket_lifecycle_configuration(Bucket=trail.bucket, LifecycleConfiguration={"Rules": rules})
    server.advance("10m")
    text = words(signed_in(server).get(f"/buckets/{trail.bucket}"))
    assert "Objects are deleted 1095 days after they were put." in text
    assert "This rule deletes log files of the trail audit." in text
    assert "whose keys begin with x/" in text and "dropped after 7 days" in text
    assert text.count("This rule deletes log files") == 1


def test_hostile_names_are_text(server, visit):
    script = "<img src=x onerror=document.title='got'>"
    make_bucket(server, "hostile-bucket")
    s3 = server.client("s3")
    s3.put_object(Bucket="hostile-bucket", Key=f"{script}\"'>/{script}", Body=b"x", Metadata={"note": script}, ContentType=script)
    log = f"AWSLogs/{script}/CloudTrail/made.json"
    record = {"eventID": script, "awsRegion": script, "eventName": script, "eventTime": script, "userIdentity": {"arn": script}}
    s3.put_object(Bucket="hostile-bucket", Key=log, Body=json.dumps({"Records": [record]}).encode())
    window = visit()
    window.to("/buckets/hostile-bucket")
    assert script in window.text()
    window.page.get_by_role("link", name=f"{script}\"'>/").click()
    window.judged()
    window.page.locator("#objects table a").first.click()
    assert script in window.text()
    window.judged()
    assert window.to(object_path("hostile-bucket", log, open=1)) == 200
    assert "1 records" in window.text() and script in window.text()
    window.judged()
    assert "got" not in window.page.title()
    for path in ("/buckets/a%2Fb%3Fpolicy", f"/buckets/{urllib.parse.quote(script, safe='')}", "/buckets/.hidden", "/buckets/none-of-mine"):
        assert window.to(path) == 404, path


def test_bucket_pages_for_everybody(server, visit):
    trail = make_trail(server)
    server.advance("10m")
    log = trail.keys("CloudTrail", "us-east-1")[0]
    paths = ["/buckets", f"/buckets/{trail.bucket}/settings", object_path(trail.bucket, log, open=1), f"/buckets/{trail.bucket}"]
    for how in (PHONE, {"color_scheme": "dark", "locale": "ja-JP"}, {}):
        window = visit(**how)
        for path in paths:
            assert window.to(path) == 200, path
            window.judged()
    window.shown("bucket")
    while window.page.locator(".folders a").count():
        window.page.locator(".folders a").first.click()
    window.page.locator("#objects table a").first.click()
    window.page.get_by_role("link", name="Open").click()
    assert "records" in window.text()
    window.judged().shown("log-file")
