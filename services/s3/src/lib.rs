//! Amazon S3: buckets and sealed objects.
