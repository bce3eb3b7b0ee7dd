//! Reads what `Debug` shows of a value. Every field is in it, those included that a test does not know of, and
//! so it is how a test finds out that the SDK's types have gained one.

use std::collections::BTreeMap;
use std::fmt::Debug;

/// The names of the fields of a struct, sorted.
pub fn fields(value: &impl Debug) -> Vec<String> {
    let mut names: Vec<String> = leaves(value)
        .into_keys()
        .map(|path| path.split('.').next().unwrap_or_default().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    names.dedup();
    names
}

/// Every value that holds no further fields, by its path: `items.0.price.amount` is `19.99`. `Some(…)` and
/// the like are looked through where fields are inside.
pub fn leaves(value: &impl Debug) -> BTreeMap<String, String> {
    let text = format!("{value:?}");
    let mut reader = Reader { rest: &text, leaves: BTreeMap::new() };
    reader.value(String::new());
    assert_eq!(reader.rest, "", "read in full");
    reader.leaves
}

struct Reader<'a> {
    rest: &'a str,
    leaves: BTreeMap<String, String>,
}

impl Reader<'_> {
    /// `Name { a: …, b: … }`, `Name(…)`, `[…]`, `"…"` or a bare word.
    fn value(&mut self, path: String) {
        let start = self.rest;
        if self.rest.starts_with('"') {
            self.string();
        } else {
            let end = self.rest.find([' ', '(', '[', ',', ')', ']', '}']).unwrap_or(self.rest.len());
            self.rest = &self.rest[end..];
        }
        let before = self.leaves.len();
        if self.take(" { ") {
            while !self.take(" }") {
                let end = self.rest.find(": ").expect("a field has a name");
                let name = self.rest[..end].to_owned();
                self.rest = &self.rest[end + 2..];
                self.value(join(&path, &name));
                self.take(", ");
                self.take("..");
            }
        } else if self.take("(") {
            while !self.take(")") {
                self.value(path.clone());
                self.take(", ");
            }
        } else if self.take("[") {
            for index in 0.. {
                if self.take("]") {
                    break;
                }
                self.value(join(&path, &index.to_string()));
                self.take(", ");
            }
        }
        if start.starts_with("SystemTime") {
            // A time is one value, whatever the platform keeps it in.
            self.leaves.retain(|leaf, _| !leaf.starts_with(&join(&path, "tv_")));
        }
        let within = self.leaves.keys().any(|leaf| leaf.starts_with(&join(&path, "")));
        if self.leaves.len() == before || !within {
            let shown = start[..start.len() - self.rest.len()].to_owned();
            self.leaves.insert(path, shown);
        }
    }

    fn string(&mut self) {
        let mut escaped = false;
        let end = self.rest[1..].find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        self.rest = &self.rest[end.expect("a text ends") + 2..];
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    #[allow(dead_code, reason = "they are read through Debug")]
    struct Outer {
        id: Id,
        text: Option<&'static str>,
        none: Option<u8>,
        list: Vec<Inner>,
        empty: Vec<Inner>,
        one: Option<Inner>,
    }

    #[derive(Debug)]
    #[allow(dead_code, reason = "they are read through Debug")]
    struct Id(u64);

    #[derive(Debug)]
    #[allow(dead_code, reason = "they are read through Debug")]
    struct Inner {
        a: f64,
    }

    #[test]
    fn every_leaf_is_found_by_its_path() {
        let outer = Outer {
            id: Id(5),
            text: Some("a, \"b\" { c: ] }"),
            none: None,
            list: vec![Inner { a: 1.5 }, Inner { a: -2.0 }],
            empty: vec![],
            one: Some(Inner { a: 0.0 }),
        };
        let expected = [
            ("empty", "[]"),
            ("id", "Id(5)"),
            ("list.0.a", "1.5"),
            ("list.1.a", "-2.0"),
            ("none", "None"),
            ("one.a", "0.0"),
            ("text", r#"Some("a, \"b\" { c: ] }")"#),
        ];
        let found = leaves(&outer);
        let found: Vec<_> = found.iter().map(|(path, shown)| (path.as_str(), shown.as_str())).collect();
        assert_eq!(found, expected);
        assert_eq!(fields(&outer), ["empty", "id", "list", "none", "one", "text"]);
    }
}
