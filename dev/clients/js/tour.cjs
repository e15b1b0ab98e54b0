"use strict";
// The JavaScript SDK on a server: each step says what it found by failing or by going on. Its name is printed when it is done.
const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const { Readable } = require("node:stream");
const { KMSClient, CreateKeyCommand, DecryptCommand, EncryptCommand, GetPublicKeyCommand, SignCommand } = require("@aws-sdk/client-kms");
const s3sdk = require("@aws-sdk/client-s3");
const { Upload } = require("@aws-sdk/lib-storage");
const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");

const { TOUR_BUCKET: Bucket, TOUR_VIRTUAL, TOUR_ENCRYPTION, TOUR_CA } = process.env;
// Names of buckets are in no DNS; everything here is on this machine.
const lookup = (_host, options, done) =>
  options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);
const agents = {
  httpAgent: new http.Agent({ keepAlive: true, lookup }),
  httpsAgent: new https.Agent({ keepAlive: true, lookup, ca: TOUR_CA && fs.readFileSync(TOUR_CA) }),
};
const common = { region: "us-east-1", maxAttempts: 1, requestHandler: agents };
const s3 = new s3sdk.S3Client({ ...common, forcePathStyle: !TOUR_VIRTUAL });
const kms = new KMSClient(common);
const send = (name, input) => s3.send(new s3sdk[`${name}Command`]({ Bucket, ...input }));
const MIB = 1024 * 1024;

/** The call must fail with this name and status. */
async function refused(call, name, status) {
  const error = await call.then(() => assert.fail(`expected ${name}`), (error) => error);
  assert.equal(error.name, name, String(error));
  assert.equal(error.$metadata?.httpStatusCode, status);
}

/** One plain request, by no SDK. */
function fetchUrl(url, method, body) {
  const [library, agent] = url.startsWith("https:") ? [https, agents.httpsAgent] : [http, agents.httpAgent];
  return new Promise((resolve, reject) => {
    const request = library.request(url, { method, agent }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

const steps = {
  async objects() {
    const body = "content with ü";
    const put = await send("PutObject", { Key: "a b/ü", Body: body, Metadata: { colour: "blue" }, ContentType: "text/plain" });
    assert.equal(put.ServerSideEncryption, TOUR_ENCRYPTION);
    const got = await send("GetObject", { Key: "a b/ü", ChecksumMode: "ENABLED" });
    assert.equal(await got.Body.transformToString(), body);
    assert.deepEqual([got.Metadata, got.ContentType, got.ETag], [{ colour: "blue" }, "text/plain", put.ETag]);
    assert.ok(got.ChecksumCRC32);
    assert.ok(Math.abs(got.LastModified - Date.now()) < 60_000);
    const range = await send("GetObject", { Key: "a b/ü", Range: "bytes=0-6" });
    assert.equal(await range.Body.transformToString(), "content");
    await refused(send("GetObject", { Key: "none" }), "NoSuchKey", 404);
    await refused(send("HeadObject", { Key: "none" }), "NotFound", 404);
    await send("CopyObject", { Key: "copy", CopySource: `${Bucket}/${encodeURIComponent("a b/ü")}` });
    assert.equal((await send("HeadObject", { Key: "copy" })).ContentLength, Buffer.byteLength(body));
    const gone = await send("DeleteObjects", { Delete: { Objects: [{ Key: "a b/ü" }, { Key: "copy" }] } });
    assert.equal(gone.Deleted.length, 2);
  },

  async listing() {
    const keys = Array.from({ length: 25 }, (_, number) => `list/${String(number).padStart(2, "0")}`);
    await Promise.all(keys.map((Key) => send("PutObject", { Key, Body: Key })));
    const found = [];
    let pages = 0;
    for await (const page of s3sdk.paginateListObjectsV2({ client: s3, pageSize: 10 }, { Bucket, Prefix: "list/" })) {
      pages += 1;
      found.push(...page.Contents.map((one) => one.Key));
    }
    assert.deepEqual([found, pages], [keys, 3]);
    const folders = await send("ListObjectsV2", { Delimiter: "/" });
    assert.deepEqual(folders.CommonPrefixes.map((one) => one.Prefix), ["list/"]);
  },

  async multipart() {
    const part = crypto.randomBytes(MIB);
    const size = 17 * MIB;
    const seen = [];
    // A stream of unknown length.
    const Body = Readable.from((function* () { for (let sent = 0; sent < size; sent += MIB) yield part; })());
    const upload = new Upload({ client: s3, params: { Bucket, Key: "large", Body }, partSize: 5 * MIB, queueSize: 3 });
    upload.on("httpUploadProgress", (progress) => seen.push(progress.loaded));
    const done = await upload.done();
    assert.match(done.ETag, /-4"$/);
    assert.ok(seen.includes(size), String(seen));
    const got = await send("GetObject", { Key: "large" });
    assert.equal(got.ServerSideEncryption, TOUR_ENCRYPTION);
    const hash = crypto.createHash("sha256");
    for await (const chunk of got.Body) hash.update(chunk);
    const expected = crypto.createHash("sha256");
    for (let sent = 0; sent < size; sent += MIB) expected.update(part);
    assert.equal(hash.digest("hex"), expected.digest("hex"));
    const parts = await send("GetObjectAttributes", { Key: "large", ObjectAttributes: ["ObjectParts", "ObjectSize"] });
    assert.deepEqual([parts.ObjectSize, parts.ObjectParts.TotalPartsCount], [size, 4]);
  },

  async presign() {
    const of = (command) => getSignedUrl(s3, new s3sdk[`${command}Command`]({ Bucket, Key: "by url/ü" }), { expiresIn: 60 });
    assert.equal((await fetchUrl(await of("PutObject"), "PUT", "from outside")).status, 200);
    const url = await of("GetObject");
    assert.deepEqual(await fetchUrl(url, "GET"), { status: 200, body: "from outside" });
    assert.equal((await fetchUrl(url.replace("by%20url", "another"), "GET")).status, 403);
  },

  async conditional() {
    const put = await send("PutObject", { Key: "once", Body: "1", IfNoneMatch: "*" });
    await refused(send("PutObject", { Key: "once", Body: "2", IfNoneMatch: "*" }), "PreconditionFailed", 412);
    await send("PutObject", { Key: "once", Body: "3", IfMatch: put.ETag });
    await refused(send("PutObject", { Key: "once", Body: "4", IfMatch: put.ETag }), "PreconditionFailed", 412);
    const now = await send("GetObject", { Key: "once" });
    assert.equal(await now.Body.transformToString(), "3");
    // An answer without a body has no name of its own.
    await refused(send("GetObject", { Key: "once", IfNoneMatch: now.ETag }), "Unknown", 304);
  },

  async kms() {
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({ Description: "of the tour" }));
    const EncryptionContext = { purpose: "tour" };
    const Plaintext = Buffer.from("a secret");
    const sealed = await kms.send(new EncryptCommand({ KeyId: key.Arn, Plaintext, EncryptionContext }));
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob, EncryptionContext }));
    assert.deepEqual([Buffer.from(opened.Plaintext), opened.KeyId], [Plaintext, key.Arn]);
    await refused(kms.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob })), "InvalidCiphertextException", 400);
  },

  async signatures() {
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" }));
    const Message = Buffer.from("what is signed");
    const signed = await kms.send(new SignCommand({ KeyId: key.KeyId, Message, SigningAlgorithm: "ECDSA_SHA_256" }));
    const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId: key.KeyId }));
    const publicKey = crypto.createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
    assert.ok(crypto.verify("sha256", Message, publicKey, Buffer.from(signed.Signature)));
    assert.ok(!crypto.verify("sha256", Buffer.from("another"), publicKey, Buffer.from(signed.Signature)));
  },
};

async function main() {
  for (const name of process.argv.slice(2)) {
    await steps[name]();
    console.log(name);
  }
}

main().catch((error) => {
  console.error(error.stack, JSON.stringify(error.$metadata ?? {}));
  process.exit(1);
});
