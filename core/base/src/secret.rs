//! Values that must not be printed, stored in clear or left in memory.

use zeroize::Zeroize;

/// A secret: wiped when dropped, with neither `Debug` nor `Serialize`, read only through [`Secret::expose`], so that
/// every use can be found by that name.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes the value into custody.
    pub fn new(value: T) -> Secret<T> {
        Secret(value)
    }

    /// The value, to be used and not kept.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
