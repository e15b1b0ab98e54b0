//! A secret has no `Debug`.

fn main() {
    println!("{:?}", base::Secret::new(String::from("wJalrXUtnFEMI")));
}
