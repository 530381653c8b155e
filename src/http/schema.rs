//! Checks client input against the schema that the OpenAPI document shows: one fact serves both, and
//! all problems are told at once.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::stream_filter::EventTypes;
use crate::domain::agent_write::PathScope;
use crate::domain::refusal::FieldError;
use crate::domain::time::{NOT_A_TIME, Timestamp};

/// The schemas that a type refers to, by name, itself included.
pub type Definitions = BTreeMap<String, RefOr<Schema>>;

/// The schemas that `T` consists of.
pub fn definitions<T: ToSchema>() -> Definitions {
    let mut list = Vec::new();
    T::schemas(&mut list);
    list.push((T::name().into_owned(), T::schema()));
    list.into_iter().collect()
}

/// A compiled schema.
#[derive(Debug, Default)]
pub struct Checker {
    types: Vec<String>,
    one_of: Vec<Value>,
    /// What is wrong with a text of the format.
    format: Option<fn(&str) -> Option<String>>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    exclusive_minimum: Option<f64>,
    pattern: Option<(String, Option<Regex>)>,
    min_length: usize,
    max_length: Option<usize>,
    max_items: Option<usize>,
    items: Option<Box<Checker>>,
    members: BTreeMap<String, Checker>,
    required: Vec<String>,
    closed: bool,
}

impl Checker {
    /// Compiles the schema of `T`.
    #[must_use]
    pub fn of<T: ToSchema>() -> Self {
        let all: Map<String, Value> = definitions::<T>()
            .into_iter()
            .filter_map(|(name, schema)| Some((name, serde_json::to_value(schema).ok()?)))
            .collect();
        Self::compile(&all[&*T::name()], &all)
    }

    fn compile(schema: &Value, all: &Map<String, Value>) -> Self {
        if let Some(name) = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
            return Self::compile(&all[name], all);
        }
        // An optional reference is written as one of null and the reference.
        if let Some(choices) = schema["oneOf"].as_array() {
            let nullable = choices.iter().any(|c| c["type"] == "null");
            let other = choices.iter().find(|c| c["type"] != "null").unwrap_or(&Value::Null);
            let mut checker = Self::compile(other, all);
            if nullable {
                checker.types.push("null".into());
            }
            return checker;
        }
        let size = |name: &str| schema[name].as_u64().and_then(|n| usize::try_from(n).ok());
        let types = match &schema["type"] {
            Value::String(one) => vec![one.clone()],
            Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        Self {
            types,
            one_of: schema["enum"].as_array().cloned().unwrap_or_default(),
            format: match schema["format"].as_str() {
                Some("date-time") => Some(|text| Timestamp::parse(text).is_none().then(|| NOT_A_TIME.into())),
                Some("glob") => Some(PathScope::problem),
                Some("event-types") => Some(EventTypes::problem),
                _ => None,
            },
            minimum: schema["minimum"].as_f64(),
            maximum: schema["maximum"].as_f64(),
            exclusive_minimum: schema["exclusiveMinimum"].as_f64(),
            pattern: schema["pattern"].as_str().map(|p| (p.to_owned(), Regex::new(p).ok())),
            min_length: size("minLength").unwrap_or(0),
            max_length: size("maxLength"),
            max_items: size("maxItems"),
            items: schema.get("items").map(|items| Box::new(Self::compile(items, all))),
            members: schema["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, member)| (name.clone(), Self::compile(member, all)))
                .collect(),
            required: schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
            closed: schema["additionalProperties"] == false,
        }
    }

    /// All that is wrong with a value. `at` is the way to it. Integers that are written with a fraction of zero are
    /// made plain: to JSON Schema `3.0` is an integer.
    #[must_use]
    pub fn check(&self, value: &mut Value, at: &str) -> Vec<FieldError> {
        let mut errors = Vec::new();
        self.visit(value, &mut vec![at.to_owned()], &mut errors);
        errors
    }

    fn visit(&self, value: &mut Value, loc: &mut Vec<String>, errors: &mut Vec<FieldError>) {
        let mut wrong = |kind: &str, msg: String| {
            errors.push(FieldError { loc: loc.clone(), msg, kind: kind.into() });
        };
        if !self.types.is_empty() && !self.types.iter().any(|t| is_type(value, t)) {
            return wrong("type", format!("must be {}, not {}", self.types.join(" or "), type_of(value)));
        }
        if !self.one_of.is_empty() && !self.one_of.contains(value) && !value.is_null() {
            let choices: Vec<_> = self.one_of.iter().filter_map(Value::as_str).collect();
            return wrong("value", format!("must be one of {}", choices.join(", ")));
        }
        if self.types.iter().any(|t| t == "integer")
            && let Some(integer) = plain_integer(value)
        {
            *value = integer.into();
        }
        match value {
            Value::Number(number) => {
                if let Some(problem) = number.as_f64().and_then(|n| self.out_of_range(n)) {
                    wrong("range", problem);
                }
            }
            Value::String(text) => {
                if let Some((kind, problem)) = self.bad_text(text) {
                    wrong(kind, problem);
                }
            }
            Value::Array(items) => {
                if let Some(max) = self.max_items.filter(|max| items.len() > *max) {
                    wrong("range", format!("must have at most {max} items, not {}", items.len()));
                }
                if let Some(checker) = &self.items {
                    for (i, item) in items.iter_mut().enumerate() {
                        loc.push(i.to_string());
                        checker.visit(item, loc, errors);
                        loc.pop();
                    }
                }
            }
            Value::Object(members) => self.visit_members(members, loc, errors),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn visit_members(
        &self,
        members: &mut Map<String, Value>,
        loc: &mut Vec<String>,
        errors: &mut Vec<FieldError>,
    ) {
        for name in self.required.iter().filter(|name| !members.contains_key(*name)) {
            let loc = [loc.as_slice(), std::slice::from_ref(name)].concat();
            errors.push(FieldError { loc, msg: "is required".into(), kind: "missing".into() });
        }
        for (name, member) in members {
            loc.push(name.clone());
            match self.members.get(name) {
                Some(checker) => checker.visit(member, loc, errors),
                None if self.closed => errors.push(FieldError {
                    loc: loc.clone(),
                    msg: "is not a known member".into(),
                    kind: "unknown_member".into(),
                }),
                None => {}
            }
            loc.pop();
        }
    }

    fn out_of_range(&self, n: f64) -> Option<String> {
        if let Some(min) = self.minimum.filter(|min| n < *min) {
            return Some(format!("must be at least {min}"));
        }
        if let Some(min) = self.exclusive_minimum.filter(|min| n <= *min) {
            return Some(format!("must be greater than {min}"));
        }
        self.maximum.filter(|max| n > *max).map(|max| format!("must be at most {max}"))
    }

    fn bad_text(&self, text: &str) -> Option<(&'static str, String)> {
        // Characters, as JSON Schema counts; the number of bytes decides most cases at once.
        let length = || text.chars().count();
        if let Some(max) = self.max_length.filter(|max| text.len() > *max && length() > *max) {
            return Some(("range", format!("must have at most {max} characters, not {}", length())));
        }
        if self.min_length > 0 && length() < self.min_length {
            return Some(("range", format!("must have at least {} characters", self.min_length)));
        }
        if let Some(problem) = self.format.and_then(|problem| problem(text)) {
            return Some(("value", problem));
        }
        match &self.pattern {
            Some((pattern, Some(regex))) if !regex.is_match(text) => {
                Some(("pattern", format!("must match {pattern}")))
            }
            _ => None,
        }
    }

    /// Reads a parameter, which arrives as text, as the type that its schema names.
    #[must_use]
    pub fn read_parameter(&self, name: &str, text: &str) -> Value {
        let is = |wanted: &str| self.members.get(name).is_some_and(|m| m.types.iter().any(|t| t == wanted));
        let read = if is("integer") {
            text.parse::<i64>().ok().map(Value::from)
        } else if is("number") {
            text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from)
        } else if is("boolean") {
            match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Some(true.into()),
                "false" | "0" => Some(false.into()),
                _ => None,
            }
        } else {
            None
        };
        read.unwrap_or_else(|| text.into())
    }

    /// Whether a member is a text.
    #[must_use]
    pub fn takes_text(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|member| member.types.iter().any(|t| t == "string"))
    }

    /// The same for parameters: they are there or not, but never null.
    #[must_use]
    pub fn of_parameters(mut self) -> Self {
        for member in self.members.values_mut() {
            member.types.retain(|t| t != "null");
        }
        self
    }

    /// Whether the schema names such a member.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }
}

/// The integer that is written with a fraction of zero. Beyond 2^53 a fraction says nothing.
fn plain_integer(value: &Value) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = value.as_f64().filter(|n| value.is_f64() && n.fract() == 0.0 && n.abs() <= EXACT)?;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    Some(number as i64)
}

fn is_type(value: &Value, wanted: &str) -> bool {
    match wanted {
        // JSON Schema: a number without fraction is an integer, however it is written.
        "integer" => value.is_u64() || value.is_i64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        other => type_of(value) == other,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is of interest")]
    struct Counted {
        #[schema(minimum = 0)]
        count: u64,
        share: f64,
    }

    #[test]
    fn an_integer_may_be_written_with_a_fraction_of_zero() {
        // The schema took 3.0 for an integer and the member's type did not: a valid agent was refused with 422.
        let mut value = json!({"count": 3.0, "share": 1.0});
        assert_eq!(Checker::of::<Counted>().check(&mut value, "body"), []);
        assert_eq!(value, json!({"count": 3, "share": 1.0}));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let mut value = json!({"count": -1, "more": true});
        let errors = Checker::of::<Counted>().check(&mut value, "body");
        let told: Vec<_> = errors.iter().map(|e| (e.loc.join("."), e.kind.as_str())).collect();
        assert_eq!(told, [("body.share".into(), "missing"), ("body.count".into(), "range")]);
    }
}
