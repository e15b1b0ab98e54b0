//! User metadata: the `x-amz-meta-` headers.

/// The most bytes of all names and values together.
///
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>
pub const METADATA_BYTES_MAX: usize = 2048;

/// What names of user metadata begin with in headers.
pub const PREFIX: &str = "x-amz-meta-";

/// Names without the prefix, lower case, with their values.
pub type UserMetadata = Vec<(String, String)>;

/// Bytes that count against [`METADATA_BYTES_MAX`].
pub fn size_bytes(metadata: &UserMetadata) -> usize {
    metadata.iter().map(|(name, value)| name.len() + value.len()).sum()
}

/// Adds a header, joining it to one of the same name as HTTP lists are joined.
pub fn add(metadata: &mut UserMetadata, name: &str, value: &str) {
    match metadata.iter_mut().find(|(known, _)| known == name) {
        Some((_, known)) => {
            known.push(',');
            known.push_str(value);
        }
        None => metadata.push((name.to_owned(), value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_are_joined_and_counted() {
        let mut metadata = UserMetadata::new();
        add(&mut metadata, "a", "1");
        add(&mut metadata, "b", "2");
        add(&mut metadata, "a", "3");
        assert_eq!(
            metadata,
            [("a".to_owned(), "1,3".to_owned()), ("b".to_owned(), "2".to_owned())]
        );
        assert_eq!(size_bytes(&metadata), 6);
    }
}
