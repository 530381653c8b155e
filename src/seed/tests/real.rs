//! Real files, where there are any.

use super::*;

#[test]
fn every_real_file_is_an_identity() {
    for (path, bytes) in real_files() {
        let (identity, repairs) = accept(read(&path, &bytes));
        println!("{} | {} | {}", path.display(), identity.name, repairs.len());
        for note in &repairs {
            println!("    {note}");
        }
        let in_sections = path.components().any(|part| part.as_os_str() == "frontmatter");
        assert_eq!(identity.agent_id.is_some(), in_sections);
        assert_eq!(identity.max_cost_per_day.is_some(), in_sections);
        assert_eq!(identity.path_scopes.as_ref().is_some_and(|list| !list.is_empty()), in_sections);
        assert!(identity.description.is_some());
    }
}
