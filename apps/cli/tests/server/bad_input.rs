//! Bad input over raw sockets: a clear error of AWS's shape, and the server lives.

use anyhow::{Context, Result, ensure};
use http::{HeaderMap, Method};

use testkit::{Client, RawAnswer, Server, SignPayload, exchange, load::Dice, write_request};
use tokio::task::JoinSet;

const KMS_TYPE: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
const MUTATION_ROUNDS: usize = 5;
const MUTANTS_AT_A_TIME: usize = 80;

const FORM_TYPE: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A request whose signature is right, whatever is wrong with the rest.
struct Signed<'a> {
    service: &'a str,
    method: Method,
    target: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a [u8],
}

impl<'a> Signed<'a> {
    fn kms(operation: &'a str, body: &'a [u8]) -> Signed<'a> {
        let headers = vec![KMS_TYPE, ("x-amz-target", operation)];
        Signed {
            service: "kms",
            method: Method::POST,
            target: "/",
            headers,
            body,
        }
    }

    fn form(service: &'a str, body: &'a [u8]) -> Signed<'a> {
        Signed {
            service,
            method: Method::POST,
            target: "/",
            headers: vec![FORM_TYPE],
            body,
        }
    }

    fn s3(method: Method, target: &'a str, body: &'a [u8]) -> Signed<'a> {
        Signed {
            service: "s3",
            method,
            target,
            headers: Vec::new(),
            body,
        }
    }

    fn with(mut self, name: &'a str, value: &'a str) -> Signed<'a> {
        self.headers.push((name, value));
        self
    }

    fn head(&self, client: &Client) -> Result<HeaderMap> {
        let payload = SignPayload::Bytes(self.body);
        let mut head = client.head(self.service, &self.method, self.target, &self.headers, payload)?;
        head.insert("content-length", self.body.len().into());
        head.insert("connection", "close".parse()?);
        Ok(head)
    }

    fn bytes(&self, client: &Client) -> Result<Vec<u8>> {
        Ok(write_request(&self.method, self.target, &self.head(client)?, self.body))
    }
}

/// The server refused it as AWS does: 4xx (or 501 by name) with a code.
fn is_aws_error(answer: &RawAnswer) -> bool {
    let status = answer.statuses().first().copied().unwrap_or(0);
    ((400..500).contains(&status) || status == 501) && answer.code().is_some_and(|code| !code.is_empty())
}

/// The HTTP layer refused it, before anyone could know that it was for AWS; or it hung up.
fn is_http_refusal(answer: &RawAnswer) -> bool {
    match answer.statuses().first() {
        Some(status) => (400..500).contains(status) || [501, 505].contains(status),
        None => answer.closed,
    }
}

/// What was not as it should be; all of it is told at the end.
#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn expect(&mut self, is_right: bool, what: &str, answer: &RawAnswer) {
        if !is_right {
            self.0.push(format!("{what}: {}", answer.describe()));
        }
    }

    fn none(&self) -> Result<()> {
        ensure!(
            self.0.is_empty(),
            "{} wrong answers:\n{}",
            self.0.len(),
            self.0.join("\n")
        );
        Ok(())
    }
}

async fn ready() -> Result<(Server, Client)> {
    let server = Server::start(&[])?;
    let client = server.client()?;
    client.create_bucket("data").await?;
    client.put_object("/data/kept", "kept", None).await?.ok()?;
    Ok((server, client))
}

async fn lives(server: &mut Server, after: &str) -> Result<()> {
    ensure!(
        server.is_running(),
        "the process ended after: {after}\n{}",
        server.stderr()
    );
    let client = server.client()?;
    client
        .query("sts", "GetCallerIdentity", &[])
        .await?
        .ok()
        .with_context(|| format!("after: {after}"))?;
    let kept = client
        .get_object("/data/kept")
        .await?
        .ok()
        .with_context(|| format!("after: {after}"))?;
    ensure!(kept.body == "kept", "after: {after}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_nonsense_is_refused_in_the_service_s_own_words() -> Result<()> {
    let (mut server, client) = ready().await?;
    let mut findings = Findings::default();
    let deep_json = [b"{\"KeyId\":".to_vec(), b"[".repeat(100_000)].concat();
    let deep_xml = [b"<Delete>".to_vec(), b"<a>".repeat(100_000)].concat();
    let deep_policy = [
        b"{\"Version\":\"2012-10-17\",\"Statement\":".to_vec(),
        b"[".repeat(20_000),
    ]
    .concat();
    let many_parameters = [
        "Action=GetCallerIdentity&Version=2011-06-15".to_owned(),
        "&a=b".repeat(300_000),
    ]
    .concat();
    let long_key = format!("/data/{}", "k".repeat(1_025));
    let long_bucket = format!("/{}", "b".repeat(300));
    let rows: Vec<(&str, Signed<'_>)> = vec![
        ("broken JSON", Signed::kms("TrentService.Encrypt", b"{\"KeyId\":")),
        ("JSON of no object", Signed::kms("TrentService.Encrypt", b"[]")),
        ("JSON null", Signed::kms("TrentService.Encrypt", b"null")),
        ("no JSON at all", Signed::kms("TrentService.Encrypt", b"")),
        (
            "a number for a text",
            Signed::kms("TrentService.Encrypt", b"{\"KeyId\":5,\"Plaintext\":\"\"}"),
        ),
        (
            "a text for a number",
            Signed::kms("TrentService.GenerateRandom", b"{\"NumberOfBytes\":\"many\"}"),
        ),
        (
            "a number beyond all",
            Signed::kms("TrentService.GenerateRandom", b"{\"NumberOfBytes\":1e999}"),
        ),
        (
            "a negative number",
            Signed::kms("TrentService.GenerateRandom", b"{\"NumberOfBytes\":-1}"),
        ),
        (
            "no base64",
            Signed::kms("TrentService.Decrypt", b"{\"CiphertextBlob\":\"%%%\"}"),
        ),
        (
            "a ciphertext of nobody",
            Signed::kms("TrentService.Decrypt", b"{\"CiphertextBlob\":\"AAAA\"}"),
        ),
        ("deep JSON", Signed::kms("TrentService.Encrypt", &deep_json)),
        (
            "JSON that is no UTF-8",
            Signed::kms("TrentService.DescribeKey", b"{\"KeyId\":\"\xff\xfe\"}"),
        ),
        (
            "half a surrogate",
            Signed::kms("TrentService.DescribeKey", b"{\"KeyId\":\"\\ud800\"}"),
        ),
        ("a missing member", Signed::kms("TrentService.Encrypt", b"{}")),
        ("an unknown operation", Signed::kms("TrentService.NoSuchThing", b"{}")),
        ("an empty operation", Signed::kms("TrentService.", b"{}")),
        (
            "no target",
            Signed {
                headers: vec![KMS_TYPE],
                ..Signed::kms("", b"{}")
            },
        ),
        (
            "another service's target",
            Signed::kms("CloudTrail_20131101.ListTrails", b"{}"),
        ),
        ("a form of nothing", Signed::form("iam", b"")),
        ("a form without an action", Signed::form("iam", b"Version=2010-05-08")),
        (
            "an unknown action",
            Signed::form("iam", b"Action=NoSuchThing&Version=2010-05-08"),
        ),
        (
            "a form that is no UTF-8",
            Signed::form("iam", b"Action=CreateUser&Version=2010-05-08&UserName=%ff%fe"),
        ),
        ("a form of raw bytes", Signed::form("iam", b"\xff\x00\x80=\x01&&&==%")),
        (
            "a name of control characters",
            Signed::form("iam", b"Action=CreateUser&Version=2010-05-08&UserName=a%00b"),
        ),
        ("a million parameters", Signed::form("sts", many_parameters.as_bytes())),
        (
            "broken XML",
            Signed::s3(Method::PUT, "/new-bucket", b"<CreateBucketConfiguration><Location"),
        ),
        (
            "XML of something else",
            Signed::s3(Method::PUT, "/new-bucket", b"<Something/>"),
        ),
        (
            "XML that is no UTF-8",
            Signed::s3(Method::PUT, "/data?encryption", b"<\xff\xfe/>"),
        ),
        (
            "XML with entities",
            Signed::s3(
                Method::POST,
                "/data?delete",
                b"<!DOCTYPE a [<!ENTITY b \"bb\">]><Delete>&b;</Delete>",
            ),
        ),
        ("deep XML", Signed::s3(Method::POST, "/data?delete", &deep_xml)),
        ("a policy of nothing", Signed::s3(Method::PUT, "/data?policy", b"")),
        (
            "a policy of words",
            Signed::s3(Method::PUT, "/data?policy", b"allow everyone"),
        ),
        ("a deep policy", Signed::s3(Method::PUT, "/data?policy", &deep_policy)),
        ("a key that is no UTF-8", Signed::s3(Method::PUT, "/data/%ff%fe", b"x")),
        ("a key that is too long", Signed::s3(Method::PUT, &long_key, b"x")),
        (
            "a bucket name that is too long",
            Signed::s3(Method::PUT, &long_bucket, b""),
        ),
        ("a bucket name of dots", Signed::s3(Method::PUT, "/..%2f..", b"")),
        (
            "an operation that is not here",
            Signed::s3(Method::PUT, "/data?website", b"<WebsiteConfiguration/>"),
        ),
        (
            "a subresource of nobody",
            Signed::s3(Method::DELETE, "/data/kept?torrent", b""),
        ),
        (
            "a wrong MD5",
            Signed::s3(Method::PUT, "/data/md5", b"x").with("content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ),
        (
            "no MD5",
            Signed::s3(Method::PUT, "/data/md5", b"x").with("content-md5", "what"),
        ),
        (
            "a wrong checksum",
            Signed::s3(Method::PUT, "/data/crc", b"x").with("x-amz-checksum-crc32", "AAAAAA=="),
        ),
        (
            "an unknown encryption",
            Signed::s3(Method::PUT, "/data/sse", b"x").with("x-amz-server-side-encryption", "rot13"),
        ),
        (
            "a listing of too many",
            Signed::s3(Method::GET, "/data?max-keys=-1", b""),
        ),
        (
            "a listing of words",
            Signed::s3(Method::GET, "/data?list-type=2&max-keys=many", b""),
        ),
        (
            "a token of nobody",
            Signed::s3(Method::GET, "/data?list-type=2&continuation-token=%21%21", b""),
        ),
    ];
    for (what, request) in rows {
        let answer = exchange(client.authority(), &request.bytes(&client)?).await?;
        findings.expect(is_aws_error(&answer), what, &answer);
        lives(&mut server, what).await?;
    }
    findings.none()?;
    server.assert_calm()
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_signatures_of_every_kind_are_refused() -> Result<()> {
    let (mut server, client) = ready().await?;
    let mut findings = Findings::default();
    let good = Signed::s3(Method::GET, "/data/kept", b"");
    for value in [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 ",
        "AWS4-HMAC-SHA256 Credential=",
        "AWS4-HMAC-SHA256 Credential=////, SignedHeaders=;;, Signature=",
        "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=zz",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/e/f/g/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-ECDSA-P256-SHA256 Credential=a",
        "AWS AKIA:signature",
        "Bearer token",
        "Basic Og==",
        ",,,,====",
    ] {
        let mut head = good.head(&client)?;
        head.insert("authorization", value.parse()?);
        let answer = exchange(
            client.authority(),
            &write_request(&Method::GET, good.target, &head, b""),
        )
        .await?;
        findings.expect(is_aws_error(&answer), value, &answer);
    }
    for query in [
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "X-Amz-Algorithm=what&X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-Date=c&X-Amz-SignedHeaders=d&X-Amz-Expires=e",
        "X-Amz-Signature=0000",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=99999999999999999999&X-Amz-Signature=0&X-Amz-Date=20260101T000000Z\
         &X-Amz-SignedHeaders=host&X-Amz-Credential=a%2F20260101%2Fus-east-1%2Fs3%2Faws4_request",
    ] {
        let request = format!(
            "GET /data/kept?{query} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            client.authority()
        );
        let answer = exchange(client.authority(), request.as_bytes()).await?;
        findings.expect(is_aws_error(&answer), query, &answer);
    }
    // The body is not the one that was signed.
    let mut request = Signed::s3(Method::PUT, "/data/changed", b"signed").bytes(&client)?;
    request.truncate(request.len() - 6);
    request.extend_from_slice(b"change");
    let answer = exchange(client.authority(), &request).await?;
    findings.expect(is_aws_error(&answer), "a changed body", &answer);
    findings.none()?;
    client.get_object("/data/changed").await?.refused("NoSuchKey")?;
    lives(&mut server, "bad signatures").await?;
    server.assert_calm()
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_http_is_refused_and_nothing_of_it_is_kept() -> Result<()> {
    let (mut server, client) = ready().await?;
    let mut findings = Findings::default();
    let host = client.authority().to_owned();
    let put = Signed::s3(Method::PUT, "/data/half", b"the whole of it");
    let whole = put.bytes(&client)?;
    let huge = format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nX-Huge: {}\r\n\r\n",
        "h".repeat(10 << 20)
    );
    let many = format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\n{}\r\n",
        "X-One: more\r\n".repeat(100_000)
    );
    let chunked = |body: &str| {
        format!(
            "PUT /data/half HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{body}"
        )
    };
    let plain = |line: &str, headers: &str| format!("{line}\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("headers of 10 MB", huge.into_bytes()),
        ("100,000 headers", many.into_bytes()),
        (
            "a body cut off",
            whole.get(..whole.len() - 5).context("too short")?.to_vec(),
        ),
        (
            "a head cut off",
            whole.get(..whole.len() / 2).context("too short")?.to_vec(),
        ),
        (
            "no HTTP",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello".to_vec(),
        ),
        ("zeros", vec![0; 100_000]),
        ("nothing", Vec::new()),
        ("line ends only", b"\r\n\r\n\r\n\r\n".to_vec()),
        ("no version", b"GET /\r\n\r\n".to_vec()),
        ("HTTP/9.9", b"GET / HTTP/9.9\r\n\r\n".to_vec()),
        ("no host", b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec()),
        ("HTTP/1.0 without a host", b"GET / HTTP/1.0\r\n\r\n".to_vec()),
        ("two hosts", plain("GET / HTTP/1.1", "Host: other\r\n").into_bytes()),
        (
            "a host of nonsense",
            b"GET / HTTP/1.1\r\nHost: \xff\xfe:99999\r\nConnection: close\r\n\r\n".to_vec(),
        ),
        (
            "two lengths",
            plain("PUT /data/half HTTP/1.1", "Content-Length: 1\r\nContent-Length: 2\r\n").into_bytes(),
        ),
        (
            "a negative length",
            plain("PUT /data/half HTTP/1.1", "Content-Length: -1\r\n").into_bytes(),
        ),
        (
            "a length beyond all",
            plain("PUT /data/half HTTP/1.1", "Content-Length: 99999999999999999999\r\n").into_bytes(),
        ),
        ("chunks of nonsense", chunked("zz\r\nhello\r\n").into_bytes()),
        (
            "a chunk beyond all",
            chunked("ffffffffffffffffff\r\nhello\r\n").into_bytes(),
        ),
        ("a chunk cut off", chunked("ff\r\nhello").into_bytes()),
        (
            "a target of bytes",
            b"GET /\xff\xfe\x80 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_vec(),
        ),
        ("a broken escape", plain("GET /data/%zz%1 HTTP/1.1", "").into_bytes()),
        (
            "an absolute target of another host",
            plain("GET http://other.example/data/kept HTTP/1.1", "").into_bytes(),
        ),
        (
            "an absolute target of nonsense",
            plain("GET http://[::1:/%00 HTTP/1.1", "").into_bytes(),
        ),
        ("CONNECT", plain("CONNECT other.example:443 HTTP/1.1", "").into_bytes()),
        ("TRACE", plain("TRACE / HTTP/1.1", "").into_bytes()),
        (
            "a method of nobody",
            plain("FROBNICATE /data HTTP/1.1", "").into_bytes(),
        ),
        ("a key for everyone", plain("GET /data/kept HTTP/1.1", "").into_bytes()),
    ];
    for (what, request) in rows {
        let answer = exchange(&host, &request).await?;
        findings.expect(is_http_refusal(&answer), what, &answer);
        lives(&mut server, what).await?;
    }
    findings.none()?;
    client.get_object("/data/half").await?.refused("NoSuchKey")?;
    server.assert_calm()
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_but_right_requests_are_answered() -> Result<()> {
    let (mut server, client) = ready().await?;
    let get = Signed::s3(Method::GET, "/data/kept", b"");
    let absolute = format!("http://{}/data/kept", client.authority());
    let answer = exchange(
        client.authority(),
        &write_request(&Method::GET, &absolute, &get.head(&client)?, b""),
    )
    .await?;
    ensure!(
        answer.statuses() == [200] && answer.body() == b"kept",
        "an absolute target: {}",
        answer.describe()
    );

    let old = String::from_utf8(get.bytes(&client)?)?.replacen("HTTP/1.1", "HTTP/1.0", 1);
    let answer = exchange(client.authority(), old.as_bytes()).await?;
    ensure!(
        answer.statuses() == [200] && answer.body() == b"kept",
        "HTTP/1.0: {}",
        answer.describe()
    );

    let mut head = get.head(&client)?;
    head.remove("connection");
    let mut pipelined = write_request(&Method::GET, get.target, &head, b"").repeat(3);
    pipelined.extend_from_slice(b"\x00\x01 garbage garbage\r\n\r\n");
    let answer = exchange(client.authority(), &pipelined).await?;
    let statuses = answer.statuses();
    ensure!(
        statuses.starts_with(&[200, 200, 200]),
        "pipelined: {}",
        answer.describe()
    );
    ensure!(
        statuses.get(3).is_none_or(|status| *status == 400),
        "garbage after it: {statuses:?}"
    );
    lives(&mut server, "unusual requests").await?;
    server.assert_calm()
}

/// Right requests with a few bytes changed: never a 5xx but 501 and 505, and never an end.
#[tokio::test(flavor = "multi_thread")]
async fn mutations_of_right_requests_never_hurt() -> Result<()> {
    let (mut server, client) = ready().await?;
    let mut dice = Dice::new(20_260_101);
    let seeds = [
        Signed::s3(Method::PUT, "/data/mutant?x=y", b"<a>some</a> body").bytes(&client)?,
        Signed::s3(Method::GET, "/data?list-type=2&prefix=a%2Fb&max-keys=3", b"").bytes(&client)?,
        Signed::kms("TrentService.GenerateRandom", b"{\"NumberOfBytes\": 16}").bytes(&client)?,
        Signed::form("sts", b"Action=GetCallerIdentity&Version=2011-06-15").bytes(&client)?,
    ];
    for _ in 0..MUTATION_ROUNDS {
        let mut exchanges = JoinSet::new();
        for seed in seeds.iter().cycle().take(MUTANTS_AT_A_TIME) {
            let (request, authority) = (mutant(seed, &mut dice)?, client.authority().to_owned());
            exchanges.spawn(async move { exchange(&authority, &request).await.map(|answer| (request, answer)) });
        }
        while let Some(done) = exchanges.join_next().await {
            let (request, answer) = done??;
            let bad = answer
                .statuses()
                .into_iter()
                .find(|status| *status >= 500 && ![501, 505].contains(status));
            let request = String::from_utf8_lossy(&request);
            ensure!(bad.is_none(), "{}\nto {request:?}", answer.describe());
        }
    }
    lives(&mut server, "mutations").await?;
    server.assert_calm()
}

/// The bytes with one to four changes.
fn mutant(seed: &[u8], dice: &mut Dice) -> Result<Vec<u8>> {
    let mut request = seed.to_vec();
    for _ in 0..=dice.below(4) {
        let at = usize::try_from(dice.below(request.len() as u64))?;
        match dice.below(4) {
            0 => request.truncate(at + 1),
            1 => request.insert(at, u8::try_from(dice.below(256))?),
            2 if request.len() > 1 => drop(request.remove(at)),
            _ => request.get_mut(at).map_or((), |byte| *byte ^= 1 << (at % 8)),
        }
    }
    Ok(request)
}
