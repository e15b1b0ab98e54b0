//! AWS::CloudTrail::Channel: where events from elsewhere come in. Here its destinations are trails.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudtrail-channel.html>

use super::{NAME_CHARS_MAX, ask, change_tags, read_tags, tag_list};
use crate::{
    api::{Api, HandlerError},
    types::{Desired, Existing, Kind, Made, Property, ResourceType, Tags, made, made::handled, values},
};
use serde_json::{Value, json};

/// The type.
pub static CHANNEL: ResourceType = ResourceType {
    name: "AWS::CloudTrail::Channel",
    properties: &[
        Property::new("Destinations", Kind::Set(&DESTINATION)).required(),
        Property::new("Name", Kind::Text),
        Property::new("Source", Kind::Text).required().create_only(),
        Property::new("Tags", Kind::Set(&made::TAG)),
    ],
    unsupported: &[],
    attributes: &["ChannelArn"],
    secrets: &[],
    tags: Some(Tags {
        property: "Tags",
        system: false,
    }),
    handler: &Channel,
};

const DESTINATION: Kind = Kind::Object(&[
    Property::new("Location", Kind::Text).required(),
    // DIFFERS: AWS_SERVICE, with the ARN of a trail; AWS's templates take EVENT_DATA_STORE alone, which is not here.
    Property::new("Type", Kind::OneOf(&["AWS_SERVICE", "EVENT_DATA_STORE"])).required(),
]);

handled!(Channel);

async fn create(api: &mut Api, desired: &Desired) -> Result<Made, HandlerError> {
    let properties = &desired.properties;
    let mut input = json!({
        "Name": made::name_of(desired, "Name", NAME_CHARS_MAX),
        "Source": properties.get("Source"),
        "Destinations": properties.get("Destinations"),
    });
    let tags = values::tags(properties, "Tags");
    values::put(&mut input, "Tags", (!tags.is_empty()).then(|| tag_list(&tags)));
    let answer = ask(api, "CreateChannel", &input).await?;
    let arn = values::text(&answer, "ChannelArn").unwrap_or_default();
    Ok(made::made_of_texts(arn, &[("ChannelArn", arn)]))
}

async fn update(api: &mut Api, existing: &Existing, desired: &Desired) -> Result<Made, HandlerError> {
    let (before, after, arn) = (&existing.properties, &desired.properties, &existing.physical_id);
    if values::changed(before, after, "Name") || values::changed(before, after, "Destinations") {
        let mut input = json!({"Channel": arn, "Destinations": after.get("Destinations")});
        if values::changed(before, after, "Name") {
            // Left out it would stay.
            input["Name"] = made::name_of(desired, "Name", NAME_CHARS_MAX).into();
        }
        ask(api, "UpdateChannel", &input).await?;
    }
    change_tags(api, arn, before, after).await?;
    Ok(made::same(existing))
}

async fn delete(api: &mut Api, existing: &Existing) -> Result<(), HandlerError> {
    ask(api, "DeleteChannel", &json!({"Channel": existing.physical_id}))
        .await
        .map(drop)
}

async fn read(api: &mut Api, existing: &Existing) -> Result<Value, HandlerError> {
    let arn = &existing.physical_id;
    let answer = ask(api, "GetChannel", &json!({"Channel": arn})).await?;
    let tags = read_tags(api, arn).await?;
    Ok(json!({
        "Name": answer.get("Name"),
        "Source": answer.get("Source"),
        "Destinations": answer.get("Destinations"),
        "Tags": tags,
    }))
}
