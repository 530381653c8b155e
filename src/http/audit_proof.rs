//! `/api/v1/events/audit`: what proves the audit trail to those who do not trust the server. The formats are those of
//! <https://c2sp.org/tlog-checkpoint> and <https://c2sp.org/tlog-tiles>.

use std::sync::Arc;

use serde::Deserialize;
use utoipa::ToSchema;
use warp::http::StatusCode;
use warp::http::header::{CACHE_CONTROL, HeaderValue};
use warp::reply::Response;

use super::audit::RecordPath;
use super::document::OperationDoc;
use super::endpoint::{Endpoint, Output};
use super::error::Problem;
use super::reply::{Document, Ok200};
use super::request::{Path, Query};
use crate::App;
use crate::domain::audit_proof::{ConsistencyProof, InclusionProof, Tile};
use crate::domain::audit_tree::AuditTree;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    let checkpoint = |path| {
        Endpoint::get(path, "The signed checkpoint of the audit trail as it is now", checkpoint).describe(
            "A signed note: the log's name, the number of records, the root of the tree over them. Whoever keeps one \
             can show later whether records that it covers were changed or removed.",
        )
    };
    vec![
        checkpoint("/api/v1/events/audit/checkpoint"),
        checkpoint("/api/v1/events/audit/log/checkpoint"),
        Endpoint::get("/api/v1/events/audit/public-key", "The key that verifies checkpoints", public_key),
        Endpoint::get("/api/v1/events/audit/{record}/proof", "Prove that a record is in the audit trail", proof)
            .problem(404, "There is no such record; the detail names it")
            .problem(410, "The record was pruned"),
        Endpoint::get("/api/v1/events/audit/consistency", "Prove that the audit trail has only grown", consistency),
        Endpoint::get("/api/v1/events/audit/log/tile/{*tile}", "A tile of the tree over the audit trail", tile)
            .describe(
                "`<L>/<N>` with hashes of the tree, or `entries/<N>` with those of the records; `.p/<W>` at its end for \
                 the first W of a tile that is not full. The prefix of the log is `/api/v1/events/audit/log`.",
            )
            .problem(404, "The tree has no such tile")
            .problem(410, "The records below the tile were pruned"),
    ]
}

/// A text that may be another the next time.
fn text(body: String) -> Document {
    let headers = vec![(CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    Document { content_type: "text/plain; charset=utf-8", body: body.into(), headers }
}

async fn checkpoint(app: Arc<App>) -> Result<Document, Problem> {
    let (size, root) = app.read(|tx| {
        let tree = AuditTree::open(tx)?;
        Ok((tree.size(), tree.head()))
    })?;
    Ok(text(app.notary().sign(size, root)))
}

async fn public_key(app: Arc<App>) -> Result<Document, Problem> {
    Ok(text(format!("{}\n", app.notary().public())))
}

/// Of which tree.
#[derive(Deserialize, ToSchema)]
struct ProofQuery {
    /// The size of the tree; without it, as it is now.
    #[schema(minimum = 1)]
    size: Option<u64>,
}

async fn proof(
    app: Arc<App>,
    Path(path): Path<RecordPath>,
    Query(query): Query<ProofQuery>,
) -> Result<Ok200<InclusionProof>, Problem> {
    let seq = path.seq()?;
    let signing = Arc::clone(&app);
    let proved = app.read_many(move |tx, _, _| {
        let mut tree = AuditTree::open(tx)?;
        let (size, first) = (query.size.unwrap_or(tree.size()), tree.anchor.first);
        if seq < first {
            return Ok(Err(pruned(first)));
        }
        if let Err(unknown) = path.the(tx.get(&seq)?) {
            return Ok(Err(unknown.into()));
        }
        if !(seq + 1..=tree.size()).contains(&size) {
            return Ok(Err(out_of_range("size", seq + 1, tree.size())));
        }
        Ok(Ok(Ok200(tree.prove_inclusion(seq, size, |size, root| signing.notary().sign(size, root))?)))
    });
    proved.await?
}

pub(super) fn pruned(first: u64) -> Problem {
    Problem::new(StatusCode::GONE, format!("The records before number {first} were pruned."))
}

fn out_of_range(name: &str, from: u64, to: u64) -> Problem {
    Problem::bad_parameter(name, "range", &format!("must be between {from} and {to}"))
}

/// Between which trees.
#[derive(Deserialize, ToSchema)]
struct ConsistencyQuery {
    /// The smaller size.
    #[schema(minimum = 0)]
    from: u64,
    /// The larger size; without it, as it is now.
    #[schema(minimum = 0)]
    to: Option<u64>,
}

async fn consistency(
    app: Arc<App>,
    Query(query): Query<ConsistencyQuery>,
) -> Result<Ok200<ConsistencyProof>, Problem> {
    let signing = Arc::clone(&app);
    let proved = app.read_many(move |tx, _, _| {
        let mut tree = AuditTree::open(tx)?;
        let (from, to) = (query.from, query.to.unwrap_or(tree.size()));
        for (name, size) in [("from", from), ("to", to)] {
            if size > tree.size() {
                return Ok(Err(out_of_range(name, tree.anchor.first, tree.size())));
            }
            if !tree.knows(size) {
                let msg = format!("must be {} or more: the records before were pruned", tree.anchor.first);
                return Ok(Err(Problem::bad_parameter(name, "range", &msg)));
            }
        }
        if from > to {
            return Ok(Err(out_of_range("from", 0, to)));
        }
        Ok(Ok(Ok200(tree.prove_consistency(from, to, |size, root| signing.notary().sign(size, root))?)))
    });
    proved.await?
}

/// Names a tile.
#[derive(Deserialize, ToSchema)]
struct TilePath {
    /// Such as `0/x001/067`, `1/000.p/17` or `entries/000`.
    tile: String,
}

/// What is in a tile, which never changes.
struct TileBytes(Vec<u8>);

impl Output for TileBytes {
    fn describe(doc: &mut OperationDoc) {
        doc.text(200, &["application/octet-stream"], "The hashes, one after the other");
    }

    fn into_response(self, target: &str) -> Response {
        let headers = vec![(CACHE_CONTROL, HeaderValue::from_static("max-age=31536000, immutable"))];
        let document = Document { content_type: "application/octet-stream", body: self.0.into(), headers };
        document.into_response(target)
    }
}

async fn tile(app: Arc<App>, Path(path): Path<TilePath>) -> Result<TileBytes, Problem> {
    let missing = || {
        Problem::new(StatusCode::NOT_FOUND, format!("The tree has no tile '{}'.", path.tile.escape_debug()))
    };
    let tile = Tile::read(&path.tile).ok_or_else(missing)?;
    let read = app.read_many(move |tx, _, _| {
        let mut tree = AuditTree::open(tx)?;
        if !tile.is_in(tree.size()) {
            return Ok(Ok(None));
        }
        if tile.is_pruned(tree.anchor.first) {
            return Ok(Err(pruned(tree.anchor.first)));
        }
        Ok(Ok(Some(tree.tile(tile)?)))
    });
    Ok(TileBytes(read.await??.ok_or_else(missing)?))
}
