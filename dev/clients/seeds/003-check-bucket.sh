ENCRYPTION_TYPE=$(aws s3api get-bucket-encryption \
    --bucket cm-members-cloudtrail-123456789012 \
    --region ap-northeast-1 --query 'ServerSideEncryptionConfiguration.Rules[].ApplyServerSideEncryptionByDefault.SSEAlgorithm' --output text)
if [ ${ENCRYPTION_TYPE} == "aws:kms" ]; then
    echo "SSE-KMS is enabled"
elif [ ${ENCRYPTION_TYPE} == "AES256" ]; then
    echo "SSE-S3 is enabled"
else
    echo "Default encryption is not set"
fi
