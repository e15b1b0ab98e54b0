//! Where credentials, Region and endpoints come from.

use super::{Client, Endpoint, Endpoints, Error, Profiles, Provider, Retries, Service, Trust, http::Http};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

/// The attempts of a call when nothing says otherwise.
const ATTEMPTS: u32 = 4;

/// The environment's variables, as the program was started with them.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Of these variables. Those that are empty count as absent.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Environment {
        Environment(variables.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn is_on(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A file under the user's home.
    pub(super) fn at_home(&self, path: &str) -> Option<PathBuf> {
        let home = self.value("HOME").or_else(|| self.value("USERPROFILE"))?;
        Some(PathBuf::from(home).join(path))
    }
}

/// What AWS's own clients read, in their order.
pub struct Settings {
    pub(super) environment: Environment,
    pub(super) profiles: Profiles,
    /// The profile in use, and whether it was asked for by name.
    pub(super) profile: String,
    pub(super) is_asked_for: bool,
    endpoint: Option<String>,
    region: Option<String>,
}

impl Settings {
    /// Of this environment and the files that it names. `profile`, `region` and `endpoint` are what was said on the command
    /// line; it stands above the rest.
    pub fn read(
        environment: Environment,
        profile: Option<&str>,
        region: Option<&str>,
        endpoint: Option<&str>,
    ) -> Result<Settings, Error> {
        let file = |variable, path| {
            let named = environment.value(variable).map(PathBuf::from);
            let path = named.or_else(|| environment.at_home(path));
            path.and_then(|path| std::fs::read_to_string(path).ok())
                .unwrap_or_default()
        };
        let config = file("AWS_CONFIG_FILE", ".aws/config");
        let credentials = file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
        let by_environment = environment.value("AWS_PROFILE");
        let named = profile.or(by_environment).map(str::to_owned);
        let settings = Settings {
            profiles: Profiles::parse(&config, &credentials),
            is_asked_for: profile.is_some(),
            profile: named.clone().unwrap_or_else(|| "default".to_owned()),
            endpoint: endpoint.map(str::to_owned),
            region: region.map(str::to_owned),
            environment,
        };
        match named {
            Some(name) if !settings.profiles.has(&name) => Err(Error::Settings(format!(
                "there is no profile `{name}` in ~/.aws/config or ~/.aws/credentials"
            ))),
            _ => Ok(settings),
        }
    }

    /// The Region, if one is set.
    pub fn region(&self) -> Option<&str> {
        let environment = |name| self.environment.value(name);
        let region = self.region.as_deref().or_else(|| environment("AWS_REGION"));
        region
            .or_else(|| environment("AWS_DEFAULT_REGION"))
            .or_else(|| self.profiles.value(&self.profile, "region"))
    }

    /// Where the services are.
    pub fn endpoints(&self) -> Result<Endpoints, Error> {
        if let Some(url) = &self.endpoint {
            return Ok(Endpoints::at(Endpoint::parse(url)?));
        }
        for name in ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"] {
            if self.environment.is_on(name) {
                return Err(Error::Settings(format!(
                    "{name} is not known here: name the endpoints by AWS_ENDPOINT_URL_…"
                )));
            }
        }
        let mut endpoints = Endpoints::default();
        let ignored = self.profiles.value(&self.profile, "ignore_configured_endpoint_urls") == Some("true");
        if ignored || self.environment.is_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
            return Ok(endpoints);
        }
        let for_all = self.environment.value("AWS_ENDPOINT_URL");
        let all = for_all.or_else(|| self.profiles.value(&self.profile, "endpoint_url"));
        endpoints.all = all.map(Endpoint::parse).transpose()?;
        for service in Service::all() {
            let id = service.id();
            let by_environment = self.environment.value(&format!("AWS_ENDPOINT_URL_{id}"));
            // What the environment says of all services stands above what a file says of one.
            let by_file = || {
                self.profiles
                    .of_service(&self.profile, &id.to_ascii_lowercase(), "endpoint_url")
            };
            let url = by_environment.or_else(|| for_all.is_none().then(by_file).flatten());
            if let Some(url) = url {
                endpoints.of_service.insert(service, Endpoint::parse(url)?);
            }
        }
        Ok(endpoints)
    }

    /// Whose certificates are good.
    pub fn trust(&self) -> Trust {
        let bundle = self.environment.value("AWS_CA_BUNDLE");
        let bundle = bundle.or_else(|| self.profiles.value(&self.profile, "ca_bundle"));
        bundle.map_or(Trust::System, |path| Trust::Bundle(path.into()))
    }

    fn attempts(&self) -> u32 {
        let attempts = self.environment.value("AWS_MAX_ATTEMPTS");
        let attempts = attempts.or_else(|| self.profiles.value(&self.profile, "max_attempts"));
        attempts.and_then(|attempts| attempts.parse().ok()).unwrap_or(ATTEMPTS)
    }

    /// A client by these settings. Credentials are looked for at its first call.
    pub fn client(self) -> Result<Client, Error> {
        let endpoints = self.endpoints()?;
        let http = Arc::new(Http::new(self.trust()));
        let retries = Retries::new(self.attempts());
        let region = self.region().map(str::to_owned).ok_or(Error::NoRegion)?;
        let provider = Provider::chain(self, Arc::clone(&http), endpoints.clone(), region.clone());
        Ok(Client::assembled(http, endpoints, retries, provider, region))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::ServiceName;

    fn settings(variables: &[(&str, &str)], endpoint: Option<&str>) -> Settings {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::read(Environment::new(variables), None, None, endpoint).unwrap()
    }

    #[test]
    fn endpoints_are_looked_for_in_aws_order() {
        let of = |settings: Settings, service: ServiceName| {
            let endpoints = settings.endpoints().unwrap();
            endpoints
                .place(service.into(), "us-east-1", None)
                .unwrap()
                .endpoint
                .to_string()
        };
        let both = [
            ("AWS_ENDPOINT_URL", "http://a:1"),
            ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://b:2"),
        ];
        assert_eq!(of(settings(&both, None), ServiceName::Kms), "http://a:1");
        assert_eq!(of(settings(&both, None), ServiceName::Logs), "http://b:2");
        assert_eq!(of(settings(&both, Some("http://c:3")), ServiceName::Logs), "http://c:3");
        let ignored = [
            ("AWS_ENDPOINT_URL", "http://a:1"),
            ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        ];
        assert_eq!(
            of(settings(&ignored, None), ServiceName::Kms),
            "https://kms.us-east-1.amazonaws.com"
        );
        assert!(
            settings(&[("AWS_USE_FIPS_ENDPOINT", "true")], None)
                .endpoints()
                .is_err()
        );
    }

    #[test]
    fn a_profile_that_is_not_there_is_refused_by_name() {
        let variables = [("AWS_PROFILE".to_owned(), "nobody".to_owned())];
        let refused = Settings::read(Environment::new(variables), None, None, None)
            .map(drop)
            .unwrap_err();
        assert!(refused.to_string().contains("`nobody`"));
    }

    #[test]
    fn without_a_region_there_is_no_client() {
        let refused = settings(&[], None).client().map(drop).unwrap_err();
        assert!(refused.to_string().contains("--region"));
    }
}
