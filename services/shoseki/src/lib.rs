//! The product's own service: what AWS has no API for.
