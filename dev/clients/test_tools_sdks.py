"""The SDKs of other languages: a program in each goes through what its users do, and fails at what it does not find."""

import os

import pytest
from tools import NODE_MODULES

STEPS = ["objects", "listing", "multipart", "presign", "conditional", "kms", "signatures"]
KEYS = ["large", *(f"list/{number:02}" for number in range(25)), "once", "by url/ü"]


def tour(place, program, *arguments):
    """Every step must be printed: a program that ends early and well has not done its work."""
    environment = {
        "TOUR_BUCKET": place.bucket,
        "TOUR_ENCRYPTION": place.way.encryption,
        "TOUR_VIRTUAL": "yes" if place.way.virtual else "",
        "TOUR_CA": place.ca or "",
        "AWS_REGION": "us-east-1",
        "NODE_PATH": str(NODE_MODULES),
    }
    done = place.run(program, *arguments, *STEPS, environment=environment)
    assert done.stdout.split() == STEPS, done.stdout + done.stderr
    assert sorted(place.keys()) == sorted(KEYS)
    place.check_sealed()
    if place.proxy:
        # These programs have resolvers of their own.
        place.proxy.hosts.add(f"{place.bucket}.s3.example.test")


def test_the_javascript_sdk_does_what_its_users_do(place):
    tour(place, "node", os.path.join(os.path.dirname(__file__), "js", "tour.cjs"))


@pytest.mark.long
def test_the_rust_sdk_does_what_its_users_do(place):
    program = os.environ.get("SHOSEKI_SDK_RUST")
    assert program, "build it and tell where it is: `cargo xtask test --long` does both"
    tour(place, program)
