//! `agentmap token`: through the server that holds the data, or on the data file where none runs.

use std::process::ExitCode;

use serde_json::{Value, json};
use uuid::Uuid;

use super::holder::{self, Holder, submit};
use super::{Fault, Ran, client, output, presence};
use crate::app::system_clock;
use crate::cli::{TokenArgs, TokenCommand, TokenCreateArgs};
use crate::config::Config;
use crate::domain::access::{Actor, TokenRole};
use crate::domain::command::{Action, Outcome};
use crate::domain::time::{DAY, HOUR, MINUTE, Timestamp};
use crate::domain::tokens::{NewToken, Standing, TokenView};
use crate::secret;

const TOKENS: &str = "/api/v1/tokens";

pub async fn token(config: Config, args: TokenArgs) -> Ran {
    let holder = Holder::find(&config)?;
    let ran = match args.command {
        TokenCommand::Create(args) => create(&holder, args).await,
        TokenCommand::List(args) => list(&holder, args.json).await,
        TokenCommand::Revoke { token } => revoke(&holder, &token).await,
    };
    holder.close();
    ran
}

async fn create(holder: &Holder, args: TokenCreateArgs) -> Ran {
    let role = TokenRole::ALL.into_iter().find(|role| role.as_str() == args.role).ok_or_else(|| {
        Fault::new(format!(
            "--role: '{}' is none of viewer, ingest, operator, admin",
            args.role.escape_debug()
        ))
    })?;
    let expires_at = args.expires.as_deref().map(|text| from_now(text, system_clock()())).transpose()?;
    let wanted = NewToken { role, name: args.name, agent: args.agent, expires_at };
    let (secret, token) = holder.create(wanted).await?;
    if args.json {
        let mut document = json!(token);
        document["secret"] = secret.into();
        output::print_json(&document)?;
    } else {
        output::complain(&format!("the token '{}' is shown this once; keep it:", output::safe(&token.name)));
        output::print(&secret)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(holder: &Holder, as_json: bool) -> Ran {
    let tokens = holder.list().await?;
    if as_json {
        output::print_json(&tokens)?;
        return Ok(ExitCode::SUCCESS);
    }
    if tokens.is_empty() {
        output::print("There are no tokens. `agentmap token create --role viewer` makes one.")?;
        return Ok(ExitCode::SUCCESS);
    }
    let time = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let row = |token: &TokenView| {
        let status = match token.status {
            Standing::Usable => "usable",
            Standing::Expired => "expired",
            Standing::Revoked => "revoked",
        };
        vec![
            token.name.clone(),
            token.role.to_string(),
            token.agent.clone().unwrap_or_else(|| "any".into()),
            format!("{}...", token.prefix),
            status.into(),
            time(token.expires_at),
            time(token.last_used_at),
        ]
    };
    let rows: Vec<_> = tokens.iter().map(row).collect();
    let head = ["NAME", "ROLE", "AGENT", "BEGINS WITH", "STATUS", "EXPIRES", "LAST USED"];
    output::print(output::table(&head, &rows).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

async fn revoke(holder: &Holder, which: &str) -> Ran {
    let tokens = holder.list().await?;
    // A name may be had again once its token is revoked.
    let is_it = |token: &&TokenView| token.token_id.to_string() == which || token.name == which;
    let found = tokens.iter().filter(is_it).min_by_key(|token| token.status == Standing::Revoked);
    let token = found.ok_or_else(|| {
        let which = which.escape_debug();
        Fault::new(format!("there is no token '{which}'; `agentmap token list` lists them"))
    })?;
    holder.revoke(token.token_id).await?;
    output::print(&format!("Revoked the token '{}'.", output::safe(&token.name)))?;
    Ok(ExitCode::SUCCESS)
}

/// The end of a span such as `30d` that begins now.
fn from_now(text: &str, now: Timestamp) -> Result<Timestamp, Fault> {
    let units = [("d", DAY), ("h", HOUR), ("m", MINUTE)];
    let span = units.into_iter().find_map(|(unit, length)| {
        let count = text.strip_suffix(unit)?.parse::<u32>().ok().filter(|count| *count > 0)?;
        Some(i64::from(count).saturating_mul(length))
    });
    let wrong =
        || Fault::new(format!("--expires: '{}' is no time such as 30d, 12h or 90m", text.escape_debug()));
    span.map(|span| now.plus(span)).ok_or_else(wrong)
}

impl Holder {
    async fn create(&self, wanted: NewToken) -> Result<(String, TokenView), Fault> {
        match self {
            Self::Data(app) => {
                let secret = secret::new(secret::TOKEN).map_err(Fault::new)?;
                let token = wanted.into_token(Uuid::new_v4(), &secret, &Actor::default(), app.now());
                match submit(app, Action::CreateToken(Box::new(token))).await? {
                    Outcome::Token(token) => Ok((secret, token.view(app.now()))),
                    _ => Err(Fault::new("making a token gave none back")),
                }
            }
            Self::Server(note) => {
                let body = serde_json::to_vec(&wanted).map_err(|e| Fault::new(e.to_string()))?;
                let made = ask(note, "POST", TOKENS, Some(body)).await?;
                let secret = made["secret"].as_str().unwrap_or_default().to_owned();
                Ok((secret, read(made)?))
            }
        }
    }

    async fn list(&self) -> Result<Vec<TokenView>, Fault> {
        match self {
            Self::Data(app) => {
                let mut tokens: Vec<_> = app.keyring().tokens().map(|token| token.view(app.now())).collect();
                tokens.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
                Ok(tokens)
            }
            Self::Server(note) => read(ask(note, "GET", TOKENS, None).await?),
        }
    }

    async fn revoke(&self, id: Uuid) -> Result<(), Fault> {
        match self {
            Self::Data(app) => submit(app, Action::RevokeToken(id)).await.map(drop),
            Self::Server(note) => ask(note, "DELETE", &format!("{TOKENS}/{id}"), None).await.map(drop),
        }
    }
}

async fn ask(note: &presence::Note, method: &str, path: &str, body: Option<Vec<u8>>) -> Result<Value, Fault> {
    holder::ask(note, client::credential(Some(note)), method, path, body).await
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Fault> {
    serde_json::from_value(value)
        .map_err(|e| Fault::new(format!("the server's answer is not understood: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_counted_from_now() {
        for (text, span) in [("30d", 30 * DAY), ("12h", 12 * HOUR), ("90m", 90 * MINUTE)] {
            assert_eq!(from_now(text, Timestamp(0)).unwrap(), Timestamp(span), "{text}");
        }
        for text in ["", "d", "0d", "-1d", "1.5h", "30", "1w", "4294967296d"] {
            assert!(from_now(text, Timestamp(0)).is_err(), "{text}");
        }
    }
}
