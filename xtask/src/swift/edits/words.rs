//! Types and names in the generated Swift, word by word.

/// `Int` and `Duration`, wherever an app sees them.
pub(super) fn numbers(text: &str) -> Result<String, String> {
    const OWN: &[&str] = &[
        "self.init(len",
        "let len",
        "variant: Int32",
        "writeInt(&buf, Int32(",
        "seconds",
        "sign: Int64",
        "Int64.max",
        "FfiType",
        ": Int32 = ",
    ];
    let mut changed = 0;
    let lines = text.lines().map(|line| {
        let counts = line.contains("limit: Int32 = ") || line.contains("offset: Int32 = ");
        if !counts && OWN.iter().any(|own| line.contains(own)) {
            return line.to_owned();
        }
        words(line, |word| {
            let to = match word {
                "Int32" | "Int64" => "Int",
                "TimeInterval" => "Duration",
                _ => return None,
            };
            changed += 1;
            Some(to.to_owned())
        })
    });
    let text = lines.collect::<Vec<_>>().join("\n") + "\n";
    if changed == 0 { Err("no numbers were found in the generated code".to_owned()) } else { Ok(text) }
}

/// Acronyms and cases as Swift writes them, and codes of errors in comments as the links that they are.
pub(super) fn spelled(text: &str, objects: &[String]) -> String {
    let (codes, failures) = (cases(text, "public enum ErrorCode"), failures(text));
    let lines = text.lines().map(|line| {
        let start = line.trim_start();
        let comment = start.starts_with(['*', '/']);
        let signature = start.starts_with("func ") && !start.contains("FfiConverter");
        let line = words(line, |word| {
            match word {
                failure if !comment && failures.iter().any(|name| name == failure) => {
                    return Some(lower(failure));
                }
                object if objects.iter().any(|name| name == object) => {
                    let name = acronym(object).unwrap_or_else(|| object.to_owned());
                    return Some(if comment || signature { name } else { format!("{name}Object") });
                }
                "Url" => return Some("URL".to_owned()),
                _ => {}
            }
            let lower = word.starts_with(|first: char| first.is_ascii_lowercase());
            for (from, to) in [("Id", "ID"), ("Url", "URL")] {
                if let Some(start) = word.strip_suffix(from)
                    && lower
                {
                    return Some(format!("{start}{to}"));
                }
            }
            let protocol =
                word.strip_suffix("Protocol").filter(|name| objects.iter().any(|object| object == name));
            let name = protocol.unwrap_or(word);
            acronym(name).or_else(|| protocol.map(str::to_owned))
        });
        if !comment {
            return line;
        }
        codes.iter().fold(line, |line, code| {
            let mut rust = code.clone();
            if let Some(first) = rust.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            line.replace(&format!("`{rust}`"), &format!("``ErrorCode/{code}``"))
        })
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// The objects that an app is given: in the generated code each is a class and a protocol that it conforms to.
pub(super) fn objects(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("open class ")?.split_once(": ")?;
        rest.starts_with(&format!("{name}Protocol,")).then(|| name.to_owned())
    });
    names.filter(|name| name != "MarketCore").collect()
}

/// `CartAPI` for `CartApi`; none where there is no such part.
fn acronym(word: &str) -> Option<String> {
    let after = word.get(word.find("Api")? + 3..)?;
    let whole = after.is_empty() || after.starts_with(|next: char| next.is_ascii_uppercase() || next == '_');
    whole.then(|| word.replacen("Api", "API", 1))
}

/// The cases of all errors: the generator leaves them as Rust writes them.
fn failures(text: &str) -> Vec<String> {
    let errors = text.lines().filter(|line| line.starts_with("public enum ") && line.contains("Swift.Error"));
    errors.flat_map(|line| cases(text, line)).collect()
}

/// The cases of the enum that begins so.
fn cases(text: &str, start: &str) -> Vec<String> {
    let cases = text.split_once(start).map_or("", |(_, rest)| rest);
    let cases = cases.lines().take_while(|line| !line.starts_with('}'));
    let names = cases.filter_map(|line| line.trim().strip_prefix("case "));
    names.map(|name| name.split('(').next().unwrap_or(name).trim_end().to_owned()).collect()
}

fn lower(name: &str) -> String {
    let mut name = name.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    name
}

/// Puts others in the place of some identifiers of a line.
fn words(line: &str, mut other: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        let part = |word: bool| move |c: char| (c.is_ascii_alphanumeric() || c == '_') != word;
        let word = !rest.starts_with(part(true));
        let (next, after) = rest.split_at(rest.find(part(word)).unwrap_or(rest.len()));
        match other(next) {
            Some(to) if word => out.push_str(&to),
            _ => out.push_str(next),
        }
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_taken_whole() {
        let to = |word: &str| (word == "Int32").then(|| "Int".to_owned());
        assert_eq!(
            words("a: Int32?, b: UInt32, c_Int32 = [Int32]", to),
            "a: Int?, b: UInt32, c_Int32 = [Int]"
        );
        assert_eq!(words("", to), "");
    }

    #[test]
    fn acronyms_are_as_swift_writes_them() {
        let text = "public enum ErrorCode {\n    case notFound\n}\npublic enum AnError: Swift.Error {\n    case Locked\n    case Failed(\n}\n * `NotFound`, Failed\nlet (skuId, baseUrl, Idle, .Failed): SessionApiProtocol\n";
        let expected = "public enum ErrorCode {\n    case notFound\n}\npublic enum AnError: Swift.Error {\n    case locked\n    case failed(\n}\n * ``ErrorCode/notFound``, Failed\nlet (skuID, baseURL, Idle, .failed): SessionAPIProtocol\n";
        assert_eq!(spelled(text, &[]), expected);
    }

    #[test]
    fn an_app_is_given_protocols() {
        let text = "open class CartApi: CartApiProtocol, Sendable {\nopen class Impl: Other, Sendable {\n";
        assert_eq!(objects(text), ["CartApi"]);
        let text = "protocol CartApiProtocol {\n    func cart() -> CartApi\n}\nfunc FfiConverterTypeCartApi_lift() -> CartApi\n * A `CartApi`.\n";
        let expected = "protocol CartAPI {\n    func cart() -> CartAPI\n}\nfunc FfiConverterTypeCartAPI_lift() -> CartAPIObject\n * A `CartAPI`.\n";
        assert_eq!(spelled(text, &["CartApi".to_owned()]), expected);
    }
}
