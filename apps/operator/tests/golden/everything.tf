# The trail audit and everything it needs. To make it:
#
#   terraform init && terraform apply
#
# A remark

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

# The trail's home: credentials of another account are refused.
provider "aws" {
  region = "ap-northeast-1"
  allowed_account_ids = [
    "012345678901",
  ]
}

# Where it is made.
data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

# The key that seals the log files. Its policy is who may open them. It is not destroyed with the rest: without it
# the log files cannot be read.
resource "aws_kms_key" "trail" {
  description             = "Seals: 'everything' & $more # of it"
  enable_key_rotation     = true
  rotation_period_in_days = 180
  multi_region            = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "Enable IAM policies of the account"
        Effect = "Allow"
        Principal = {
          AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"
        }
        Action = "kms:*"
        Resource = "*"
      },
      {
        Sid = "Allow CloudTrail to encrypt log files"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Action = "kms:GenerateDataKey*"
        Resource = "*"
        Condition = {
          StringEquals = {
            "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:cloudtrail:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:trail/audit"
          }
          StringLike = {
            "kms:EncryptionContext:aws:cloudtrail:arn" = "arn:${data.aws_partition.current.partition}:cloudtrail:*:${data.aws_caller_identity.current.account_id}:trail/*"
          }
        }
      },
      {
        Sid = "Allow CloudTrail to describe the key"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Action = "kms:DescribeKey"
        Resource = "*"
        Condition = {
          StringEquals = {
            "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:cloudtrail:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:trail/audit"
          }
        }
      },
      {
        Sid = "Allow CloudTrail to make an S3 Bucket Key"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Action = "kms:GenerateDataKey*"
        Resource = "*"
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = "arn:${data.aws_partition.current.partition}:s3:::logs-${data.aws_caller_identity.current.account_id}"
            "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:cloudtrail:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:trail/audit"
          }
        }
      },
      {
        Sid = "Allow CloudTrail to use the S3 Bucket Key"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Action = "kms:Decrypt"
        Resource = "*"
        Condition = {
          StringEquals = {
            "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:cloudtrail:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:trail/audit"
          }
        }
      },
      {
        Sid = "Allow readers to decrypt log files"
        Effect = "Allow"
        Principal = {
          AWS = [
            "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:role/auditor",
          ]
        }
        Action = [
          "kms:Decrypt",
          "kms:ReEncryptFrom",
        ]
        Resource = "*"
        Condition = {
          StringLike = {
            "kms:EncryptionContext:aws:cloudtrail:arn" = "arn:${data.aws_partition.current.partition}:cloudtrail:*:${data.aws_caller_identity.current.account_id}:trail/*"
          }
        }
      },
      {
        Sid = "Allow readers to use the S3 Bucket Key"
        Effect = "Allow"
        Principal = {
          AWS = [
            "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:role/auditor",
          ]
        }
        Action = [
          "kms:Decrypt",
          "kms:ReEncryptFrom",
        ]
        Resource = "*"
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = "arn:${data.aws_partition.current.partition}:s3:::logs-${data.aws_caller_identity.current.account_id}"
          }
        }
      },
    ]
  })
  tags = {
    level = "1"
  }

  lifecycle {
    prevent_destroy = true
  }
}

# A name for the key.
resource "aws_kms_alias" "trail" {
  name          = "alias/audit"
  target_key_id = aws_kms_key.trail.key_id
}

# The bucket of the log files. It is not destroyed with the rest.
resource "aws_s3_bucket" "trail" {
  bucket = "logs-${data.aws_caller_identity.current.account_id}"
  tags = {
    no = "yes"
    owner = "sec: \"ops\" $HOME `id` \\ %%{x}"
  }

  lifecycle {
    prevent_destroy = true
  }
}

# Nobody from outside may be let in.
resource "aws_s3_bucket_public_access_block" "trail" {
  bucket                  = aws_s3_bucket.trail.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "trail" {
  bucket = aws_s3_bucket.trail.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

# What is overwritten or deleted stays as a version.
resource "aws_s3_bucket_versioning" "trail" {
  bucket = aws_s3_bucket.trail.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "trail" {
  bucket = aws_s3_bucket.trail.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.trail.arn
    }
  }
}

# How long log files are kept.
resource "aws_s3_bucket_lifecycle_configuration" "trail" {
  bucket = aws_s3_bucket.trail.id

  rule {
    id     = "end"
    status = "Enabled"

    filter {}

    expiration {
      days = 1095
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  rule {
    id     = "cold"
    status = "Disabled"

    filter {
      prefix = "old/"
    }

    transition {
      days          = 90
      storage_class = "GLACIER"
    }
  }
}

# Who reads the log files is logged in another bucket.
resource "aws_s3_bucket_logging" "trail" {
  bucket        = aws_s3_bucket.trail.id
  target_bucket = "access-logs-${data.aws_caller_identity.current.account_id}"
  target_prefix = "trail/"
}

# Only this trail may put log files into the bucket, and only at this account's place in it.
resource "aws_s3_bucket_policy" "trail" {
  bucket = aws_s3_bucket.trail.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "AWSCloudTrailAclCheck"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Action = "s3:GetBucketAcl"
        Resource = "arn:${data.aws_partition.current.partition}:s3:::${aws_s3_bucket.trail.id}"
        Condition = {
          StringEquals = {
            "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:cloudtrail:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:trail/audit"
          }
        }
      },
      {
        Sid = "AWSCloudTrailWrite"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Action = "s3:PutObject"
        Resource = "arn:${data.aws_partition.current.partition}:s3:::${aws_s3_bucket.trail.id}/a b/$(c) it's $d/AWSLogs/${data.aws_caller_identity.current.account_id}/*"
        Condition = {
          StringEquals = {
            "s3:x-amz-acl" = "bucket-owner-full-control"
            "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:cloudtrail:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:trail/audit"
          }
        }
      },
    ]
  })
  depends_on = [
    aws_s3_bucket_public_access_block.trail,
  ]
}

# The log group that events go to as well. It stays when the rest is destroyed.
resource "aws_cloudwatch_log_group" "trail" {
  name              = "/audit/${data.aws_region.current.id}"
  retention_in_days = 365
  kms_key_id        = "arn:${data.aws_partition.current.partition}:kms:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:key/x"
  skip_destroy      = true
}

# The role by which CloudTrail writes to the log group.
resource "aws_iam_role" "trail_logs" {
  name = "Audit-${data.aws_region.current.id}"
  path = "/service/"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "AWSCloudTrailAssumesRole"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Action = "sts:AssumeRole"
      },
    ]
  })
}

# All that the role may do: make CloudTrail's own streams in this group, and write to them.
resource "aws_iam_role_policy" "trail_logs" {
  name = "CloudTrailWritesLogs"
  role = aws_iam_role.trail_logs.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "AWSCloudTrailCreateLogStream"
        Effect = "Allow"
        Action = "logs:CreateLogStream"
        Resource = "arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:log-group:${aws_cloudwatch_log_group.trail.name}:log-stream:${data.aws_caller_identity.current.account_id}_CloudTrail_${data.aws_region.current.id}*"
      },
      {
        Sid = "AWSCloudTrailPutLogEvents"
        Effect = "Allow"
        Action = "logs:PutLogEvents"
        Resource = "arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:log-group:${aws_cloudwatch_log_group.trail.name}:log-stream:${data.aws_caller_identity.current.account_id}_CloudTrail_${data.aws_region.current.id}*"
      },
    ]
  })
}

# The topic that is told of each log file.
resource "aws_sns_topic" "trail" {
  name = "audit"
}

# Only this trail may publish to the topic.
resource "aws_sns_topic_policy" "trail" {
  arn = aws_sns_topic.trail.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "AWSCloudTrailPublish"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Action = "sns:Publish"
        Resource = "arn:${data.aws_partition.current.partition}:sns:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:audit"
        Condition = {
          StringEquals = {
            "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:cloudtrail:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:trail/audit"
          }
        }
      },
    ]
  })
}

# The trail. It is made last: CloudTrail tries bucket, key and role when it makes a trail.
resource "aws_cloudtrail" "trail" {
  name                          = "audit"
  enable_logging                = true
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
  s3_bucket_name                = aws_s3_bucket.trail.id
  s3_key_prefix                 = "a b/$(c) it's $d"
  kms_key_id                    = aws_kms_key.trail.arn
  cloud_watch_logs_group_arn    = "${aws_cloudwatch_log_group.trail.arn}:*"
  cloud_watch_logs_role_arn     = aws_iam_role.trail_logs.arn
  sns_topic_name                = aws_sns_topic.trail.name
  tags = {
    "日本" = "書跡"
  }
  depends_on = [
    aws_s3_bucket_policy.trail,
    aws_iam_role_policy.trail_logs,
    aws_sns_topic_policy.trail,
  ]

  event_selector {
    read_write_type           = "WriteOnly"
    include_management_events = true
    exclude_management_event_sources = [
      "kms.amazonaws.com",
    ]

    data_resource {
      type = "AWS::S3::Object"
      values = [
        "arn:${data.aws_partition.current.partition}:s3:::secret/",
      ]
    }
  }

  insight_selector {
    insight_type = "ApiCallRateInsight"
  }
}

output "trail_arn" {
  description = "The trail"
  value       = aws_cloudtrail.trail.arn
}

output "bucket_name" {
  description = "Where the log files are"
  value       = aws_s3_bucket.trail.id
}

output "key_arn" {
  description = "What seals them"
  value       = aws_kms_key.trail.arn
}
