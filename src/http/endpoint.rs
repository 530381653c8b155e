//! An endpoint: one value gives the route, the reading of its input and its part of the OpenAPI document.
//!
//! The types of a handler's arguments and of its answer say how to read the request and what the document shows;
//! so the router and the document are two readings of one list.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use warp::http::Method;
use warp::reply::Response;

use super::access::Access;
use super::document::OperationDoc;
use super::error::Problem;
use super::request::Call;
use crate::App;
use crate::domain::access::TokenRole;
use crate::domain::time::SECOND;

type Answer = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;

/// A method on a path, and what it does.
#[derive(Clone)]
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path template, such as `/api/v1/agents/{agent_id}`.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// Its part of the document, until it is routed: no request needs it, and all of them take megabytes.
    pub doc: Option<Box<OperationDoc>>,
    /// Whether the answer carries an `ETag`.
    pub etag: bool,
    /// How long its answers are kept ready at most, in microseconds.
    pub kept: Option<i64>,
    handler: Arc<dyn Fn(Arc<App>, Call) -> Answer + Send + Sync>,
}

impl Endpoint {
    /// An endpoint whose handler takes the application and any number of [`Input`]s. Viewers may read and operators
    /// write, where nothing else is said.
    pub fn new<A, H: Handler<A>>(
        method: Method,
        path: &'static str,
        summary: &'static str,
        handler: H,
    ) -> Self {
        let mut doc = OperationDoc::new(&method, path, summary);
        let handler = handler.prepare(&mut doc);
        let role = if method == Method::GET { TokenRole::Viewer } else { TokenRole::Operator };
        Self {
            method,
            path,
            access: Access::Role(role),
            doc: Some(Box::new(doc)),
            etag: false,
            kept: None,
            handler,
        }
    }

    fn documented(mut self, say: impl FnOnce(&mut OperationDoc)) -> Self {
        if let Some(doc) = &mut self.doc {
            say(doc);
        }
        self
    }

    /// An endpoint that reads.
    pub fn get<A, H: Handler<A>>(path: &'static str, summary: &'static str, handler: H) -> Self {
        Self::new(Method::GET, path, summary, handler)
    }

    /// An endpoint that writes: storage may fail under it.
    pub fn post<A, H: Handler<A>>(path: &'static str, summary: &'static str, handler: H) -> Self {
        Self::new(Method::POST, path, summary, handler)
    }

    /// Answers carry an `ETag`, and `If-None-Match` gets 304.
    #[must_use]
    pub fn etag(mut self) -> Self {
        self.etag = true;
        self.documented(|doc| {
            doc.status(304, "Not changed since the answer whose ETag was sent as If-None-Match");
        })
    }

    /// Answers with an `ETag` are [kept ready](super::kept) for a second: they follow from path, query, time and what is
    /// stored, whoever asks.
    #[must_use]
    pub fn kept(self) -> Self {
        self.kept_for(SECOND)
    }

    /// The same, for as many microseconds.
    #[must_use]
    pub fn kept_for(mut self, micros: i64) -> Self {
        self.kept = Some(micros);
        self
    }

    /// Says who may use the endpoint.
    #[must_use]
    pub fn needs(mut self, role: TokenRole) -> Self {
        self.access = Access::Role(role);
        self
    }

    /// Anyone may use the endpoint.
    #[must_use]
    pub fn public(mut self) -> Self {
        self.access = Access::Public;
        self
    }

    /// Says what the endpoint does in more than the summary's words.
    #[must_use]
    pub fn describe(self, text: &'static str) -> Self {
        self.documented(|doc| doc.description = text)
    }

    /// Names a problem that the handler itself may answer.
    #[must_use]
    pub fn problem(self, status: u16, when: &'static str) -> Self {
        self.documented(|doc| doc.problem(status, when))
    }

    /// Answers a request.
    ///
    /// # Errors
    /// What the handler or the reading of its input refuses.
    pub async fn call(&self, app: Arc<App>, call: Call) -> Result<Response, Problem> {
        (self.handler)(app, call).await
    }
}

/// Something that a handler reads from a request.
pub trait Input: Sized + Send + 'static {
    /// What is worked out once, when the endpoint is made.
    type Prepared: Send + Sync + 'static;

    /// Adds the input to the document and prepares its reading.
    fn prepare(doc: &mut OperationDoc) -> Self::Prepared;

    /// Reads it.
    fn read(
        call: &mut Call,
        app: &App,
        prepared: &Self::Prepared,
    ) -> impl Future<Output = Result<Self, Problem>> + Send;
}

/// What a handler answers.
pub trait Output: Send + 'static {
    /// Adds the answer to the document.
    fn describe(doc: &mut OperationDoc);

    /// The response. `target` is the request's path and query.
    fn into_response(self, target: &str) -> Response;
}

/// An async function from the application and some inputs to an output.
pub trait Handler<A>: Send + Sync + 'static {
    /// Describes inputs and output and erases their types.
    fn prepare(self, doc: &mut OperationDoc) -> Arc<dyn Fn(Arc<App>, Call) -> Answer + Send + Sync>;
}

macro_rules! handler {
    ($($input:ident $value:ident $prepared:ident),*) => {
        impl<F, Fut, R, $($input),*> Handler<($($input,)*)> for F
        where
            F: Fn(Arc<App>, $($input),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Result<R, Problem>> + Send + 'static,
            R: Output,
            $($input: Input,)*
        {
            #[allow(unused_variables, unused_mut, reason = "a handler without inputs leaves some unused")]
            fn prepare(self, doc: &mut OperationDoc) -> Arc<dyn Fn(Arc<App>, Call) -> Answer + Send + Sync> {
                $(let $prepared = Arc::new($input::prepare(doc));)*
                R::describe(doc);
                Arc::new(move |app, mut call| {
                    let handler = self.clone();
                    $(let $prepared = Arc::clone(&$prepared);)*
                    Box::pin(async move {
                        $(let $value = $input::read(&mut call, &app, &$prepared).await?;)*
                        let output = handler(app, $($value),*).await?;
                        Ok(output.into_response(&call.target))
                    })
                })
            }
        }
    };
}
handler!();
handler!(A a pa);
handler!(A a pa, B b pb);
handler!(A a pa, B b pb, C c pc);
