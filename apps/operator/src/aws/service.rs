//! The services that can be called: those that this product serves, and those of AWS that are only asked.

use wire::ServiceName;

/// A service: what its calls are signed for and how they are addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service {
    /// In a signature's scope, and the first label of its host.
    signing_name: &'static str,
    /// In `AWS_ENDPOINT_URL_…` and, in lower case, in a profile's `services`.
    id: &'static str,
    /// Before the operation in `X-Amz-Target`; empty outside JSON.
    target_prefix: &'static str,
    /// The Query protocols' `Version`.
    api_version: &'static str,
}

impl Service {
    /// AWS Config, of JSON 1.1.
    pub const CONFIG: Service = Service {
        signing_name: "config",
        id: "CONFIG_SERVICE",
        target_prefix: "StarlingDoveService",
        api_version: "2014-11-12",
    };
    /// AWS Organizations, of JSON 1.1. It has one place in a partition.
    pub const ORGANIZATIONS: Service = Service {
        signing_name: "organizations",
        id: "ORGANIZATIONS",
        target_prefix: "AWSOrganizationsV20161128",
        api_version: "2016-11-28",
    };
    /// Amazon CloudWatch, of Query.
    pub const CLOUDWATCH: Service = Service {
        signing_name: "monitoring",
        id: "CLOUDWATCH",
        target_prefix: "",
        api_version: "2010-08-01",
    };

    /// Every service of which the place can be named.
    pub(super) fn all() -> impl Iterator<Item = Service> {
        let foreign = [Service::CONFIG, Service::ORGANIZATIONS, Service::CLOUDWATCH];
        ServiceName::ALL.into_iter().map(Service::from).chain(foreign)
    }

    /// The service of this name in a signature's scope.
    pub fn named(signing_name: &str) -> Option<Service> {
        Service::all().find(|service| service.signing_name == signing_name)
    }

    /// The service's name in a signature's scope and in IAM actions.
    pub fn signing_name(self) -> &'static str {
        self.signing_name
    }

    pub(super) fn id(self) -> &'static str {
        self.id
    }

    pub(super) fn target_prefix(self) -> &'static str {
        self.target_prefix
    }

    pub(super) fn api_version(self) -> &'static str {
        self.api_version
    }
}

impl From<ServiceName> for Service {
    fn from(service: ServiceName) -> Service {
        let id = match service {
            ServiceName::S3 => "S3",
            ServiceName::Kms => "KMS",
            ServiceName::CloudTrail => "CLOUDTRAIL",
            ServiceName::CloudTrailData => "CLOUDTRAIL_DATA",
            ServiceName::Iam => "IAM",
            ServiceName::Sts => "STS",
            ServiceName::Logs => "CLOUDWATCH_LOGS",
            ServiceName::Ec2 => "EC2",
            ServiceName::Sns => "SNS",
            ServiceName::CloudFormation => "CLOUDFORMATION",
            ServiceName::Shoseki => "SHOSEKI",
        };
        Service {
            signing_name: service.signing_name(),
            id,
            target_prefix: service.target_prefixes().first().copied().unwrap_or_default(),
            api_version: service.api_version(),
        }
    }
}
