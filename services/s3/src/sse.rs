//! What the headers of a request say of encryption, and how refusals of them are worded.

use crate::{
    S3Error,
    model::{
        customer_key::{CustomerKey, CustomerKeyRefusal},
        encryption::{AES256, AWS_KMS, Asked, BlockedTypes, DSSE, Requested},
    },
    request,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use envelope::EncryptionContext;
use gateway::{AwsBehavior, Call, Ctx};
use std::{borrow::Cow, net::IpAddr};
use wire::Head;

const ALGORITHM: &str = "x-amz-server-side-encryption";
const KEY_ID: &str = "x-amz-server-side-encryption-aws-kms-key-id";
const CONTEXT: &str = "x-amz-server-side-encryption-context";
const BUCKET_KEY: &str = "x-amz-server-side-encryption-bucket-key-enabled";

/// The headers of a customer's key: algorithm, key, MD5 of the key.
type KeyHeaders = [&'static str; 3];

/// Those of the object that is written or read.
pub const CUSTOMER: KeyHeaders = [
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-server-side-encryption-customer-key-md5",
];
/// Those of the source of a copy.
pub const COPY_SOURCE: KeyHeaders = [
    "x-amz-copy-source-server-side-encryption-customer-algorithm",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key-md5",
];

/// Reads what is asked for a new object.
pub fn asked(call: &Call) -> Result<Asked, S3Error> {
    let head = &call.head;
    let value = |name| request::amz(head, name).map(Cow::into_owned);
    let header = value(ALGORITHM);
    let customer = customer_key(call, CUSTOMER)?;
    if let (Some(_), Some(header)) = (&customer, &header) {
        let text =
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified";
        return Err(S3Error::argument(text, ALGORITHM, header));
    }
    let kind = match customer {
        Some(key) => Some(Requested::Customer(key)),
        None => requested(head, header.as_deref())?,
    };
    Ok(Asked {
        kind,
        bucket_key: value(BUCKET_KEY).map(|value| value.eq_ignore_ascii_case("true")),
        header,
    })
}

fn requested(head: &Head, algorithm: Option<&str>) -> Result<Option<Requested>, S3Error> {
    let value = |name| request::amz(head, name).map(Cow::into_owned);
    let key = value(KEY_ID);
    let context = value(CONTEXT);
    let only_with_kms = |name, value| {
        let text = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms";
        Err(S3Error::argument(text, name, value))
    };
    match (algorithm, key, context) {
        (Some(kind @ (AWS_KMS | DSSE)), key, context) => {
            let key = key.filter(|key| !key.is_empty());
            let context = context.map_or(Ok(EncryptionContext::new()), |context| client_context(&context))?;
            Ok(Some(match kind {
                DSSE => Requested::Dsse { key, context },
                _ => Requested::Kms { key, context },
            }))
        }
        (Some("aws:fsx"), ..) => Err(S3Error::NotImplemented("aws:fsx".into())),
        (_, Some(key), _) => only_with_kms(KEY_ID, key),
        (_, _, Some(context)) => only_with_kms(CONTEXT, context),
        (Some(AES256), ..) => Ok(Some(Requested::S3)),
        (Some(other), ..) => Err(S3Error::InvalidEncryptionAlgorithm {
            value: other.to_owned(),
        }),
        (None, ..) => Ok(None),
    }
}

/// The client's pairs: base64 of a JSON object of strings.
fn client_context(header: &str) -> Result<EncryptionContext, S3Error> {
    let bytes = STANDARD.decode(header.trim()).ok();
    let context = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    context.ok_or_else(|| {
        let text = "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON \
                    with the encryption context key-value pairs";
        S3Error::argument(text, CONTEXT, header)
    })
}

/// Reads a customer's key, when one is sent.
pub fn customer_key(call: &Call, names: KeyHeaders) -> Result<Option<CustomerKey>, S3Error> {
    let value = |name| request::amz(&call.head, name);
    let [algorithm, key, md5] = names.map(value);
    CustomerKey::parse(algorithm.as_deref(), key.as_deref(), md5.as_deref())
        .map_err(|refusal| refused(refusal, algorithm.as_deref().unwrap_or_default()))
}

/// S3 names the algorithm's header whichever of the three is wrong (recorded answers of AWS), and so is what was sent not told
/// again: it is a key, or as good as one.
fn refused(refusal: CustomerKeyRefusal, algorithm: &str) -> S3Error {
    let text = match refusal {
        CustomerKeyRefusal::NoAlgorithm => {
            "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption \
             algorithm."
        }
        CustomerKeyRefusal::NoKey => {
            "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret \
             key."
        }
        CustomerKeyRefusal::NoMd5 => {
            "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated \
             MD5 of the secret key."
        }
        CustomerKeyRefusal::UnknownAlgorithm => {
            return S3Error::InvalidEncryptionAlgorithm {
                value: algorithm.to_owned(),
            };
        }
        CustomerKeyRefusal::BadKey => "The secret key was invalid for the specified algorithm.",
        CustomerKeyRefusal::Md5Mismatch => {
            "The calculated MD5 hash of the key did not match the hash that was provided."
        }
    };
    S3Error::argument(text, ALGORITHM, "null")
}

/// What a bucket that says nothing refuses. DIFFERS by `aws_behavior`: since April 2026 AWS refuses SSE-C there.
///
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html>
pub fn blocked_at_first(ctx: &Ctx) -> BlockedTypes {
    match ctx.settings().aws_behavior {
        AwsBehavior::Seeds => BlockedTypes::Unsaid,
        AwsBehavior::Current => BlockedTypes::CustomerKeys,
    }
}

/// Refuses a key that travelled in clear.
///
/// DIFFERS: AWS refuses every connection without TLS. Here one from this very machine is taken: `--tls off` is for it.
pub fn refuse_in_clear(ctx: &Ctx, key: Option<&CustomerKey>) -> Result<(), S3Error> {
    match key {
        Some(_) if came_in_clear(ctx.source.secure, &ctx.source.address) => Err(S3Error::InvalidRequest(
            "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure \
             connection."
                .into(),
        )),
        _ => Ok(()),
    }
}

/// Whether others on the way could read along.
fn came_in_clear(secure: bool, address: &str) -> bool {
    let address = address.parse::<IpAddr>();
    !secure && !address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::call;
    use http::Method;
    use wire::AwsError;

    const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

    fn md5() -> String {
        STANDARD.encode(CustomerKey::of_bytes([7; 32]).md5())
    }

    fn read(headers: &[(&str, &str)]) -> Result<Asked, S3Error> {
        asked(&call(Method::PUT, "/bkt/key", headers, b""))
    }

    #[test]
    fn only_this_machine_may_send_keys_in_clear() {
        let check = |secure, address, expected| assert_eq!(came_in_clear(secure, address), expected, "{address}");
        check(true, "192.0.2.1", false);
        check(false, "192.0.2.1", true);
        check(false, "2001:db8::1", true);
        check(false, "127.0.0.1", false);
        check(false, "::1", false);
        check(false, "::ffff:127.0.0.1", false);
        check(false, "AWS Internal", true);
    }

    #[test]
    fn kinds_are_read() {
        let check = |headers: &[(&str, &str)], expected: Option<Requested>| {
            assert_eq!(read(headers).unwrap().kind, expected, "{headers:?}");
        };
        let context = EncryptionContext::new;
        check(&[], None);
        check(&[(ALGORITHM, "AES256")], Some(Requested::S3));
        let key = Some("alias/k".to_owned());
        let expected = Requested::Dsse {
            key,
            context: context(),
        };
        check(&[(ALGORITHM, "aws:kms:dsse"), (KEY_ID, "alias/k")], Some(expected));
        let expected = Requested::Kms {
            key: None,
            context: context(),
        };
        check(&[(ALGORITHM, "aws:kms"), (KEY_ID, "")], Some(expected));
        let expected = Requested::Customer(CustomerKey::of_bytes([7; 32]));
        let [algorithm, key, hash] = CUSTOMER;
        check(&[(algorithm, "AES256"), (key, KEY), (hash, &md5())], Some(expected));
        let asked = read(&[(ALGORITHM, "aws:kms"), (BUCKET_KEY, "TRUE")]).unwrap();
        assert_eq!(
            (asked.bucket_key, asked.header.as_deref()),
            (Some(true), Some("aws:kms"))
        );
        assert_eq!(read(&[(BUCKET_KEY, "false")]).unwrap().bucket_key, Some(false));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let check = |headers: &[(&str, &str)], code: &str, name: &str| {
            let error = read(headers).unwrap_err();
            assert_eq!(error.code(), code, "{headers:?}");
            let extra = error.extra();
            let named = extra
                .iter()
                .find(|(key, _)| *key == "ArgumentName")
                .map(|(_, v)| v.as_str());
            assert_eq!(named.unwrap_or_default(), name, "{headers:?}");
            assert!(!format!("{error} {extra:?}").contains(KEY));
        };
        check(&[(ALGORITHM, "rot13")], "InvalidEncryptionAlgorithmError", ALGORITHM);
        check(&[(ALGORITHM, "aws:fsx")], "NotImplemented", "");
        check(&[(KEY_ID, "k")], "InvalidArgument", KEY_ID);
        check(&[(ALGORITHM, "aws:kms"), (CONTEXT, "{}")], "InvalidArgument", CONTEXT);
        check(&[(ALGORITHM, "AES256"), (CONTEXT, "e30=")], "InvalidArgument", CONTEXT);
        let [algorithm, key, hash] = CUSTOMER;
        let md5 = md5();
        check(&[(algorithm, "AES256"), (key, KEY)], "InvalidArgument", ALGORITHM);
        check(&[(algorithm, "AES256"), (hash, &md5)], "InvalidArgument", ALGORITHM);
        check(&[(key, KEY), (hash, &md5)], "InvalidArgument", ALGORITHM);
        check(
            &[(algorithm, "AES256"), (key, "AAAA"), (hash, &md5)],
            "InvalidArgument",
            ALGORITHM,
        );
        check(
            &[(algorithm, "AES256"), (key, KEY), (hash, "AAAA")],
            "InvalidArgument",
            ALGORITHM,
        );
        let both = [(ALGORITHM, "AES256"), (algorithm, "AES256"), (key, KEY), (hash, &md5)];
        check(&both, "InvalidArgument", ALGORITHM);
    }
}
