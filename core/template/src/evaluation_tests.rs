//! What holds of every value that is evaluated.

use std::net::IpAddr;

use crate::{
    EvaluateError, Known, Nothing, ParameterDeclaration, Pseudo, Reference, Resource, Scope, Template, TemplateError,
    Unknown,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Resources with the names `R0` to `R3` are made.
struct Made;

impl Known for Made {
    fn reference(&self, logical_id: &str) -> Option<Value> {
        Some(Value::from(logical_id))
    }

    fn attribute(&self, _: &str, name: &str) -> Result<Value, Unknown> {
        match name {
            "Arns" => Ok(json!(["a", "b"])),
            "Arn" => Ok(json!("arn")),
            _ => Err(Unknown::NoSuchAttribute),
        }
    }

    fn export(&self, name: &str) -> Option<String> {
        Some(name.to_owned()).filter(|name| name.len() < 5)
    }
}

fn template() -> Template {
    let parameter = |name: &str, kind: &str, default: &str| ParameterDeclaration {
        name: name.to_owned(),
        kind: kind.to_owned(),
        default: Some(default.to_owned()),
        ..ParameterDeclaration::default()
    };
    let resource = |number: usize| Resource {
        logical_id: format!("R{number}"),
        type_name: "AWS::SNS::Topic".to_owned(),
        properties: json!({}),
        condition: None,
        depends_on: Vec::new(),
        deletion_policy: None,
        update_replace_policy: None,
        metadata: None,
        creation_policy: None,
        update_policy: None,
    };
    Template {
        transforms: vec!["AWS::LanguageExtensions".to_owned()],
        parameters: vec![
            parameter("Text", "String", "text"),
            parameter("List", "CommaDelimitedList", "x,y"),
        ],
        mappings: json!({"M": {"text": {"k": "v", "l": [1, 2]}}}),
        conditions: vec![
            ("Yes".to_owned(), json!({"Fn::Equals": ["a", "a"]})),
            ("No".to_owned(), json!({"Fn::Equals": ["a", "b"]})),
        ],
        resources: (0..4).map(resource).collect(),
        ..Template::default()
    }
}

fn in_scope<T>(then: impl FnOnce(&Scope<'_>) -> T) -> T {
    let template = template();
    let parameters = template.bind(&[], None).unwrap();
    let pseudo = Pseudo {
        account_id: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        ..Pseudo::default()
    };
    then(&Scope::new(&template, &parameters, &pseudo).unwrap())
}

fn names() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "Text",
        "List",
        "R0",
        "R1",
        "R2",
        "R9",
        "AWS::Region",
        "AWS::NoValue",
        "Yes",
        "No",
        "Arn",
        "Arns",
        "M",
        "text",
        "k",
        "l",
        "",
        "R0.Arn",
        "${R1}-${Text}",
        "${R2.Arn}",
        "${!R3}",
        "${List}",
        "${x y}",
        "10.0.0.0/8",
        "fd00::/8",
        "3",
    ])
    .prop_map(str::to_owned)
}

/// Values with functions, well formed or not.
fn trees() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        names().prop_map(Value::from),
        names().prop_map(|name| json!({"Ref": name})),
        (0..200i64).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    let functions = prop::sample::select(vec![
        "Ref",
        "Fn::GetAtt",
        "Fn::Sub",
        "Fn::Join",
        "Fn::Split",
        "Fn::Select",
        "Fn::If",
        "Fn::FindInMap",
        "Fn::ImportValue",
        "Fn::Base64",
        "Fn::Cidr",
        "Fn::GetAZs",
        "Fn::Length",
        "Fn::ToJsonString",
        "Fn::Equals",
        "Fn::Transform",
        "Fn::Other",
        "Condition",
        "plain",
    ]);
    leaf.prop_recursive(6, 60, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            (functions.clone(), prop::collection::vec(inner.clone(), 0..5))
                .prop_map(|(name, arguments)| json!({name: arguments})),
            (functions.clone(), inner.clone()).prop_map(|(name, argument)| json!({name: argument})),
            (names(), inner.clone(), inner.clone()).prop_map(|(name, one, two)| json!({"Fn::If": [name, one, two]})),
            (names(), inner.clone())
                .prop_map(|(name, value)| json!({"Fn::Sub": [name, {"x": value.clone(), "Text": value}]})),
            (inner.clone(), inner).prop_map(|(one, two)| json!({"a": one, "b": two})),
        ]
    })
}

fn referred(references: &[Reference], logical_id: &str) -> bool {
    references.iter().any(|reference| match reference {
        Reference::Resource(id) | Reference::Attribute(id, _) => id == logical_id,
        Reference::Parameter(_) | Reference::Import(_) => false,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn evaluation_is_total_and_always_the_same(tree in trees()) {
        in_scope(|scope| {
            let first = scope.evaluate(&tree, &Made);
            assert_eq!(first, scope.evaluate(&tree, &Made));
            if first.is_ok() {
                assert_eq!(first, scope.evaluate_shown(&tree, &Made));
            }
            assert!(!matches!(first, Err(EvaluateError::NotYet(_))), "{first:?}");
        });
    }

    /// What an evaluation waits for is among the references, so nothing is begun before what it needs.
    #[test]
    fn what_is_waited_for_is_referred_to(tree in trees()) {
        in_scope(|scope| {
            let references = scope.references(&tree);
            if let Err(EvaluateError::NotYet(id)) = scope.evaluate(&tree, &Nothing) {
                assert!(referred(&references, &id), "{id} is not in {references:?}");
            }
            if references.is_empty() {
                assert_eq!(scope.evaluate(&tree, &Nothing), scope.evaluate(&tree, &Made));
            }
        });
    }

    #[test]
    fn what_is_joined_can_be_split(parts in prop::collection::vec("[a-z]{0,5}", 1..8)) {
        in_scope(|scope| {
            let joined = json!({"Fn::Join": ["/", parts]});
            let split = json!({"Fn::Split": ["/", joined]});
            assert_eq!(scope.evaluate(&split, &Nothing), Ok(json!(parts)));
            let length = json!({"Fn::Length": split});
            assert_eq!(scope.evaluate(&length, &Nothing), Ok(json!(parts.len())));
            let last = json!({"Fn::Select": [parts.len() - 1, split]});
            assert_eq!(scope.evaluate(&last, &Nothing), Ok(json!(parts.last())));
        });
    }

    #[test]
    fn what_is_substituted_is_what_is_joined(parts in prop::collection::vec(("[a-z$! ]{0,4}", 0..3usize), 1..8)) {
        let names = ["Text", "AWS::Region", "R1"];
        let text: String = parts.iter().map(|(literal, name)| format!("{literal}${{{}}}", names[*name])).collect();
        let list: Vec<Value> =
            parts.iter().flat_map(|(literal, name)| [json!(literal), json!({"Ref": names[*name]})]).collect();
        in_scope(|scope| {
            let substituted = scope.evaluate(&json!({"Fn::Sub": text}), &Made);
            assert!(substituted.is_ok());
            assert_eq!(substituted, scope.evaluate(&json!({"Fn::Join": ["", list]}), &Made));
        });
    }

    #[test]
    fn blocks_are_apart_and_within(
        address in any::<u128>(), six in any::<bool>(), prefix in 0..=128u32, count in 0..300u32, bits in 0..130u32,
    ) {
        let address = if six { IpAddr::V6(address.into()) } else { IpAddr::V4((address as u32).into()) };
        let width: u32 = if six { 128 } else { 32 };
        let block = format!("{address}/{prefix}");
        let evaluated = in_scope(|scope| scope.evaluate(&json!({"Fn::Cidr": [block, count, bits]}), &Nothing));
        let room = width.checked_sub(prefix).and_then(|free| free.checked_sub(bits));
        let possible = (1..=256).contains(&count)
            && (1..=width).contains(&bits)
            && room.is_some_and(|room| room > 8 || 1u32 << room >= count);
        match evaluated {
            Ok(blocks) => {
                assert!(possible, "{blocks}");
                let blocks: Vec<(u128, u32)> = blocks.as_array().unwrap().iter().map(|block| read(block.as_str().unwrap())).collect();
                assert_eq!(blocks.len(), count as usize);
                let network = |address: u128, prefix: u32| address.checked_shr(width - prefix).unwrap_or(0);
                let whole = network(read(&format!("{address}/{prefix}")).0, prefix);
                for (index, (start, size)) in blocks.iter().enumerate() {
                    assert_eq!(*size, width - bits);
                    assert_eq!(network(*start, prefix), whole, "within");
                    assert_eq!(start & ((1u128.checked_shl(bits).unwrap_or(0)).wrapping_sub(1)), 0, "the first address of a block");
                    if let Some((next, _)) = blocks.get(index + 1) {
                        assert_eq!(network(*next, *size), network(*start, *size) + 1, "one after the other");
                    }
                }
            }
            Err(EvaluateError::Refused(TemplateError(message))) => {
                assert!(!possible && message.starts_with("Template error: Fn::Cidr "), "{message}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn read(block: &str) -> (u128, u32) {
    let (address, prefix) = block.split_once('/').unwrap();
    let address = match address.parse().unwrap() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    (address, prefix.parse().unwrap())
}

#[test]
fn what_grows_without_bound_is_refused() {
    let doubled = (0..40).fold(
        json!("xxxxxxxx"),
        |text, _| json!({"Fn::Sub": ["${a}${a}", {"a": text}]}),
    );
    let deep = (0..2000).fold(json!("x"), |value, _| Value::Array(vec![value]));
    // Nothing, doubled as often, stays nothing: each variable is evaluated once.
    let nothing = (0..40).fold(json!(""), |text, _| json!({"Fn::Sub": ["${a}${a}", {"a": text}]}));
    in_scope(|scope| {
        assert_eq!(scope.evaluate(&nothing, &Nothing), Ok(json!("")));
        let wide = json!({"Fn::Join": ["x".repeat(1 << 19), vec!["a"; 1 << 16]]});
        for (value, what) in [
            (doubled, "bytes of text"),
            (wide, "bytes of text"),
            (deep, "levels deep"),
        ] {
            let Err(EvaluateError::Refused(TemplateError(message))) = scope.evaluate(&value, &Nothing) else {
                panic!("not refused");
            };
            assert!(message.contains(what), "{message}");
            drop_flat(value);
        }
    });
}

/// A deep value is taken apart level by level: dropped whole it would need a deep stack.
fn drop_flat(mut value: Value) {
    while let Value::Array(items) = &mut value {
        let Some(inner) = items.pop() else { break };
        value = inner;
    }
}
