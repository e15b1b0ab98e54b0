//! The condition keys that there are, in lower case. A name that ends with `/` or `:` stands for all that begin so.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>,
//! <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>,
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>

const GLOBAL: &str = "aws:assumedroot aws:calledvia aws:calledviafirst aws:calledvialast aws:chatbotsourcearn \
    aws:currenttime aws:ec2instancesourceprivateipv4 aws:ec2instancesourcevpc aws:epochtime aws:federatedprovider \
    aws:multifactorauthage aws:multifactorauthpresent aws:principalaccount aws:principalarn aws:principalisawsservice \
    aws:principalorgid aws:principalorgpaths aws:principalservicename aws:principalservicenameslist aws:principaltag/ \
    aws:principaltype aws:referer aws:requestedregion aws:requesttag/ aws:resourceaccount aws:resourceorgid \
    aws:resourceorgpaths aws:resourcetag/ aws:securetransport aws:sourceaccount aws:sourcearn aws:sourceidentity aws:sourceip \
    aws:sourceorgid aws:sourceorgpaths aws:sourcevpc aws:sourcevpcarn aws:sourcevpce aws:tagkeys aws:tokenissuetime \
    aws:useragent aws:userid aws:username aws:viaawsservice aws:vpceaccount aws:vpceorgid aws:vpceorgpaths \
    aws:vpcsourceip";

const KMS: &str = "kms:bypasspolicylockoutsafetycheck kms:calleraccount kms:customermasterkeyspec kms:customermasterkeyusage \
    kms:datakeypairspec kms:encryptionalgorithm kms:encryptioncontext: kms:encryptioncontextkeys kms:expirationmodel \
    kms:grantconstrainttype kms:granteeprincipal kms:grantisforawsresource kms:grantoperations kms:keyagreementalgorithm \
    kms:keyorigin kms:keyspec kms:keyusage kms:macalgorithm kms:messagetype kms:multiregion kms:multiregionkeytype \
    kms:primaryregion kms:recipientattestation: kms:reencryptonsamekey kms:replicaregion kms:requestalias kms:resourcealiases \
    kms:retiringprincipal kms:rotationperiodindays kms:schedulekeydeletionpendingwindowindays kms:signingalgorithm kms:validto \
    kms:viaservice kms:wrappingalgorithm kms:wrappingkeyspec";

const S3: &str = "s3:accessgrantsinstancearn s3:accessgrantscope s3:accesspointnetworkorigin s3:accesspointtag/ s3:authtype \
    s3:buckettag/ s3:dataaccesspointaccount s3:dataaccesspointarn s3:delimiter s3:existingjoboperation s3:existingjobpriority \
    s3:existingobjecttag/ s3:if-match s3:if-none-match s3:inventoryaccessibleoptionalfields s3:jobsuspendedcause \
    s3:locationconstraint s3:max-keys s3:object-lock-legal-hold s3:object-lock-mode s3:object-lock-remaining-retention-days \
    s3:object-lock-retain-until-date s3:objectcreationoperation s3:prefix s3:requestjoboperation s3:requestjobpriority \
    s3:requestobjecttag/ s3:requestobjecttagkeys s3:resourceaccount s3:signatureage s3:signatureversion s3:tlsversion \
    s3:versionid s3:x-amz-acl s3:x-amz-content-sha256 s3:x-amz-copy-source s3:x-amz-grant-full-control s3:x-amz-grant-read \
    s3:x-amz-grant-read-acp s3:x-amz-grant-write s3:x-amz-grant-write-acp s3:x-amz-metadata-directive \
    s3:x-amz-object-ownership s3:x-amz-server-side-encryption s3:x-amz-server-side-encryption-aws-kms-key-id \
    s3:x-amz-server-side-encryption-customer-algorithm s3:x-amz-storage-class s3:x-amz-website-redirect-location";

/// Keys that have several values in one call. A test of one without `ForAllValues:` or `ForAnyValue:` is not what it seems.
const MANY: [&str; 11] = [
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "aws:vpceorgpaths",
    "kms:encryptioncontextkeys",
    "kms:grantoperations",
    "kms:resourcealiases",
    "s3:requestobjecttagkeys",
];

/// Whether there is such a key; nothing where the service's keys are not known here.
pub(super) fn exists(key: &str) -> Option<bool> {
    let key = key.to_ascii_lowercase();
    let known = match key.split_once(':')?.0 {
        "aws" => GLOBAL,
        "kms" => KMS,
        "s3" => S3,
        _ => return None,
    };
    let is = |one: &str| {
        let one = one.to_ascii_lowercase();
        match one.ends_with(['/', ':']) {
            true => key.len() > one.len() && key.starts_with(&one),
            false => key == one,
        }
    };
    Some(known.split_whitespace().any(is))
}

/// Whether a key has several values in one call.
pub(super) fn has_many(key: &str) -> bool {
    MANY.contains(&key.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_none_is_known() {
        let check = |key: &str, expected: Option<bool>| assert_eq!(exists(key), expected, "{key}");
        check("aws:SourceArn", Some(true));
        check("AWS:sourcearn", Some(true));
        check("aws:SourceArm", Some(false));
        check("aws:PrincipalTag/team", Some(true));
        check("aws:PrincipalTag/", Some(false));
        check("kms:EncryptionContext:aws:cloudtrail:arn", Some(true));
        check("kms:ScheduleKeyDeletionPendingWindowInDays", Some(true));
        check("kms:EncryptionContext", Some(false));
        check("s3:x-amz-acl", Some(true));
        check("s3:ExistingObjectTag/a/b", Some(true));
        check("saml:aud", None);
        check("nothing", None);
        assert!(has_many("kms:ResourceAliases") && !has_many("aws:SourceArn"));
    }
}
