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
pub(super) fn spelled(text: &str) -> String {
    let (codes, failures) = (cases(text, "public enum ErrorCode"), failures(text));
    let lines = text.lines().map(|line| {
        let comment = line.trim_start().starts_with(['*', '/']);
        let line = words(line, |word| {
            match word {
                failure if !comment && failures.iter().any(|name| name == failure) => {
                    return Some(lower(failure));
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
            let at = word.find("Api")?;
            let after = word.get(at + 3..)?;
            let whole =
                after.is_empty() || after.starts_with(|next: char| next.is_ascii_uppercase() || next == '_');
            whole.then(|| word.replacen("Api", "API", 1))
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
        assert_eq!(spelled(text), expected);
    }
}
