"""Every operation of AWS's CloudTrail is served or refused by name; tags, Insights and event configurations of trails."""

import pytest
from harness import ACCOUNT, allow, bucket_policy, make_bucket, refused

pytestmark = pytest.mark.serve("--rehearsal")
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"
TARGET = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"


@pytest.fixture
def bucket(server):
    bucket = make_bucket(server, "audit-logs")
    server.client("s3").put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket))
    return bucket


@pytest.fixture
def cloudtrail(server):
    return server.client("cloudtrail")


def test_every_operation_is_served_or_refused_by_name(server, cloudtrail):
    served, refusals = set(), set()
    for operation in cloudtrail.meta.service_model.operation_names:
        answer = server.json_call("cloudtrail", f"{TARGET}.{operation}", b"{}")
        code = "ok" if answer.status == 200 else answer.code
        if code == "UnsupportedOperationException":
            assert answer.json["Message"] == f"The operation {operation} is not implemented."
            assert answer.status == 400
            refusals.add(operation)
        else:
            assert code not in ("UnknownOperationException", "InternalFailure", "InternalError"), operation
            served.add(operation)
    assert "CreateEventDataStore" in refusals and "StartQuery" in refusals and "CreateDashboard" in refusals
    assert {"CreateTrail", "PutEventSelectors", "AddTags", "GetInsightSelectors"} <= served
    answer = server.json_call("cloudtrail", f"{TARGET}.MakeTea", b"{}")
    assert answer.code == "UnknownOperationException"


def tags_of(cloudtrail, *arns):
    listed = cloudtrail.list_tags(ResourceIdList=list(arns))["ResourceTagList"]
    return {one["ResourceId"]: one["TagsList"] for one in listed}


def test_tags_are_given_changed_listed_and_taken(server, cloudtrail, bucket):
    first = {"Key": "stage", "Value": "prod"}
    cloudtrail.create_trail(Name="audit", S3BucketName=bucket, TagsList=[first, {"Key": "bare"}], IsMultiRegionTrail=True)
    assert tags_of(cloudtrail, ARN) == {ARN: [first, {"Key": "bare"}]}
    changed = [{"Key": "stage", "Value": "test"}, {"Key": "owner", "Value": "audit team"}]
    assert cloudtrail.add_tags(ResourceId=ARN, TagsList=changed)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert tags_of(cloudtrail, ARN)[ARN] == [changed[0], {"Key": "bare"}, changed[1]]
    cloudtrail.remove_tags(ResourceId=ARN, TagsList=[{"Key": "bare"}, {"Key": "owner", "Value": "x"}, {"Key": "none"}])
    assert tags_of(cloudtrail, ARN)[ARN] == [changed[0]]

    away = server.client("cloudtrail", "eu-west-1")
    assert tags_of(away, ARN)[ARN] == [changed[0]]
    for call in (away.add_tags, away.remove_tags):
        with refused("InvalidHomeRegionException", status=400):
            call(ResourceId=ARN, TagsList=[first])
    for wrong in (
        [{"Key": "aws:stage", "Value": "x"}],
        [first, first],
        [{"Key": "stage", "Value": "<x>"}],
        [{"Key": "k" * 129, "Value": "x"}],
    ):
        with refused("InvalidTagParameterException", status=400):
            cloudtrail.add_tags(ResourceId=ARN, TagsList=wrong)
        with refused("InvalidTagParameterException", status=400):
            cloudtrail.create_trail(Name="other", S3BucketName=bucket, TagsList=wrong)
    many = [{"Key": f"key {number}", "Value": "v"} for number in range(50)]
    with refused("TagsLimitExceededException", status=400):
        cloudtrail.add_tags(ResourceId=ARN, TagsList=many)
    cloudtrail.add_tags(ResourceId=ARN, TagsList=many[:49])
    assert len(tags_of(cloudtrail, ARN)[ARN]) == 50

    for wrong, code in (
        ("audit", "CloudTrailARNInvalidException"),
        ("arn:aws:s3:::bucket", "CloudTrailARNInvalidException"),
        (ARN + "s", "ResourceNotFoundException"),
        (f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/x", "ResourceTypeNotSupportedException"),
    ):
        with refused(code, status=400):
            cloudtrail.add_tags(ResourceId=wrong, TagsList=[first])
        with refused(code, status=400):
            cloudtrail.list_tags(ResourceIdList=[wrong])
    with refused("InvalidParameterException", status=400):
        cloudtrail.list_tags(ResourceIdList=[ARN] * 21)
    with refused("InvalidTokenException", status=400):
        cloudtrail.list_tags(ResourceIdList=[ARN], NextToken="x")


def test_tags_are_demanded_and_seen_by_conditions(server, bucket):
    only = {"StringEquals": {"aws:RequestTag/stage": "prod"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["stage"]}}
    limited = server.user(
        "limited", allow("cloudtrail:CreateTrail"), allow("cloudtrail:AddTags", Condition=only)
    )
    cloudtrail = server.client("cloudtrail", who=limited)
    for wrong in ([{"Key": "stage", "Value": "test"}], [{"Key": "stage", "Value": "prod"}, {"Key": "more"}]):
        with refused("AccessDeniedException"):
            cloudtrail.create_trail(Name="audit", S3BucketName=bucket, TagsList=wrong)
    cloudtrail.create_trail(Name="audit", S3BucketName=bucket, TagsList=[{"Key": "stage", "Value": "prod"}])
    with refused("AccessDeniedException"):
        cloudtrail.add_tags(ResourceId=ARN, TagsList=[{"Key": "stage", "Value": "test"}])
    cloudtrail.add_tags(ResourceId=ARN, TagsList=[{"Key": "stage", "Value": "prod"}])


def test_a_shadow_answers_by_its_arn_and_not_by_its_name(server, cloudtrail, bucket):
    cloudtrail.create_trail(Name="audit", S3BucketName=bucket, IsMultiRegionTrail=True)
    away = server.client("cloudtrail", "eu-west-1")
    text = f"Unknown trail: arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/audit for the user: {ACCOUNT}"
    for call, name in (
        (away.get_trail, "Name"),
        (away.get_trail_status, "Name"),
        (away.get_event_selectors, "TrailName"),
        (away.get_event_configuration, "TrailName"),
    ):
        with refused("TrailNotFoundException", text, 400):
            call(**{name: "audit"})
        call(**{name: ARN})
    assert away.get_trail(Name=ARN)["Trail"]["HomeRegion"] == "us-east-1"
    assert [one["Name"] for one in away.describe_trails(trailNameList=["audit"])["trailList"]] == ["audit"]
    with refused("InvalidHomeRegionException"):
        away.put_event_selectors(TrailName=ARN, EventSelectors=[{"ReadWriteType": "All"}])


def test_insights_are_off_and_stay_off(cloudtrail, bucket):
    cloudtrail.create_trail(Name="audit", S3BucketName=bucket)
    text = (
        f"Trail {ARN} does not have Insights enabled. Edit the trail settings to enable Insights, and then try the "
        "operation again."
    )
    with refused("InsightNotEnabledException", text, 400):
        cloudtrail.get_insight_selectors(TrailName="audit")
    put = cloudtrail.put_insight_selectors(TrailName="audit", InsightSelectors=[])
    assert (put["TrailARN"], put["InsightSelectors"]) == (ARN, [])
    with refused("UnsupportedOperationException", "InsightSelectors is not implemented by this server.", 400):
        cloudtrail.put_insight_selectors(TrailName="audit", InsightSelectors=[{"InsightType": "ApiCallRateInsight"}])
    with refused("InvalidInsightSelectorsException", status=400):
        cloudtrail.put_insight_selectors(TrailName="audit", InsightSelectors=[{"InsightType": "Nothing"}])
    with refused("UnsupportedOperationException", "EventDataStore is not implemented by this server.", 400):
        cloudtrail.get_insight_selectors(EventDataStore="store")
    with refused("InvalidParameterCombinationException", status=400):
        cloudtrail.get_insight_selectors()
    with refused("TrailNotFoundException", status=400):
        cloudtrail.get_insight_selectors(TrailName="nothing")
    assert cloudtrail.get_trail(Name="audit")["Trail"]["HasInsightSelectors"] is False


def test_a_trail_sums_nothing_up(cloudtrail, bucket):
    cloudtrail.create_trail(Name="audit", S3BucketName=bucket)
    got = cloudtrail.get_event_configuration(TrailName="audit")
    assert (got["TrailARN"], got["AggregationConfigurations"]) == (ARN, [])
    put = cloudtrail.put_event_configuration(TrailName="audit", AggregationConfigurations=[])
    assert put["AggregationConfigurations"] == []
    wanted = [{"Templates": ["API_ACTIVITY"], "EventCategory": "Data"}]
    with refused("UnsupportedOperationException", "AggregationConfigurations is not implemented by this server.", 400):
        cloudtrail.put_event_configuration(TrailName="audit", AggregationConfigurations=wanted)
    with refused("InvalidParameterCombinationException", status=400):
        cloudtrail.put_event_configuration(TrailName="audit", MaxEventSize="Large")


def test_organization_trails_are_refused_by_name(cloudtrail, bucket):
    text = "IsOrganizationTrail is not implemented by this server."
    with refused("UnsupportedOperationException", text, 400):
        cloudtrail.create_trail(Name="audit", S3BucketName=bucket, IsOrganizationTrail=True)
    cloudtrail.create_trail(Name="audit", S3BucketName=bucket)
    with refused("UnsupportedOperationException", text, 400):
        cloudtrail.update_trail(Name="audit", IsOrganizationTrail=True)


def test_an_update_changes_what_is_given_and_clears_what_is_empty(server, cloudtrail, bucket):
    server.client("s3").put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket, "pre"))
    cloudtrail.create_trail(Name="audit", S3BucketName=bucket, S3KeyPrefix="pre", EnableLogFileValidation=True)
    updated = cloudtrail.update_trail(Name="audit", IncludeGlobalServiceEvents=False)
    assert updated["S3KeyPrefix"] == "pre" and updated["LogFileValidationEnabled"] is True
    assert updated["IncludeGlobalServiceEvents"] is False
    with refused("InsufficientS3BucketPolicyException"):
        cloudtrail.update_trail(Name="audit", S3KeyPrefix="")
    server.client("s3").put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket))
    assert "S3KeyPrefix" not in cloudtrail.update_trail(Name="audit", S3KeyPrefix="")
    assert "S3KeyPrefix" not in cloudtrail.get_trail(Name="audit")["Trail"]
    # The shadow trails of one Region count, and DescribeTrails tells all five.
    away = server.client("cloudtrail", "eu-west-1")
    for number in range(4):
        away.create_trail(Name=f"trail-{number}", S3BucketName=bucket, IsMultiRegionTrail=number % 2 == 0)
    assert len(cloudtrail.describe_trails()["trailList"]) == 3
    assert len(cloudtrail.describe_trails(includeShadowTrails=False)["trailList"]) == 1
    assert len(away.describe_trails()["trailList"]) == 4
    pages = cloudtrail.get_paginator("list_trails").paginate()
    assert sorted(one["Name"] for page in pages for one in page["Trails"]) == ["audit", *(f"trail-{n}" for n in range(4))]
    cloudtrail.update_trail(Name="audit", IncludeGlobalServiceEvents=True, IsMultiRegionTrail=True)
    with refused("MaximumNumberOfTrailsExceededException", f"User: {ACCOUNT} already has 5 trails in eu-west-1.", 400):
        away.create_trail(Name="sixth", S3BucketName=bucket)
