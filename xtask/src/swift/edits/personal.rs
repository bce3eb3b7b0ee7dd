//! What a record does not show of itself in Swift, and values of every public type to try it on.

use std::fmt::Write;

use crate::bindings::personal::hides;

/// Gives each record that holds a text of somebody's own a mirror that leaves it out: what prints it, dumps it or looks
/// at it in a debugger goes by the mirror.
pub(super) fn hidden(text: &str) -> Result<String, String> {
    let mut out = text.to_owned();
    let types = types(text)?;
    for Type { name, public, shape } in &types {
        let Shape::Record(fields) = shape else { continue };
        let hides = |field: &Field| hides(&format!("{name}.{}", field.name), field.kind);
        if !fields.iter().any(hides) {
            continue;
        }
        let children = fields.iter().map(|field| {
            let value = if hides(field) { format!("hidden({})", field.name) } else { field.name.to_owned() };
            format!("\"{}\": {value} as Any", field.name)
        });
        let children = children.collect::<Vec<_>>().join(", ");
        let access = if *public { "public " } else { "" };
        write!(
            out,
            "
extension {name}: CustomReflectable {{
    /// Leaves out what is personal: from a description, and from `dump`.
    {access}var customMirror: Mirror {{
        Mirror(self, children: [{children}], displayStyle: .struct)
    }}
}}
"
        )
        .map_err(|e| e.to_string())?;
    }
    if out == text { Err("no record of the generated code holds a text".to_owned()) } else { Ok(out) }
}

/// Swift that makes one value of every public record, and of every case that holds something. Each text says whose it is.
pub(in crate::swift) fn samples(text: &str) -> Result<String, String> {
    let types: Vec<_> = types(text)?.into_iter().filter(|it| it.public).collect();
    let (mut made, mut listed) = (String::new(), String::new());
    for Type { name, shape, .. } in &types {
        let value = match shape {
            Shape::Record(fields) => value(&types, name, name, fields),
            Shape::Cases(cases) => {
                let values: Vec<_> = cases
                    .iter()
                    .filter_map(|(case, fields)| {
                        let path = format!("{name}.{case}");
                        Some((fields, path.clone(), value(&types, &path, &path, fields)?))
                    })
                    .collect();
                for (_, path, value) in values.iter().filter(|(fields, ..)| !fields.is_empty()) {
                    listed += &format!("        (\"{path}\", {value}),\n");
                }
                values.into_iter().next_back().map(|(.., value)| value)
            }
        };
        let value = value.ok_or_else(|| format!("a {name} cannot be made"))?;
        made += &format!("    static func {}() -> {name} {{ {value} }}\n", lower(name));
        if matches!(shape, Shape::Record(_)) {
            listed += &format!("        (\"{name}\", {}()),\n", lower(name));
        }
    }
    Ok(format!(
        "import Foundation\nimport MarketSDK\n\nenum Samples {{\n{made}\n    static let all: [(name: String, value: any Sendable)] = [\n{listed}    ]\n}}\n"
    ))
}

struct Type<'a> {
    name: &'a str,
    public: bool,
    shape: Shape<'a>,
}

enum Shape<'a> {
    Record(Vec<Field<'a>>),
    Cases(Vec<(&'a str, Vec<Field<'a>>)>),
}

struct Field<'a> {
    name: &'a str,
    kind: &'a str,
}

impl<'a> Field<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (name, kind) = text.trim().trim_end_matches(',').split_once(": ")?;
        Some(Self { name, kind })
    }
}

/// The records and enums of the generated code.
fn types(text: &str) -> Result<Vec<Type<'_>>, String> {
    let (mut found, mut lines) = (Vec::new(), text.lines());
    while let Some(line) = lines.next() {
        let (public, rest) = line.strip_prefix("public ").map_or((false, line), |rest| (true, rest));
        let (record, rest) = match (rest.strip_prefix("struct "), rest.strip_prefix("enum ")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => continue,
        };
        let name = rest.split([':', ' ']).next().unwrap_or_default();
        if name.starts_with("FfiConverter") || name.starts_with("Uniffi") {
            continue;
        }
        let body: Vec<_> = lines.by_ref().take_while(|line| *line != "}").collect();
        let shape = if record { Shape::Record(fields(&body)) } else { Shape::Cases(cases(&body)) };
        if matches!(&shape, Shape::Record(fields) if fields.is_empty()) {
            return Err(format!("the fields of {name} were not found"));
        }
        found.push(Type { name, public, shape });
    }
    Ok(found)
}

fn fields<'a>(body: &[&'a str]) -> Vec<Field<'a>> {
    let stored = body.iter().filter(|line| !line.ends_with('{'));
    let stored = stored.filter_map(|line| {
        let line = line.strip_prefix("    ")?;
        let line = line.strip_prefix("public ").unwrap_or(line);
        line.strip_prefix("let ").or(line.strip_prefix("var "))
    });
    stored.filter_map(Field::read).collect()
}

fn cases<'a>(body: &[&'a str]) -> Vec<(&'a str, Vec<Field<'a>>)> {
    let mut found: Vec<(&str, Vec<Field<'_>>)> = Vec::new();
    for line in body {
        if let Some(name) = line.strip_prefix("    case ") {
            found.push((name.trim_end_matches('('), Vec::new()));
        } else if let (Some((_, field)), Some((_, fields))) = (line.split_once("*/"), found.last_mut()) {
            fields.extend(Field::read(field));
        }
    }
    found
}

/// A value made of its parts, or nothing if one of them is the host's to make.
fn value(types: &[Type<'_>], what: &str, path: &str, fields: &[Field<'_>]) -> Option<String> {
    let parts: Option<Vec<_>> = fields
        .iter()
        .map(|field| {
            let part = part(types, &format!("{path}.{}", field.name), field.kind)?;
            Some(format!("{}: {part}", field.name))
        })
        .collect();
    let parts = parts?.join(", ");
    Some(if fields.is_empty() { what.to_owned() } else { format!("{what}({parts})") })
}

fn part(types: &[Type<'_>], path: &str, kind: &str) -> Option<String> {
    if let Some(kind) = kind.strip_suffix('?') {
        return part(types, path, kind);
    }
    if let Some(kind) = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
        return part(types, path, kind).map(|part| format!("[{part}]"));
    }
    Some(match kind {
        "String" => format!("\"secret of {path}\""),
        "Data" => format!("Data(\"secret of {path}\".utf8)"),
        "URL" => format!("URL(string: \"https://shop.example/secret-of-{path}\")!"),
        "PhoneNumber" => "PhoneNumber(\"+13128059851\")".to_owned(),
        "Bool" => "true".to_owned(),
        "Date" => "Date(timeIntervalSince1970: 0)".to_owned(),
        "Duration" => "Duration.seconds(1)".to_owned(),
        "Decimal" => "Decimal(7)".to_owned(),
        number if number.starts_with("Int") || number.starts_with("UInt") => "7".to_owned(),
        name => format!("{}()", lower(types.iter().find(|it| it.name == name)?.name)),
    })
}

fn lower(name: &str) -> String {
    let mut name = name.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "public struct User: Equatable, Hashable {
    /** Whose. */
    public let id: Int64
    public let fullName: String?
    public init(id: Int64, fullName: String?) {
    }
}
public struct Money: Equatable {
    public let currency: String
}
public enum State: Equatable {
    case idle
    case in(
        /**
         * Who.
         */user: User, 
        /**
         * How often.
         */times: [Int]
    )
    case by(
        /**
         * A store.
         */store: SecureStore
    )
}
";

    #[test]
    fn a_record_leaves_out_what_is_personal() {
        let text = hidden(TEXT).unwrap();
        assert!(text.contains(r#"["id": id as Any, "fullName": hidden(fullName) as Any]"#), "{text}");
        assert!(!text.contains("extension Money"), "{text}");
        assert!(hidden("public struct A {\n    public let id: Int\n}\n").is_err());
        assert!(hidden("public struct A {\n}\n").is_err());
    }

    #[test]
    fn there_is_a_value_of_every_type() {
        let text = samples(TEXT).unwrap();
        for line in [
            r#"static func user() -> User { User(id: 7, fullName: "secret of User.fullName") }"#,
            "static func state() -> State { State.in(user: user(), times: [7]) }",
            r#"("User", user()),"#,
            r#"("State.in", State.in(user: user(), times: [7])),"#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(!text.contains("State.by"), "{text}");
        assert!(samples(&TEXT.replace("times: [Int]", "times: Times")).is_ok());
        assert!(samples(&TEXT.replace("id: Int64", "id: Unheard")).is_err());
    }
}
