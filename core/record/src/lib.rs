//! Event records, log files and digests: their formats, and the verification of a digest chain.
