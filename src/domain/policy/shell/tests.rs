use super::*;

fn commands(text: &str) -> Vec<String> {
    let line = Line::parse(text);
    assert!(!line.opaque, "{text}");
    line.commands.iter().map(|words| words.join(" ")).collect()
}

#[test]
fn a_line_is_the_commands_that_it_runs() {
    for (text, wanted) in [
        ("git push origin main", &["git push origin main"][..]),
        ("cd src && git   push", &["cd src", "git push"]),
        ("a; b | c || d & e\nf", &["a", "b", "c", "d", "e", "f"]),
        ("git \"push\" 'origin' ma\\in", &["git push origin main"]),
        ("g'i't pu\"sh\"", &["git push"]),
        ("echo 'a && b; c'", &["echo a && b; c"]),
        ("echo \"$(git push)\"", &["git push", "echo $"]),
        ("echo `git push`", &["git push", "echo $"]),
        ("diff <(git push) x", &["git push", "diff $ x"]),
        ("A=1 B=2 git push", &["git push"]),
        ("sudo -u root git push", &["git push"]),
        ("sudo -n git push", &["git push"]),
        ("env -i A=1 git push", &["git push"]),
        ("timeout 10s nohup git push", &["git push"]),
        ("find . | xargs -n 1 rm -rf", &["find .", "rm -rf"]),
        ("bash -c 'git push; ls'", &["git push", "ls", "bash -c git push; ls"]),
        ("bash -lc \"git push\"", &["git push", "bash -lc git push"]),
        ("cmd /c rd /s /q x", &["rd /s /q x", "cmd /c rd /s /q x"]),
        (
            "powershell -NoProfile -Command Remove-Item x",
            &["Remove-Item x", "powershell -NoProfile -Command Remove-Item x"],
        ),
        ("/usr/bin/git push", &["git push"]),
        ("C:\\\\Git\\\\git.exe push", &["git push"]),
        ("(git push)", &["git push"]),
        ("{ git push; }", &["git push", "}"]),
        ("if true; then git push; fi", &["true", "git push", "fi"]),
        ("! git push", &["git push"]),
        ("ls # git push", &["ls"]),
        ("ls a#b", &["ls a#b"]),
        ("git \\\n push", &["git push"]),
        ("cat <<EOF > x\ngit push\nEOF\nls", &["cat x", "ls"]),
        ("cat <<EOF\n$(git push)\nEOF", &["git push", "cat"]),
        ("cat <<'EOF'\n$(git push)\nEOF", &["cat"]),
        ("eval git push", &["git push", "eval git push"]),
        ("a 2>&1 >/dev/null", &["a 1 /dev/null"]),
        ("", &[]),
        (" ; ", &[]),
    ] {
        assert_eq!(commands(text), wanted, "{text:?}");
    }
}

#[test]
fn what_cannot_be_taken_apart_is_said_to_be_so() {
    let deep = "$(".repeat(100) + &")".repeat(100);
    let sudo = "sudo ".repeat(100) + "ls";
    for text in [
        "echo 'a",
        "echo \"a",
        "echo $(a",
        "echo `a",
        "$'\\x67it' push",
        "cat <<EOF\na",
        "cat <<",
        &deep,
        &sudo,
    ] {
        assert!(Line::parse(text).opaque, "{text:?}");
    }
}
