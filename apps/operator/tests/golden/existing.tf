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

# Where it is made.
data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

# The trail. It is made last: CloudTrail tries bucket, key and role when it makes a trail.
resource "aws_cloudtrail" "trail" {
  name                          = "audit"
  enable_logging                = false
  is_multi_region_trail         = false
  include_global_service_events = false
  enable_log_file_validation    = false
  s3_bucket_name                = "there"
  kms_key_id                    = "arn:aws:kms:us-east-1:012345678901:key/x"
  cloud_watch_logs_group_arn    = "arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:log-group:there:*"
  cloud_watch_logs_role_arn     = "arn:aws:iam::012345678901:role/there"
  sns_topic_name                = "arn:aws:sns:us-east-1:012345678901:there"

  advanced_event_selector {
    name = "writes"

    field_selector {
      field = "eventCategory"
      equals = [
        "Management",
      ]
    }

    field_selector {
      field = "readOnly"
      not_equals = [
        "true",
      ]
    }
  }
}

output "trail_arn" {
  description = "The trail"
  value       = aws_cloudtrail.trail.arn
}

output "bucket_name" {
  description = "Where the log files are"
  value       = "there"
}

output "key_arn" {
  description = "What seals them"
  value       = "arn:aws:kms:us-east-1:012345678901:key/x"
}
