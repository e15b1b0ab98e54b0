//! DescribeRegions: the enabled Regions, all of them, or those named.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html>

use crate::{
    Ec2Error,
    model::{
        filter,
        region::{self, KnownRegion},
    },
};
use base::{Region, arn};
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DescribeRegions;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    all_regions: Option<bool>,
    dry_run: Option<bool>,
    #[serde(rename = "Filter", default)]
    filters: Vec<Filter>,
    #[serde(rename = "RegionName", default)]
    region_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    name: String,
    #[serde(rename = "Value", default)]
    values: Vec<String>,
}

/// EC2's records wrap each list in an object, which is there also when the list is empty.
fn set(name: &str, items: Vec<Params>) -> Params {
    let list = match items.is_empty() {
        true => Params::new(),
        false => Params::new().objects("items", items),
    };
    Params::new().object(name, list)
}

impl Evident for Filter {
    fn evident(&self) -> Params {
        let values = self.values.iter().map(|value| Params::new().text("value", value));
        Params::new()
            .text("name", &self.name)
            .and(set("valueSet", values.collect()))
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let names = self
            .region_names
            .iter()
            .map(|name| Params::new().text("regionName", name));
        let params = set("regionSet", names.collect()).maybe_flag("allRegions", self.all_regions);
        match self.filters.is_empty() {
            true => params,
            false => params.and(set("filterSet", self.filters.iter().map(Filter::evident).collect())),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    region_info: Vec<RegionInfo>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RegionInfo {
    region_name: String,
    region_endpoint: String,
    opt_in_status: &'static str,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// The Regions that the input asks for. One that is named is shown also when it is not enabled.
fn select(input: &Input, enabled: &[Region]) -> Result<Vec<KnownRegion>, Ec2Error> {
    let filters = input
        .filters
        .iter()
        .map(|filter| filter::Filter::parse(&filter.name, &filter.values))
        .collect::<Result<Vec<_>, Ec2Error>>()?;
    let mut regions = region::known(enabled);
    let names = &input.region_names;
    let unknown: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !regions.iter().any(|region| region.name == *name))
        .collect();
    if !unknown.is_empty() {
        return Err(Ec2Error::invalid_region_names(&unknown));
    }
    regions.retain(|region| match (names.is_empty(), input.all_regions) {
        (false, _) => names.contains(&region.name),
        (true, Some(true)) => true,
        (true, _) => region.is_enabled(),
    });
    regions.retain(|region| filters.iter().all(|filter| filter.matches(region)));
    Ok(regions)
}

impl Output {
    fn of(regions: &[KnownRegion]) -> Output {
        let info = regions.iter().map(|region| RegionInfo {
            region_name: region.name.clone(),
            region_endpoint: region.endpoint(),
            opt_in_status: region.status.as_str(),
        });
        Output {
            region_info: info.collect(),
        }
    }
}

impl Operation for DescribeRegions {
    const NAME: &'static str = "DescribeRegions";
    const SERVICE: ServiceName = ServiceName::Ec2;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = Ec2Error;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, Ec2Error> {
        Ok(Demand::on("ec2:DescribeRegions", arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        _: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, Ec2Error> {
        let regions = select(input, &ctx.settings().regions)?;
        if input.dry_run == Some(true) {
            return Err(Ec2Error::DryRunOperation);
        }
        Ok(QueryResult(Output::of(&regions)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::Settings;
    use wire::{AwsError, Form};

    fn read(form: &str) -> Input {
        wire::query::parse(&Form::parse(form.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn regions_are_selected() {
        let check = |form: &str, expected: Result<usize, &str>| {
            let found = select(&read(form), &Settings::standard().regions);
            match (found, expected) {
                (Ok(regions), Ok(count)) => assert_eq!(regions.len(), count, "{form}"),
                (Err(error), Err(message)) => assert_eq!(error.message(), message, "{form}"),
                (found, _) => panic!("{form}: {found:?}"),
            }
        };
        check("Action=DescribeRegions&Version=2016-11-15", Ok(17));
        check("AllRegions=true", Ok(34));
        check("AllRegions=false", Ok(17));
        check("RegionName.1=us-east-1&RegionName.2=af-south-1", Ok(2));
        check("RegionName.1=moon-1", Err("Invalid region names: [moon-1]"));
        check("Filter.1.Name=region-name&Filter.1.Value.1=us-*", Ok(4));
        check(
            "Filter.1.Name=endpoint&Filter.1.Value.1=ec2.us-east-1.amazonaws.com",
            Ok(1),
        );
        check(
            "AllRegions=true&Filter.1.Name=opt-in-status&Filter.1.Value.1=not-opted-in",
            Ok(17),
        );
        check(
            "Filter.1.Name=region-name&Filter.1.Value.1=us-*&Filter.1.Value.2=eu-*&Filter.2.Name=endpoint&Filter.2.Value.1=*-1.*",
            Ok(5),
        );
        check(
            "Filter.1.Name=colour&Filter.1.Value.1=red",
            Err("The filter 'colour' is invalid"),
        );
    }

    #[test]
    fn the_answer_and_the_record_are_awss() {
        let shown = |form: &str| {
            let mut out = Vec::new();
            read(form).evident().write_to(&mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown(""), r#"{"regionSet":{}}"#);
        assert_eq!(
            shown("AllRegions=true&RegionName.1=a&Filter.1.Name=n&Filter.1.Value.1=v"),
            r#"{"regionSet":{"items":[{"regionName":"a"}]},"allRegions":true,"filterSet":{"items":[{"name":"n","valueSet":{"items":[{"value":"v"}]}}]}}"#
        );
        let regions = select(&read("RegionName.1=us-east-1"), &Settings::standard().regions).unwrap();
        let reply = wire::xml::ec2_response("DescribeRegions", &Output::of(&regions), "RID").unwrap();
        let text = String::from_utf8(reply.body.to_vec()).unwrap();
        assert!(
            text.ends_with("<requestId>RID</requestId><regionInfo><item><regionName>us-east-1</regionName><regionEndpoint>ec2.us-east-1.amazonaws.com</regionEndpoint><optInStatus>opt-in-not-required</optInStatus></item></regionInfo></DescribeRegionsResponse>"),
            "{text}"
        );
    }
}
