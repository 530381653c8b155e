//! Picks each setting from where it was set, and notes where that is.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::{ConfigError, FILE, KIB, MIB, Setting, Settings};

/// Where a setting comes from that nobody set.
pub(super) const DEFAULT: &str = "default";

/// What was set, and what was picked of it.
pub(super) struct Picker<'a> {
    pub matches: &'a ArgMatches,
    /// By flags and environment.
    pub given: Settings,
    /// By the file, which is at `path`.
    pub from_file: Settings,
    pub path: Option<PathBuf>,
    pub origins: Vec<Setting>,
}

impl Picker<'_> {
    /// What was set, and whether the file did.
    fn take<T>(&mut self, member: fn(&mut Settings) -> Option<T>) -> (Option<T>, bool) {
        match member(&mut self.given) {
            Some(value) => (Some(value), false),
            None => {
                let value = member(&mut self.from_file);
                let from_file = value.is_some();
                (value, from_file)
            }
        }
    }

    fn note(&mut self, name: &'static str, value: String, from_file: bool) {
        let source = match self.matches.value_source(name) {
            Some(ValueSource::CommandLine) => format!("flag --{}", flag(name)),
            Some(ValueSource::EnvVariable) => {
                let file = if name == "webhook_secret" { "_FILE" } else { "" };
                format!("environment AGENTMAP_{}{file}", name.to_uppercase())
            }
            _ if from_file => self.path.as_deref().unwrap_or(Path::new(FILE)).display().to_string(),
            _ => DEFAULT.into(),
        };
        self.origins.push(Setting { name, value, source });
    }

    pub(super) fn value<T: fmt::Display>(
        &mut self,
        name: &'static str,
        member: fn(&mut Settings) -> Option<T>,
        default: impl FnOnce() -> T,
    ) -> T {
        let (value, from_file) = self.take(member);
        let value = value.unwrap_or_else(default);
        self.note(name, value.to_string(), from_file);
        value
    }

    pub(super) fn path(
        &mut self,
        name: &'static str,
        member: fn(&mut Settings) -> Option<PathBuf>,
        default: impl FnOnce() -> PathBuf,
    ) -> PathBuf {
        let (value, from_file) = self.take(member);
        let value = value.unwrap_or_else(default);
        self.note(name, value.display().to_string(), from_file);
        value
    }

    /// A path that there need not be; `absent` is shown where there is none.
    pub(super) fn file(
        &mut self,
        name: &'static str,
        member: fn(&mut Settings) -> Option<PathBuf>,
        absent: &str,
    ) -> Option<PathBuf> {
        let (path, from_file) = self.take(member);
        let shown = path.as_ref().map_or_else(|| absent.to_owned(), |path| path.display().to_string());
        self.note(name, shown, from_file);
        path
    }

    /// How long something is kept; `None` is for ever.
    pub(super) fn retention(
        &mut self,
        name: &'static str,
        member: fn(&mut Settings) -> Option<String>,
        default: &str,
    ) -> Result<Option<Duration>, ConfigError> {
        let text = self.value(name, member, || default.to_owned());
        if text.trim() == "0" {
            return Ok(None);
        }
        let time = parse_retention(&text).ok_or_else(|| {
            let (flag, text) = (flag(name), text.escape_debug());
            ConfigError(format!(
                "{flag}: '{text}' is not a length of time; write 90d or 12h, or 0 to keep for ever"
            ))
        })?;
        Ok(Some(time))
    }

    /// How long something may take: more than nothing, and `most` at most.
    pub(super) fn time(
        &mut self,
        name: &'static str,
        member: fn(&mut Settings) -> Option<String>,
        default: Duration,
        most: Duration,
    ) -> Result<Duration, ConfigError> {
        let text = self.value(name, member, || format!("{}s", default.as_secs()));
        let flag = flag(name);
        let time = parse_time(&text, PATIENCE_UNITS).ok_or_else(|| {
            ConfigError(format!("{flag}: '{}' is not a length of time; write 15s or 2m", text.escape_debug()))
        })?;
        if time > most {
            return Err(ConfigError(format!("{flag}: {text} is more than {}s", most.as_secs())));
        }
        Ok(time)
    }

    pub(super) fn list(
        &mut self,
        name: &'static str,
        member: fn(&mut Settings) -> Option<Vec<String>>,
        default: &[&str],
    ) -> Vec<String> {
        let (list, from_file) = self.take(member);
        let list = list.unwrap_or_else(|| default.iter().map(|&text| text.to_owned()).collect());
        self.note(name, list.join(","), from_file);
        list
    }

    /// What is read from a list of texts that are not shown as they are: they may hold secrets.
    pub(super) fn read_list<T: fmt::Display>(
        &mut self,
        name: &'static str,
        member: fn(&mut Settings) -> Option<Vec<String>>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, ConfigError> {
        let (list, from_file) = self.take(member);
        let texts: Vec<_> =
            list.unwrap_or_default().into_iter().filter(|text| !text.trim().is_empty()).collect();
        let wrong = |n, why| ConfigError(format!("{}: number {n}: {why}", flag(name)));
        let read = |(n, text): (usize, &String)| read(text).map_err(|why| wrong(n + 1, why));
        let list = texts.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
        self.note(name, list.iter().map(T::to_string).collect::<Vec<_>>().join(","), from_file);
        Ok(list)
    }

    /// A number between two bounds.
    pub(super) fn count(
        &mut self,
        name: &'static str,
        member: fn(&mut Settings) -> Option<usize>,
        default: usize,
        bounds: RangeInclusive<usize>,
    ) -> Result<usize, ConfigError> {
        let count = self.value(name, member, || default);
        if bounds.contains(&count) {
            return Ok(count);
        }
        let (flag, min, max) = (flag(name), bounds.start(), bounds.end());
        Err(ConfigError(format!("{flag}: {count} is not between {min} and {max}")))
    }

    /// A size between two bounds, in bytes.
    pub(super) fn size(
        &mut self,
        name: &'static str,
        member: fn(&mut Settings) -> Option<String>,
        default: usize,
        bounds: RangeInclusive<usize>,
    ) -> Result<usize, ConfigError> {
        let text = self.value(name, member, || show_size(default));
        let flag = flag(name);
        let bytes = parse_size(&text).ok_or_else(|| {
            ConfigError(format!(
                "{flag}: '{}' is not a size; write 64MiB, 512KiB or 1GiB",
                text.escape_debug()
            ))
        })?;
        if bounds.contains(&bytes) {
            return Ok(bytes);
        }
        let (min, max) = (show_size(*bounds.start()), show_size(*bounds.end()));
        Err(ConfigError(format!("{flag}: {text} is not between {min} and {max}")))
    }
}

/// What a setting is called on the command line.
pub(super) fn flag(name: &str) -> String {
    name.replace('_', "-")
}

/// The units of lengths of time, in seconds.
type Units = &'static [(&'static str, u64)];
const RETENTION_UNITS: Units = &[("h", 3600), ("d", 24 * 3600), ("w", 7 * 24 * 3600)];
const PATIENCE_UNITS: Units = &[("s", 1), ("m", 60), ("h", 3600)];

/// A thousand years: no more than can be counted back from any date.
const MOST_RETENTION: Duration = Duration::from_hours(366_000 * 24);

/// Hours, days or weeks; more than none.
pub(super) fn parse_retention(text: &str) -> Option<Duration> {
    parse_time(text, RETENTION_UNITS).filter(|time| *time <= MOST_RETENTION)
}

/// A number and its unit; more than none.
fn parse_time(text: &str, units: Units) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let (_, seconds) = units.iter().find(|(name, _)| *name == unit)?;
    let seconds = u64::from(number.parse::<u32>().ok()?).checked_mul(*seconds)?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

fn parse_size(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => KIB,
        "m" | "mb" | "mib" => MIB,
        "g" | "gb" | "gib" => 1024 * MIB,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(unit)
}

/// A size in the largest unit that says it exactly.
fn show_size(bytes: usize) -> String {
    match bytes {
        0 => "0".into(),
        _ if bytes.is_multiple_of(1024 * MIB) => format!("{}GiB", bytes / (1024 * MIB)),
        _ if bytes.is_multiple_of(MIB) => format!("{}MiB", bytes / MIB),
        _ if bytes.is_multiple_of(KIB) => format!("{}KiB", bytes / KIB),
        _ => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_in_hours_days_and_weeks() {
        for (text, hours) in [("12h", 12), ("90d", 90 * 24), (" 2w ", 14 * 24), ("366000d", 366_000 * 24)] {
            assert_eq!(parse_retention(text), Some(Duration::from_hours(hours)), "{text}");
        }
        for text in
            ["", "d", "0d", "-1d", "1.5d", "90", "90 d", "7days", "366001d", "99999999999d", "1\u{e9}"]
        {
            assert_eq!(parse_retention(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in [("64MiB", 64 * MIB), ("512 KiB", 512 * 1024), ("1g", 1024 * MIB), ("100", 100)]
        {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5MiB", "9999999999999999999GiB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    #[test]
    fn patience_is_read_in_seconds_minutes_and_hours() {
        for (text, seconds) in [("15s", 15), ("2m", 120), (" 1h ", 3600)] {
            assert_eq!(parse_time(text, PATIENCE_UNITS), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "0s", "-1s", "1.5s", "15", "1d"] {
            assert_eq!(parse_time(text, PATIENCE_UNITS), None, "{text}");
        }
    }

    #[test]
    fn a_size_that_is_shown_is_read_as_the_same() {
        for bytes in [0, 1, 100, KIB, 1025, 32 * KIB, MIB, 64 * MIB, 16 * 1024 * MIB] {
            assert_eq!(parse_size(&show_size(bytes)), Some(bytes));
        }
    }
}
