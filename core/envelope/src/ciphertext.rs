//! KMS ciphertext blobs: what `Encrypt` and `GenerateDataKey` answer and `Decrypt` takes.
//!
//! `01 02 02 00 78 | material version (4) | key id | region | account (12) | check (4) | salt (16) | nonce (12) | ciphertext | tag (16)`,
//! numbers big-endian, key id and Region behind a length byte. The first five bytes are AWS's, so that base64 begins
//! with `AQICAH`. The key of each blob is derived from the key material by HKDF-SHA256 with the salt; everything before the
//! salt and the encryption context are authenticated. The check is the beginning of the SHA-256 of what stands before it: no
//! proof of anything, but it tells a damaged blob from one of a key that is not here, which are different errors.
//!
//! The Region and account in the header say where the blob was sealed, as a hint for who looks for the key, and are
//! authenticated as they stand in the blob. Opening never asks where it is done: a multi-Region key's material opens the
//! blob in any Region, because the blob brings the bytes that it was sealed with. What binds is key id and material version.

use crate::{
    DoesNotOpen, EncryptionContext, Key256,
    aead::{Cipher, NONCE_BYTES, TAG_BYTES, or_abort},
};
use aws_lc_rs::{digest, hkdf};
use base::{AccountId, Random, Region, Secret};

const MAGIC: [u8; 5] = [1, 2, 2, 0, 0x78];
const SALT_BYTES: usize = 16;
const CHECK_BYTES: usize = 4;

/// `CiphertextBlob` is at most this long. SPEC: KMS API Reference, Decrypt.
pub const CIPHERTEXT_BYTES_MAX: usize = 6144;

/// What a blob tells before it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CiphertextHeader {
    /// The account of the key that sealed.
    pub account: AccountId,
    /// The Region in which it was sealed.
    pub region: Region,
    /// The key's id (not ARN), the same in all Regions of a multi-Region key. At most 255 bytes.
    pub key_id: String,
    /// Which version of the key's material sealed.
    pub material_version: u32,
}

/// The bytes are no ciphertext of this service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a ciphertext blob")]
pub struct NotACiphertext;

/// Seals `plaintext` under `material`, bound to header and context.
pub fn seal(
    material: &Key256,
    header: &CiphertextHeader,
    context: &EncryptionContext,
    plaintext: &[u8],
    random: &Random,
) -> Vec<u8> {
    let mut out = header_bytes(header);
    let aad = aad(&out, context);
    let salt: [u8; SALT_BYTES] = random.bytes();
    let nonce = random.bytes();
    out.extend_from_slice(&salt);
    out.extend_from_slice(&nonce);
    let body = out.len();
    out.reserve_exact(plaintext.len() + TAG_BYTES);
    out.extend_from_slice(plaintext);
    let tag = derived(material, &salt).seal(nonce, &aad, out.get_mut(body..).unwrap_or_default());
    out.extend_from_slice(&tag);
    out
}

/// Reads the header of a blob, unauthenticated until [`open`] succeeds.
pub fn parse_header(blob: &[u8]) -> Result<CiphertextHeader, NotACiphertext> {
    split(blob).map(|parts| parts.header).ok_or(NotACiphertext)
}

/// Opens a blob with the material its header names and the context it was sealed with.
pub fn open(material: &Key256, blob: &[u8], context: &EncryptionContext) -> Result<Secret<Vec<u8>>, DoesNotOpen> {
    let parts = split(blob).ok_or(DoesNotOpen)?;
    let mut plain = parts.body.to_vec();
    let length = derived(material, parts.salt)
        .open(*parts.nonce, &aad(parts.header_bytes, context), &mut plain)?
        .len();
    plain.truncate(length);
    Ok(Secret::new(plain))
}

fn header_bytes(header: &CiphertextHeader) -> Vec<u8> {
    let mut out = Vec::with_capacity(160);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&header.material_version.to_be_bytes());
    for text in [header.key_id.as_str(), header.region.as_str()] {
        let bytes = text.as_bytes();
        // Ids and Regions are far shorter; a longer one is cut, and its blob then names no key.
        let bytes = bytes.get(..255).unwrap_or(bytes);
        out.push(u8::try_from(bytes.len()).unwrap_or(255));
        out.extend_from_slice(bytes);
    }
    out.extend_from_slice(header.account.as_str().as_bytes());
    let check = check_of(&out);
    out.extend_from_slice(&check);
    out
}

fn check_of(header: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = digest::digest(&digest::SHA256, header);
    let mut check = [0; CHECK_BYTES];
    check.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    check
}

struct Parts<'a> {
    header: CiphertextHeader,
    header_bytes: &'a [u8],
    salt: &'a [u8; SALT_BYTES],
    nonce: &'a [u8; NONCE_BYTES],
    body: &'a [u8],
}

fn split(blob: &[u8]) -> Option<Parts<'_>> {
    let rest = blob.strip_prefix(&MAGIC)?;
    let (version, rest) = rest.split_first_chunk()?;
    let (key_id, rest) = text(rest)?;
    let (region, rest) = text(rest)?;
    let (account, rest) = rest.split_first_chunk::<12>()?;
    let checked = blob.get(..blob.len().checked_sub(rest.len())?)?;
    let (check, rest) = rest.split_first_chunk::<CHECK_BYTES>()?;
    (*check == check_of(checked)).then_some(())?;
    let header_bytes = blob.get(..blob.len().checked_sub(rest.len())?)?;
    let (salt, rest) = rest.split_first_chunk()?;
    let (nonce, body) = rest.split_first_chunk()?;
    (body.len() >= TAG_BYTES).then_some(())?;
    let header = CiphertextHeader {
        account: AccountId::parse(std::str::from_utf8(account).ok()?).ok()?,
        region: Region::parse(region).ok()?,
        key_id: key_id.to_owned(),
        material_version: u32::from_be_bytes(*version),
    };
    Some(Parts {
        header,
        header_bytes,
        salt,
        nonce,
        body,
    })
}

fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(length))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

fn aad(header: &[u8], context: &EncryptionContext) -> Vec<u8> {
    // The header delimits itself, so the two cannot run into each other.
    [header, &context.canonical()].concat()
}

/// The cipher of one blob.
fn derived(material: &Key256, salt: &[u8; SALT_BYTES]) -> Cipher {
    let mut key = Key256::from_bytes([0; 32]);
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(material.expose());
    let info: [&[u8]; 1] = [b"shoseki ciphertext 1"];
    let expanded = or_abort(extracted.expand(&info, hkdf::HKDF_SHA256));
    or_abort(expanded.fill(key.expose_mut()));
    Cipher::new(&key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(key_id: &str, material_version: u32) -> CiphertextHeader {
        CiphertextHeader {
            account: AccountId::FIRST,
            region: Region::us_east_1(),
            key_id: key_id.to_owned(),
            material_version,
        }
    }

    fn opened(material: &Key256, blob: &[u8], context: &EncryptionContext) -> Option<Vec<u8>> {
        open(material, blob, context).ok().map(|plain| plain.expose().clone())
    }

    proptest! {
        #[test]
        fn opens_only_unaltered_under_its_material_and_context(
            plain in proptest::collection::vec(any::<u8>(), 0..300),
            key_id in "[a-z0-9-]{1,40}",
            version: u32,
            name in "[a-b]{0,3}",
            seed: u64,
            at: prop::sample::Index,
        ) {
            let random = Random::seeded(seed);
            let (material, other) = (Key256::generate(&random), Key256::generate(&random));
            let context = EncryptionContext::from_iter([(name, "value")]);
            let header = header(&key_id, version);
            let mut blob = seal(&material, &header, &context, &plain, &random);
            prop_assert_eq!(parse_header(&blob), Ok(header));
            prop_assert_eq!(opened(&material, &blob, &context), Some(plain));
            prop_assert_eq!(opened(&other, &blob, &context), None);
            prop_assert_eq!(opened(&material, &blob, &EncryptionContext::new()), None);
            let cut = at.index(blob.len());
            prop_assert_eq!(opened(&material, blob.get(..cut).unwrap(), &context), None);
            let bit = at.index(blob.len() * 8);
            blob[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(opened(&material, &blob, &context), None);
        }

        #[test]
        fn any_bytes_are_read_without_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..100),
            like_ours: bool,
        ) {
            let blob = if like_ours { [&MAGIC[..], &bytes].concat() } else { bytes };
            let _ = parse_header(&blob);
            let _ = open(&Key256::from_bytes([1; 32]), &blob, &EncryptionContext::new());
        }
    }

    #[test]
    fn largest_plaintext_fits_and_equal_plaintexts_differ() {
        let random = Random::seeded(1);
        let (material, context) = (Key256::generate(&random), EncryptionContext::new());
        let header = header("mrk-1234abcd12ab34cd56ef1234567890ab", 1);
        let one = seal(&material, &header, &context, &[0; 4096], &random);
        let other = seal(&material, &header, &context, &[0; 4096], &random);
        assert!(one.len() <= CIPHERTEXT_BYTES_MAX);
        assert_ne!(one, other);
    }

    /// Blobs are kept by callers for ever, so the format may not move. Base64 of `01 02 02 00 78` begins `AQICAH`.
    #[test]
    fn format_stands_still() {
        let context = EncryptionContext::from_iter([("department", "10103.0")]);
        let header = header("1234abcd-12ab-34cd-56ef-1234567890ab", 1);
        let blob = seal(
            &Key256::from_bytes([7; 32]),
            &header,
            &context,
            b"value",
            &Random::seeded(1),
        );
        assert_eq!(
            hex::encode(&blob),
            "0102020078000000012431323334616263642d313261622d333463642d353665662d3132333435363738393061620975732d656173742d313030303030303030303030304c57ca569a3744504560639ec670b7a17d492b273e077b0a96bef58ba7760779f7858c17c95747cc0d3a0a773cb97ba2b9b11ab0b8"
        );
    }
}
