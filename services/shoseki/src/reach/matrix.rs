//! Who by what: each subject's demands, decided.

use super::{
    reason::reason,
    subject::{Kind, Subject},
    target::{Place, Seal, Target, Way},
};
use crate::model::explained::CLOUDTRAIL;
use base::{AccountId, Timestamp, arn};
use gateway::{Asker, Demand, Settings};
use policy::{Context, Principal, ResourceKind};
use serde::Serialize;

/// What one may do with the target, in the order of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Right {
    /// Get it, in clear.
    ReadAndDecrypt,
    /// Get it by S3's leave, and not open it; of a key: see it, and not open with it.
    OnlyRead,
    /// Put what it is for: an object, sealed.
    Deliver,
    /// Change who may do all this.
    Administer,
    /// Make an end of it.
    Delete,
}

/// One answer.
#[derive(Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Cell {
    pub(crate) right: Right,
    pub(crate) allowed: bool,
    pub(crate) reasons: Vec<Reason>,
}

/// A decision that an answer rests on.
#[derive(Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reason {
    action: &'static str,
    resource: String,
    allowed: bool,
    reason: String,
    /// In which of several ways of use.
    #[serde(skip_serializing_if = "String::is_empty")]
    way: String,
}

/// All of one subject's decisions about one target.
struct Judge<'a> {
    settings: &'a Settings,
    target: &'a Target,
    subject: &'a Subject,
    asker: Asker,
}

/// The subject's row.
pub(crate) fn row(settings: &Settings, now: Timestamp, target: &Target, subject: &Subject) -> Vec<Cell> {
    let mut more = Context::new();
    more.set("aws:CurrentTime", now.iso8601());
    more.set("aws:EpochTime", now.as_secs().to_string());
    let asker = Asker::supposed(settings, subject.principal.clone(), subject.rights.clone(), more);
    let judge = Judge {
        settings,
        target,
        subject,
        asker,
    };
    let (open, only_read) = judge.read();
    vec![
        open,
        only_read,
        judge.deliver(),
        judge.any(Right::Administer, judge.administration()),
        judge.any(Right::Delete, judge.deletion()),
    ]
}

impl Judge<'_> {
    /// Reading is getting and opening: who may get and not open reads only.
    fn read(&self) -> (Cell, Cell) {
        let mut best: Option<(bool, bool, Vec<Reason>)> = None;
        for way in &self.target.ways {
            let get = match &self.target.place {
                Some(place) => Some(self.decide(self.on_object("s3:GetObject", place, way), way)),
                None => self.on_key("kms:DescribeKey", way.read.as_ref(), way, false),
            };
            let open = self.on_key("kms:Decrypt", way.read.as_ref(), way, true);
            let gets = get.as_ref().is_none_or(|reason| reason.allowed);
            let opens = open.as_ref().is_none_or(|reason| reason.allowed);
            let is_key = self.target.place.is_none();
            let rank = (if is_key { opens } else { gets && opens }, gets && !opens);
            let mut reasons: Vec<Reason> = get.into_iter().chain(open).collect();
            if is_key {
                // Whoever opens with a key need not be able to describe it.
                reasons.retain(|reason| reason.action == "kms:Decrypt" || rank.1);
            }
            if best.as_ref().is_none_or(|(opens, reads, _)| (*opens, *reads) < rank) {
                best = Some((rank.0, rank.1, reasons));
            }
        }
        let (opens, reads, reasons) = best.unwrap_or_default();
        let cell = |right, allowed| Cell {
            right,
            allowed,
            reasons: reasons.clone(),
        };
        (
            cell(Right::ReadAndDecrypt, opens),
            cell(Right::OnlyRead, reads && !opens),
        )
    }

    fn deliver(&self) -> Cell {
        let mut best: Option<(bool, Vec<Reason>)> = None;
        for way in &self.target.ways {
            let seal = match (self.subject.source(way), &way.trail) {
                (Some(_), Some((_, seal))) => seal.as_ref(),
                _ => way.write.as_ref(),
            };
            let put = self.target.place.as_ref().map(|place| {
                let demand = self.on_object("s3:PutObject", place, way);
                self.decide(self.with_headers(demand, way), way)
            });
            let sealed = self.on_key("kms:GenerateDataKey", seal, way, true);
            let reasons: Vec<Reason> = put.into_iter().chain(sealed).collect();
            let allowed = !reasons.is_empty() && reasons.iter().all(|reason| reason.allowed);
            if best.as_ref().is_none_or(|(before, _)| allowed && !before) {
                best = Some((allowed, reasons));
            }
        }
        let (allowed, reasons) = best.unwrap_or_default();
        Cell {
            right: Right::Deliver,
            allowed,
            reasons,
        }
    }

    fn administration(&self) -> Vec<Demand> {
        let bucket = self
            .target
            .place
            .iter()
            .map(|place| self.on_bucket("s3:PutBucketPolicy", place));
        let key = self.own_key("kms:PutKeyPolicy");
        bucket
            .chain(key)
            .chain(self.on_trail("cloudtrail:UpdateTrail"))
            .collect()
    }

    fn deletion(&self) -> Vec<Demand> {
        let way = Way::default();
        let object = self
            .target
            .place
            .iter()
            .map(|place| self.on_object("s3:DeleteObject", place, &way));
        let key = self.own_key("kms:ScheduleKeyDeletion");
        object
            .chain(key)
            .chain(self.on_trail("cloudtrail:DeleteTrail"))
            .collect()
    }

    /// One of these is enough.
    fn any(&self, right: Right, demands: Vec<Demand>) -> Cell {
        let way = Way::default();
        let reasons: Vec<Reason> = demands.into_iter().map(|demand| self.decide(demand, &way)).collect();
        Cell {
            right,
            allowed: reasons.iter().any(|reason| reason.allowed),
            reasons,
        }
    }

    fn on_object(&self, action: &'static str, place: &Place, way: &Way) -> Demand {
        let demand = Demand::on(action, arn::object(&place.bucket, &place.key));
        self.with_source(self.s3(demand, place), way, place.owner)
    }

    fn on_bucket(&self, action: &'static str, place: &Place) -> Demand {
        let demand = self.s3(Demand::on(action, arn::bucket(&place.bucket)), place);
        self.with_source(demand, &Way::default(), place.owner)
    }

    fn s3(&self, demand: Demand, place: &Place) -> Demand {
        let demand = demand
            .guarded(ResourceKind::Bucket, place.owner, place.policy.clone())
            .with("s3:ResourceAccount", place.owner.as_str())
            .with("aws:RequestedRegion", place.region.as_str());
        match self.subject.principal {
            Principal::Anonymous | Principal::Service { .. } => demand,
            Principal::Root { .. } | Principal::User { .. } | Principal::Session { .. } => demand
                .with("s3:authType", "REST-HEADER")
                .with("s3:signatureversion", "AWS4-HMAC-SHA256")
                .with("s3:TlsVersion", "1.3"),
        }
    }

    /// The headers that CloudTrail puts its files with.
    fn with_headers(&self, demand: Demand, way: &Way) -> Demand {
        let Some((_, seal)) = way.trail.as_ref().filter(|_| self.subject.source(way).is_some()) else {
            return demand;
        };
        let demand = demand.with("s3:x-amz-acl", "bucket-owner-full-control");
        match seal {
            None => demand.with("s3:x-amz-server-side-encryption", "AES256"),
            Some(seal) => demand.with("s3:x-amz-server-side-encryption", "aws:kms").with(
                "s3:x-amz-server-side-encryption-aws-kms-key-id",
                seal.key.arn().as_str(),
            ),
        }
    }

    fn on_key(&self, action: &'static str, seal: Option<&Seal>, way: &Way, crypto: bool) -> Option<Reason> {
        let seal = seal?;
        if self.subject.kind == Kind::Anonymous {
            return Some(Reason {
                action,
                resource: seal.key.arn().to_string(),
                allowed: false,
                reason: "KMS is asked by nobody who did not sign".to_owned(),
                way: way.name.clone(),
            });
        }
        let is_service = self.subject.kind == Kind::Service;
        let via = seal.via.as_deref().filter(|_| !is_service);
        let owner = seal.key.owner();
        let caller = self.caller(way, owner);
        let context = seal.context.as_ref().filter(|_| crypto);
        let none = envelope::EncryptionContext::new();
        let context = if crypto { Some(context.unwrap_or(&none)) } else { None };
        let mut demand = seal.key.demand(action, context, via, caller);
        demand = demand.with("aws:RequestedRegion", seal.key.arn().parts().region);
        if via.is_some() {
            demand = demand.with("aws:ViaAWSService", "true");
            for key in ["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"] {
                demand = demand.with(key, "s3.amazonaws.com");
            }
        }
        Some(self.decide(self.with_source(demand, way, owner), way))
    }

    /// The account that a key policy sees.
    fn caller(&self, way: &Way, owner: AccountId) -> Option<AccountId> {
        match (&self.subject.principal, self.subject.source(way)) {
            (Principal::Service { .. }, Some(trail)) => Some(trail.account),
            (Principal::Service { .. }, None) => Some(owner),
            (principal, _) => principal.account(),
        }
    }

    /// What is done to a key by those of its own account only.
    fn own_key(&self, action: &'static str) -> Option<Demand> {
        let key = self
            .target
            .key
            .as_ref()
            .filter(|_| self.subject.kind != Kind::Anonymous)?;
        let mut demand = key.demand(action, None, None, self.caller(&Way::default(), key.owner()));
        demand = demand.with("aws:RequestedRegion", key.arn().parts().region);
        if self.subject.principal.account() != Some(key.owner()) {
            demand.resource_policy = None;
        }
        Some(demand)
    }

    fn on_trail(&self, action: &'static str) -> Option<Demand> {
        let trail = self.target.trail.as_ref()?;
        let demand = Demand::on(action, trail.arn.clone()).guarded(ResourceKind::Other, trail.account, None);
        Some(demand.with("aws:RequestedRegion", trail.home.as_str()))
    }

    /// For whom a service acts; of others than CloudTrail only the account is known.
    fn with_source(&self, demand: Demand, way: &Way, owner: AccountId) -> Demand {
        let Principal::Service { name } = &self.subject.principal else {
            return demand;
        };
        match self.subject.source(way).filter(|_| name == CLOUDTRAIL) {
            Some(trail) => demand
                .with("aws:SourceArn", trail.arn.as_str())
                .with("aws:SourceAccount", trail.account.as_str()),
            None => demand.with("aws:SourceAccount", owner.as_str()),
        }
    }

    fn decide(&self, demand: Demand, way: &Way) -> Reason {
        let account = demand.owner.unwrap_or(self.settings.first_account);
        let (allowed, why) = self.asker.check(self.settings, account, &demand, |check| {
            let decision = policy::decide(&check.request, &check.policies);
            (decision.is_allowed(), reason(self.subject, check, &decision))
        });
        Reason {
            action: demand.action,
            resource: demand.resource.to_string(),
            allowed,
            reason: why,
            way: way.name.clone(),
        }
    }
}
