#!/usr/bin/env bash
# Makes the trail trail and everything it needs, by the credentials of the AWS CLI.
# A remark
set -euo pipefail

# Where it is made.
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}
if [ -z "$region" ]; then
  echo "no Region is set: set AWS_REGION, or say 'aws configure set region REGION'" >&2
  exit 1
fi
export AWS_REGION="$region" AWS_DEFAULT_REGION="$region" AWS_PAGER=
caller=$(aws sts get-caller-identity --query Arn --output text)
IFS=: read -r _ partition _ _ account _ <<< "$caller"
bucket="cloudtrail-${account}-${region}"
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
absent 'the trail' TrailNotFoundException aws cloudtrail get-trail --name trail
absent 'the key' NotFoundException aws kms describe-key --key-id alias/cloudtrail
absent 'the bucket' 404 aws s3api head-bucket --bucket "$bucket"
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
          "aws:SourceArn": "arn:${partition}:cloudtrail:${region}:${account}:trail/trail"
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
          "aws:SourceArn": "arn:${partition}:cloudtrail:${region}:${account}:trail/trail"
        }
      }
    }
  ]
}
JSON
key=$(aws kms create-key --policy "file://$work/key-policy.json" --description='Seals CloudTrail log files' --query KeyMetadata.Arn --output text)
aws kms enable-key-rotation --key-id "$key" > /dev/null
aws kms create-alias --alias-name alias/cloudtrail --target-key-id "$key" > /dev/null

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
        "SSEAlgorithm": "AES256"
      }
    }
  ]
}
JSON
aws s3api put-bucket-encryption \
  --bucket "$bucket" \
  --server-side-encryption-configuration "file://$work/encryption.json" > /dev/null

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
          "aws:SourceArn": "arn:${partition}:cloudtrail:${region}:${account}:trail/trail"
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
      "Resource": "arn:${partition}:s3:::${bucket}/AWSLogs/${account}/*",
      "Condition": {
        "StringEquals": {
          "s3:x-amz-acl": "bucket-owner-full-control",
          "aws:SourceArn": "arn:${partition}:cloudtrail:${region}:${account}:trail/trail"
        }
      }
    }
  ]
}
JSON
aws s3api put-bucket-policy --bucket "$bucket" --policy "file://$work/bucket-policy.json" > /dev/null

# The trail. CloudTrail tries bucket, key and role when it makes a trail.
aws cloudtrail create-trail \
  --name trail \
  --s3-bucket-name "$bucket" \
  --is-multi-region-trail \
  --include-global-service-events \
  --enable-log-file-validation \
  --kms-key-id "$key" > /dev/null
aws cloudtrail start-logging --name trail > /dev/null
echo trail "is made: its log files go to $bucket"
