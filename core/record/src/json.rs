//! JSON written straight into bytes: records are made on every call, so no tree is built.

/// An object being written. Close it with [`Object::close`].
pub(crate) struct Object<'a>(&'a mut Vec<u8>);

impl<'a> Object<'a> {
    pub(crate) fn open(out: &'a mut Vec<u8>) -> Object<'a> {
        out.push(b'{');
        Object(out)
    }

    pub(crate) fn close(self) {
        self.0.push(b'}');
    }

    /// Writes the name of the next member, and answers where its value goes.
    pub(crate) fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        put_text(self.0, name);
        self.0.push(b':');
        self.0
    }

    /// The bytes written so far, to go on in the value of the last member.
    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        self.0
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        put_text(self.member(name), value);
    }

    pub(crate) fn maybe_text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        self.member(name)
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    pub(crate) fn object(&mut self, name: &str) -> Object<'_> {
        Object::open(self.member(name))
    }
}

/// Writes a JSON string. Writing text to memory does not fail.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text);
}

/// The longest beginning of `text` that has at most `bytes_max` bytes and ends between characters.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}
