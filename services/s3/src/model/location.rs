//! Where a bucket is made: the location constraint against the Region that was asked.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>, `LocationConstraint`.

use base::Region;

/// Why a constraint is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocationRefusal {
    /// The Region's endpoint makes buckets of its own Region only. `unspecified` stands for no constraint.
    Illegal(String),
    /// No Region that is enabled here.
    Invalid(String),
}

/// The Region of a new bucket that was asked for at `endpoint`. The endpoint of us-east-1 is the global one: it takes no
/// constraint or that of any other Region.
pub fn resolve(endpoint: &Region, constraint: Option<&str>, enabled: &[Region]) -> Result<Region, LocationRefusal> {
    let global = *endpoint == Region::us_east_1();
    let Some(constraint) = constraint.filter(|c| !c.is_empty()) else {
        return match global {
            true => Ok(endpoint.clone()),
            false => Err(LocationRefusal::Illegal("unspecified".to_owned())),
        };
    };
    let invalid = || LocationRefusal::Invalid(constraint.to_owned());
    let wanted = Region::parse(if constraint == "EU" { "eu-west-1" } else { constraint }).map_err(|_| invalid())?;
    if !enabled.contains(&wanted) || (global && wanted == *endpoint) {
        return Err(invalid());
    }
    if !global && wanted != *endpoint {
        return Err(LocationRefusal::Illegal(constraint.to_owned()));
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_follow_the_endpoint() {
        let region = |code: &str| Region::parse(code).unwrap();
        let enabled = [region("us-east-1"), region("eu-west-1"), region("us-west-2")];
        let check = |endpoint, constraint, expected: Result<&str, LocationRefusal>| {
            assert_eq!(
                resolve(&region(endpoint), constraint, &enabled),
                expected.map(region),
                "{endpoint} {constraint:?}"
            );
        };
        let illegal = |c: &str| Err(LocationRefusal::Illegal(c.to_owned()));
        let invalid = |c: &str| Err(LocationRefusal::Invalid(c.to_owned()));
        check("us-east-1", None, Ok("us-east-1"));
        check("us-east-1", Some("us-west-2"), Ok("us-west-2"));
        check("us-east-1", Some("EU"), Ok("eu-west-1"));
        check("us-east-1", Some("us-east-1"), invalid("us-east-1"));
        check("us-east-1", Some("mars-1"), invalid("mars-1"));
        check("us-east-1", Some("!"), invalid("!"));
        check("us-west-2", None, illegal("unspecified"));
        check("us-west-2", Some("us-west-2"), Ok("us-west-2"));
        check("us-west-2", Some("eu-west-1"), illegal("eu-west-1"));
        check("us-west-2", Some("us-east-1"), illegal("us-east-1"));
        check("eu-west-1", Some("EU"), Ok("eu-west-1"));
    }
}
