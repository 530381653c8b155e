//! The OpenAPI document, read from the list of endpoints.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    InfoBuilder, OpenApi, OpenApiBuilder, Paths, Ref, RefOr, Required, Schema, ServerBuilder,
};
use utoipa::{PartialSchema, ToSchema};
use warp::http::Method;

use super::Resource;
use super::access::Access;
use super::error::ProblemDocument;
use super::schema::{Definitions, definitions};

/// An endpoint's part of the document.
#[derive(Clone)]
pub struct OperationDoc {
    method: HttpMethod,
    path: &'static str,
    summary: &'static str,
    /// What it does in more than the summary's words.
    pub description: &'static str,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    responses: BTreeMap<u16, Response>,
    schemas: Definitions,
}

const PROBLEM: &str = "application/problem+json";
/// The security scheme: its scopes are roles.
const BEARER: &str = "bearer";
const JSON: &str = "application/json";

impl OperationDoc {
    /// A document of an endpoint without inputs and answers yet.
    #[must_use]
    pub fn new(method: &Method, path: &'static str, summary: &'static str) -> Self {
        let writes = method != Method::GET;
        let method = match method.as_str() {
            "POST" => HttpMethod::Post,
            "PUT" => HttpMethod::Put,
            "DELETE" => HttpMethod::Delete,
            _ => HttpMethod::Get,
        };
        let mut doc = Self {
            method,
            path,
            summary,
            description: "",
            parameters: Vec::new(),
            body: None,
            responses: BTreeMap::new(),
            schemas: BTreeMap::new(),
        };
        doc.schemas.extend(definitions::<ProblemDocument<'_>>());
        if writes {
            doc.problem(403, "A page of another origin may not write");
            doc.problem(503, "Storage is failing, or the server shuts down");
        }
        doc
    }

    fn reference<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name();
        // Plain types are shown where they stand.
        if matches!(&*name, "Value" | "str" | "String" | "Object") {
            return T::schema();
        }
        self.schemas.extend(definitions::<T>());
        Ref::from_schema_name(name).into()
    }

    /// A schema that is not of any answer or body.
    pub fn schema<T: ToSchema>(&mut self) {
        self.schemas.extend(definitions::<T>());
    }

    /// A response with this status and no body to speak of.
    pub fn status(&mut self, status: u16, text: &str) {
        self.responses.insert(status, ResponseBuilder::new().description(text).build());
    }

    /// A problem document with this status.
    pub fn problem(&mut self, status: u16, when: &str) {
        let schema = Ref::from_schema_name(ProblemDocument::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(when).content(PROBLEM, content);
        self.responses.insert(status, response.build());
    }

    /// A JSON document with this status.
    pub fn json<T: ToSchema>(&mut self, status: u16, text: &str) {
        let schema = self.reference::<T>();
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let mut response = ResponseBuilder::new().description(text).content(JSON, content);
        if status == 201 {
            response = response
                .header("Location", text_header("Where the new thing is, where it has a place of its own"));
        }
        self.responses.insert(status, response.build());
    }

    /// A page of a list.
    pub fn list<T: ToSchema>(&mut self) {
        let items = self.reference::<T>();
        let content = ContentBuilder::new().schema(Some(ArrayBuilder::new().items(items))).build();
        let response = ResponseBuilder::new()
            .description("The page")
            .content(JSON, content)
            .header("X-Total-Count", text_header("How many match in all"))
            .header(
                "X-Total-At-Least",
                text_header("How many match at least, where counting on would take too long"),
            )
            .header("Link", text_header("The next page, as rel=\"next\", where there is more"));
        self.responses.insert(200, response.build());
    }

    /// A document that is not JSON.
    pub fn text(&mut self, status: u16, media_types: &[&str], text: &str) {
        let content =
            ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String))).build();
        let mut response = ResponseBuilder::new().description(text);
        for media_type in media_types {
            response = response.content(*media_type, content.clone());
        }
        self.responses.insert(status, response.build());
    }

    /// The parameters that the members of `T` name.
    pub fn parameters<T: ToSchema>(&mut self, place: &str) {
        let place_in = if place == "path" { ParameterIn::Path } else { ParameterIn::Query };
        let mut all = definitions::<T>();
        if let Some(RefOr::T(Schema::Object(object))) = all.remove(&*T::name()) {
            for (name, schema) in object.properties {
                let required = if object.required.contains(&name) { Required::True } else { Required::False };
                let (schema, description) = as_parameter(schema);
                let parameter = ParameterBuilder::new()
                    .name(name)
                    .parameter_in(place_in.clone())
                    .required(required)
                    .description(description)
                    .schema(Some(schema));
                self.parameters.push(parameter.build());
            }
        }
        self.schemas.extend(all);
        if place == "query" {
            self.problem(400, "The query cannot be decoded");
            self.problem(414, "The query is too long");
            self.problem(431, "It is longer than a whole head may be");
            self.problem(422, "A parameter cannot be used; all that cannot are named");
        } else {
            self.problem(400, "The path cannot be decoded");
        }
    }

    /// A header that a request may carry.
    pub fn header_parameter(&mut self, name: &str, description: &str, schema: RefOr<Schema>) {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(schema));
        self.parameters.push(parameter.build());
    }

    /// A header of every answer that tells of success.
    pub fn success_header(&mut self, name: &str, description: &str) {
        for (_, response) in self.responses.iter_mut().filter(|(status, _)| (200..300).contains(*status)) {
            response.headers.insert(name.to_owned(), text_header(description).into());
        }
    }

    /// A JSON body.
    pub fn body<T: ToSchema>(&mut self, required: bool) {
        let schema = self.reference::<T>();
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let required = if required { Required::True } else { Required::False };
        self.body = Some(RequestBodyBuilder::new().content(JSON, content).required(Some(required)).build());
        self.body_problems();
    }

    /// A batch.
    pub fn batch_body<T: ToSchema>(&mut self) {
        let item = self.reference::<T>();
        let array = ContentBuilder::new().schema(Some(ArrayBuilder::new().items(item))).build();
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("One JSON object a line, each as an item of the array"));
        let lines = ContentBuilder::new().schema(Some(text)).build();
        let body = RequestBodyBuilder::new()
            .content(JSON, array)
            .content("application/x-ndjson", lines)
            .required(Some(Required::True));
        self.body = Some(body.build());
        self.body_problems();
    }

    fn body_problems(&mut self) {
        self.problem(400, "The body is not valid JSON; says where");
        self.problem(408, "The body did not arrive in time");
        self.problem(413, "The body, or a part of it, is too large");
        self.problem(415, "The body is not JSON");
        self.problem(422, "The body cannot be used; all that is wrong with it is told");
    }

    fn operation(&self, tag: &str) -> Operation {
        let mut operation = OperationBuilder::new()
            .summary(Some(self.summary))
            .operation_id(Some(operation_id(&self.method, self.path)))
            .tag(tag)
            .request_body(self.body.clone())
            .parameters(Some(self.parameters.clone()));
        if !self.description.is_empty() {
            operation = operation.description(Some(self.description));
        }
        for (status, response) in &self.responses {
            operation = operation.response(status.to_string(), response.clone());
        }
        operation.build()
    }
}

fn text_header(description: &str) -> utoipa::openapi::Header {
    HeaderBuilder::new().schema(Some(String::schema())).description(Some(description)).build()
}

/// A parameter's schema, and its description apart. A parameter is there or not, but never null.
fn as_parameter(schema: RefOr<Schema>) -> (RefOr<Schema>, Option<String>) {
    let Ok(mut value) = serde_json::to_value(&schema) else { return (schema, None) };
    let description = value.as_object_mut().and_then(|o| o.remove("description"));
    let own_type = value["type"].as_array().and_then(|types| types.iter().find(|t| *t != "null").cloned());
    if let Some(own_type) = own_type {
        value["type"] = own_type;
    }
    let reference =
        value["oneOf"].as_array().and_then(|choices| choices.iter().find(|c| c["$ref"].is_string()));
    if let Some(reference) = reference.cloned() {
        value = reference;
    }
    let description = description.and_then(|d| d.as_str().map(str::to_owned));
    (serde_json::from_value(value).unwrap_or(schema), description)
}

fn operation_id(method: &HttpMethod, path: &str) -> String {
    let verb = match method {
        HttpMethod::Post => "post",
        HttpMethod::Put => "put",
        HttpMethod::Delete => "delete",
        _ => "get",
    };
    let words = path.split(['/', '{', '}', '*', '-', '.']).filter(|w| !w.is_empty());
    std::iter::once(verb).chain(words).collect::<Vec<_>>().join("_")
}

/// Says who may use an operation, where not anyone may.
fn secured(mut operation: Operation, access: Access) -> Operation {
    let Access::Role(role) = access else { return operation };
    // A server that is open to this machine demands nothing; what is shown is checked all the same.
    operation.security =
        Some(vec![SecurityRequirement::default(), SecurityRequirement::new(BEARER, [role.as_str()])]);
    for (status, text) in [
        ("401", "What was shown opens nothing"),
        ("403", "The token's role does not suffice"),
        ("429", "What was shown opened nothing too often"),
    ] {
        let missing = || RefOr::T(Response::new(text));
        operation.responses.responses.entry(status.into()).or_insert_with(missing);
    }
    operation
}

/// The whole document. Each resource's endpoints come with the name under which they are shown.
#[must_use]
pub fn openapi(resources: &[Resource]) -> OpenApi {
    let mut paths = Paths::new();
    let mut schemas = Definitions::new();
    for (tag, modules) in resources {
        for endpoint in modules.iter().flat_map(|endpoints| endpoints()) {
            let Some(mut doc) = endpoint.doc else { continue };
            schemas.append(&mut doc.schemas);
            paths.add_path_operation(
                doc.path.replace("{*", "{"),
                vec![doc.method.clone()],
                secured(doc.operation(tag), endpoint.access),
            );
        }
    }
    let mut components = ComponentsBuilder::new()
        .security_scheme(BEARER, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    let info = InfoBuilder::new()
        .title("agentmap")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Every AI agent a person or team runs. Errors are problem documents (RFC 9457), every answer carries \
             X-Request-Id. Any request may be answered with 403 (strange Host or Origin), 408, 429, 431 or 503.",
        ))
        .license(Some(utoipa::openapi::LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()));
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .tags(Some(resources.iter().map(|(tag, _)| TagBuilder::new().name(*tag).build())))
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

/// The document as JSON text.
#[must_use]
pub fn openapi_json(resources: &[Resource]) -> String {
    let value = serde_json::to_value(openapi(resources)).unwrap_or_else(|e| json!({"error": e.to_string()}));
    serde_json::to_string_pretty(&Value::clone(&value)).unwrap_or_default()
}
