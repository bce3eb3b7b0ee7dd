//! Request validation in the words of the deployed servers' framework: all faults of a request in one list.

use serde_json::{Map, Value, json};

use crate::reply::Fail;

/// The list of faults so far. Readers push to it and hand out a default, so that one look finds them all;
/// [`Check::done`] decides.
#[derive(Default)]
pub(crate) struct Check(Vec<Value>);

impl Check {
    pub(crate) fn done(self) -> Result<(), Fail> {
        if self.0.is_empty() { Ok(()) } else { Err(Fail::Invalid(self.0)) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn append(&mut self, other: Check) {
        self.0.extend(other.0);
    }

    /// A fault of the framework's own kinds, which carry a link to their explanation.
    pub(crate) fn push(&mut self, kind: &str, loc: &[Value], msg: &str, input: &Value, ctx: Option<Value>) {
        let mut fault = json!({
            "type": kind,
            "loc": loc,
            "msg": msg,
            "input": input,
            "url": format!("https://errors.pydantic.dev/2.5/v/{kind}"),
        });
        if let (Some(ctx), Some(map)) = (ctx, fault.as_object_mut()) {
            map.insert("ctx".into(), ctx);
        }
        // The body may be looked at twice; its fault is one.
        if !self.0.contains(&fault) {
            self.0.push(fault);
        }
    }

    /// A fault found by the servers' own code.
    pub(crate) fn wrong(&mut self, loc: &[Value], message: &str, input: &Value) {
        self.push("value_error", loc, &format!("Value error, {message}"), input, Some(json!({"error": {}})));
    }

    pub(crate) fn missing(&mut self, loc: &[Value], input: &Value) {
        self.push("missing", loc, "Field required", input, None);
    }

    /// `market` in the query: lower case only, `kg` when it is left out.
    pub(crate) fn market(&mut self, given: Option<&str>) -> crate::market::Market {
        use crate::market::Market;
        let Some(given) = given else { return Market::Kg };
        Market::from_code(given).unwrap_or_else(|| {
            let expected = "'kg' or 'us'";
            // This kind has no link.
            self.0.push(json!({
                "type": "enum",
                "loc": ["query", "market"],
                "msg": format!("Input should be {expected}"),
                "input": given,
                "ctx": {"expected": expected},
            }));
            Market::Kg
        })
    }

    /// A whole number, read as leniently as the deployed servers do: digits in a string are one.
    pub(crate) fn int(&mut self, loc: &[Value], value: &Value) -> i64 {
        let parsed = match value {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) => text.trim().parse().ok(),
            Value::Bool(flag) => Some(i64::from(*flag)),
            _ => None,
        };
        if let Some(parsed) = parsed {
            return parsed;
        }
        let (kind, msg) = match value {
            Value::Number(_) => {
                ("int_from_float", "Input should be a valid integer, got a number with a fractional part")
            }
            Value::String(_) => {
                ("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
            }
            _ => ("int_type", "Input should be a valid integer"),
        };
        self.push(kind, loc, msg, value, None);
        0
    }

    fn text(&mut self, loc: &[Value], value: &Value, min: usize, max: usize) -> String {
        let Value::String(text) = value else {
            self.push("string_type", loc, "Input should be a valid string", value, None);
            return String::new();
        };
        let length = text.chars().count();
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        if length < min {
            let msg = format!("String should have at least {min} character{}", plural(min));
            self.push("string_too_short", loc, &msg, value, Some(json!({"min_length": min})));
        } else if length > max {
            let msg = format!("String should have at most {max} character{}", plural(max));
            self.push("string_too_long", loc, &msg, value, Some(json!({"max_length": max})));
        }
        text.clone()
    }
}

#[allow(clippy::cast_possible_truncation)]
fn whole(float: f64) -> Option<i64> {
    (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
}

/// The body of a request.
pub(crate) enum Body {
    Absent,
    Json(Value),
    /// Something that does not say it is JSON.
    Text(String),
}

impl Body {
    /// Reads a body. Broken JSON is refused before anything else is looked at, the token included.
    pub(crate) fn read(content_type: Option<&str>, bytes: &[u8]) -> Result<Body, Fail> {
        if bytes.is_empty() {
            return Ok(Body::Absent);
        }
        let text = String::from_utf8_lossy(bytes);
        if content_type.is_some_and(|kind| !kind.contains("json")) {
            return Ok(Body::Text(text.into_owned()));
        }
        match serde_json::from_str(&text) {
            Ok(Value::Null) => Ok(Body::Absent),
            Ok(value) => Ok(Body::Json(value)),
            Err(error) => {
                let (position, reason) = explain(&text, &error);
                Err(Fail::Invalid(vec![json!({
                    "type": "json_invalid",
                    "loc": ["body", position],
                    "msg": "JSON decode error",
                    "input": {},
                    "ctx": {"error": reason},
                })]))
            }
        }
    }

    /// The body as an object; anything else is a fault, and an empty object to go on with.
    pub(crate) fn form<'a>(&'a self, check: &mut Check) -> Form<'a> {
        let loc = vec![json!("body")];
        match self {
            Body::Json(value) => Form::of(value, loc, check),
            Body::Absent => {
                check.missing(&loc, &Value::Null);
                Form { fields: None, echo: &Value::Null, loc }
            }
            Body::Text(text) => {
                not_an_object(&loc, &Value::String(text.clone()), check);
                Form { fields: None, echo: &Value::Null, loc }
            }
        }
    }
}

/// Where and why the text is no JSON, in the words of Python's parser.
fn explain(text: &str, error: &serde_json::Error) -> (usize, &'static str) {
    let said = error.to_string();
    if said.starts_with("EOF while parsing a string") {
        (text.rfind('"').unwrap_or(0), "Unterminated string starting at")
    } else if said.starts_with("EOF while parsing a value") {
        (text.len(), "Expecting value")
    } else if said.starts_with("EOF") {
        (text.len(), "Expecting ',' delimiter")
    } else {
        (error.column().saturating_sub(1), "Expecting value")
    }
}

fn not_an_object(loc: &[Value], value: &Value, check: &mut Check) {
    let msg = "Input should be a valid dictionary or object to extract fields from";
    check.push("model_attributes_type", loc, msg, value, None);
}

/// An object whose fields are read one by one. After a fault in the object itself its fields are not
/// complained about again.
pub(crate) struct Form<'a> {
    fields: Option<&'a Map<String, Value>>,
    echo: &'a Value,
    loc: Vec<Value>,
}

impl<'a> Form<'a> {
    fn of(value: &'a Value, loc: Vec<Value>, check: &mut Check) -> Form<'a> {
        if !value.is_object() {
            not_an_object(&loc, value, check);
        }
        Form { fields: value.as_object(), echo: value, loc }
    }

    /// The path of a field, for a fault in it.
    pub(crate) fn at(&self, name: &str) -> Vec<Value> {
        let mut loc = self.loc.clone();
        loc.push(json!(name));
        loc
    }

    pub(crate) fn is_object(&self) -> bool {
        self.fields.is_some()
    }

    pub(crate) fn has_text(&self, name: &str) -> bool {
        self.get(name).is_some_and(Value::is_string)
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.and_then(|fields| fields.get(name))
    }

    fn required(&self, check: &mut Check, name: &str) -> Option<&'a Value> {
        let value = self.get(name);
        if value.is_none() && self.fields.is_some() {
            check.missing(&self.at(name), self.echo);
        }
        value
    }

    pub(crate) fn int(&self, check: &mut Check, name: &str) -> i64 {
        self.required(check, name).map_or(0, |value| check.int(&self.at(name), value))
    }

    pub(crate) fn int_or(&self, check: &mut Check, name: &str, default: i64) -> i64 {
        self.get(name).map_or(default, |value| check.int(&self.at(name), value))
    }

    pub(crate) fn flag_or(&self, name: &str, default: bool) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(default)
    }

    /// A required text within these lengths.
    pub(crate) fn text(&self, check: &mut Check, name: &str, min: usize, max: usize) -> String {
        self.required(check, name)
            .map(|value| check.text(&self.at(name), value, min, max))
            .unwrap_or_default()
    }

    /// A text that may be null or left out.
    pub(crate) fn text_or_none(
        &self,
        check: &mut Check,
        name: &str,
        min: usize,
        max: usize,
    ) -> Option<String> {
        let value = self.get(name).filter(|value| !value.is_null())?;
        Some(check.text(&self.at(name), value, min, max))
    }

    /// A list of objects that may be null or left out.
    pub(crate) fn list(&self, check: &mut Check, name: &str) -> Vec<Form<'a>> {
        let Some(value) = self.get(name).filter(|value| !value.is_null()) else { return Vec::new() };
        let Some(items) = value.as_array() else {
            check.push("list_type", &self.at(name), "Input should be a valid list", value, None);
            return Vec::new();
        };
        let mut forms = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let mut loc = self.at(name);
            loc.push(json!(index));
            forms.push(Form::of(item, loc, check));
        }
        forms
    }
}
