//! Parameters: what a caller gives, bound to what the template declares.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroize;

use crate::pattern::Pattern;
use crate::{ParameterDeclaration, Template, TemplateError};

/// What is shown in place of the value of a parameter with `NoEcho`.
pub const NO_ECHO: &str = "****";

/// The most bytes that a value of a parameter may have.
const VALUE_BYTES_MAX: usize = 4096;

/// Texts shorter than this are not looked for in refusals: they would be found everywhere.
const HIDDEN_CHARS_MIN: usize = 3;

/// What a caller says of one parameter. Its value is not shown by `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// `ParameterKey`
    pub name: String,
    /// `ParameterValue`
    pub value: Option<String>,
    /// `UsePreviousValue`
    pub use_previous: bool,
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Given")
            .field("name", &self.name)
            .field("value", &self.value.as_ref().map(|_| NO_ECHO))
            .field("use_previous", &self.use_previous)
            .finish()
    }
}

/// A parameter with its value. `Debug` hides the value of one with `NoEcho`; such a value is wiped from memory when it is
/// dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its logical name.
    pub name: String,
    /// `Type`
    pub kind: String,
    /// The value as it was given, or as `Default` has it.
    pub text: String,
    /// The value is to be shown to nobody.
    pub no_echo: bool,
}

impl Parameter {
    /// The value as `Ref` gives it: a list of texts for a type that is a list, else a text. Numbers are texts too.
    ///
    /// SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    pub fn value(&self) -> Value {
        match is_list(&self.kind) {
            true => self.items().map(Value::from).collect(),
            false => Value::from(self.text.as_str()),
        }
    }

    /// The value as it may be shown: `****` for one with `NoEcho`.
    pub fn shown(&self) -> &str {
        match self.no_echo {
            true => NO_ECHO,
            false => &self.text,
        }
    }

    /// The members of a list; of a text itself.
    fn items(&self) -> impl Iterator<Item = &str> {
        let list = is_list(&self.kind);
        let separator = move |c: char| list && c == ',';
        self.text
            .split(separator)
            .map(move |item| if list { item.trim() } else { item })
    }
}

impl Drop for Parameter {
    fn drop(&mut self) {
        if self.no_echo {
            self.text.zeroize();
        }
    }
}

impl std::fmt::Debug for Parameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parameter")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("text", &self.shown())
            .finish()
    }
}

/// The parameters of a stack, in the order of their declaration. Kept by a stack, it is a secret where
/// [`Parameters::has_secrets`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters(Vec<Parameter>);

impl Parameters {
    /// The parameter of that name.
    pub fn named(&self, name: &str) -> Option<&Parameter> {
        self.0.iter().find(|parameter| parameter.name == name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Parameter> {
        self.0.iter()
    }

    /// Whether one has `NoEcho`.
    pub fn has_secrets(&self) -> bool {
        self.0.iter().any(|parameter| parameter.no_echo)
    }

    /// The values of those with `NoEcho`: each whole, and the members of lists.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let secrets = self.0.iter().filter(|parameter| parameter.no_echo);
        secrets.flat_map(|parameter| std::iter::once(parameter.text.as_str()).chain(parameter.items()))
    }

    /// A refusal with `****` in place of what has `NoEcho`, as [`hidden`] hides it.
    pub(crate) fn hidden(&self, refusal: TemplateError) -> TemplateError {
        TemplateError(hidden(refusal.0, self.secrets()))
    }

    /// The same, with `****` in place of what has `NoEcho`.
    pub fn shown(&self) -> Parameters {
        let shown = |parameter: &Parameter| Parameter {
            name: parameter.name.clone(),
            kind: parameter.kind.clone(),
            text: parameter.shown().to_owned(),
            no_echo: parameter.no_echo,
        };
        Parameters(self.0.iter().map(shown).collect())
    }
}

/// A text with `****` in place of secrets, the longest first. Those of one or two characters stay: they are found everywhere.
pub fn hidden<'a>(text: String, secrets: impl Iterator<Item = &'a str>) -> String {
    let mut secrets: Vec<&str> = secrets
        .filter(|secret| secret.chars().count() >= HIDDEN_CHARS_MIN)
        .collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
        .into_iter()
        .fold(text, |text, secret| text.replace(secret, NO_ECHO))
}

impl Template {
    /// The declared parameters with the values that they are given, or that they had (`UsePreviousValue`, of `previous`), or
    /// that are their defaults.
    ///
    /// # Errors
    /// AWS's words for a name that is not declared, a parameter without a value, a value that breaks a constraint, and a
    /// type that is not supported here.
    ///
    /// SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
    pub fn bind(&self, given: &[Given], previous: Option<&Parameters>) -> Result<Parameters, TemplateError> {
        let declared = |name: &str| self.parameters.iter().any(|parameter| parameter.name == name);
        let unknown = names(given.iter().map(|one| one.name.as_str()).filter(|name| !declared(name)));
        if !unknown.is_empty() {
            return Err(TemplateError(format!(
                "Parameters: [{}] do not exist in the template",
                unknown.join(", ")
            )));
        }
        let mut bound = Vec::with_capacity(self.parameters.len());
        let mut missing = Vec::new();
        for declaration in &self.parameters {
            supported(declaration)?;
            let said = given.iter().rev().find(|one| one.name == declaration.name);
            match value_of(declaration, said, previous)? {
                Some(text) => bound.push(Parameter {
                    name: declaration.name.clone(),
                    kind: declaration.kind.clone(),
                    text,
                    no_echo: declaration.no_echo,
                }),
                None => missing.push(declaration.name.as_str()),
            }
        }
        if !missing.is_empty() {
            return Err(TemplateError(format!(
                "Parameters: [{}] must have values",
                missing.join(", ")
            )));
        }
        for (declaration, parameter) in self.parameters.iter().zip(&bound) {
            keeps(declaration, parameter)?;
        }
        Ok(Parameters(bound))
    }
}

/// The names, each once.
fn names<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names = Vec::new();
    for name in all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The text of one parameter; `None` where it has none.
fn value_of(
    declaration: &ParameterDeclaration,
    said: Option<&Given>,
    previous: Option<&Parameters>,
) -> Result<Option<String>, TemplateError> {
    let name = &declaration.name;
    let invalid = |what: &str| TemplateError(format!("Invalid input for parameter key {name}. {what}"));
    match said {
        None => Ok(declaration.default.clone()),
        Some(given) => match (&given.value, given.use_previous) {
            (Some(value), true) if !value.is_empty() => Err(invalid(
                "Cannot specify usePreviousValue as true and non empty value for a parameter",
            )),
            (_, true) => match previous.and_then(|previous| previous.named(name)) {
                Some(parameter) => Ok(Some(parameter.text.clone())),
                None => Err(invalid(
                    "Cannot specify usePreviousValue as true for a parameter key not in the previous template",
                )),
            },
            (Some(value), false) => Ok(Some(value.clone())),
            (None, false) => Err(invalid(
                "Need to specify either usePreviousValue as true or a value for a parameter",
            )),
        },
    }
}

/// Whether a type is a list.
fn is_list(kind: &str) -> bool {
    kind == "CommaDelimitedList" || kind.starts_with("List<")
}

/// The type of the members of a list, or the type itself.
fn member_kind(kind: &str) -> &str {
    kind.strip_prefix("List<")
        .and_then(|kind| kind.strip_suffix('>'))
        .unwrap_or(kind)
}

/// Refuses the types whose values are things of services that are not here, and what is no type.
fn supported(declaration: &ParameterDeclaration) -> Result<(), TemplateError> {
    let kind = declaration.kind.as_str();
    match member_kind(kind) {
        "String" | "Number" | "AWS::EC2::AvailabilityZone::Name" => Ok(()),
        "CommaDelimitedList" if kind == "CommaDelimitedList" => Ok(()),
        other if other.starts_with("AWS::") => Err(TemplateError(format!(
            "Parameter '{}' has type {kind}, which is not supported here: its service is not here",
            declaration.name
        ))),
        _ => Err(TemplateError(format!(
            "Template format error: Unrecognized parameter type: {kind}"
        ))),
    }
}

/// Refuses a value that breaks a constraint.
fn keeps(declaration: &ParameterDeclaration, parameter: &Parameter) -> Result<(), TemplateError> {
    let name = &declaration.name;
    if parameter.text.len() > VALUE_BYTES_MAX {
        return Err(TemplateError(format!(
            "Parameter '{name}' must contain at most {VALUE_BYTES_MAX} bytes"
        )));
    }
    let number = member_kind(&declaration.kind) == "Number";
    for item in parameter.items() {
        if number && decimal(item).is_none() {
            let what = if is_list(&declaration.kind) {
                "a list of numbers"
            } else {
                "a number"
            };
            return Err(TemplateError(format!("Parameter '{name}' must be {what}.")));
        }
    }
    for item in parameter.items() {
        if let Some(what) = broken(declaration, item, number)? {
            return Err(TemplateError(match &declaration.constraint_description {
                Some(said) => format!("Parameter {name} failed to satisfy constraint: {said}"),
                None => format!("Parameter '{name}' {what}"),
            }));
        }
    }
    Ok(())
}

/// Which constraint a text breaks, said after the name of the parameter.
fn broken(declaration: &ParameterDeclaration, item: &str, number: bool) -> Result<Option<String>, TemplateError> {
    let length = item.chars().count() as u64;
    let value = decimal(item);
    let bound = |bound: &Option<String>| bound.as_deref().and_then(decimal).filter(|_| number);
    let broken = if let Some(allowed) = &declaration.allowed_values
        && !allowed.iter().any(|allowed| allowed == item)
    {
        Some("must be one of AllowedValues".to_owned())
    } else if let Some(pattern) = &declaration.allowed_pattern
        && !matches(declaration, pattern, item)?
    {
        Some(format!("must match pattern {pattern}"))
    } else if let Some(least) = declaration.min_length.filter(|least| length < *least) {
        Some(format!("must contain at least {least} characters"))
    } else if let Some(most) = declaration.max_length.filter(|most| length > *most) {
        Some(format!("must contain at most {most} characters"))
    } else if let (Some(value), Some(least)) = (value, bound(&declaration.min_value))
        && value < least
    {
        let least = declaration.min_value.as_deref().unwrap_or_default();
        Some(format!("must be a number not less than {least}"))
    } else if let (Some(value), Some(most)) = (value, bound(&declaration.max_value))
        && value > most
    {
        let most = declaration.max_value.as_deref().unwrap_or_default();
        Some(format!("must be a number not greater than {most}"))
    } else {
        None
    };
    Ok(broken)
}

/// Whether the whole of a text matches a pattern.
fn matches(declaration: &ParameterDeclaration, pattern: &str, text: &str) -> Result<bool, TemplateError> {
    let matches = Pattern::parse(pattern).and_then(|pattern| pattern.matches(text));
    matches.map_err(|why| {
        TemplateError(format!(
            "Parameter '{}' has an AllowedPattern that cannot be used, for {why}: {pattern}",
            declaration.name
        ))
    })
}

/// A number, an integer or a decimal.
fn decimal(text: &str) -> Option<f64> {
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    text.parse::<f64>()
        .ok()
        .filter(|number| number.is_finite() && text.chars().all(plain))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn declared(kind: &str, with: impl FnOnce(&mut ParameterDeclaration)) -> Template {
        let mut declaration = ParameterDeclaration {
            name: "P".to_owned(),
            kind: kind.to_owned(),
            ..ParameterDeclaration::default()
        };
        with(&mut declaration);
        Template {
            parameters: vec![declaration],
            ..Template::default()
        }
    }

    fn given(name: &str, value: Option<&str>, use_previous: bool) -> Given {
        Given {
            name: name.to_owned(),
            value: value.map(str::to_owned),
            use_previous,
        }
    }

    /// What `Ref` gives of a value.
    fn bound(template: &Template, value: &str) -> Result<Value, String> {
        match template.bind(&[given("P", Some(value), false)], None) {
            Ok(parameters) => Ok(parameters.named("P").map(Parameter::value).unwrap_or_default()),
            Err(TemplateError(message)) => Err(message),
        }
    }

    #[test]
    fn a_secret_within_another_does_not_tell_the_rest_of_it() {
        let secrets = ["abc", "abcdef", "ab"];
        let text = hidden("abcdef, abc and ab".to_owned(), secrets.into_iter());
        assert_eq!(text, "****, **** and ab");
    }

    #[test]
    fn values_are_texts_and_lists_of_texts() {
        let cases = [
            ("String", " a, b", json!(" a, b")),
            ("String", "", json!("")),
            ("Number", "1.50", json!("1.50")),
            ("CommaDelimitedList", "a , b,,c", json!(["a", "b", "", "c"])),
            ("CommaDelimitedList", "", json!([""])),
            ("List<Number>", "80, -1.5", json!(["80", "-1.5"])),
            ("List<String>", "a,b", json!(["a", "b"])),
            ("AWS::EC2::AvailabilityZone::Name", "eu-west-1a", json!("eu-west-1a")),
        ];
        for (kind, value, is) in cases {
            assert_eq!(bound(&declared(kind, |_| ()), value), Ok(is), "{kind} {value}");
        }
    }

    #[test]
    fn constraints_are_kept_and_what_breaks_them_is_said_in_awss_words() {
        let pattern = |pattern: &'static str| declared("String", |p| p.allowed_pattern = Some(pattern.to_owned()));
        let one_of = |kind| declared(kind, |p| p.allowed_values = Some(vec!["a".to_owned(), "b".to_owned()]));
        let length = declared("String", |p| (p.min_length, p.max_length) = (Some(2), Some(3)));
        let between = |kind| {
            declared(kind, |p| {
                p.min_value = Some("5".to_owned());
                p.max_value = Some("10.5".to_owned());
            })
        };
        let described = declared("String", |p| {
            p.min_length = Some(8);
            p.constraint_description = Some("eight letters.".to_owned());
        });
        let cases = [
            (pattern("[a-z]+"), "abc", None),
            (
                pattern("[a-z]+"),
                "abc1",
                Some("Parameter 'P' must match pattern [a-z]+"),
            ),
            (pattern("a|b"), "ab", Some("Parameter 'P' must match pattern a|b")),
            (one_of("String"), "b", None),
            (
                one_of("String"),
                "c",
                Some("Parameter 'P' must be one of AllowedValues"),
            ),
            (one_of("CommaDelimitedList"), "a, b", None),
            (
                one_of("CommaDelimitedList"),
                "a, c",
                Some("Parameter 'P' must be one of AllowedValues"),
            ),
            (length.clone(), "äöü", None),
            (
                length.clone(),
                "a",
                Some("Parameter 'P' must contain at least 2 characters"),
            ),
            (length, "abcd", Some("Parameter 'P' must contain at most 3 characters")),
            (between("Number"), "10.5", None),
            (
                between("Number"),
                "4.9",
                Some("Parameter 'P' must be a number not less than 5"),
            ),
            (
                between("Number"),
                "11",
                Some("Parameter 'P' must be a number not greater than 10.5"),
            ),
            (
                between("List<Number>"),
                "5,11",
                Some("Parameter 'P' must be a number not greater than 10.5"),
            ),
            (
                declared("Number", |_| ()),
                "NaN",
                Some("Parameter 'P' must be a number."),
            ),
            (declared("Number", |_| ()), "", Some("Parameter 'P' must be a number.")),
            (
                declared("List<Number>", |_| ()),
                "1,x",
                Some("Parameter 'P' must be a list of numbers."),
            ),
            (
                described,
                "short",
                Some("Parameter P failed to satisfy constraint: eight letters."),
            ),
            (
                declared("AWS::EC2::VPC::Id", |_| ()),
                "vpc-1",
                Some("Parameter 'P' has type AWS::EC2::VPC::Id, which is not supported here: its service is not here"),
            ),
            (
                declared("AWS::SSM::Parameter::Value<String>", |_| ()),
                "/a",
                Some(
                    "Parameter 'P' has type AWS::SSM::Parameter::Value<String>, which is not supported here: its service \
                     is not here",
                ),
            ),
            (
                declared("Strin", |_| ()),
                "a",
                Some("Template format error: Unrecognized parameter type: Strin"),
            ),
        ];
        for (template, value, broken) in cases {
            let refusal = bound(&template, value).err();
            assert_eq!(refusal.as_deref(), broken, "{value}: {template:?}");
        }
    }

    #[test]
    fn values_are_given_or_previous_or_defaults() {
        let plain = declared("String", |_| ());
        let defaulted = declared("String", |p| p.default = Some("d".to_owned()));
        let previous = plain.bind(&[given("P", Some("before"), false)], None).unwrap();
        let invalid = "Invalid input for parameter key P.";
        let cases = [
            (&plain, vec![], Err("Parameters: [P] must have values".to_owned())),
            (&plain, vec![given("P", Some("x"), false)], Ok("x")),
            (&plain, vec![given("P", None, true)], Ok("before")),
            (&defaulted, vec![], Ok("d")),
            (&defaulted, vec![given("P", Some(""), false)], Ok("")),
            (
                &plain,
                vec![
                    given("Q", Some("x"), false),
                    given("R", None, true),
                    given("Q", None, true),
                ],
                Err("Parameters: [Q, R] do not exist in the template".to_owned()),
            ),
            (
                &plain,
                vec![given("P", Some("x"), true)],
                Err(format!(
                    "{invalid} Cannot specify usePreviousValue as true and non empty value for a parameter"
                )),
            ),
            (
                &plain,
                vec![given("P", None, false)],
                Err(format!(
                    "{invalid} Need to specify either usePreviousValue as true or a value for a parameter"
                )),
            ),
        ];
        for (template, given, is) in cases {
            let parameters = template.bind(&given, Some(&previous)).map_err(|refusal| refusal.0);
            let text = parameters
                .as_ref()
                .map(|parameters| parameters.named("P").unwrap().text.as_str());
            assert_eq!(text.map_err(Clone::clone), is, "{given:?}");
        }
        let refusal = plain.bind(&[given("P", None, true)], None).unwrap_err();
        assert!(
            refusal.0.ends_with("a parameter key not in the previous template"),
            "{refusal}"
        );
    }

    #[test]
    fn secrets_are_shown_to_nobody() {
        let template = declared("String", |p| p.no_echo = true);
        let said = given("P", Some("open sesame"), false);
        let parameters = template.bind(std::slice::from_ref(&said), None).unwrap();
        assert!(parameters.has_secrets());
        assert_eq!(parameters.named("P").unwrap().value(), json!("open sesame"));
        assert_eq!(parameters.shown().named("P").unwrap().text, NO_ECHO);
        for shown in [
            format!("{said:?}"),
            format!("{parameters:?}"),
            format!("{:?}", parameters.shown()),
        ] {
            assert!(!shown.contains("sesame") && shown.contains(NO_ECHO), "{shown}");
        }
    }
}
