//! A server on port 0, signed clients, and other things that tests share.
