//! Risky operations: what a person is asked about first, whatever else is allowed.

use super::paths::Place;
use super::tools::matches;
use super::{Call, shell};

/// A kind of risky operation.
pub struct Risk {
    /// Its name, by which roles list it.
    pub name: &'static str,
    /// Whether it is one for every role, and not for those alone that list it.
    pub for_all: bool,
    /// Commands, in small letters: a program and words that follow it in this order, with others between them or not.
    /// `*` in a word stands for anything, `-[r]` for short options with that letter among them.
    commands: &'static [&'static str],
    /// Names of files.
    files: &'static [&'static str],
    /// Names of files that are none of those.
    harmless: &'static [&'static str],
}

/// The kinds that are known. A role may list others: then a tool or an operation of that very name is meant.
pub const RISKS: &[Risk] = &[
    Risk {
        name: "push_to_main",
        for_all: true,
        commands: &[
            "git push main",
            "git push master",
            "git push *:main",
            "git push *:master",
            "git push +main",
            "git push +master",
            "git push refs/heads/main",
            "git push refs/heads/master",
            "git push *:refs/heads/main",
            "git push *:refs/heads/master",
            "git push --mirror",
            "git push --all",
            "git push --force",
            "git push --force-with-lease*",
            "git push -f",
        ],
        files: &[],
        harmless: &[],
    },
    Risk {
        name: "recursive_delete",
        for_all: true,
        commands: &[
            "rm -[r]",
            "rm --recursive",
            "rmdir /s",
            "rd /s",
            "del /s",
            "remove-item -r*",
            "ri -r*",
            "find -delete",
            "git clean -[f]",
            "git clean --force",
            "shred",
            "rimraf",
        ],
        files: &[],
        harmless: &[],
    },
    Risk {
        name: "publish",
        for_all: true,
        commands: &[
            "npm publish",
            "pnpm publish",
            "yarn publish",
            "bun publish",
            "cargo publish",
            "twine upload",
            "poetry publish",
            "uv publish",
            "flit publish",
            "gem push",
            "docker push",
            "podman push",
            "helm push",
            "dotnet push",
            "nuget push",
            "mvn deploy",
            "gh release create",
            "vsce publish",
            "gradle publish*",
            "gradlew publish*",
        ],
        files: &[],
        harmless: &[],
    },
    Risk {
        name: "secrets",
        for_all: true,
        commands: &[],
        files: &[
            ".env",
            ".env.*",
            "*.pem",
            "*.key",
            "*.p12",
            "*.pfx",
            "*.kdbx",
            "*.keystore",
            "*.jks",
            "id_rsa",
            "id_dsa",
            "id_ecdsa",
            "id_ed25519",
            ".npmrc",
            ".pypirc",
            ".netrc",
            "_netrc",
            ".git-credentials",
            ".pgpass",
            ".htpasswd",
            "credentials",
            "credentials.json",
            "secrets.json",
            "secrets.yaml",
            "secrets.yml",
            "secrets.toml",
            "service-account*.json",
        ],
        harmless: &[".env.example", ".env.sample", ".env.template", ".env.dist", "*.pub.pem"],
    },
    Risk {
        name: "file_delete",
        for_all: false,
        commands: &["rm", "rmdir", "unlink", "del", "erase", "rd", "remove-item", "git rm"],
        files: &[],
        harmless: &[],
    },
    Risk {
        name: "production_deploy",
        for_all: false,
        commands: &[
            "kubectl apply",
            "kubectl delete",
            "kubectl rollout",
            "kubectl scale",
            "helm install",
            "helm upgrade",
            "helm rollback",
            "helm uninstall",
            "terraform apply",
            "terraform destroy",
            "tofu apply",
            "tofu destroy",
            "pulumi up",
            "pulumi destroy",
            "cdk deploy",
            "serverless deploy",
            "vercel --prod",
            "netlify deploy --prod",
            "fly deploy",
            "flyctl deploy",
            "gcloud deploy",
            "aws deploy",
            "az deploy*",
            "ansible-playbook",
            "heroku releases*",
            "git push heroku",
            "git push production",
            "git push release*",
        ],
        files: &[],
        harmless: &[],
    },
    Risk {
        name: "production_migration",
        for_all: false,
        commands: &[
            "alembic upgrade",
            "alembic downgrade",
            "prisma migrate deploy",
            "prisma migrate reset",
            "prisma db push",
            "flyway migrate",
            "flyway clean",
            "liquibase update*",
            "rails db:*",
            "rake db:*",
            "diesel migration run",
            "sqlx migrate run",
            "dbmate up",
            "dbmate drop",
            "knex migrate:*",
            "sequelize db:migrate*",
            "goose up*",
            "goose down*",
            "manage.py migrate",
            "dropdb",
        ],
        files: &[],
        harmless: &[],
    },
    Risk {
        name: "penetration_test",
        for_all: false,
        commands: &[
            "nmap",
            "masscan",
            "sqlmap",
            "hydra",
            "nikto",
            "gobuster",
            "ffuf",
            "msfconsole",
            "msfvenom",
            "metasploit",
            "john",
            "hashcat",
            "aircrack-ng",
            "wpscan",
            "nuclei",
            "zap-cli",
            "responder",
        ],
        files: &[],
        harmless: &[],
    },
];

impl Risk {
    /// The known kind of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        RISKS.iter().find(|risk| risk.name == name)
    }

    /// Whether a call is, or holds, such an operation.
    #[must_use]
    pub fn holds(&self, call: &Call<'_>) -> bool {
        self.name == call.tool
            || call.line.as_ref().is_some_and(|line| self.runs(line))
            || call.places.iter().any(|place| self.touches(place))
            || call.path.is_some_and(|path| self.is_file(path))
    }

    fn runs(&self, line: &shell::Line) -> bool {
        let in_command = |command: &Vec<String>| {
            self.commands.iter().any(|pattern| fits(pattern, command))
                || command.iter().any(|word| word.split(['=', ':', ',']).any(|part| self.is_file(part)))
        };
        line.commands.iter().any(in_command)
    }

    fn touches(&self, place: &Place) -> bool {
        [&place.relative, &place.absolute].into_iter().flatten().any(|path| self.is_file(path))
    }

    fn is_file(&self, path: &str) -> bool {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_lowercase();
        let is_one = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, &name));
        is_one(self.files) && !is_one(self.harmless)
    }
}

/// Whether a command is of a program, and holds words, as a pattern says.
fn fits(pattern: &str, command: &[String]) -> bool {
    let mut command = command.iter();
    let mut wanted = pattern.split(' ');
    let is_program =
        wanted.next().zip(command.next()).is_some_and(|(wanted, program)| is_word(wanted, program));
    is_program && wanted.all(|wanted| command.any(|word| is_word(wanted, word)))
}

/// Case is of no account: on Windows it is of none, and elsewhere whoever asks too often errs on the right side.
fn is_word(pattern: &str, word: &str) -> bool {
    let word = word.to_lowercase();
    match pattern.strip_prefix("-[").and_then(|rest| rest.strip_suffix(']')) {
        Some(letter) => word.starts_with('-') && !word.starts_with("--") && word.contains(letter),
        None => matches(pattern, &word),
    }
}

#[cfg(test)]
mod tests;
