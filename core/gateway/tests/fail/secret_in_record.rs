//! A secret has no `Evident`, so it cannot appear in a record.

fn main() {
    let secret = base::Secret::new(String::from("wJalrXUtnFEMI"));
    let _ = record::Evident::evident(&secret);
}
