//! AWS Signature Version 4: header, presigned and streaming signatures, verified and made.
