//! Addresses, in the platform's own type.

/// An address in the web, spelled as RFC 3986 wants it, which each platform can read. It may be relative, as some
/// servers' pictures are: to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(String);

uniffi::custom_type!(Url, String, {
    try_lift: |text| Ok(Url(text)),
    lower: |url| url.0,
});

impl Url {
    /// What a server gave as one; none if no platform would take it.
    pub(crate) fn read(text: String) -> Option<Self> {
        let given = text.trim();
        let (host, path) = match given.split_once(':') {
            // What looks like a scheme is one, or a platform will take it for a broken one.
            Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => {
                let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
                let host = rest.strip_prefix("//")?;
                let (host, path) = host.split_at(host.find(['/', '?', '#']).unwrap_or(host.len()));
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
                if !web || host.is_empty() || !host.bytes().all(plain) {
                    return None;
                }
                let (name, port) = host.split_once(':').unwrap_or((host, "443"));
                if name.is_empty() || port.parse::<u16>().is_err() {
                    return None;
                }
                given.split_at(given.len() - path.len())
            }
            // Without a scheme, but with a host: of whom?
            _ if given.is_empty() || given.starts_with("//") => return None,
            _ => ("", given),
        };
        // Nearly all are spelled so already, and stay the text that they are.
        if given.len() == text.len() && path.bytes().all(stands) {
            return Some(Self(text));
        }
        Some(Self(format!("{host}{}", escaped(path))))
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// Whether a byte may stand in a path, a query or a fragment wherever it is.
fn stands(byte: u8) -> bool {
    matches!(byte, b'!' | b'$' | b'&'..=b';' | b'=' | b'?'..=b'Z' | b'_' | b'a'..=b'z' | b'~')
}

/// Path, query and fragment with everything escaped that may not stand there.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_fragment = false;
    for (at, byte) in text.bytes().enumerate() {
        let escape =
            |after: &str| after.len() >= 2 && after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
        let stands = match byte {
            b'%' => text.get(at + 1..).is_some_and(escape),
            b'#' => !std::mem::replace(&mut in_fragment, true),
            _ => stands(byte),
        };
        if stands {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_spelled_so_that_every_platform_takes_it() {
        for (given, spelled) in [
            ("https://img.example.com/bob.jpg", "https://img.example.com/bob.jpg"),
            ("HTTPS://img.example.com:8443?a=b|c", "HTTPS://img.example.com:8443?a=b%7Cc"),
            ("/uploads/silk scarf.jpg", "/uploads/silk%20scarf.jpg"),
            ("uploads/a:b.jpg", "uploads/a:b.jpg"),
            ("/a[1].jpg?x={y}", "/a%5B1%5D.jpg?x=%7By%7D"),
            ("/50%.jpg#a#b", "/50%25.jpg#a%23b"),
            ("/%D1%88.jpg", "/%D1%88.jpg"),
            ("/ш.jpg", "/%D1%88.jpg"),
            ("/a%4.jpg", "/a%254.jpg"),
        ] {
            assert_eq!(Url::read(given.to_owned()).map(Url::into_text).as_deref(), Some(spelled), "{given}");
        }
    }

    #[test]
    fn p9_what_no_platform_takes_is_none() {
        for given in [
            "",
            " ",
            "https://",
            "https:/a",
            "http://:80/",
            "https://a:b/",
            "https://a b/",
            "javascript:alert(1)",
            "a:b",
            ":x",
            "//evil.example/x",
            "https://[::1]/x",
            "https://u@h/x",
            "data:image/png;base64,AAAA",
        ] {
            assert_eq!(Url::read(given.to_owned()), None, "{given}");
        }
    }
}
