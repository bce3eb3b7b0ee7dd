//! The access token, and what its claims say.

use std::fmt;

use bytes::Bytes;
use http::HeaderValue;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::model::wire::Digits;
use crate::model::{Market, UserId};

const SCHEME: &str = "Bearer ";
/// Far above any token seen; a header longer than this is refused by servers anyway.
const LONGEST: usize = 16 * 1024;

/// An access token, kept as the header it is sent in. Copies share one buffer, which is wiped when the last
/// of them goes; `Debug` shows nothing of it.
#[derive(Clone)]
pub(crate) struct AccessToken(HeaderValue);

impl AccessToken {
    /// None if the text cannot be a bearer token (RFC 6750 section 2.1: no spaces, visible ASCII).
    pub(crate) fn new(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let mut header = Vec::with_capacity(SCHEME.len() + text.len());
        header.extend_from_slice(SCHEME.as_bytes());
        header.extend_from_slice(text.as_bytes());
        let mut header = HeaderValue::from_maybe_shared(Bytes::from_owner(Zeroizing::new(header))).ok()?;
        header.set_sensitive(true);
        Some(Self(header))
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// The token itself, for the record that is stored.
    pub(crate) fn text(&self) -> &str {
        self.0.to_str().unwrap_or_default().strip_prefix(SCHEME).unwrap_or_default()
    }

    /// What the token says of itself. Advice, never proof: the client has no key to check it with.
    pub(crate) fn claims(&self) -> Claims {
        let claims = jsonwebtoken::dangerous::insecure_decode_claims::<ClaimsWire>(self.text());
        claims.unwrap_or_default().into()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(redacted)")
    }
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Claims {
    pub(crate) user_id: Option<UserId>,
    pub(crate) market: Option<Market>,
    /// In seconds since 1970, by the server's clock.
    pub(crate) expires_at: Option<u64>,
}

#[derive(Default, Deserialize)]
pub(crate) struct ClaimsWire {
    /// Documented servers.
    user_id: Option<UserId>,
    /// Deployed servers.
    sub: Option<UserId>,
    market: Option<Market>,
    exp: Option<Digits>,
}

impl From<ClaimsWire> for Claims {
    fn from(wire: ClaimsWire) -> Self {
        Self {
            user_id: wire.user_id.or(wire.sub),
            market: wire.market,
            expires_at: wire.exp.map(|exp| exp.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // {"user_id":19,"market":"us","exp":1729703400} and {"sub":"19","market":"us","exp":1729703400}
    const DOCUMENTED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoxOSwibWFya2V0IjoidXMiLCJleHAiOjE3Mjk3MDM0MDB9.c2ln";
    const DEPLOYED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxOSIsIm1hcmtldCI6InVzIiwiZXhwIjoxNzI5NzAzNDAwfQ.c2ln";

    #[test]
    fn both_forms_of_the_claims_are_read() {
        for token in [DOCUMENTED, DEPLOYED] {
            let claims = AccessToken::new(token).unwrap().claims();
            let expected = Claims {
                user_id: Some(UserId(19)),
                market: Some(Market::Us),
                expires_at: Some(1_729_703_400),
            };
            assert_eq!(claims, expected);
        }
    }

    #[test]
    fn a_token_that_is_no_jwt_has_no_claims() {
        for token in ["opaque", "a.b.c", "..", "eyJhbGciOiJIUzI1NiJ9.bnVsbA.x"] {
            assert_eq!(AccessToken::new(token).unwrap().claims(), Claims::default(), "{token}");
        }
    }

    #[test]
    fn p9_what_cannot_be_a_header_is_no_token() {
        for token in ["", "a b", "a\nb", "ä", &"x".repeat(LONGEST + 1)] {
            assert!(AccessToken::new(token).is_none());
        }
    }

    #[test]
    fn p1_the_header_is_marked_sensitive() {
        assert!(AccessToken::new(DEPLOYED).unwrap().header().is_sensitive());
    }

    #[test]
    fn p10_a_token_does_not_show_itself() {
        let token = AccessToken::new(DEPLOYED).unwrap();
        assert_eq!(format!("{token:?} {:?}", token.header()), "AccessToken(redacted) Sensitive");
    }
}
