//! Which requests the guard lets pass.

use super::*;

fn guard(bound: &str, names: &[&str]) -> Guard {
    let allowed_hosts = names.iter().map(|&name| name.to_owned()).collect();
    Guard::new(&Config { allowed_hosts, ..Config::defaults() }, bound.parse().unwrap())
}

fn status(guard: &Guard, target: &str, headers: &[(&str, &str)]) -> u16 {
    let request =
        headers.iter().fold(Request::builder().uri(target), |r, (name, value)| r.header(*name, *value));
    guard.check(&request.body(()).unwrap()).map_or_else(|problem| problem.status.as_u16(), |()| 200)
}

#[test]
fn a_server_goes_by_its_own_names_alone() {
    let everywhere = ["0.0.0.0:8000", "[::]:8000"];
    let loopback = ["127.0.0.1:8000", "[::1]:8000", "127.9.9.9:8000"];
    let network = ["192.168.1.5:8000"];
    for (host, at_loopback, at_all, at_network) in [
        ("localhost", 200, 200, 403),
        ("localhost:8000", 200, 200, 403),
        ("localhost:9", 200, 200, 403),
        ("LocalHost:8000", 200, 200, 403),
        ("localhost.", 200, 200, 403),
        ("localhost.:8000", 200, 200, 403),
        ("localhost:", 200, 200, 403),
        ("127.0.0.1:8000", 200, 200, 403),
        ("127.1.2.3", 200, 200, 403),
        ("[::1]", 200, 200, 403),
        ("[0:0:0:0:0:0:0:1]:8000", 200, 200, 403),
        ("[::ffff:127.0.0.1]:8000", 200, 200, 403),
        ("192.168.1.5:8000", 403, 200, 200),
        ("[::ffff:192.168.1.5]", 403, 200, 200),
        ("192.168.1.6", 403, 200, 403),
        // A stranger's name, whatever it means today.
        ("evil.example", 403, 403, 403),
        ("evil.example:8000", 403, 403, 403),
        ("localhost.evil.example", 403, 403, 403),
        ("127.0.0.1.evil.example:8000", 403, 403, 403),
        ("evil.localhost", 403, 403, 403),
        ("localhost..", 403, 403, 403),
        // Browsers take these for this machine.
        ("0.0.0.0:8000", 403, 403, 403),
        ("[::]:8000", 403, 403, 403),
        ("[::ffff:0.0.0.0]", 403, 403, 403),
        // Forms that only some programs take for addresses.
        ("127.1", 403, 403, 403),
        ("0x7f.0.0.1", 403, 403, 403),
        ("2130706433:8000", 403, 403, 403),
        // No host at all.
        ("", 400, 400, 400),
        (":8000", 400, 400, 400),
        (".", 400, 400, 400),
        ("localhost:port", 400, 400, 400),
        ("localhost:+80", 400, 400, 400),
        ("localhost:65536", 400, 400, 400),
        ("localhost:8000:8000", 400, 400, 400),
        ("localhost:8000@evil.example", 400, 400, 400),
        ("user@localhost", 400, 400, 400),
        ("localhost, evil.example", 400, 400, 400),
        ("localhost/", 400, 400, 400),
        ("::1", 400, 400, 400),
        ("[::1", 400, 400, 400),
        ("[::1]8000", 400, 400, 400),
        ("[127.0.0.1]", 400, 400, 400),
        ("[fe80::1%25lo]", 400, 400, 400),
    ] {
        for (bounds, wanted) in
            [(&loopback[..], at_loopback), (&everywhere[..], at_all), (&network[..], at_network)]
        {
            for bound in bounds {
                assert_eq!(status(&guard(bound, &[]), "/", &[("host", host)]), wanted, "{host} at {bound}");
            }
        }
    }
    let named = guard("192.168.1.5:8000", &["Map.Example", "10.0.0.1"]);
    for host in ["map.example", "map.example.:443", "MAP.example:8000", "10.0.0.1", "192.168.1.5"] {
        assert_eq!(status(&named, "/", &[("host", host)]), 200, "{host}");
    }
    assert_eq!(status(&named, "/", &[("host", "other.map.example")]), 403);
}

#[test]
fn a_request_says_once_whom_it_addresses() {
    let guard = guard("127.0.0.1:8000", &[]);
    assert_eq!(status(&guard, "/", &[]), 400);
    assert_eq!(status(&guard, "/", &[("host", "localhost"), ("host", "localhost")]), 400);
    let host = [("host", "localhost:8000")];
    assert_eq!(status(&guard, "http://localhost:8000/", &host), 200);
    assert_eq!(status(&guard, "http://evil.example/", &host), 403);
    assert_eq!(status(&guard, "http://user@localhost/", &host), 400);
    assert_eq!(status(&guard, "http://localhost:8000/", &[("host", "evil.example")]), 403);
    assert_eq!(status(&guard, "http://localhost:8000/", &[]), 400);
}

#[test]
fn pages_of_strangers_do_not_pass() {
    let guard = guard("127.0.0.1:8000", &["map.example"]);
    for (host, origin, wanted) in [
        ("localhost:8000", "http://localhost:8000", 200),
        ("localhost:8000", "https://localhost:8000", 200),
        ("LOCALHOST:8000", "http://localhost:8000", 200),
        ("[::1]:8000", "http://[::1]:8000", 200),
        ("map.example", "https://map.example", 200),
        ("map.example:443", "https://map.example", 200),
        ("map.example", "http://map.example:80", 200),
        // One of those that --cors-origin names by default.
        ("localhost:8000", "http://localhost:3000", 200),
        ("localhost:8000", "https://localhost:3000", 403),
        ("localhost:8000", "http://localhost:8001", 403),
        ("localhost:8000", "http://localhost", 403),
        ("localhost:8000", "http://127.0.0.1:8000", 403),
        ("localhost:8000", "http://evil.example", 403),
        ("localhost:8000", "http://localhost:8000.evil.example", 403),
        ("localhost:8000", "http://localhost:8000@evil.example", 403),
        ("localhost:8000", "ftp://localhost:8000", 403),
        ("localhost:8000", "localhost:8000", 403),
        ("localhost:8000", "file://", 403),
        // A sandboxed frame, or a file.
        ("localhost:8000", "null", 403),
        ("localhost:8000", "", 403),
    ] {
        let headers = [("host", host), ("origin", origin)];
        assert_eq!(status(&guard, "/", &headers), wanted, "{origin} to {host}");
    }
    let twice = [("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://evil.example")];
    assert_eq!(status(&guard, "/", &twice), 403);
}

#[test]
fn a_page_without_tls_is_not_one_of_a_server_with_it() {
    let mut guard = guard("127.0.0.1:8000", &[]);
    guard.tls = true;
    for (origin, wanted) in [("https://localhost:8000", 200), ("http://localhost:8000", 403)] {
        assert_eq!(
            status(&guard, "/", &[("host", "localhost:8000"), ("origin", origin)]),
            wanted,
            "{origin}"
        );
    }
}

#[test]
fn another_site_may_link_here_and_no_more() {
    let guard = guard("127.0.0.1:8000", &[]);
    for (site, mode, dest, wanted) in [
        ("cross-site", "no-cors", "image", 403),
        ("cross-site", "navigate", "iframe", 403),
        ("cross-site", "navigate", "document", 200),
        ("same-site", "no-cors", "image", 200),
        ("same-origin", "cors", "empty", 200),
        ("none", "navigate", "document", 200),
    ] {
        let headers = [
            ("host", "localhost"),
            ("sec-fetch-site", site),
            ("sec-fetch-mode", mode),
            ("sec-fetch-dest", dest),
        ];
        assert_eq!(status(&guard, "/", &headers), wanted, "{site} {mode} {dest}");
    }
}
