//! Access tokens: JSON Web Tokens signed with HMAC-SHA-256, and nothing in them that tells two sign-ins of
//! one second apart.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::hmac;
use serde_json::Value;

/// Writes and checks tokens with one secret.
pub(crate) struct Signer(hmac::Key);

impl Signer {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Signer(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The token with these claims. The same claims give the same text.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let head = BASE64.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let text = format!("{head}.{}", BASE64.encode(claims.to_string()));
        let tag = hmac::sign(&self.0, text.as_bytes());
        format!("{text}.{}", BASE64.encode(tag.as_ref()))
    }

    /// The claims, if the signature holds. Expiry is the caller's to judge: the server has a clock of its own.
    pub(crate) fn read(&self, token: &str) -> Option<Value> {
        let (text, tag) = token.rsplit_once('.')?;
        hmac::verify(&self.0, text.as_bytes(), &BASE64.decode(tag).ok()?).ok()?;
        let (_, claims) = text.split_once('.')?;
        serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_is_read_back_and_a_changed_one_is_not() {
        let signer = Signer::new(b"secret");
        let token = signer.sign(&json!({"user_id": 19}));
        assert_eq!(signer.read(&token), Some(json!({"user_id": 19})));
        assert_eq!(Signer::new(b"other").read(&token), None);
        assert_eq!(signer.read(&format!("{token}A")), None);
        assert_eq!(signer.read("garbage"), None);
    }
}
