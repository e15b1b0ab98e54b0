"""SNS with boto3 and an HTTP endpoint on this machine: topics and their policies, confirmation, signed delivery, retries."""

import base64
import datetime
import gzip
import ipaddress
import json
import queue
import signal
import socket
import ssl
import threading
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.x509.oid import NameOID

from harness import ACCOUNT, SERVICE, allow, bucket_policy, make_bucket, policy, poll, refused

ARN = f"arn:aws:sns:us-east-1:{ACCOUNT}"
WAIT_SECONDS = 15


@dataclass
class Got:
    path: str
    headers: dict
    body: str

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def kind(self):
        return self.headers["x-amz-sns-message-type"]


class Endpoint:
    """Answers with the given statuses in turn, then with 200, and keeps what it was sent."""

    def __init__(self, *statuses, port=0, tls=None):
        self.got = queue.Queue()
        self.statuses = list(statuses)
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = owner.statuses.pop(0) if owner.statuses else 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                if status == 302:
                    self.send_header("Location", owner.url + "/elsewhere")
                self.end_headers()
                owner.got.put(Got(self.path, headers, body))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_port}"

    def next(self):
        return self.got.get(timeout=WAIT_SECONDS)

    def is_left_alone(self, seconds=0.5):
        try:
            return not self.got.get(timeout=seconds)
        except queue.Empty:
            return True

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def endpoint():
    made = []

    def make(*statuses, **more):
        made.append(Endpoint(*statuses, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def confirmed(sns, topic, where, path="/hook", **attributes):
    """A subscription that has been confirmed by the link that the endpoint was sent."""
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=where.url + path, Attributes=attributes)
    answer = get(where.next().json["SubscribeURL"])
    return answer.split("<SubscriptionArn>")[1].split("<")[0]


NAMES = {
    "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
    "SubscriptionConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
}
NAMES["UnsubscribeConfirmation"] = NAMES["SubscriptionConfirmation"]


def check_signature(message):
    """As AWS's documentation says that a signature is checked, with the certificate that the message names."""
    certificate = x509.load_pem_x509_certificate(get(message["SigningCertURL"]).encode())
    text = "".join(f"{name}\n{message[name]}\n" for name in NAMES[message["Type"]] if name in message)
    hashed = {"1": hashes.SHA1(), "2": hashes.SHA256()}[message["SignatureVersion"]]
    key = certificate.public_key()
    key.verify(base64.b64decode(message["Signature"]), text.encode(), padding.PKCS1v15(), hashed)
    with pytest.raises(Exception):
        key.verify(base64.b64decode(message["Signature"]), text.encode() + b"x", padding.PKCS1v15(), hashed)


def test_an_endpoint_confirms_gets_signed_messages_and_leaves(server, endpoint):
    sns, where = server.client("sns"), endpoint()
    topic = sns.create_topic(Name="news")["TopicArn"]
    assert topic == f"{ARN}:news"
    asked = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=where.url + "/hook?a=b")
    assert asked["SubscriptionArn"] == "pending confirmation"
    got = where.next()
    assert (got.path, got.kind) == ("/hook?a=b", "SubscriptionConfirmation")
    assert got.headers["content-type"] == "text/plain; charset=UTF-8"
    assert got.headers["user-agent"] == "Amazon Simple Notification Service Agent"
    assert got.headers["x-amz-sns-topic-arn"] == topic
    assert "x-amz-sns-subscription-arn" not in got.headers
    check_signature(got.json)
    # Nothing is sent to who has not confirmed.
    sns.publish(TopicArn=topic, Message="unheard")
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [each["SubscriptionArn"] for each in listed] == ["PendingConfirmation"]
    assert "<SubscriptionArn>" in get(got.json["SubscribeURL"])
    [listed] = sns.list_subscriptions()["Subscriptions"]
    arn = listed["SubscriptionArn"]
    assert arn.startswith(topic + ":") and listed["Owner"] == ACCOUNT and listed["Endpoint"] == where.url + "/hook?a=b"

    attribute = {"colour": {"DataType": "String", "StringValue": "blue"}}
    sent = sns.publish(TopicArn=topic, Message='Hello "you"', Subject="Hi", MessageAttributes=attribute)
    got = where.next()
    assert got.kind == "Notification"
    assert got.headers["x-amz-sns-subscription-arn"] == arn
    message = got.json
    assert (message["Message"], message["Subject"]) == ('Hello "you"', "Hi")
    assert message["MessageId"] == sent["MessageId"] == got.headers["x-amz-sns-message-id"]
    assert message["MessageAttributes"] == {"colour": {"Type": "String", "Value": "blue"}}
    assert message["SignatureVersion"] == "1"
    check_signature(message)

    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    batch = [{"Id": "a", "Message": "one"}, {"Id": "b", "Message": "two", "Subject": "x" * 101}]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=batch)
    assert [each["Id"] for each in answer["Successful"]] == ["a"]
    assert [(each["Id"], each["Code"]) for each in answer["Failed"]] == [("b", "InvalidParameter")]
    message = where.next().json
    assert (message["Message"], message["SignatureVersion"]) == ("one", "2")
    check_signature(message)

    assert "UnsubscribeResponse" in get(message["UnsubscribeURL"])
    got = where.next()
    assert got.kind == "UnsubscribeConfirmation"
    check_signature(got.json)
    assert sns.list_subscriptions()["Subscriptions"] == []
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsDeleted"] == "1"
    # The way back.
    again = sns.confirm_subscription(TopicArn=topic, Token=got.json["Token"])
    assert again["SubscriptionArn"] == arn
    sns.publish(TopicArn=topic, Message="back")
    assert where.next().json["Message"] == "back"


def test_what_fails_is_tried_again_as_the_policy_says(server, endpoint):
    sns, where = server.client("sns"), endpoint()
    topic = sns.create_topic(Name="retries")["TopicArn"]
    arn = confirmed(sns, topic, where)
    once = {"healthyRetryPolicy": {"numRetries": 2, "numNoDelayRetries": 1, "minDelayTarget": 1, "maxDelayTarget": 1}}
    set_policy = lambda text: sns.set_subscription_attributes(
        SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue=json.dumps(text)
    )
    set_policy(once)
    effective = json.loads(sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["EffectiveDeliveryPolicy"])
    assert effective["healthyRetryPolicy"]["numRetries"] == 2
    where.statuses = [500, 429, 200]
    sns.publish(TopicArn=topic, Message="again")
    ids = {where.next().json["MessageId"] for _ in range(3)}
    assert len(ids) == 1 and where.statuses == []
    # The third failure is the last; a client's error and a redirect are not tried again.
    set_policy({"healthyRetryPolicy": {"numRetries": 2, "numNoDelayRetries": 2}})
    for statuses, attempts in ([503, 503, 503], 3), ([404], 1), ([302], 1):
        where.statuses = list(statuses)
        sns.publish(TopicArn=topic, Message="no")
        assert [where.next().path for _ in range(attempts)] == ["/hook"] * attempts
    assert where.is_left_alone()
    sns.publish(TopicArn=topic, Message="yes")
    assert where.next().json["Message"] == "yes"
    assert poll(lambda: server.stderr().count("given up") == 3)


def test_raw_delivery_and_filters(server, endpoint):
    sns, where = server.client("sns"), endpoint()
    topic = sns.create_topic(Name="filtered")["TopicArn"]
    raw = confirmed(sns, topic, where, "/raw", RawMessageDelivery="true", FilterPolicy='{"kind":["a",{"prefix":"b"}]}')
    body = confirmed(
        sns, topic, where, "/body", FilterPolicy='{"order":{"price":[{"numeric":[">",10]}]}}', FilterPolicyScope="MessageBody"
    )
    kind = lambda value: {"kind": {"DataType": "String", "StringValue": value}}
    structure = json.dumps({"default": "d", "http": json.dumps({"order": {"price": 11}})})
    sns.publish(TopicArn=topic, Message="unwanted", MessageAttributes=kind("c"))
    sns.publish(TopicArn=topic, Message=structure, MessageStructure="json", MessageAttributes=kind("blue"))
    got = {got.path: got for got in (where.next(), where.next())}
    assert got["/raw"].body == json.dumps({"order": {"price": 11}})
    assert got["/raw"].headers["x-amz-sns-rawdelivery"] == "true"
    assert got["/raw"].headers["x-amz-sns-subscription-arn"] == raw
    assert json.loads(got["/body"].json["Message"]) == {"order": {"price": 11}}
    attributes = sns.get_subscription_attributes(SubscriptionArn=body)["Attributes"]
    assert (attributes["FilterPolicyScope"], attributes["RawMessageDelivery"]) == ("MessageBody", "false")
    assert attributes["PendingConfirmation"] == "false"
    assert where.is_left_alone()
    bad = "Invalid parameter: FilterPolicy: Unrecognized match type wrong"
    with refused("InvalidParameter", bad):
        sns.set_subscription_attributes(
            SubscriptionArn=raw, AttributeName="FilterPolicy", AttributeValue='{"k":[{"wrong":1}]}'
        )
    # Messages are sent again to who wants everything again.
    sns.set_subscription_attributes(SubscriptionArn=raw, AttributeName="FilterPolicy", AttributeValue="{}")
    sns.publish(TopicArn=topic, Message="all")
    assert where.next().body == "all"


def test_what_was_accepted_survives_a_crash(serve, endpoint, tmp_path):
    server, where = serve(), endpoint()
    sns = server.client("sns")
    topic = sns.create_topic(Name="durable")["TopicArn"]
    delays = {"healthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 30}}
    confirmed(sns, topic, where, DeliveryPolicy=json.dumps(delays))
    port = where.server.server_port
    where.close()
    ids = [sns.publish(TopicArn=topic, Message=f"healthy-secret {n}")["MessageId"] for n in range(5)]
    server.stop(signal.SIGKILL)
    # What waits is sealed, and a check of the directory understands it.
    assert server.run("fsck", "--data-dir", str(server.data_dir)).returncode == 0
    for file in server.data_dir.rglob("*"):
        assert not file.is_file() or b"healthy-secret" not in file.read_bytes()
    where = endpoint(port=port)
    server.start()
    assert sorted(where.next().json["MessageId"] for _ in range(5)) == sorted(ids)
    assert where.is_left_alone()
    # Nothing is left behind once all is sent.
    server.restart()
    assert where.is_left_alone()


def test_a_server_that_stops_waits_for_no_endpoint(server):
    sns = server.client("sns")
    topic = sns.create_topic(Name="silent")["TopicArn"]
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        where = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=where)
        connection, _ = silent.accept()
        assert connection.recv(4096).startswith(b"POST / HTTP/1.1")
        assert server.stop() == 0


def test_messages_go_to_this_machine_alone_unless_told_otherwise(server):
    sns = server.client("sns")
    topic = sns.create_topic(Name="inward")["TopicArn"]
    for url in "http://192.0.2.1/", "http://169.254.169.254/latest", "http://[2001:db8::1]/", "http://0.0.0.0/", "http://x.invalid/":
        with refused("InvalidParameter") as told:
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
        assert "sns_endpoints is loopback" in told["Message"], url
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_any_endpoint_when_told_so(serve):
    sns = serve("--sns-endpoints", "any").client("sns")
    topic = sns.create_topic(Name="outward")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://[2000::1]:9/")
    for host in "169.254.169.254", "127.0.0.1", "localhost", "10.0.0.1", "192.0.2.1", "[::ffff:10.0.0.1]", "[fd00:ec2::254]":
        with refused("InvalidParameter"):
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://{host}/latest")


def test_private_networks_when_told_so(serve, endpoint):
    sns = serve("--sns-endpoints", "private").client("sns")
    topic = sns.create_topic(Name="inner")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint().url)
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://10.255.255.1:9/")
    for host in "169.254.169.254", "192.0.2.1", "0.0.0.0", "[fd00:ec2::254]":
        with refused("InvalidParameter"):
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://{host}/latest")


def test_topics_are_made_changed_listed_and_deleted(server):
    sns = server.client("sns")
    topic = sns.create_topic(Name="t", Attributes={"DisplayName": "T"}, Tags=[{"Key": "k", "Value": "v"}])["TopicArn"]
    assert sns.create_topic(Name="t")["TopicArn"] == topic
    assert sns.create_topic(Name="t", Attributes={"DisplayName": "T"}, Tags=[{"Key": "k", "Value": "v"}])["TopicArn"] == topic
    with refused("InvalidParameter", "Invalid parameter: Attributes Reason: Topic already exists with different attributes"):
        sns.create_topic(Name="t", Attributes={"DisplayName": "U"})
    with refused("InvalidParameter", "Invalid parameter: Tags Reason: Topic already exists with different tags"):
        sns.create_topic(Name="t", Tags=[{"Key": "k", "Value": "w"}])
    found = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert found["DisplayName"] == "T" and found["Owner"] == ACCOUNT and "SignatureVersion" not in found
    default = json.loads(found["Policy"])
    assert default["Statement"][0]["Condition"] == {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}
    retry = json.loads(found["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]
    assert (retry["numRetries"], retry["minDelayTarget"]) == (3, 20)
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "k", "Value": "w"}, {"Key": "l", "Value": "x"}])
    sns.untag_resource(ResourceArn=topic, TagKeys=["l"])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "k", "Value": "w"}]
    for number in range(100):
        sns.create_topic(Name=f"u{number:03}")
    first = sns.list_topics()
    assert len(first["Topics"]) == 100 and first["NextToken"]
    rest = sns.list_topics(NextToken=first["NextToken"])
    assert [each["TopicArn"] for each in rest["Topics"]] == [f"{ARN}:u099"] and "NextToken" not in rest
    assert server.client("sns", "eu-west-1").list_topics()["Topics"] == []
    sns.delete_topic(TopicArn=topic)
    sns.delete_topic(TopicArn=topic)
    with refused("NotFound", "Topic does not exist", 404):
        sns.get_topic_attributes(TopicArn=topic)


def test_refusals_in_awss_words(server):
    sns = server.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    subscribe = lambda **more: sns.subscribe(**{"TopicArn": topic, "Protocol": "http", "Endpoint": "http://localhost/"} | more)
    publish = lambda **more: sns.publish(**{"TopicArn": topic, "Message": "m"} | more)
    set_to = lambda name, value: sns.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)
    here = "is not implemented by this server."
    for call, code, text in [
        (lambda: sns.create_topic(Name="a b"), "InvalidParameter", "Invalid parameter: Topic Name"),
        (lambda: sns.create_topic(Name="a.fifo"), "NotImplemented", f"FifoTopic {here}"),
        (lambda: sns.create_topic(Name="a", Attributes={"FifoTopic": "true"}), "NotImplemented", f"FifoTopic {here}"),
        (lambda: set_to("Nothing", "x"), "InvalidParameter", "Invalid parameter: AttributeName"),
        (lambda: set_to("HTTPSuccessFeedbackRoleArn", "x"), "NotImplemented", f"HTTPSuccessFeedbackRoleArn {here}"),
        (lambda: set_to("Policy", "no"), "InvalidParameter", "Invalid parameter: Policy Error: null"),
        (
            lambda: set_to("Policy", policy(allow("SNS:*", topic, Principal="*"))),
            "InvalidParameter",
            "Invalid parameter: Policy statement action out of service scope!",
        ),
        (
            lambda: set_to("Policy", policy(allow("SNS:Publish", topic, Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/no"}))),
            "InvalidParameter",
            "Invalid parameter: Policy Error: PrincipalNotFound",
        ),
        (lambda: subscribe(Protocol="sqs"), "NotImplemented", f"Protocol sqs {here}"),
        (
            lambda: subscribe(Protocol="x"),
            "InvalidParameter",
            "Invalid parameter: Amazon SNS does not support this protocol string: x",
        ),
        (
            lambda: subscribe(Endpoint="https://localhost/"),
            "InvalidParameter",
            "Invalid parameter: Endpoint must match the specified protocol",
        ),
        (
            lambda: subscribe(Attributes={"RawMessageDelivery": "x"}),
            "InvalidParameter",
            "Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [x]. Must be true or false.",
        ),
        (lambda: subscribe(Attributes={"RedrivePolicy": "{}"}), "NotImplemented", f"RedrivePolicy {here}"),
        (lambda: publish(Message=""), "InvalidParameter", "Invalid parameter: Empty message"),
        (lambda: publish(Message="m" * 262_145), "InvalidParameter", "Invalid parameter: Message too long"),
        (lambda: publish(Subject="a\nb"), "InvalidParameter", "Invalid parameter: Subject"),
        (lambda: publish(TopicArn=f"{ARN}:no"), "NotFound", "Topic does not exist"),
        (
            lambda: publish(TopicArn="no"),
            "InvalidParameter",
            "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1",
        ),
        (lambda: sns.publish(PhoneNumber="+1555", Message="m"), "NotImplemented", f"PhoneNumber {here}"),
        (lambda: sns.confirm_subscription(TopicArn=topic, Token="no"), "InvalidParameter", "Invalid parameter: Token"),
        (
            lambda: sns.get_subscription_attributes(SubscriptionArn=f"{topic}:no"),
            "NotFound",
            "Subscription does not exist",
        ),
        (lambda: sns.list_tags_for_resource(ResourceArn=f"{ARN}:no"), "ResourceNotFound", "Resource does not exist"),
        (
            lambda: sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": "a", "Message": "m"}] * 2),
            "BatchEntryIdsNotDistinct",
            None,
        ),
        (lambda: sns.list_topics(NextToken="no"), "InvalidParameter", "Invalid parameter: NextToken"),
        (
            lambda: sns.create_platform_application(Name="a", Platform="GCM", Attributes={}),
            "InvalidAction",
            "Could not find operation CreatePlatformApplication for version 2010-03-31",
        ),
    ]:
        with refused(code, text):
            call()


def test_a_topic_policy_decides_beside_the_callers_own(server, endpoint):
    sns = server.client("sns")
    topic = sns.create_topic(Name="guarded")["TopicArn"]
    alice, bob = server.user("alice"), server.user("bob", allow("sns:Publish", topic))
    other = server.account("111122223333")
    carol = server.user("carol", allow("sns:*"), of=other)
    publish = lambda who: server.client("sns", who=who).publish(TopicArn=topic, Message="m")["MessageId"]
    no_policy = "because no identity-based policy allows the SNS:Publish action"
    with refused("AuthorizationError", f"User: {alice.arn} is not authorized to perform: SNS:Publish on resource: {topic} {no_policy}", 403):
        publish(alice)
    publish(bob)
    with refused("AuthorizationError"):
        publish(carol)
    sns.add_permission(TopicArn=topic, Label="across", AWSAccountId=[other.account], ActionName=["Publish", "Subscribe"])
    publish(carol)
    # A subscription is its owner's, whose account may be another than the topic's.
    where = endpoint()
    as_carol = server.client("sns", who=carol)
    as_carol.subscribe(TopicArn=topic, Protocol="http", Endpoint=where.url)
    # So is its confirmation: her own account lets her, and the token is the topic's side of it.
    token = where.next().json["Token"]
    with refused("InvalidParameter", "Invalid parameter: Token"):
        as_carol.confirm_subscription(TopicArn=topic, Token="0" * 208)
    as_carol.confirm_subscription(TopicArn=topic, Token=token)
    [hers] = as_carol.list_subscriptions()["Subscriptions"]
    assert hers["Owner"] == other.account and sns.list_subscriptions()["Subscriptions"] == []
    assert as_carol.get_subscription_attributes(SubscriptionArn=hers["SubscriptionArn"])["Attributes"]["Owner"] == other.account
    with refused("AuthorizationError"):
        server.client("sns", who=bob).unsubscribe(SubscriptionArn=hers["SubscriptionArn"])
    as_carol.unsubscribe(SubscriptionArn=hers["SubscriptionArn"])
    with refused("InvalidParameter", "Invalid parameter: Statement already exists"):
        sns.add_permission(TopicArn=topic, Label="across", AWSAccountId=[other.account], ActionName=["Publish"])
    found = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])["Statement"]
    assert found[1]["Principal"] == {"AWS": f"arn:aws:iam::{other.account}:root"}
    assert found[1]["Action"] == ["SNS:Publish", "SNS:Subscribe"]
    sns.remove_permission(TopicArn=topic, Label="across")
    with refused("AuthorizationError"):
        publish(carol)
    deny = policy(
        allow("SNS:Publish", topic, Principal={"AWS": alice.arn}),
        {"Effect": "Deny", "Action": "SNS:Publish", "Resource": topic, "Principal": {"AWS": bob.arn}},
    )
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=deny)
    publish(alice)
    with refused("AuthorizationError") as told:
        publish(bob)
    assert "with an explicit deny in a resource-based policy" in told["Message"]
    # Who is made again under an old name inherits nothing.
    iam = server.client("iam")
    iam.delete_access_key(UserName="alice", AccessKeyId=alice.access_key)
    iam.delete_user(UserName="alice")
    with refused("AuthorizationError"):
        publish(server.user("alice"))


def test_links_work_without_a_signature_and_nothing_else_does(server, endpoint):
    sns, where = server.client("sns"), endpoint()
    topic = sns.create_topic(Name="links")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=where.url)
    token = where.next().json["Token"]

    def ask(**parameters):
        return server.send("GET", "/?" + urllib.parse.urlencode(parameters), {})

    assert ask(Action="Publish", TopicArn=topic, Message="m", Version="2010-03-31").code == "MissingAuthenticationToken"
    assert ask(Action="ConfirmSubscription", TopicArn=topic, Token="no").code == "InvalidParameter"
    guarded = ask(Action="ConfirmSubscription", TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")
    assert (guarded.status, guarded.code) == (403, "AuthorizationError")
    arn = sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")["SubscriptionArn"]
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["ConfirmationWasAuthenticated"] == "true"
    left = ask(Action="Unsubscribe", SubscriptionArn=arn)
    assert (left.status, left.code) == (403, "AuthorizationError")
    sns.unsubscribe(SubscriptionArn=arn)
    # Who signed meant it: no token brings the subscription back.
    assert where.is_left_alone()
    # What is done without a signature, by who has a token, is recorded too, for the topic's owner, and without the token.
    trails = server.client("cloudtrail")
    by_name = [{"AttributeKey": "EventName", "AttributeValue": "ConfirmSubscription"}]
    events = [json.loads(each["CloudTrailEvent"]) for each in trails.lookup_events(LookupAttributes=by_name)["Events"]]
    assert len(events) == 2 and token not in json.dumps(events)
    [nobody] = [event for event in events if event["userIdentity"]["type"] == "AWSAccount"]
    assert nobody["errorCode"] == "AuthorizationError"
    # Only certificates that were made are served.
    assert server.send("GET", "/SimpleNotificationService-00.pem", {}).status != 200


def test_an_owner_hears_of_who_has_a_link_and_of_nobody_else(server, endpoint):
    sns, where = server.client("sns"), endpoint()
    stranger = server.account("111122223333")
    topic = sns.create_topic(Name="links")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=where.url)
    token = where.next().json["Token"]
    agent = {"User-Agent": "follower"}
    nowhere = "arn:aws:sns:us-east-1:{}:x"

    def ask(action, status, **parameters):
        answer = server.send("GET", "/?" + urllib.parse.urlencode({"Action": action, **parameters}), agent)
        assert answer.status == status, answer.body

    for account in (ACCOUNT, "111122223333", "999999999999"):
        arn = nowhere.format(account)
        ask("ConfirmSubscription", 404, TopicArn=arn, Token="a")
        ask("Unsubscribe", 404, SubscriptionArn=f"{arn}:11111111-2222-3333-4444-555555555555")
    ask("ConfirmSubscription", 400, TopicArn=topic, Token="a")
    ask("ConfirmSubscription", 400, TopicArn=nowhere.format(ACCOUNT))
    ask("Unsubscribe", 200, SubscriptionArn=f"{topic}:11111111-2222-3333-4444-555555555555")
    ask("ConfirmSubscription", 403, TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")
    ask("ConfirmSubscription", 200, TopicArn=topic, Token=token)
    [subscription] = sns.list_subscriptions()["Subscriptions"]
    ask("Unsubscribe", 200, SubscriptionArn=subscription["SubscriptionArn"])

    def followed(who=None):
        events = server.client("cloudtrail", who=who).lookup_events()["Events"]
        events = [json.loads(each["CloudTrailEvent"]) for each in reversed(events)]
        return [(each["eventName"], each.get("errorCode")) for each in events if each.get("userAgent") == "follower"]

    expected = [("ConfirmSubscription", "AuthorizationError"), ("ConfirmSubscription", None), ("Unsubscribe", None)]
    assert sorted(followed(), key=str) == sorted(expected, key=str)
    assert followed(stranger) == []


def test_a_token_is_of_one_topic(server, endpoint):
    sns, where = server.client("sns"), endpoint()
    topic = sns.create_topic(Name="again")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=where.url)
    token = where.next().json["Token"]
    sns.delete_topic(TopicArn=topic)
    sns.create_topic(Name="again")
    with refused("InvalidParameter", "Invalid parameter: Token"):
        sns.confirm_subscription(TopicArn=topic, Token=token)
    # The way back ends where the endpoint has subscribed anew.
    arn = confirmed(sns, topic, where)
    with urllib.request.urlopen(f"{server.endpoint}/?Action=Unsubscribe&SubscriptionArn={arn}", timeout=10) as answer:
        assert answer.status == 200
    token = where.next().json["Token"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=where.url + "/hook")
    where.next()
    with refused("InvalidParameter", "Invalid parameter: Token"):
        sns.confirm_subscription(TopicArn=topic, Token=token)


def test_an_endpoint_is_asked_once_at_a_time(server, endpoint):
    sns, where = server.client("sns"), endpoint(503)
    topic = sns.create_topic(Name="asked")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=where.url)
    where.next()
    # The first question waits for its second attempt.
    for _ in range(2):
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=where.url)
    assert where.is_left_alone()
    assert len(sns.list_subscriptions()["Subscriptions"]) == 1


def test_subscriptions_have_their_bounds(server):
    sns = server.client("sns")
    topic = sns.create_topic(Name="bounded")["TopicArn"]
    url = "http://127.0.0.1:9/{}"
    for number in range(200):
        attributes = {"FilterPolicy": '{"k": ["v"]}'}
        arn = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url.format(number), Attributes=attributes, ReturnSubscriptionArn=True)
    with refused("FilterPolicyLimitExceeded", status=403):
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url.format("x"), Attributes=attributes)
    plain = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url.format("y"), ReturnSubscriptionArn=True)
    changed = {"AttributeName": "FilterPolicy", "AttributeValue": '{"k": ["w"]}'}
    with refused("FilterPolicyLimitExceeded", status=403):
        sns.set_subscription_attributes(SubscriptionArn=plain["SubscriptionArn"], **changed)
    sns.set_subscription_attributes(SubscriptionArn=arn["SubscriptionArn"], **changed)
    long = json.dumps({"healthyRetryPolicy": {"numRetries": 3}}) + " " * 4096
    with refused("InvalidParameter"):
        sns.set_subscription_attributes(SubscriptionArn=arn["SubscriptionArn"], AttributeName="DeliveryPolicy", AttributeValue=long)


@pytest.mark.serve("--rehearsal")
def test_what_nobody_confirms_is_forgotten_after_two_days(server, endpoint):
    sns, where = server.client("sns"), endpoint()
    topic = sns.create_topic(Name="pending")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=where.url)
    token = where.next().json["Token"]
    server.advance("47h")
    assert len(sns.list_subscriptions()["Subscriptions"]) == 1
    server.advance("2h")
    with refused("InvalidParameter", "Invalid parameter: Token"):
        sns.confirm_subscription(TopicArn=topic, Token=token)
    assert poll(lambda: sns.list_subscriptions()["Subscriptions"] == [])


def test_an_encrypted_topic_asks_for_its_key(server, endpoint):
    sns, kms, where = server.client("sns"), server.client("kms"), endpoint()
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/topics", TargetKeyId=key)
    topic = sns.create_topic(Name="sealed", Attributes={"KmsMasterKeyId": "alias/topics"})["TopicArn"]
    confirmed(sns, topic, where)
    alice = server.user("alice", allow("sns:Publish"))
    as_alice = server.client("sns", who=alice)
    with refused("KMSAccessDenied"):
        as_alice.publish(TopicArn=topic, Message="m")
    via = {"StringEquals": {"kms:ViaService": "sns.us-east-1.amazonaws.com", "kms:EncryptionContext:aws:sns:topicArn": topic}}
    rights = policy(allow("sns:Publish"), allow(["kms:GenerateDataKey*", "kms:Decrypt"], "*", Condition=via))
    server.client("iam").put_user_policy(UserName="alice", PolicyName="rights", PolicyDocument=rights)
    as_alice.publish(TopicArn=topic, Message="sealed")
    assert where.next().json["Message"] == "sealed"
    kms.disable_key(KeyId=key)
    with refused("KMSDisabled"):
        sns.publish(TopicArn=topic, Message="m")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue="alias/none")
    with refused("KMSNotFound"):
        sns.publish(TopicArn=topic, Message="m")


@pytest.mark.serve("--rehearsal")
def test_a_trail_tells_its_topic_and_records_nothing_of_a_message(server, endpoint):
    sns, trails, where = server.client("sns"), server.client("cloudtrail"), endpoint()
    bucket = make_bucket(server, "the-logs")
    server.client("s3").put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket))
    make = lambda name: trails.create_trail(Name="trail", S3BucketName=bucket, SnsTopicName=name)
    missing = "SNS Topic does not exist or the topic policy is incorrect!"
    with refused("InsufficientSnsTopicPolicyException", missing):
        make("files")
    topic = sns.create_topic(Name="files")["TopicArn"]
    with refused("InsufficientSnsTopicPolicyException", missing):
        make(topic)
    with refused("InvalidSnsTopicNameException"):
        make("not a name")
    source = {"StringEquals": {"aws:SourceArn": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/trail"}}
    guard = policy(allow("SNS:Publish", topic, Principal=SERVICE, Condition=source))
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=guard)
    made = make("files")
    assert (made["SnsTopicName"], made["SnsTopicARN"]) == ("files", topic)
    described = trails.describe_trails()["trailList"][0]
    assert described["SnsTopicARN"] == topic
    data = [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::SNS::Topic"]}]
    trails.put_event_selectors(TrailName="trail", AdvancedEventSelectors=[{"FieldSelectors": data}])
    confirmed(sns, topic, where)
    trails.start_logging(Name="trail")
    sns.publish(TopicArn=topic, Message="healthy-secret", Subject="secret subject")
    assert where.next().json["Message"] == "healthy-secret"
    server.advance("10m")
    # Of the message's own file and of that of its notice; what is sent at one time comes in any order.
    notices = [json.loads(where.next().json["Message"]) for _ in range(2)]
    assert {notice["s3Bucket"] for notice in notices} == {bucket}
    records = []
    for notice in notices:
        body = server.client("s3").get_object(Bucket=bucket, Key=notice["s3ObjectKey"][0])["Body"].read()
        records += json.loads(gzip.decompress(body))["Records"]
    [record] = [record for record in records if record["userIdentity"]["type"] == "Root"]
    assert (record["eventName"], record["eventSource"], record["eventCategory"]) == ("Publish", "sns.amazonaws.com", "Data")
    hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert record["requestParameters"] == {"topicArn": topic, "message": hidden, "subject": hidden}
    assert record["resources"] == [{"accountId": ACCOUNT, "type": "AWS::SNS::Topic", "ARN": topic}]
    assert "secret" not in json.dumps(record)
    # CloudTrail's own are of that kind too.
    assert [each["userIdentity"]["invokedBy"] for each in records if each != record] == [SERVICE["Service"]]
    assert trails.update_trail(Name="trail", SnsTopicName="").get("SnsTopicARN") is None
    assert "SnsTopicName" not in trails.get_trail(Name="trail")["Trail"]


def certificate(folder):
    """A file with a key and its own certificate for 127.0.0.1."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an endpoint")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = made.add_extension(address, False).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file, public = folder / "endpoint.pem", folder / "roots.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return str(file), str(public)


def test_an_endpoint_of_https_must_be_known(serve, endpoint, tmp_path):
    key, roots = certificate(tmp_path)
    where = endpoint(tls=key)
    for options, known in ([], False), (["--sns-ca-bundle", roots], True):
        server = serve(*options)
        sns = server.client("sns")
        topic = sns.create_topic(Name="hidden")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=where.url)
        assert where.next().kind == "SubscriptionConfirmation" if known else where.is_left_alone(1)
