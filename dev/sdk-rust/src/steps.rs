//! The steps of the tour, the same as in `dev/clients/js/tour.cjs`.

use crate::Tour;
use anyhow::{Context, Result, bail, ensure};
use aws_lc_rs::{digest, rand, signature};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, SigningAlgorithmSpec};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart, Delete, ObjectAttributes,
    ObjectIdentifier,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::time::Duration;

const MIB: usize = 1024 * 1024;
const PART: usize = 5 * MIB;
const LARGE: usize = 17 * MIB;
const ODD_KEY: &str = "a b/ü";

/// The call must fail with this code, where its answer has a body for one, and this status.
fn refused<T, E: ProvideErrorMetadata>(
    result: Result<T, SdkError<E, HttpResponse>>,
    code: Option<&str>,
    status: u16,
) -> Result<()> {
    let Err(SdkError::ServiceError(error)) = result else {
        bail!("expected {code:?}, and it was not refused by the service");
    };
    let found = (error.err().code(), error.raw().status().as_u16());
    ensure!(found.1 == status, "expected {status}: {found:?}");
    ensure!(code.is_none() || found.0 == code, "expected {code:?}: {found:?}");
    Ok(())
}

impl Tour {
    pub(crate) async fn step(&self, name: &str) -> Result<()> {
        match name {
            "objects" => self.objects().await,
            "listing" => self.listing().await,
            "multipart" => self.multipart().await,
            "presign" => self.presign().await,
            "conditional" => self.conditional().await,
            "kms" => self.encryption_and_back().await,
            "signatures" => self.signatures().await,
            _ => bail!("no such step"),
        }
    }

    async fn objects(&self) -> Result<()> {
        let body = "content with ü";
        let put = self.s3.put_object().bucket(&self.bucket).key(ODD_KEY);
        let put = put.metadata("colour", "blue").content_type("text/plain");
        let put = put.body(ByteStream::from_static(body.as_bytes())).send().await?;
        let encryption = put.server_side_encryption().context("no encryption")?;
        ensure!(encryption.as_str() == self.encryption, "sealed by {encryption}");
        let got = self.s3.get_object().bucket(&self.bucket).key(ODD_KEY);
        let got = got.checksum_mode(ChecksumMode::Enabled).send().await?;
        ensure!(got.content_type() == Some("text/plain") && got.e_tag() == put.e_tag());
        ensure!(got.metadata().and_then(|all| all.get("colour")).map(String::as_str) == Some("blue"));
        ensure!(got.checksum_crc32().is_some());
        ensure!(got.body.collect().await?.into_bytes() == body);
        let range = self
            .s3
            .get_object()
            .bucket(&self.bucket)
            .key(ODD_KEY)
            .range("bytes=0-6");
        ensure!(range.send().await?.body.collect().await?.into_bytes() == "content");
        let none = self.s3.get_object().bucket(&self.bucket).key("none").send().await;
        refused(none, Some("NoSuchKey"), 404)?;
        let none = self.s3.head_object().bucket(&self.bucket).key("none").send().await;
        refused(none, Some("NotFound"), 404)?;
        let source = format!("{}/a%20b/%C3%BC", self.bucket);
        let copy = self.s3.copy_object().bucket(&self.bucket).key("copy");
        copy.copy_source(source).send().await?;
        let head = self.s3.head_object().bucket(&self.bucket).key("copy").send().await?;
        ensure!(head.content_length() == Some(body.len() as i64));
        self.delete(&[ODD_KEY, "copy"]).await
    }

    async fn delete(&self, keys: &[&str]) -> Result<()> {
        let mut delete = Delete::builder();
        for key in keys {
            delete = delete.objects(ObjectIdentifier::builder().key(*key).build()?);
        }
        let call = self.s3.delete_objects().bucket(&self.bucket);
        let gone = call.delete(delete.build()?).send().await?;
        ensure!(gone.deleted().len() == keys.len() && gone.errors().is_empty());
        Ok(())
    }

    async fn listing(&self) -> Result<()> {
        let keys: Vec<String> = (0..25).map(|number| format!("list/{number:02}")).collect();
        for key in &keys {
            let put = self.s3.put_object().bucket(&self.bucket).key(key);
            put.body(ByteStream::from(key.clone().into_bytes())).send().await?;
        }
        let call = self.s3.list_objects_v2().bucket(&self.bucket).prefix("list/");
        let mut pages = call.into_paginator().page_size(10).send();
        let (mut found, mut count) = (Vec::new(), 0);
        while let Some(page) = pages.next().await {
            count += 1;
            let page = page?;
            found.extend(page.contents().iter().filter_map(|one| one.key().map(str::to_owned)));
        }
        ensure!(found == keys && count == 3, "{count} pages of {found:?}");
        let folders = self
            .s3
            .list_objects_v2()
            .bucket(&self.bucket)
            .delimiter("/")
            .send()
            .await?;
        let folders: Vec<_> = folders
            .common_prefixes()
            .iter()
            .filter_map(|one| one.prefix())
            .collect();
        ensure!(folders == ["list/"], "{folders:?}");
        Ok(())
    }

    async fn multipart(&self) -> Result<()> {
        let mut body = vec![0; LARGE];
        rand::fill(&mut body).ok().context("no random bytes")?;
        // Unless the upload names it, the checksums that the SDK sends with parts are not taken when it is completed.
        let create = self.s3.create_multipart_upload().bucket(&self.bucket).key("large");
        let upload = create.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await?;
        let id = upload.upload_id().context("no upload id")?;
        let mut done = CompletedMultipartUpload::builder();
        for (number, part) in (1..).zip(body.chunks(PART)) {
            let call = self
                .s3
                .upload_part()
                .bucket(&self.bucket)
                .key("large")
                .upload_id(id)
                .part_number(number);
            let sent = call.body(ByteStream::from(part.to_vec())).send().await?;
            let part = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag);
            done = done.parts(part.set_checksum_crc32(sent.checksum_crc32).build());
        }
        let call = self
            .s3
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key("large")
            .upload_id(id);
        let done = call.multipart_upload(done.build()).send().await?;
        ensure!(
            done.e_tag().is_some_and(|tag| tag.ends_with("-4\"")),
            "{:?}",
            done.e_tag()
        );
        let got = self.s3.get_object().bucket(&self.bucket).key("large").send().await?;
        let encryption = got.server_side_encryption().context("no encryption")?;
        ensure!(encryption.as_str() == self.encryption, "sealed by {encryption}");
        let mut hash = digest::Context::new(&digest::SHA256);
        let mut stream = got.body;
        while let Some(chunk) = stream.try_next().await? {
            hash.update(&chunk);
        }
        ensure!(hash.finish().as_ref() == digest::digest(&digest::SHA256, &body).as_ref());
        let call = self.s3.get_object_attributes().bucket(&self.bucket).key("large");
        let call = call.object_attributes(ObjectAttributes::ObjectParts);
        let parts = call.object_attributes(ObjectAttributes::ObjectSize).send().await?;
        ensure!(parts.object_size() == Some(LARGE as i64));
        ensure!(parts.object_parts().and_then(|parts| parts.total_parts_count()) == Some(4));
        Ok(())
    }

    async fn presign(&self) -> Result<()> {
        let minute = || PresigningConfig::expires_in(Duration::from_secs(60));
        let put = self
            .s3
            .put_object()
            .bucket(&self.bucket)
            .key("by url/ü")
            .presigned(minute()?)
            .await?;
        let (status, _) = self.fetch(&put, put.uri(), Some("from outside")).await?;
        ensure!(status == 200, "{status}");
        let get = self
            .s3
            .get_object()
            .bucket(&self.bucket)
            .key("by url/ü")
            .presigned(minute()?)
            .await?;
        let (status, body) = self.fetch(&get, get.uri(), None).await?;
        ensure!((status, body.as_str()) == (200, "from outside"), "{status} {body}");
        let (status, _) = self
            .fetch(&get, &get.uri().replace("by%20url", "another"), None)
            .await?;
        ensure!(status == 403, "{status}");
        Ok(())
    }

    /// A plain request with the headers that were signed, by no SDK.
    async fn fetch(&self, signed: &PresignedRequest, uri: &str, body: Option<&'static str>) -> Result<(u16, String)> {
        let mut request = self.plain.request(signed.method().parse()?, uri);
        for (name, value) in signed.headers() {
            request = request.header(name, value);
        }
        let answer = request.body(body.unwrap_or_default()).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    async fn conditional(&self) -> Result<()> {
        let put = |body: &'static str| {
            let put = self.s3.put_object().bucket(&self.bucket).key("once");
            put.body(ByteStream::from_static(body.as_bytes()))
        };
        let first = put("1").if_none_match("*").send().await?;
        let first = first.e_tag().context("no ETag")?;
        refused(
            put("2").if_none_match("*").send().await,
            Some("PreconditionFailed"),
            412,
        )?;
        put("3").if_match(first).send().await?;
        refused(put("4").if_match(first).send().await, Some("PreconditionFailed"), 412)?;
        let now = self.s3.get_object().bucket(&self.bucket).key("once").send().await?;
        let tag = now.e_tag().context("no ETag")?.to_owned();
        ensure!(now.body.collect().await?.into_bytes() == "3");
        let again = self.s3.get_object().bucket(&self.bucket).key("once").if_none_match(tag);
        refused(again.send().await, None, 304)
    }

    async fn encryption_and_back(&self) -> Result<()> {
        let key = self.kms.create_key().description("of the tour").send().await?;
        let arn = key.key_metadata().and_then(|key| key.arn()).context("no key")?;
        let sealed = self.kms.encrypt().key_id(arn).plaintext(Blob::new("a secret"));
        let sealed = sealed.encryption_context("purpose", "tour").send().await?;
        let blob = sealed.ciphertext_blob().context("no ciphertext")?.clone();
        let opened = self.kms.decrypt().ciphertext_blob(blob.clone());
        let opened = opened.encryption_context("purpose", "tour").send().await?;
        ensure!(opened.plaintext().is_some_and(|text| text.as_ref() == b"a secret"));
        ensure!(opened.key_id() == Some(arn));
        let without = self.kms.decrypt().ciphertext_blob(blob).send().await;
        refused(without, Some("InvalidCiphertextException"), 400)
    }

    async fn signatures(&self) -> Result<()> {
        let key = self.kms.create_key().key_spec(KeySpec::EccNistP256);
        let key = key.key_usage(KeyUsageType::SignVerify).send().await?;
        let id = key.key_metadata().context("no key")?.key_id();
        let message = b"what is signed";
        let signed = self.kms.sign().key_id(id).message(Blob::new(message));
        let signed = signed
            .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
            .send()
            .await?;
        let signed = signed.signature().context("no signature")?.as_ref();
        let public = self.kms.get_public_key().key_id(id).send().await?;
        let public = public.public_key().context("no public key")?.as_ref();
        let public = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, public);
        ensure!(public.verify(message, signed).is_ok());
        ensure!(public.verify(b"another", signed).is_err());
        Ok(())
    }
}
