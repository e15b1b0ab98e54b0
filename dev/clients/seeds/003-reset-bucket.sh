aws s3api put-bucket-encryption \
    --bucket cm-members-cloudtrail-123456789012 \
    --server-side-encryption-configuration '{"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}' --region ap-northeast-1
