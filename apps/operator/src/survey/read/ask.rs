//! Read-only calls whose failures are facts, so many at a time as an endpoint likes.

use crate::{
    aws::{Answer, Client, Error, Service},
    survey::{Fact, Missing},
};
use http::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{future::Future, sync::Arc};
use tokio::{sync::Semaphore, task::JoinSet};

/// The calls that are under way at once.
const CALLS_MAX: usize = 32;
/// A list that has more pages than this is no list that a service answers.
const PAGES_MAX: usize = 10_000;

/// Asks in one Region.
#[derive(Clone)]
pub(super) struct Asker {
    client: Client,
    permits: Arc<Semaphore>,
}

/// A page of a list, and where the next one begins.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<String>,
}

impl Asker {
    pub(super) fn new(client: &Client) -> Asker {
        Asker {
            client: client.clone(),
            permits: Arc::new(Semaphore::new(CALLS_MAX)),
        }
    }

    pub(super) fn in_region(&self, region: &str) -> Asker {
        Asker {
            client: self.client.in_region(region),
            permits: Arc::clone(&self.permits),
        }
    }

    pub(super) fn region(&self) -> &str {
        self.client.region()
    }

    /// Waits for its turn, and calls. A call is large: whoever makes many of them boxes them, so that the stack does not grow with
    /// their number.
    pub(super) async fn turn<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        // The semaphore is never closed; without a permit the call is made all the same.
        let _permit = self.permits.acquire().await;
        call.await
    }

    fn missing(&self, service: Service, operation: &str, error: &Error) -> Missing {
        let prefix = match service.signing_name() {
            "monitoring" => "cloudwatch",
            name => name,
        };
        Missing::of(&format!("{prefix}:{operation}"), self.region(), error)
    }

    /// A call of a JSON service. What is null in its answer is left out.
    pub(super) async fn json(
        &self,
        service: impl Into<Service>,
        operation: &str,
        input: &Value,
    ) -> Result<Value, Missing> {
        let service = service.into();
        let answer = self.turn(Box::pin(self.client.json(service, operation, input))).await;
        answer
            .map(without_nulls)
            .map_err(|error| self.missing(service, operation, &error))
    }

    /// The same, with nothing when there is no such thing, which these codes say.
    pub(super) async fn json_or_none(
        &self,
        service: impl Into<Service>,
        operation: &str,
        input: &Value,
        none: &[&str],
    ) -> Result<Option<Value>, Missing> {
        absent(self.json(service, operation, input).await, none)
    }

    /// All items of a list of a JSON service: of the member `items`, as long as `from` is given again as `to`.
    pub(super) async fn json_list(
        &self,
        service: impl Into<Service>,
        operation: &str,
        input: &Value,
        items: &str,
        (from, to): (&str, &str),
    ) -> Result<Vec<Value>, Missing> {
        let (service, mut input, mut all) = (service.into(), input.clone(), Vec::new());
        for _ in 0..PAGES_MAX {
            let mut page = self.json(service, operation, &input).await?;
            if let Some(Value::Array(items)) = page.get_mut(items).map(Value::take) {
                all.extend(items);
            }
            match page[from].as_str().filter(|token| !token.is_empty()) {
                Some(token) if input[to] != *token => input[to] = token.into(),
                _ => break,
            }
        }
        Ok(all)
    }

    /// A call of a Query service, with the result of its answer.
    pub(super) async fn query<T: DeserializeOwned>(
        &self,
        service: impl Into<Service>,
        action: &str,
        input: &[(&str, &str)],
    ) -> Result<T, Missing> {
        let service = service.into();
        let answer = self.turn(Box::pin(self.client.ask_query(service, action, input))).await;
        answer.map_err(|error| self.missing(service, action, &error))
    }

    /// All items of a list of a Query service, whose pages `page` takes apart. `marker` names where a page begins.
    pub(super) async fn query_list<R: DeserializeOwned, T>(
        &self,
        service: impl Into<Service>,
        action: &str,
        input: &[(&str, &str)],
        marker: &str,
        page: impl Fn(R) -> Page<T>,
    ) -> Result<Vec<T>, Missing> {
        let (service, mut all, mut at) = (service.into(), Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let mut input = input.to_vec();
            input.extend(at.as_deref().map(|at| (marker, at)));
            let Page { items, next } = page(self.query(service, action, &input).await?);
            all.extend(items);
            match next.filter(|next| !next.is_empty() && Some(next) != at.as_ref()) {
                Some(next) => at = Some(next),
                None => break,
            }
        }
        Ok(all)
    }

    /// A call of S3 on a bucket; `operation` is its name for people.
    pub(super) async fn s3(
        &self,
        method: Method,
        operation: &str,
        bucket: &str,
        query: &str,
    ) -> Result<Answer, Missing> {
        let answer = self
            .turn(Box::pin(self.client.s3(method, bucket, "", query, &[], "")))
            .await;
        answer.map_err(|error| self.missing(wire::ServiceName::S3.into(), operation, &error))
    }

    /// A setting of a bucket.
    pub(super) async fn setting<T: DeserializeOwned>(
        &self,
        operation: &str,
        bucket: &str,
        name: &str,
    ) -> Result<T, Missing> {
        let answer = self.turn(Box::pin(self.client.bucket_setting(bucket, name))).await;
        answer.map_err(|error| self.missing(wire::ServiceName::S3.into(), operation, &error))
    }

    /// The client's own answer, for what must be known.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }
}

/// Nothing, when one of these codes says that there is no such thing.
pub(super) fn absent<T>(result: Result<T, Missing>, none: &[&str]) -> Result<Option<T>, Missing> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(missing) if none.contains(&missing.code.as_str()) => Ok(None),
        Err(missing) => Err(missing),
    }
}

/// What is read only when all is to be read.
pub(super) async fn when<T>(wanted: bool, call: &str, read: impl Future<Output = Result<T, Missing>>) -> Fact<T> {
    match wanted {
        true => read.await.into(),
        false => Fact::NotAvailable(Missing::not_asked(call)),
    }
}

/// All at once; the results are in the order of the futures.
pub(super) async fn together<T, F>(futures: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for (at, future) in futures.into_iter().enumerate() {
        tasks.spawn(async move { (at, future.await) });
    }
    let mut results = Vec::with_capacity(tasks.len());
    while let Some(result) = tasks.join_next().await {
        match result {
            Ok(result) => results.push(result),
            // Nobody aborts them; a bug in one is a bug here.
            Err(fault) => {
                if let Ok(panicked) = fault.try_into_panic() {
                    std::panic::resume_unwind(panicked);
                }
            }
        }
    }
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        scalar => scalar,
    }
}

/// A text of an answer; absent when it is empty.
pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A time of an answer: seconds since the epoch, or ISO 8601.
pub(super) fn time(value: &Value) -> Option<base::Timestamp> {
    match value {
        Value::Number(seconds) => seconds.as_f64().map(base::Timestamp::from_secs_f64),
        Value::String(text) => base::Timestamp::parse(text),
        _ => None,
    }
}

/// A small number of an answer.
pub(super) fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| number.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nulls_are_nothing() {
        assert_eq!(
            without_nulls(json!({ "a": null, "b": [{ "c": null }] })),
            json!({ "b": [{}] })
        );
    }

    #[test]
    fn times_have_two_forms() {
        let expected = base::Timestamp::parse("2016-01-28T22:02:24Z");
        assert_eq!(time(&json!(1454018544)), expected);
        assert_eq!(time(&json!("2016-01-28T22:02:24Z")), expected);
        assert_eq!(time(&json!("")), None);
    }

    #[tokio::test]
    async fn results_keep_their_order() {
        let futures = (0..50_u64).map(|at| async move {
            tokio::time::sleep(std::time::Duration::from_micros(500 - 10 * at)).await;
            at
        });
        assert_eq!(together(futures).await, (0..50).collect::<Vec<_>>());
    }
}
