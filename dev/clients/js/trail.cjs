// An app of the CDK with one stack: a sealed trail, as the construct library makes it.
const { App, LegacyStackSynthesizer, RemovalPolicy, Stack } = require("aws-cdk-lib");
const { Trail } = require("aws-cdk-lib/aws-cloudtrail");
const { ServicePrincipal } = require("aws-cdk-lib/aws-iam");
const { Key } = require("aws-cdk-lib/aws-kms");
const { RetentionDays } = require("aws-cdk-lib/aws-logs");
const { Bucket } = require("aws-cdk-lib/aws-s3");

const app = new App({ analyticsReporting: false });
const stack = new Stack(app, "Audit", {
  env: { account: process.env.TRAIL_ACCOUNT, region: process.env.AWS_REGION },
  synthesizer: new LegacyStackSynthesizer(),
});
const key = new Key(stack, "Key", { alias: "audit", enableKeyRotation: true, removalPolicy: RemovalPolicy.DESTROY });
key.grant(new ServicePrincipal("cloudtrail.amazonaws.com"), "kms:GenerateDataKey*", "kms:DescribeKey");
const bucket = new Bucket(stack, "Logs", { bucketName: "audit-logs", versioned: true, removalPolicy: RemovalPolicy.DESTROY });
new Trail(stack, "Trail", {
  trailName: "audit",
  bucket,
  encryptionKey: key,
  isMultiRegionTrail: process.env.TRAIL_IN_ALL_REGIONS === "yes",
  sendToCloudWatchLogs: true,
  cloudWatchLogsRetention: RetentionDays.THREE_MONTHS,
});
app.synth();
