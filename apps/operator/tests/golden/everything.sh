#!/usr/bin/env bash
# Makes the trail audit and everything it needs, by the credentials of the AWS CLI.
# A remark
set -euo pipefail

# Where it is made.
region=ap-northeast-1
export AWS_REGION="$region" AWS_DEFAULT_REGION="$region" AWS_PAGER=
caller=$(aws sts get-caller-identity --query Arn --output text)
IFS=: read -r _ partition _ _ account _ <<< "$caller"
if [ "$account" != 012345678901 ]; then
  echo "these are credentials of $account, not of" 012345678901 >&2
  exit 1
fi
bucket="logs-${account}"
log_group="/audit/${region}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Nothing that is there already is taken over, and what is there is known before anything is made.
taken=
absent() {
  local what=$1 error=$2 said
  shift 2
  if said=$("$@" 2>&1); then
    echo "$what ${*: -1} is there already" >&2
    taken=yes
  elif [[ $said != *"($error)"* ]]; then
    echo "it cannot be told whether $what ${*: -1} is there already: $said" >&2
    taken=yes
  fi
}
absent 'the trail' TrailNotFoundException aws cloudtrail get-trail --name audit
absent 'the key' NotFoundException aws kms describe-key --key-id alias/audit
absent 'the bucket' 404 aws s3api head-bucket --bucket "$bucket"
absent 'the log group' ResourceNotFoundException aws logs describe-log-streams --max-items 1 --log-group-name "$log_group"
absent 'the role' NoSuchEntity aws iam get-role --role-name "Audit-${region}"
absent 'the topic' NotFound aws sns get-topic-attributes --topic-arn "arn:${partition}:sns:${region}:${account}:audit"
if [ -n "$taken" ]; then
  echo "nothing was made: give other names, or take away what an earlier run has left" >&2
  exit 1
fi

# The key that seals the log files. Its policy is who may open them.
cat > "$work/key-policy.json" <<JSON
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Enable IAM policies of the account",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:${partition}:iam::${account}:root"
      },
      "Action": "kms:*",
      "Resource": "*"
    },
    {
      "Sid": "Allow CloudTrail to encrypt log files",
      "Effect": "Allow",
      "Principal": {
        "Service": "cloudtrail.amazonaws.com"
      },
      "Action": "kms:GenerateDataKey*",
      "Resource": "*",
      "Condition": {
        "StringEquals": {
          "aws:SourceArn": "arn:${partition}:cloudtrail:${region}:${account}:trail/audit"
        },
        "StringLike": {
          "kms:EncryptionContext:aws:cloudtrail:arn": "arn:${partition}:cloudtrail:*:${account}:trail/*"
        }
      }
    },
    {
      "Sid": "Allow CloudTrail to describe the key",
      "Effect": "Allow",
      "Principal": {
        "Service": "cloudtrail.amazonaws.com"
      },
      "Action": "kms:DescribeKey",
      "Resource": "*",
      "Condition": {
        "StringEquals": {
          "aws:SourceArn": "arn:${partition}:cloudtrail:${region}:${account}:trail/audit"
        }
      }
    },
    {
      "Sid": "Allow CloudTrail to make an S3 Bucket Key",
      "Effect": "Allow",
      "Principal": {
        "Service": "cloudtrail.amazonaws.com"
      },
      "Action": "kms:GenerateDataKey*",
      "Resource": "*",
      "Condition": {
        "StringEquals": {
          "kms:EncryptionContext:aws:s3:arn": "arn:${partition}:s3:::logs-${account}",
          "aws:SourceArn": "arn:${partition}:cloudtrail:${region}:${account}:trail/audit"
        }
      }
    },
    {
      "Sid": "Allow CloudTrail to use the S3 Bucket Key",
      "Effect": "Allow",
      "Principal": {
        "Service": "cloudtrail.amazonaws.com"
      },
      "Action": "kms:Decrypt",
      "Resource": "*",
      "Condition": {
        "StringEquals": {
          "aws:SourceArn": "arn:${partition}:cloudtrail:${region}:${account}:trail/audit"
        }
      }
    },
    {
      "Sid": "Allow readers to decrypt log files",
      "Effect": "Allow",
      "Principal": {
        "AWS": [
          "arn:${partition}:iam::${account}:role/auditor"
        ]
      },
      "Action": [
        "kms:Decrypt",
        "kms:ReEncryptFrom"
      ],
      "Resource": "*",
      "Condition": {
        "StringLike": {
          "kms:EncryptionContext:aws:cloudtrail:arn": "arn:${partition}:cloudtrail:*:${account}:trail/*"
        }
      }
    },
    {
      "Sid": "Allow readers to use the S3 Bucket Key",
      "Effect": "Allow",
      "Principal": {
        "AWS": [
          "arn:${partition}:iam::${account}:role/auditor"
        ]
      },
      "Action": [
        "kms:Decrypt",
        "kms:ReEncryptFrom"
      ],
      "Resource": "*",
      "Condition": {
        "StringEquals": {
          "kms:EncryptionContext:aws:s3:arn": "arn:${partition}:s3:::logs-${account}"
        }
      }
    }
  ]
}
JSON
cat > "$work/key-tags.json" <<JSON
[
  {
    "TagKey": "level",
    "TagValue": "1"
  }
]
JSON
key=$(aws kms create-key \
  --policy "file://$work/key-policy.json" \
  --description='Seals: '\''everything'\'' & $more # of it' \
  --multi-region \
  --tags "file://$work/key-tags.json" --query KeyMetadata.Arn --output text)
aws kms enable-key-rotation --key-id "$key" --rotation-period-in-days 180 > /dev/null
aws kms create-alias --alias-name alias/audit --target-key-id "$key" > /dev/null

# The bucket of the log files.
location=(--create-bucket-configuration "LocationConstraint=$region")
if [ "$region" = us-east-1 ]; then location=(); fi
aws s3api create-bucket \
  --bucket "$bucket" \
  --object-ownership BucketOwnerEnforced \
  ${location[@]+"${location[@]}"} > /dev/null
aws s3api put-public-access-block \
  --bucket "$bucket" \
  --public-access-block-configuration BlockPublicAcls=true,BlockPublicPolicy=true,IgnorePublicAcls=true,RestrictPublicBuckets=true > /dev/null
aws s3api put-bucket-versioning --bucket "$bucket" --versioning-configuration Status=Enabled > /dev/null
cat > "$work/encryption.json" <<JSON
{
  "Rules": [
    {
      "ApplyServerSideEncryptionByDefault": {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": "${key}"
      },
      "BucketKeyEnabled": true
    }
  ]
}
JSON
aws s3api put-bucket-encryption \
  --bucket "$bucket" \
  --server-side-encryption-configuration "file://$work/encryption.json" > /dev/null
cat > "$work/lifecycle.json" <<JSON
{
  "Rules": [
    {
      "Status": "Enabled",
      "Filter": {},
      "ID": "end",
      "Expiration": {
        "Days": 1095
      },
      "NoncurrentVersionExpiration": {
        "NoncurrentDays": 1
      },
      "AbortIncompleteMultipartUpload": {
        "DaysAfterInitiation": 7
      }
    },
    {
      "Status": "Disabled",
      "Filter": {
        "Prefix": "old/"
      },
      "ID": "cold",
      "Transitions": [
        {
          "Days": 90,
          "StorageClass": "GLACIER"
        }
      ]
    }
  ]
}
JSON
aws s3api put-bucket-lifecycle-configuration \
  --bucket "$bucket" \
  --lifecycle-configuration "file://$work/lifecycle.json" > /dev/null
cat > "$work/logging.json" <<JSON
{
  "LoggingEnabled": {
    "TargetBucket": "access-logs-${account}",
    "TargetPrefix": "trail/"
  }
}
JSON
aws s3api put-bucket-logging --bucket "$bucket" --bucket-logging-status "file://$work/logging.json" > /dev/null
cat > "$work/bucket-tags.json" <<JSON
{
  "TagSet": [
    {
      "Key": "no",
      "Value": "yes"
    },
    {
      "Key": "owner",
      "Value": "sec: \\"ops\\" \$HOME \`id\` \\\\ %{x}"
    }
  ]
}
JSON
aws s3api put-bucket-tagging --bucket "$bucket" --tagging "file://$work/bucket-tags.json" > /dev/null

# Only this trail may put log files into the bucket, and only at this account's place in it.
cat > "$work/bucket-policy.json" <<JSON
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "AWSCloudTrailAclCheck",
      "Effect": "Allow",
      "Principal": {
        "Service": "cloudtrail.amazonaws.com"
      },
      "Action": "s3:GetBucketAcl",
      "Resource": "arn:${partition}:s3:::${bucket}",
      "Condition": {
        "StringEquals": {
          "aws:SourceArn": "arn:${partition}:cloudtrail:${region}:${account}:trail/audit"
        }
      }
    },
    {
      "Sid": "AWSCloudTrailWrite",
      "Effect": "Allow",
      "Principal": {
        "Service": "cloudtrail.amazonaws.com"
      },
      "Action": "s3:PutObject",
      "Resource": "arn:${partition}:s3:::${bucket}/a b/\$(c) it's \$d/AWSLogs/${account}/*",
      "Condition": {
        "StringEquals": {
          "s3:x-amz-acl": "bucket-owner-full-control",
          "aws:SourceArn": "arn:${partition}:cloudtrail:${region}:${account}:trail/audit"
        }
      }
    }
  ]
}
JSON
aws s3api put-bucket-policy --bucket "$bucket" --policy "file://$work/bucket-policy.json" > /dev/null

# The log group that events go to as well.
aws logs create-log-group \
  --log-group-name "$log_group" \
  --kms-key-id "arn:${partition}:kms:${region}:${account}:key/x" > /dev/null
aws logs put-retention-policy --log-group-name "$log_group" --retention-in-days 365 > /dev/null

# The role by which CloudTrail writes to it: make its own streams, and write to them.
cat > "$work/role-trust.json" <<JSON
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "AWSCloudTrailAssumesRole",
      "Effect": "Allow",
      "Principal": {
        "Service": "cloudtrail.amazonaws.com"
      },
      "Action": "sts:AssumeRole"
    }
  ]
}
JSON
logs_role=$(aws iam create-role \
  --role-name "Audit-${region}" \
  --assume-role-policy-document "file://$work/role-trust.json" \
  --path /service/ --query Role.Arn --output text)
cat > "$work/role-policy.json" <<JSON
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "AWSCloudTrailCreateLogStream",
      "Effect": "Allow",
      "Action": "logs:CreateLogStream",
      "Resource": "arn:${partition}:logs:${region}:${account}:log-group:${log_group}:log-stream:${account}_CloudTrail_${region}*"
    },
    {
      "Sid": "AWSCloudTrailPutLogEvents",
      "Effect": "Allow",
      "Action": "logs:PutLogEvents",
      "Resource": "arn:${partition}:logs:${region}:${account}:log-group:${log_group}:log-stream:${account}_CloudTrail_${region}*"
    }
  ]
}
JSON
aws iam put-role-policy \
  --role-name "Audit-${region}" \
  --policy-name CloudTrailWritesLogs \
  --policy-document "file://$work/role-policy.json" > /dev/null

# The topic that is told of each log file. Only this trail may publish to it.
topic=$(aws sns create-topic --name audit --query TopicArn --output text)
cat > "$work/topic-policy.json" <<JSON
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "AWSCloudTrailPublish",
      "Effect": "Allow",
      "Principal": {
        "Service": "cloudtrail.amazonaws.com"
      },
      "Action": "sns:Publish",
      "Resource": "arn:${partition}:sns:${region}:${account}:audit",
      "Condition": {
        "StringEquals": {
          "aws:SourceArn": "arn:${partition}:cloudtrail:${region}:${account}:trail/audit"
        }
      }
    }
  ]
}
JSON
aws sns set-topic-attributes \
  --topic-arn "$topic" \
  --attribute-name Policy \
  --attribute-value "file://$work/topic-policy.json" > /dev/null

# The trail. CloudTrail tries bucket, key and role when it makes a trail.
cat > "$work/trail-tags.json" <<JSON
[
  {
    "Key": "日本",
    "Value": "書跡"
  }
]
JSON
# A role can be used some seconds after it was made.
again() {
  for pause in 3 5 10 10; do
    "$@" && return
    sleep "$pause"
  done
  "$@"
}
again aws cloudtrail create-trail \
  --name audit \
  --s3-bucket-name "$bucket" \
  --is-multi-region-trail \
  --include-global-service-events \
  --enable-log-file-validation \
  --s3-key-prefix='a b/$(c) it'\''s $d' \
  --kms-key-id "$key" \
  --cloud-watch-logs-log-group-arn "arn:${partition}:logs:${region}:${account}:log-group:/audit/${region}:*" \
  --cloud-watch-logs-role-arn "$logs_role" \
  --sns-topic-name "$topic" \
  --tags-list "file://$work/trail-tags.json" > /dev/null

# Which events it records.
cat > "$work/event-selectors.json" <<JSON
[
  {
    "DataResources": [
      {
        "Type": "AWS::S3::Object",
        "Values": [
          "arn:${partition}:s3:::secret/"
        ]
      }
    ],
    "ExcludeManagementEventSources": [
      "kms.amazonaws.com"
    ],
    "IncludeManagementEvents": true,
    "ReadWriteType": "WriteOnly"
  }
]
JSON
aws cloudtrail put-event-selectors --trail-name audit --event-selectors "file://$work/event-selectors.json" > /dev/null

# Which events it records.
cat > "$work/insight-selectors.json" <<JSON
[
  {
    "InsightType": "ApiCallRateInsight"
  }
]
JSON
aws cloudtrail put-insight-selectors \
  --trail-name audit \
  --insight-selectors "file://$work/insight-selectors.json" > /dev/null
aws cloudtrail start-logging --name audit > /dev/null
echo audit "is made: its log files go to $bucket"
