//! Whose calls they are: AWS's chain of places where credentials may be.
//!
//! | in this order | |
//! |---|---|
//! | environment | `AWS_ACCESS_KEY_ID` and its companions, unless a profile was asked for by name |
//! | profile | `role_arn` with `source_profile`, `credential_source` or a web identity; keys; SSO; `credential_process` |
//! | web identity | `AWS_WEB_IDENTITY_TOKEN_FILE` with `AWS_ROLE_ARN` |
//! | container | `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`, `…_FULL_URI` |
//! | instance | the metadata service of EC2, version 2 |
//!
//! SPEC: <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>

use super::{
    Client, Endpoint, Endpoints, Error, Retries, Settings,
    client::{FORM, form, result_of},
    http::{Http, PATIENT, Times},
};
use base::{Random, Secret, Timestamp, ids};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};
use http_body_util::Full;
use serde::{Deserialize, de::DeserializeOwned};
use sigv4::sign::Credentials;
use std::{path::Path, pin::Pin, process::Stdio, sync::Arc, time::Duration};
use tokio::sync::Mutex;
use wire::ServiceName;

/// Credentials are asked for anew so long before they end.
const RENEWED_BEFORE: Duration = Duration::from_secs(300);
/// How many profiles may name one another.
const PROFILES_MAX: usize = 5;
/// The metadata services are near, or not there at all.
const NEAR: Times = Times {
    connect: Duration::from_secs(1),
    answer: Some(Duration::from_secs(5)),
};
const CONTAINER: &str = "http://169.254.170.2";
const INSTANCE: &str = "http://169.254.169.254";

/// Hands credentials out, and asks for new ones before they end.
pub struct Provider {
    chain: Option<Chain>,
    current: Mutex<Option<Provided>>,
}

#[derive(Clone)]
struct Provided {
    credentials: Credentials,
    expires: Option<Timestamp>,
}

type Found<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

struct Chain {
    settings: Settings,
    http: Arc<Http>,
    endpoints: Endpoints,
    region: String,
}

impl Provider {
    /// Always these.
    pub fn fixed(credentials: Credentials) -> Provider {
        let provided = Provided {
            credentials,
            expires: None,
        };
        Provider {
            chain: None,
            current: Mutex::new(Some(provided)),
        }
    }

    pub(super) fn chain(settings: Settings, http: Arc<Http>, endpoints: Endpoints, region: String) -> Provider {
        let chain = Chain {
            settings,
            http,
            endpoints,
            region,
        };
        Provider {
            chain: Some(chain),
            current: Mutex::new(None),
        }
    }

    pub(super) async fn credentials(&self, now: Timestamp) -> Result<Credentials, Error> {
        let mut current = self.current.lock().await;
        let is_good = |provided: &&Provided| {
            provided
                .expires
                .is_none_or(|expires| expires > now.plus(RENEWED_BEFORE))
        };
        if let Some(provided) = current.as_ref().filter(is_good) {
            return Ok(provided.credentials.clone());
        }
        let Some(chain) = &self.chain else {
            return Err(Error::Credentials("the credentials have ended".to_owned()));
        };
        let provided = chain.find(now).await?;
        Ok(current.insert(provided).credentials.clone())
    }
}

/// What services of credentials answer: the same members, whoever answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answered {
    access_key_id: String,
    secret_access_key: String,
    #[serde(alias = "SessionToken")]
    token: Option<String>,
    expiration: Option<String>,
}

impl Answered {
    fn provided(self) -> Provided {
        Provided {
            credentials: Credentials {
                access_key_id: self.access_key_id,
                secret: Secret::new(self.secret_access_key),
                session_token: self.token,
            },
            expires: self.expiration.as_deref().and_then(Timestamp::parse),
        }
    }
}

fn none(reason: impl Into<String>) -> Error {
    Error::Credentials(reason.into())
}

impl Chain {
    fn environment(&self, name: &str) -> Option<&str> {
        self.settings.environment.value(name)
    }

    /// Boxed, for STS is asked by a client with credentials of its own.
    fn find(&self, now: Timestamp) -> Found<'_, Provided> {
        Box::pin(async move {
            if !self.settings.is_asked_for
                && let Some(provided) = self.of_environment()?
            {
                return Ok(provided);
            }
            if let Some(provided) = self
                .of_profile(self.settings.profile.clone(), PROFILES_MAX, now)
                .await?
            {
                return Ok(provided);
            }
            if let (Some(file), Some(role)) = (
                self.environment("AWS_WEB_IDENTITY_TOKEN_FILE"),
                self.environment("AWS_ROLE_ARN"),
            ) {
                return self
                    .of_web_identity(Path::new(file), role, self.environment("AWS_ROLE_SESSION_NAME"))
                    .await;
            }
            if let Some(provided) = self.of_container().await? {
                return Ok(provided);
            }
            match self.of_instance().await? {
                Some(provided) => Ok(provided),
                None => Err(none(super::error::NO_CREDENTIALS)),
            }
        })
    }

    fn of_environment(&self) -> Result<Option<Provided>, Error> {
        let Some(id) = self.environment("AWS_ACCESS_KEY_ID") else {
            return Ok(None);
        };
        let secret = self.environment("AWS_SECRET_ACCESS_KEY");
        let secret = secret.ok_or_else(|| none("AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not"))?;
        let token = self.environment("AWS_SESSION_TOKEN");
        Ok(Some(keys(id, secret, token)))
    }

    /// The credentials of a profile, or nothing when it has none.
    fn of_profile(&self, profile: String, profiles_left: usize, now: Timestamp) -> Found<'_, Option<Provided>> {
        Box::pin(async move {
            let value = |name| self.settings.profiles.value(&profile, name);
            if let Some(role) = value("role_arn") {
                return self.of_role(&profile, role, profiles_left, now).await.map(Some);
            }
            if let Some(id) = value("aws_access_key_id") {
                let missing = || none(format!("the profile `{profile}` has no aws_secret_access_key"));
                let secret = value("aws_secret_access_key").ok_or_else(missing)?;
                return Ok(Some(keys(id, secret, value("aws_session_token"))));
            }
            if value("sso_account_id").is_some() {
                return self.of_sso(&profile, now).await.map(Some);
            }
            match value("credential_process") {
                Some(command) => of_process(command).await.map(Some),
                None => Ok(None),
            }
        })
    }

    async fn of_role(
        &self,
        profile: &str,
        role: &str,
        profiles_left: usize,
        now: Timestamp,
    ) -> Result<Provided, Error> {
        let value = |name| self.settings.profiles.value(profile, name);
        let Some(profiles_left) = profiles_left.checked_sub(1) else {
            return Err(none(format!("too many profiles name one another before `{profile}`")));
        };
        if let Some(device) = value("mfa_serial") {
            return Err(none(format!(
                "the profile `{profile}` wants a code of {device}, which is not asked for here: \
                 eval \"$(aws configure export-credentials --profile {profile} --format env)\""
            )));
        }
        if let Some(file) = value("web_identity_token_file") {
            return self
                .of_web_identity(Path::new(file), role, value("role_session_name"))
                .await;
        }
        let source = match (value("source_profile"), value("credential_source")) {
            // A profile may be its own source: then its keys are meant.
            (Some(source), _) if source == profile => self.own_keys(profile),
            (Some(source), _) => self.of_profile(source.to_owned(), profiles_left, now).await?,
            (None, Some("Environment")) => self.of_environment()?,
            (None, Some("EcsContainer")) => self.of_container().await?,
            (None, Some("Ec2InstanceMetadata")) => self.of_instance().await?,
            (None, Some(other)) => {
                return Err(none(format!(
                    "the profile `{profile}` has an unknown credential_source `{other}`"
                )));
            }
            (None, None) => {
                return Err(none(format!(
                    "the profile `{profile}` has a role_arn, but no source_profile or credential_source"
                )));
            }
        };
        let source = source.ok_or_else(|| none(format!("the profile `{profile}` has a source without credentials")))?;
        let session = self.session_name(value("role_session_name"));
        let mut input = vec![("RoleArn", role), ("RoleSessionName", session.as_str())];
        input.extend(value("external_id").map(|id| ("ExternalId", id)));
        input.extend(value("duration_seconds").map(|seconds| ("DurationSeconds", seconds)));
        self.assumed("AssumeRole", &input, Some(source.credentials)).await
    }

    fn own_keys(&self, profile: &str) -> Option<Provided> {
        let value = |name| self.settings.profiles.value(profile, name);
        Some(keys(
            value("aws_access_key_id")?,
            value("aws_secret_access_key")?,
            value("aws_session_token"),
        ))
    }

    fn session_name(&self, named: Option<&str>) -> String {
        named.map_or_else(|| format!("shoseki-{}", ids::uuid(&Random::os())), str::to_owned)
    }

    async fn of_web_identity(&self, file: &Path, role: &str, session: Option<&str>) -> Result<Provided, Error> {
        let unreadable = |fault| none(format!("cannot read the token in `{}`: {fault}", file.display()));
        let token = std::fs::read_to_string(file).map_err(unreadable)?;
        let session = self.session_name(session);
        let input = [
            ("RoleArn", role),
            ("RoleSessionName", session.as_str()),
            ("WebIdentityToken", token.trim()),
        ];
        self.assumed("AssumeRoleWithWebIdentity", &input, None).await
    }

    /// A session of a role, by STS. Without credentials the call is not signed.
    async fn assumed(&self, action: &str, input: &[(&str, &str)], by: Option<Credentials>) -> Result<Provided, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Session {
            credentials: Answered,
        }
        let session: Session = match by {
            Some(by) => {
                let provider = Provider::fixed(by);
                let (http, endpoints) = (Arc::clone(&self.http), self.endpoints.clone());
                let client = Client::assembled(http, endpoints, Retries::new(3), provider, self.region.clone());
                client.ask_query(ServiceName::Sts, action, input).await
            }
            None => self.unsigned(action, input).await,
        }
        .map_err(|error| none(format!("{action} gives no session of the role: {error}")))?;
        Ok(session.credentials.provided())
    }

    async fn unsigned<T: DeserializeOwned>(&self, action: &str, input: &[(&str, &str)]) -> Result<T, Error> {
        let place = self.endpoints.place(ServiceName::Sts.into(), &self.region, None)?;
        let body = form(ServiceName::Sts.into(), action, input);
        let text = self
            .fetch(&place.endpoint, Method::POST, "/", &FORM, body, PATIENT)
            .await?;
        result_of(action, &text)
    }

    async fn of_container(&self) -> Result<Option<Provided>, Error> {
        let (endpoint, path) = if let Some(path) = self.environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            (Endpoint::parse(CONTAINER)?, path.to_owned())
        } else if let Some(url) = self.environment("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            container_url(url)?
        } else {
            return Ok(None);
        };
        let mut token = self.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(str::to_owned);
        if let Some(file) = self.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            let unreadable = |fault| none(format!("cannot read the token in `{file}`: {fault}"));
            token = Some(std::fs::read_to_string(file).map_err(unreadable)?);
        }
        let token = token.unwrap_or_default();
        let headers = [("authorization", token.trim())];
        let headers = if token.is_empty() { &[][..] } else { &headers[..] };
        let text = self
            .fetch(&endpoint, Method::GET, &path, headers, String::new(), NEAR)
            .await?;
        answered(&text, "the container's service of credentials").map(Some)
    }

    async fn of_instance(&self) -> Result<Option<Provided>, Error> {
        let is_off = self.environment("AWS_EC2_METADATA_DISABLED");
        if is_off.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let url = self
            .environment("AWS_EC2_METADATA_SERVICE_ENDPOINT")
            .unwrap_or(INSTANCE);
        let endpoint = Endpoint::parse(url)?;
        let ttl = [("x-aws-ec2-metadata-token-ttl-seconds", "21600")];
        let token = self
            .fetch(&endpoint, Method::PUT, "/latest/api/token", &ttl, String::new(), NEAR)
            .await;
        // Most machines are no instances: nobody answers there.
        let Ok(token) = token else { return Ok(None) };
        let headers = [("x-aws-ec2-metadata-token", token.as_str())];
        let folder = "/latest/meta-data/iam/security-credentials/";
        let Ok(role) = self
            .fetch(&endpoint, Method::GET, folder, &headers, String::new(), NEAR)
            .await
        else {
            return Ok(None);
        };
        let path = format!("{folder}{}", role.lines().next().unwrap_or_default());
        let text = self
            .fetch(&endpoint, Method::GET, &path, &headers, String::new(), NEAR)
            .await?;
        answered(&text, "the instance's metadata").map(Some)
    }

    /// A session of IAM Identity Center, by the token that `aws sso login` left.
    async fn of_sso(&self, profile: &str, now: Timestamp) -> Result<Provided, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Token {
            access_token: String,
            expires_at: String,
        }
        let value = |name| self.settings.profiles.value(profile, name);
        let session = value("sso_session");
        let of_session = |name| session.and_then(|session| self.settings.profiles.of_sso_session(session, name));
        let missing = |name: &'static str| move || none(format!("the profile `{profile}` has no {name}"));
        let region = of_session("sso_region")
            .or_else(|| value("sso_region"))
            .ok_or_else(missing("sso_region"))?;
        let key = session
            .or_else(|| value("sso_start_url"))
            .ok_or_else(missing("sso_session"))?;
        let account = value("sso_account_id").ok_or_else(missing("sso_account_id"))?;
        let role = value("sso_role_name").ok_or_else(missing("sso_role_name"))?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
        let file = format!(".aws/sso/cache/{}.json", hex::encode(digest));
        let text = self
            .settings
            .environment
            .at_home(&file)
            .and_then(|path| std::fs::read_to_string(path).ok());
        let token: Option<Token> = text.and_then(|text| serde_json::from_str(&text).ok());
        let is_good = |token: &Token| Timestamp::parse(&token.expires_at).is_some_and(|expires| expires > now);
        let log_in = || {
            none(format!(
                "nobody is logged in for the profile `{profile}`: aws sso login --profile {profile}"
            ))
        };
        let token = token.filter(is_good).ok_or_else(log_in)?;
        let url = self.environment("AWS_ENDPOINT_URL_SSO").map(str::to_owned);
        let url = url.unwrap_or_else(|| format!("https://portal.sso.{region}.amazonaws.com"));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("role_name", role)
            .append_pair("account_id", account)
            .finish();
        let path = format!("/federation/credentials?{query}");
        let headers = [("x-amz-sso_bearer_token", token.access_token.as_str())];
        let text = self
            .fetch(
                &Endpoint::parse(&url)?,
                Method::GET,
                &path,
                &headers,
                String::new(),
                PATIENT,
            )
            .await?;
        of_portal(&text)
    }

    /// A plain request, whose answer must be good.
    async fn fetch(
        &self,
        endpoint: &Endpoint,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
        times: Times,
    ) -> Result<String, Error> {
        let odd =
            |fault: &dyn std::fmt::Display| none(format!("credentials cannot be asked for at {endpoint}: {fault}"));
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|fault: http::uri::InvalidUri| odd(&fault))?;
        let host = HeaderValue::from_str(&endpoint.authority()).map_err(|fault| odd(&fault))?;
        request.headers_mut().insert(header::HOST, host);
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|fault| odd(&fault))?;
            let value = HeaderValue::from_str(value).map_err(|fault| odd(&fault))?;
            request.headers_mut().insert(name, value);
        }
        let response = self.http.send(endpoint, request, times, None).await?;
        let text = String::from_utf8_lossy(&response.body).into_owned();
        match response.status {
            200..=299 => Ok(text),
            // What it says may hold more than is to be shown; its status and its error code do not.
            status => {
                let code = super::elements(&text, "Code").into_iter().next().unwrap_or_default();
                Err(odd(&format!("it answers {status} {code}").trim_end()))
            }
        }
    }
}

fn keys(id: &str, secret: &str, token: Option<&str>) -> Provided {
    Provided {
        credentials: Credentials {
            access_key_id: id.to_owned(),
            secret: Secret::new(secret.to_owned()),
            session_token: token.map(str::to_owned),
        },
        expires: None,
    }
}

fn answered(text: &str, who: &str) -> Result<Provided, Error> {
    let answered: Answered =
        serde_json::from_str(text).map_err(|_| none(format!("{who} answers without credentials")))?;
    Ok(answered.provided())
}

/// What the portal of IAM Identity Center answers. Its times are milliseconds.
fn of_portal(text: &str) -> Result<Provided, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        role_credentials: RoleCredentials,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct RoleCredentials {
        access_key_id: String,
        secret_access_key: String,
        session_token: String,
        expiration: f64,
    }
    let odd = |_| none("IAM Identity Center answers without credentials");
    let given = serde_json::from_str::<Answer>(text).map_err(odd)?.role_credentials;
    Ok(Provided {
        credentials: Credentials {
            access_key_id: given.access_key_id,
            secret: Secret::new(given.secret_access_key),
            session_token: Some(given.session_token),
        },
        expires: Some(Timestamp::from_secs_f64(given.expiration / 1000.0)),
    })
}

/// What a program of the user's prints. SPEC: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
async fn of_process(command: &str) -> Result<Provided, Error> {
    let odd =
        |reason: &dyn std::fmt::Display| none(format!("credential_process `{command}` gives no credentials: {reason}"));
    let mut shell = std::process::Command::new("sh");
    shell
        .arg("-c")
        .arg(command)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let done = tokio::task::spawn_blocking(move || shell.output()).await;
    let done = done.map_err(|fault| odd(&fault))?.map_err(|fault| odd(&fault))?;
    if !done.status.success() {
        return Err(odd(&format!("it ended with {}", done.status)));
    }
    // What it prints is secret: no part of it is repeated.
    answered(&String::from_utf8_lossy(&done.stdout), "credential_process")
}

/// A token of a container goes to the machine itself, or under TLS, and nowhere else.
fn container_url(url: &str) -> Result<(Endpoint, String), Error> {
    let at = url
        .find("://")
        .and_then(|scheme| url.get(scheme + 3..)?.find('/').map(|slash| scheme + 3 + slash));
    let (base, path) = url.split_at(at.unwrap_or(url.len()));
    let endpoint = Endpoint::parse(base)?;
    let near = [
        "127.0.0.1",
        "::1",
        "localhost",
        "169.254.170.2",
        "169.254.170.23",
        "fd00:ec2::23",
    ];
    match endpoint.is_tls() || near.contains(&endpoint.host()) {
        true => Ok((
            endpoint,
            if path.is_empty() {
                "/".to_owned()
            } else {
                path.to_owned()
            },
        )),
        false => Err(none(format!(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI `{url}` is neither of this machine nor under TLS"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_containers_token_stays_near() {
        let (endpoint, path) = container_url("http://169.254.170.23/v1/credentials?x=y").unwrap();
        assert_eq!(
            (endpoint.host(), path.as_str()),
            ("169.254.170.23", "/v1/credentials?x=y")
        );
        assert!(container_url("https://far.example/x").is_ok());
        assert!(container_url("http://far.example/x").is_err());
    }

    #[test]
    fn every_service_of_credentials_is_understood() {
        let text = r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"S","SessionToken":"T","Expiration":"2026-01-01T00:00:00Z"}"#;
        let provided = answered(text, "it").unwrap();
        assert_eq!(provided.credentials.session_token.as_deref(), Some("T"));
        assert!(provided.expires.is_some());
        let text = r#"{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T"}"#;
        assert_eq!(
            answered(text, "it").unwrap().credentials.session_token.as_deref(),
            Some("T")
        );
        assert!(answered("{}", "it").is_err());
        let text =
            r#"{"roleCredentials":{"accessKeyId":"A","secretAccessKey":"S","sessionToken":"T","expiration":1000}}"#;
        assert_eq!(of_portal(text).unwrap().expires, Some(Timestamp::from_secs_f64(1.0)));
    }
}
