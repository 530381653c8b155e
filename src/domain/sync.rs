//! Syncing: making the registry say what a set of identity files says.

use std::collections::HashMap;
use std::sync::Arc;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::agent_write::DEFAULT_VERSION;
use super::agents::{Agent, Metadata, Origin, display_name};
use super::identity::Identity;
use super::role;
use super::time::Timestamp;
use crate::store::{StoreError, WriteTx};

/// Names the ids of agents whose files give none.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0c_1d0a_5b0e_5d5e_9f43_61c2_7d0e_a9b1);

/// An identity and the file that holds it.
#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize, ToSchema)]
pub struct IdentityFile {
    /// The file's absolute path.
    pub file: String,
    /// What it says.
    pub identity: Identity,
}

/// Which identities to sync, and how.
#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    /// The identities, in the order in which the first of two that contradict each other wins.
    #[schema(max_items = 100_000)]
    pub identities: Vec<IdentityFile>,
    /// Remove the agents that came from a file below one of these folders and that no identity names any more.
    #[serde(default)]
    pub prune_below: Vec<String>,
    /// Only say what would change.
    #[serde(default)]
    pub dry_run: bool,
    /// Take no identity of which there is something to know.
    #[serde(default)]
    pub strict: bool,
}

/// What became of one identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs)]
pub enum SyncChange {
    Created,
    Updated,
    Unchanged,
    Failed,
}

/// What became of one file's identity.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
pub struct SyncedFile {
    /// The file.
    pub file: String,
    /// The agent's name.
    pub name: String,
    /// What was done.
    pub change: SyncChange,
    /// Why it failed, or what to know about it.
    pub note: Option<String>,
}

/// What a sync did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
pub struct SyncReport {
    /// One entry for each identity, in the order given.
    pub files: Vec<SyncedFile>,
    /// The names of the agents that were removed.
    pub pruned: Vec<String>,
}

/// The agents that a sync makes of those that are there.
pub(super) struct Plan {
    pub report: SyncReport,
    /// Each with what was there before.
    pub put: Vec<(Option<Agent>, Arc<Agent>)>,
    pub remove: Vec<Agent>,
}

struct Planned {
    agent: Agent,
    files: Vec<usize>,
}

impl Plan {
    /// Decides what is to be done. Writes nothing.
    pub fn new(tx: &mut WriteTx<'_>, request: SyncRequest, at: Timestamp) -> Result<Self, StoreError> {
        let present: HashMap<Uuid, Agent> = tx.all::<Agent>()?.into_iter().map(|a| (a.agent_id, a)).collect();
        let names: HashMap<String, Uuid> = present.values().map(|a| (a.name.clone(), a.agent_id)).collect();
        let mut planner =
            Planner { present, names, planned: Vec::new(), at: HashMap::new(), claims: HashMap::new() };
        let mut outcomes: Vec<Option<Result<Option<String>, String>>> = vec![None; request.identities.len()];
        // Files with an id come first: one without an id means the agent of that name, wherever it is defined.
        let mut order: Vec<usize> = (0..request.identities.len()).collect();
        order.sort_by_key(|i| request.identities[*i].identity.agent_id.is_none());
        for i in order {
            outcomes[i] = Some(planner.add(i, &request, at));
        }
        Ok(planner.finish(request, outcomes, at))
    }
}

struct Planner {
    present: HashMap<Uuid, Agent>,
    names: HashMap<String, Uuid>,
    planned: Vec<Planned>,
    at: HashMap<Uuid, usize>,
    /// Which file claimed an id or a name; names are claimed apart by files with and without an id.
    claims: HashMap<String, usize>,
}

impl Planner {
    /// Plans one file. `Ok` holds what is to know about it, `Err` why it failed.
    fn add(&mut self, i: usize, request: &SyncRequest, now: Timestamp) -> Result<Option<String>, String> {
        let files = &request.identities;
        let IdentityFile { file, identity } = &files[i];
        let name = &identity.name;
        let claims = match identity.agent_id {
            Some(id) => vec![(format!("id {id}"), "id"), (format!("name {name}"), "name")],
            None => vec![(format!("overlay {name}"), "name")],
        };
        for (claim, what) in &claims {
            if let Some(first) = self.claims.get(claim) {
                return Err(format!("the same {what} as in {}, which is read first", files[*first].file));
            }
        }
        let holder = self.names.get(name).copied();
        let id = match (identity.agent_id, holder) {
            (Some(id), Some(holder)) if id != holder => {
                return Err(format!("the name '{name}' is taken by the agent with the id {holder}"));
            }
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => Uuid::new_v5(&NAMESPACE, name.as_bytes()),
        };
        self.claims.extend(claims.into_iter().map(|(claim, _)| (claim, i)));
        // What a file with an id does not say is the default; what one without an id does not say stays.
        let before = self.at.get(&id).map(|at| &self.planned[*at].agent);
        let before = before.or_else(|| self.present.get(&id));
        let (base, note) = match before {
            Some(agent) if identity.agent_id.is_none() => (agent.clone(), None),
            before => fresh(identity, id, before, file, now),
        };
        if let Some(note) = note.as_ref().filter(|_| request.strict) {
            return Err(note.clone());
        }
        let agent = overlay(base, identity);
        // Not by a search: there may be as many names as files.
        if let Some(before) = before {
            self.names.remove(&before.name);
        }
        self.names.insert(agent.name.clone(), id);
        match self.at.get(&id) {
            Some(at) => {
                self.planned[*at].agent = agent;
                self.planned[*at].files.push(i);
            }
            None => {
                self.at.insert(id, self.planned.len());
                self.planned.push(Planned { agent, files: vec![i] });
            }
        }
        Ok(note)
    }

    fn finish(
        mut self,
        request: SyncRequest,
        outcomes: Vec<Option<Result<Option<String>, String>>>,
        at: Timestamp,
    ) -> Plan {
        let mut changes = vec![SyncChange::Failed; request.identities.len()];
        let mut put = Vec::new();
        let mut unwanted = std::mem::take(&mut self.present);
        for Planned { mut agent, files } in self.planned {
            let before = unwanted.remove(&agent.agent_id);
            let same = before.as_ref().is_some_and(|b| same_identity(b, &agent));
            let change = match &before {
                None => SyncChange::Created,
                Some(_) if same => SyncChange::Unchanged,
                Some(_) => SyncChange::Updated,
            };
            // An agent that one file creates and another adds to is created once.
            for (n, i) in files.into_iter().enumerate() {
                changes[i] =
                    if n > 0 && change == SyncChange::Created { SyncChange::Updated } else { change };
            }
            if !same {
                agent.updated_at = at;
            }
            if before.as_ref() != Some(&agent) {
                put.push((before, Arc::new(agent)));
            }
        }
        let mut remove: Vec<Agent> =
            unwanted.into_values().filter(|a| came_from_below(a, &request.prune_below)).collect();
        remove.sort_by(|a, b| a.name.cmp(&b.name));
        let files =
            request.identities.into_iter().zip(changes).zip(outcomes).map(|((file, change), outcome)| {
                let (change, note) = match outcome {
                    Some(Ok(note)) => (change, note),
                    Some(Err(why)) => (SyncChange::Failed, Some(why)),
                    None => (SyncChange::Failed, None),
                };
                SyncedFile { file: file.file, name: file.identity.name, change, note }
            });
        let pruned = remove.iter().map(|a| a.name.clone()).collect();
        Plan { report: SyncReport { files: files.collect(), pruned }, put, remove }
    }
}

fn came_from_below(agent: &Agent, folders: &[String]) -> bool {
    let Origin::File(file) = &agent.origin else { return false };
    folders
        .iter()
        .any(|folder| file.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with(['/', '\\'])))
}

/// Whether two states of an agent differ in nothing that a file can say.
fn same_identity(a: &Agent, b: &Agent) -> bool {
    let bare = |agent: &Agent| Agent { origin: Origin::Api, updated_at: Timestamp(0), ..agent.clone() };
    bare(a) == bare(b)
}

/// The agent of a file that says nothing but its role and category, and what is to know about it.
fn fresh(
    identity: &Identity,
    id: Uuid,
    before: Option<&Agent>,
    file: &str,
    now: Timestamp,
) -> (Agent, Option<String>) {
    let (inferred, confidence, reason) = role::infer(identity.category.as_deref());
    let (role, role_confidence, role_reasoning) = match &identity.role {
        Some(role) => (role.clone(), 1.0, None),
        None => (inferred.to_owned(), confidence, Some(reason)),
    };
    let unknown = role::RoleDefaults::of(&role).is_none() && identity.allowed_tools.is_none();
    let note = unknown.then(|| {
        format!(
            "the role '{}' is not known and the file gives no rights: the rights of '{}' are taken",
            role.escape_debug(),
            role::DEFAULT_ROLE
        )
    });
    let defaults = role::defaults_or_least(&role);
    let agent = Agent {
        agent_id: id,
        name: identity.name.clone(),
        display_name: display_name(&identity.name),
        description: None,
        role,
        role_confidence,
        role_reasoning,
        capabilities: Vec::new(),
        rbac: defaults.rights(),
        limits: defaults.limits(),
        metadata: Metadata {
            category: role::DEFAULT_CATEGORY.into(),
            specialist: false,
            version: DEFAULT_VERSION.into(),
            tags: Vec::new(),
        },
        paused: before.is_some_and(|b| b.paused),
        origin: match before.map(|b| &b.origin) {
            Some(Origin::Api) => Origin::Api,
            _ => Origin::File(file.to_owned()),
        },
        created_at: before.map_or(now, |b| b.created_at),
        updated_at: before.map_or(now, |b| b.updated_at),
    };
    (agent, note)
}

/// An agent with what a file says of it.
fn overlay(mut agent: Agent, says: &Identity) -> Agent {
    fn set<T: Clone>(field: &mut T, value: Option<&T>) {
        if let Some(value) = value {
            field.clone_from(value);
        }
    }
    agent.name.clone_from(&says.name);
    set(&mut agent.display_name, says.display_name.as_ref());
    if says.description.is_some() {
        agent.description.clone_from(&says.description);
    }
    set(&mut agent.role, says.role.as_ref());
    set(&mut agent.role_confidence, says.role_confidence.as_ref());
    if says.role_reasoning.is_some() {
        agent.role_reasoning.clone_from(&says.role_reasoning);
    }
    set(&mut agent.capabilities, says.capabilities.as_ref());
    set(&mut agent.rbac.allowed_tools, says.allowed_tools.as_ref());
    set(&mut agent.rbac.denied_tools, says.denied_tools.as_ref());
    set(&mut agent.rbac.path_scopes, says.path_scopes.as_ref());
    set(&mut agent.rbac.api_access, says.api_access.as_ref());
    set(&mut agent.rbac.requires_approval, says.requires_approval.as_ref());
    set(&mut agent.rbac.approval_threshold, says.approval_threshold.as_ref());
    set(&mut agent.limits.max_tokens_per_session, says.max_tokens_per_session.as_ref());
    set(&mut agent.limits.max_cost_per_day, says.max_cost_per_day.as_ref());
    set(&mut agent.limits.currency, says.currency.as_ref());
    set(&mut agent.metadata.category, says.category.as_ref());
    set(&mut agent.metadata.specialist, says.specialist.as_ref());
    set(&mut agent.metadata.version, says.version.as_ref());
    set(&mut agent.metadata.tags, says.tags.as_ref());
    agent
}
