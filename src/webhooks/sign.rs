//! The signatures of Standard Webhooks: HMAC-SHA256 of id, time and body, by which receivers know who sent it, and when.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What secrets begin with.
const PREFIX: &str = "whsec_";
/// How to make one.
const ADVICE: &str = "a line is whsec_ and 24 to 64 bytes in base64; make one with \
                      `echo \"whsec_$(openssl rand -base64 32)\"`";

/// The secrets that sign: while one takes the place of another, both do.
pub struct Keys(Vec<Hmac<Sha256>>);

impl Keys {
    /// Reads a file with a secret on each line.
    ///
    /// # Errors
    /// When it cannot be read, or is something else. The reason holds nothing secret.
    pub fn load(file: &Path) -> Result<Self, String> {
        let wrong = |why: &str| format!("webhook-secret: {}: {why}", file.display());
        let text = std::fs::read_to_string(file).map_err(|e| wrong(&e.to_string()))?;
        Self::parse(&text).ok_or_else(|| wrong(ADVICE))
    }

    fn parse(text: &str) -> Option<Self> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys = lines.map(|line| {
            let secret = STANDARD.decode(line.strip_prefix(PREFIX)?).ok()?;
            let secret = Some(secret).filter(|secret| (24..=64).contains(&secret.len()))?;
            Hmac::new_from_slice(&secret).ok()
        });
        let keys = keys.collect::<Option<Vec<_>>>()?;
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// What `webhook-signature` says.
    #[must_use]
    pub fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let signed = format!("{id}.{seconds}.{body}");
        let sign = |key: &Hmac<Sha256>| {
            let tag = key.clone().chain_update(signed.as_bytes()).finalize();
            format!("v1,{}", STANDARD.encode(tag.into_bytes()))
        };
        self.0.iter().map(sign).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_specification() {
        // The example of the reference implementations.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let (id, seconds) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let sign = |text: &str| Keys::parse(text).unwrap().sign(id, seconds, r#"{"test": 2432232314}"#);
        assert_eq!(sign(secret), signature);
        assert_eq!(sign(&format!("{secret}\n\n{secret}\n")), format!("{signature} {signature}"));
    }

    #[test]
    fn what_is_no_secret_is_not_taken() {
        for text in ["", "\n", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!!"] {
            assert!(Keys::parse(text).is_none(), "{text}");
        }
    }
}
