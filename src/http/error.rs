//! Errors as clients see them: RFC 9457 problem documents. The only place that knows both the domain's
//! errors and HTTP's.

use serde::Serialize;
use utoipa::ToSchema;
use warp::http::StatusCode;
use warp::http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use warp::reply::Response;

use crate::app::Failure;
use crate::domain::refusal::{FieldError, Refusal};

/// What went wrong with a request.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The status that says so.
    pub status: StatusCode,
    /// For people.
    pub detail: String,
    /// What is wrong with which part of the input.
    pub errors: Vec<FieldError>,
    /// Headers that the status calls for.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// The document that tells a client of a problem.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "about:blank", "title": "Not Found", "status": 404, "detail": "There is no agent 'x'.",
    "instance": "/api/v1/agents/x", "request_id": "4f1c"
}))]
pub struct ProblemDocument<'a> {
    /// Always `about:blank`: the status says it all.
    #[serde(rename = "type")]
    kind: &'a str,
    /// The status in words.
    title: &'a str,
    /// The status.
    status: u16,
    /// What went wrong, for people.
    detail: &'a str,
    /// The path of the request.
    instance: &'a str,
    /// Under which the log knows the request.
    request_id: &'a str,
    /// All that is wrong with the input; with status 422 alone.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

impl Problem {
    /// A problem that a sentence explains.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// Input that cannot be used, with all that is wrong with it.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = Refusal::Invalid(errors.clone()).to_string();
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// A parameter that cannot be used.
    #[must_use]
    pub fn bad_parameter(name: &str, kind: &str, msg: &str) -> Self {
        let loc = vec!["query".into(), name.into()];
        Self::invalid(vec![FieldError { loc, msg: msg.into(), kind: kind.into() }])
    }

    /// The method is not one of those that the path knows.
    #[must_use]
    pub fn method_not_allowed(allow: &str) -> Self {
        let mut problem =
            Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("This path answers {allow} only."));
        problem.headers.extend(HeaderValue::from_str(allow).ok().map(|allow| (ALLOW, allow)));
        problem
    }

    /// Something failed that is not the client's doing; the log has the cause.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something failed on the server; its log tells more under this request_id.",
        )
    }

    /// Too much of this is under way already.
    #[must_use]
    pub fn too_many(detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, detail);
        problem.headers.push((RETRY_AFTER, HeaderValue::from_static("5")));
        problem
    }

    /// The server cannot serve this now.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        problem.headers.push((RETRY_AFTER, HeaderValue::from_static("1")));
        problem
    }

    /// The answer.
    #[must_use]
    pub fn into_response(self, path: &str, request_id: &str) -> Response {
        let document = ProblemDocument {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            instance: path,
            request_id,
            errors: &self.errors,
        };
        let mut response = Response::new(serde_json::to_vec(&document).unwrap_or_default().into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.extend(self.headers);
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = status_of(&refusal);
        match refusal {
            Refusal::Invalid(errors) => Self::invalid(errors),
            other => Self::new(status, other.to_string()),
        }
    }
}

/// The status that tells of a refusal.
#[must_use]
pub fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::NotFound { .. } => StatusCode::NOT_FOUND,
        Refusal::Conflict(_) => StatusCode::CONFLICT,
        Refusal::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::Gone(_) => StatusCode::GONE,
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        // The span around the handler carries the request's id into the log.
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Unavailable { reason, cause } => {
                tracing::error!(cause, "storage is failing");
                Self::unavailable(format!(
                    "Storage is failing: {reason}. What was not answered with success may not be stored."
                ))
            }
            Failure::Broken(cause) => {
                tracing::error!(cause, "the data contradicts itself");
                Self::internal()
            }
        }
    }
}
