//! What ListObjects and ListObjectsV2 have in common.

use crate::{
    S3Error, access, answer,
    model::{
        etag,
        listing::{self, Item, Listing},
    },
    request::Request,
    table::{Checksum, Object},
};
use base::AccountId;
use gateway::{Call, Ctx, Demands};
use serde::Serialize;
use store::ReadView;
use wire::Iso8601Millis;

/// The most items of a page, whatever is asked for.
const KEYS_MAX: usize = 1000;

/// The parameters of both.
pub struct Parameters {
    /// What every call has.
    pub request: Request,
    /// `prefix`, as sent.
    pub prefix: Option<String>,
    /// `delimiter`, as sent.
    pub delimiter: Option<String>,
    /// `max-keys`, as sent.
    pub max_keys: Option<String>,
    /// The number that follows from it.
    pub page: usize,
    /// Whether keys are to be encoded.
    pub url: bool,
}

/// A parameter that is not empty.
pub fn query(call: &Call, name: &str) -> Option<String> {
    call.head.query_value(name).map(|value| value.into_owned())
}

impl Parameters {
    /// Reads them.
    pub fn of(call: &Call) -> Result<Parameters, S3Error> {
        Parameters::with_page(call, "max-keys")
    }

    /// The same, where the most items of a page have this name.
    pub fn with_page(call: &Call, name: &'static str) -> Result<Parameters, S3Error> {
        let max_keys = query(call, name).filter(|text| !text.is_empty());
        let page = match &max_keys {
            None => KEYS_MAX,
            Some(text) => page(text, name)?,
        };
        let url = match query(call, "encoding-type").as_deref() {
            None | Some("") => false,
            Some("url") => true,
            Some(other) => {
                let text = "Invalid Encoding Method specified in Request";
                return Err(S3Error::argument(text, "encoding-type", other));
            }
        };
        Ok(Parameters {
            request: Request::of_bucket(call)?,
            prefix: query(call, "prefix"),
            delimiter: query(call, "delimiter"),
            max_keys,
            page,
            url,
        })
    }

    /// The listing after an item.
    pub fn listing(&self, after: Option<String>) -> Listing {
        Listing {
            prefix: self.prefix.clone().unwrap_or_default(),
            delimiter: self.delimiter.clone().filter(|delimiter| !delimiter.is_empty()),
            after: after.filter(|after| !after.is_empty()),
            max_keys: self.page,
        }
    }

    /// Text as the caller wants it in the document.
    pub fn encoded(&self, text: &str) -> String {
        if self.url {
            listing::url_encoded(text)
        } else {
            text.to_owned()
        }
    }

    /// The right to list, with what is listed.
    pub async fn demands(&self, ctx: &Ctx, view: &ReadView<'_>, action: &'static str) -> Result<Demands, S3Error> {
        let found = access::find(ctx, view, &self.request).await?;
        let demand = found
            .on_bucket(ctx, action, &self.request)
            .with_some("s3:prefix", self.prefix.as_deref())
            .with_some("s3:delimiter", self.delimiter.as_deref())
            .with_some("s3:max-keys", self.max_keys.as_deref());
        Ok(demand.into())
    }

    /// The items as both documents write them. `owner` is shown when there is one.
    pub fn split(&self, items: Vec<Item<Object>>, owner: Option<AccountId>) -> (Vec<Contents>, Vec<CommonPrefix>) {
        let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Key(key, object) => contents.push(Contents {
                    key: self.encoded(&key),
                    last_modified: Iso8601Millis(object.modified),
                    etag: etag::quoted(&object.etag),
                    checksum_type: object.checksum.as_ref().map(Checksum::kind),
                    checksum_algorithm: object.checksum.map(|checksum| checksum.algorithm),
                    size: object.size,
                    owner: owner.map(answer::Owner::of),
                    storage_class: "STANDARD",
                }),
                Item::Prefix(prefix) => prefixes.push(self.common_prefix(&prefix)),
            }
        }
        (contents, prefixes)
    }

    /// A common prefix as documents write it.
    pub fn common_prefix(&self, prefix: &str) -> CommonPrefix {
        CommonPrefix {
            prefix: self.encoded(prefix),
        }
    }
}

fn page(text: &str, name: &'static str) -> Result<usize, S3Error> {
    let argument = match name {
        "max-keys" => "maxKeys",
        other => other,
    };
    match text.parse::<i32>() {
        Ok(number) => usize::try_from(number).map(|number| number.min(KEYS_MAX)).map_err(|_| {
            let message = format!("Argument {argument} must be an integer between 0 and 2147483647");
            S3Error::argument(message, argument, text)
        }),
        Err(_) => {
            let message = format!("Provided {name} not an integer or within integer range");
            Err(S3Error::argument(message, name, text))
        }
    }
}

/// An object.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Contents {
    key: String,
    last_modified: Iso8601Millis,
    #[serde(rename = "ETag")]
    etag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_type: Option<&'static str>,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<answer::Owner>,
    storage_class: &'static str,
}

/// Keys folded into one.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CommonPrefix {
    prefix: String,
}

impl CommonPrefix {
    /// As the document writes it.
    pub fn of(prefix: String) -> CommonPrefix {
        CommonPrefix { prefix }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::call;
    use http::Method;
    use wire::AwsError;

    #[test]
    fn parameters_are_read() {
        let check = |query: &str, expected: Result<(usize, bool), &str>| {
            let call = call(Method::GET, &format!("/bkt?{query}"), &[], b"");
            let result = Parameters::of(&call)
                .map(|p| (p.page, p.url))
                .map_err(|e| e.code().into_owned());
            assert_eq!(result, expected.map_err(str::to_owned), "{query}");
        };
        check("", Ok((1000, false)));
        check("max-keys=0", Ok((0, false)));
        check("max-keys=5000&encoding-type=url", Ok((1000, true)));
        check("max-keys=-1", Err("InvalidArgument"));
        check("max-keys=9999999999", Err("InvalidArgument"));
        check("encoding-type=rot13", Err("InvalidArgument"));
    }
}
