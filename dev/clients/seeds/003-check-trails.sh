for REGION in $(aws ec2 describe-regions --query "sort(Regions[].RegionName)" --output text); do
    ENCRYPTION=$(aws cloudtrail describe-trails --region "${REGION}" --trail-name-list Members --query 'trailList[].KmsKeyId' --output text 2>/dev/null)
    if [ -n "$ENCRYPTION" ]; then
        echo "${REGION}: 有効"
    else
        echo "${REGION}: 無効"
    fi
done
