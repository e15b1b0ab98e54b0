//! Transactions, their commit with the events, and sealed blobs.
