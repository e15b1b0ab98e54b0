"""Stacks of resources that tests write as dictionaries, through boto3."""

import json
import time

WAIT_SECONDS = 30
NAMED = ["CAPABILITY_NAMED_IAM"]


def get(logical_id, attribute):
    return {"Fn::GetAtt": [logical_id, attribute]}


def ref(logical_id):
    return {"Ref": logical_id}


def template(resources, **outputs):
    """A template of these resources and, if any are given, outputs."""
    document = {"Resources": resources}
    if outputs:
        document["Outputs"] = {name: {"Value": value} for name, value in outputs.items()}
    return json.dumps(document)


def resource(kind, depends_on=None, **properties):
    made = {"Type": kind, "Properties": properties}
    return made | ({"DependsOn": depends_on} if depends_on else {})


class Stack:
    """A stack of one name, as one caller sees it."""

    def __init__(self, server, name="stack", who=None, region=None):
        self.server, self.name = server, name
        self.client = server.client("cloudformation", region, who=who)

    def create(self, resources, **more):
        body = resources if isinstance(resources, str) else template(resources)
        answer = self.client.create_stack(StackName=self.name, TemplateBody=body, Capabilities=NAMED, **more)
        self.name = answer["StackId"]
        return self.settle()

    def update(self, resources, **more):
        body = resources if isinstance(resources, str) else template(resources)
        self.client.update_stack(StackName=self.name, TemplateBody=body, Capabilities=NAMED, **more)
        return self.settle()

    def delete(self):
        # By its name a stack that is gone is not told.
        self.name = self.describe()["StackId"]
        self.client.delete_stack(StackName=self.name)
        return self.settle()

    def describe(self):
        return self.client.describe_stacks(StackName=self.name)["Stacks"][0]

    def settle(self):
        """The stack's status once nothing is in progress."""
        end = time.monotonic() + WAIT_SECONDS
        while (status := self.describe()["StackStatus"]).endswith("IN_PROGRESS"):
            assert time.monotonic() < end, f"still {status}: {self.reasons()}"
        return status

    def events(self):
        """Newest first."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=self.name)
        return [event for page in pages for event in page["StackEvents"]]

    def reasons(self, status="FAILED"):
        """Why resources failed: the reason of each by its logical id, the newest one."""
        told = {}
        for event in self.events():
            if event["ResourceStatus"].endswith(status) and "ResourceStatusReason" in event:
                told.setdefault(event["LogicalResourceId"], event["ResourceStatusReason"])
        return told

    def outputs(self):
        return {one["OutputKey"]: one["OutputValue"] for one in self.describe().get("Outputs", [])}

    def ids(self):
        """The physical id of each resource by its logical one."""
        told = self.client.describe_stack_resources(StackName=self.name)["StackResources"]
        return {one["LogicalResourceId"]: one.get("PhysicalResourceId") for one in told}

    def drift(self):
        """What is not as the template has it: the logical id, the status and the differences of each resource that was checked."""
        token = self.client.detect_stack_drift(StackName=self.name)["StackDriftDetectionId"]
        end = time.monotonic() + WAIT_SECONDS
        while True:
            told = self.client.describe_stack_drift_detection_status(StackDriftDetectionId=token)
            if told["DetectionStatus"] != "DETECTION_IN_PROGRESS":
                break
            assert time.monotonic() < end, told
        assert told["DetectionStatus"] == "DETECTION_COMPLETE", told
        found = self.client.describe_stack_resource_drifts(StackName=self.name)["StackResourceDrifts"]
        return {
            one["LogicalResourceId"]: (
                one["StackResourceDriftStatus"],
                [(each["PropertyPath"], each["DifferenceType"]) for each in one.get("PropertyDifferences", [])],
            )
            for one in found
        }

    def is_in_sync(self):
        """Whether everything that was checked is as the template has it."""
        drift = self.drift()
        return bool(drift) and all(told == ("IN_SYNC", []) for told in drift.values())
