//! Redirects, followed by hand: on the own origin only, or from http to https on the own host and port, with
//! the method and the body kept. A redirect to any other place is refused, and the token never goes there.

use http::StatusCode;
use http::header::LOCATION;
use url::Url;

use super::transport::Reply;

/// More in a row is a loop, or as good as one.
pub(crate) const MOST: u32 = 5;

#[derive(Debug, PartialEq)]
pub(crate) enum Redirect {
    /// The answer is none.
    None,
    /// The same request again, here.
    To(Url),
    Refused(&'static str),
}

/// Where `reply`, the answer to a request to `url`, leads. `reads`: the request changes nothing.
pub(crate) fn judge(url: &Url, reads: bool, reply: &Reply) -> Redirect {
    let kept = match reply.status {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        // A proxy that takes a request for plain http answers any method so, before the server sees it. For a
        // write it is judged below whether that is what it is.
        StatusCode::MOVED_PERMANENTLY => true,
        // These ask for a GET of something else: the answer to a read, and no answer to a write.
        StatusCode::FOUND | StatusCode::SEE_OTHER => reads,
        _ => return Redirect::None,
    };
    if !kept {
        return Redirect::Refused("a redirect that would change the method");
    }
    let location = reply.headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let location = location.filter(|location| !escapes_host(location));
    let Some(mut target) = location.and_then(|location| url.join(location).ok()) else {
        return Redirect::Refused("a redirect without a readable Location");
    };
    // Behind a TLS proxy a server may believe that it is reached over http: the token does not go there.
    if url.scheme() == "https" && target.scheme() == "http" && target.set_scheme("https").is_err() {
        return Redirect::Refused("a redirect to another origin");
    }
    let mut origin = url.clone();
    if target.scheme() == "https" && origin.set_scheme("https").is_err() {
        return Redirect::Refused("a redirect to another origin");
    }
    // The origin of a `blob:` is that of the URL within, so the scheme is asked too.
    let same_origin = target.scheme() == origin.scheme() && target.origin() == origin.origin();
    if !same_origin || !target.username().is_empty() || target.password().is_some() {
        return Redirect::Refused("a redirect to another origin");
    }
    target.set_fragment(None);
    let same_place = (target.path(), target.query()) == (url.path(), url.query());
    if reply.status == StatusCode::MOVED_PERMANENTLY && !reads && !same_place {
        return Redirect::Refused("a redirect that would change the method");
    }
    if target == *url {
        return Redirect::Refused("a redirect to itself");
    }
    Redirect::To(target)
}

/// Whether the host is written with percent signs. The own one never is; and what they stand for can be
/// letters that the parser of hosts takes for impossible, and panics at in a debug build.
fn escapes_host(location: &str) -> bool {
    let slash = |c| matches!(c, '/' | '\\');
    // The parser leaves these out wherever they are.
    let text: String = location.trim().chars().filter(|c| *c != '\t').collect();
    let after_scheme = match text.split_once(':') {
        Some((scheme, rest)) if !scheme.contains(['/', '\\', '?', '#']) => rest,
        _ if text.chars().take_while(|c| slash(*c)).count() >= 2 => &text,
        // A path.
        _ => return false,
    };
    let host = after_scheme.trim_start_matches(slash).split(['/', '\\', '?', '#']).next();
    host.is_some_and(|host| host.contains('%'))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn lead(from: &str, status: u16, location: &str, reads: bool) -> Redirect {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, location.parse().unwrap());
        let reply = Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Bytes::new(),
            path_ends_with_slash: false,
        };
        judge(&Url::parse(from).unwrap(), reads, &reply)
    }

    fn to(url: &str) -> Redirect {
        Redirect::To(Url::parse(url).unwrap())
    }

    const CART: &str = "https://shop.example/api/v1/cart?market=us";

    #[test]
    fn a_redirect_on_the_own_origin_is_followed() {
        for status in [301, 307, 308] {
            for reads in [true, status == 301] {
                assert_eq!(
                    lead(CART, status, "/api/v1/cart/?market=us", reads),
                    to("https://shop.example/api/v1/cart/?market=us")
                );
            }
        }
        assert_eq!(lead(CART, 303, "/x", true), to("https://shop.example/x"));
    }

    #[test]
    fn a_location_that_says_http_for_the_same_host_is_followed_over_https() {
        assert_eq!(
            lead(CART, 307, "http://shop.example/api/v1/cart/", true),
            to("https://shop.example/api/v1/cart/")
        );
        let at_port = "https://shop.example:8443/a";
        assert_eq!(lead(at_port, 307, "http://shop.example:8443/b", true), to("https://shop.example:8443/b"));
    }

    #[test]
    fn a_redirect_from_http_to_https_on_the_same_host_and_port_is_followed() {
        assert_eq!(
            lead("http://127.0.0.1:81/a", 301, "https://127.0.0.1:81/a", false),
            to("https://127.0.0.1:81/a")
        );
        assert_eq!(lead("http://localhost/a", 301, "https://localhost/a", true), to("https://localhost/a"));
        for location in ["https://127.0.0.1:82/a", "https://127.0.0.2:81/a", "https://127.0.0.1/a"] {
            assert!(matches!(lead("http://127.0.0.1:81/a", 301, location, true), Redirect::Refused(_)));
        }
    }

    #[test]
    fn p1_a_redirect_to_another_origin_is_refused() {
        for location in [
            "https://evil.example/api/v1/cart",
            "//evil.example/",
            "https://shop.example.evil.example/",
            "https://shop.example:444/",
            "http://shop.example:80@evil.example/",
            "https://user:pass@shop.example/",
            "http://evil.example/",
            "javascript:alert(1)",
            "file:///etc/passwd",
        ] {
            assert!(matches!(lead(CART, 307, location, true), Redirect::Refused(_)), "{location}");
        }
        assert!(matches!(
            lead("http://127.0.0.1:80/a", 307, "http://127.0.0.1:81/a", true),
            Redirect::Refused(_)
        ));
    }

    #[test]
    fn p1_a_redirect_to_a_scheme_that_borrows_the_own_origin_is_refused() {
        for location in ["blob:https://shop.example/api/v1/cart", "BLOB:\thttps://shop.example/x"] {
            assert!(matches!(lead(CART, 307, location, true), Redirect::Refused(_)), "{location}");
        }
    }

    #[test]
    fn p6_a_redirect_that_would_turn_a_write_into_a_read_is_refused() {
        for status in [301, 302, 303] {
            assert!(matches!(lead(CART, status, "/x", false), Redirect::Refused(_)));
        }
    }

    #[test]
    fn p9_a_redirect_to_a_host_with_percent_signs_is_refused_and_no_panic() {
        for location in [
            "//310X%E2l34",
            "https://Shop%C3.example/",
            "\\\\X%E2",
            "/\\X%E2",
            "\t/\t/X%E2",
            "https:X%E2",
            "https:/\t/X%E2?a",
            "hTTp://X%E2#a",
        ] {
            assert!(matches!(lead(CART, 307, location, true), Redirect::Refused(_)), "{location}");
        }
        for path in ["/a%20b", "/a/b:c/%41", "a%E2", "?x=//%E2"] {
            assert!(matches!(lead(CART, 307, path, true), Redirect::To(_)), "{path}");
        }
    }

    #[test]
    fn other_answers_are_no_redirects() {
        for status in [200, 300, 304, 404] {
            assert_eq!(lead(CART, status, "/x", true), Redirect::None);
        }
    }
}
