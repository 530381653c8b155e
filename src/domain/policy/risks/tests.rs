use super::*;

fn risky(command: &str) -> Vec<&'static str> {
    let call = Call { command: Some(command), line: Some(shell::Line::parse(command)), ..Call::of("Bash") };
    RISKS.iter().filter(|risk| risk.holds(&call)).map(|risk| risk.name).collect()
}

#[test]
fn commands_are_as_risky_as_what_they_run() {
    for (command, wanted) in [
        ("git push origin main", &["push_to_main"][..]),
        ("git -C x push -u origin HEAD:main", &["push_to_main"]),
        ("git push --force", &["push_to_main"]),
        ("git push origin feature/main-menu", &[]),
        ("git push origin mainline", &[]),
        ("git log main", &[]),
        ("rm -rf build", &["recursive_delete", "file_delete"]),
        ("rm -fr build", &["recursive_delete", "file_delete"]),
        ("rm -v -r build", &["recursive_delete", "file_delete"]),
        ("rm -vfr build", &["recursive_delete", "file_delete"]),
        ("Remove-Item -Recurse x", &["recursive_delete", "file_delete"]),
        ("rm --force a", &["file_delete"]),
        ("rm a.txt", &["file_delete"]),
        ("sudo rm --recursive x", &["recursive_delete", "file_delete"]),
        ("find . -name x | xargs rm -r", &["recursive_delete", "file_delete"]),
        ("cmd /c rd /s /q x", &["recursive_delete", "file_delete"]),
        ("npm --silent publish", &["publish"]),
        ("npm run publish-docs", &[]),
        ("cat .env", &["secrets"]),
        ("cat config/.env.production", &["secrets"]),
        ("cat .env.example", &[]),
        ("curl --key=server.pem x", &["secrets"]),
        ("kubectl -n prod apply -f x", &["production_deploy"]),
        ("nmap -sV host", &["penetration_test"]),
        ("alembic upgrade head", &["production_migration"]),
        ("cargo build", &[]),
        ("echo 'rm -rf x'", &[]),
    ] {
        assert_eq!(risky(command), wanted, "{command}");
    }
}

#[test]
fn each_name_is_of_one_kind() {
    for risk in RISKS {
        assert_eq!(RISKS.iter().filter(|other| other.name == risk.name).count(), 1);
    }
}
