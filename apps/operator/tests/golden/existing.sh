#!/usr/bin/env bash
# Makes the trail audit and everything it needs, by the credentials of the AWS CLI.
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
bucket=there
log_group=there
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
if [ -n "$taken" ]; then
  echo "nothing was made: give other names, or take away what an earlier run has left" >&2
  exit 1
fi

# The key that seals the log files is there already.
key=arn:aws:kms:us-east-1:012345678901:key/x

# The role by which CloudTrail writes to it is there already.
logs_role=arn:aws:iam::012345678901:role/there

# The topic that is told of each log file is there already.
topic=arn:aws:sns:us-east-1:012345678901:there

# The trail. CloudTrail tries bucket, key and role when it makes a trail.
aws cloudtrail create-trail \
  --name audit \
  --s3-bucket-name "$bucket" \
  --no-is-multi-region-trail \
  --no-include-global-service-events \
  --no-enable-log-file-validation \
  --kms-key-id "$key" \
  --cloud-watch-logs-log-group-arn "arn:${partition}:logs:${region}:${account}:log-group:there:*" \
  --cloud-watch-logs-role-arn "$logs_role" \
  --sns-topic-name "$topic" > /dev/null

# Which events it records.
cat > "$work/advanced-event-selectors.json" <<JSON
[
  {
    "FieldSelectors": [
      {
        "Equals": [
          "Management"
        ],
        "Field": "eventCategory"
      },
      {
        "Field": "readOnly",
        "NotEquals": [
          "true"
        ]
      }
    ],
    "Name": "writes"
  }
]
JSON
aws cloudtrail put-event-selectors \
  --trail-name audit \
  --advanced-event-selectors "file://$work/advanced-event-selectors.json" > /dev/null
echo audit "is made: its log files go to $bucket"
