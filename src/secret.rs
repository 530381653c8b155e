//! Secrets: 256 random bits as text.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What a token begins with, so that people and scanners know one when they see it.
pub const TOKEN: &str = "agentmap_";

/// A new secret.
///
/// # Errors
/// When the system gives no random numbers.
pub fn new(prefix: &str) -> Result<String, String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| format!("the system gives no random numbers: {e}"))?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}
