//! Picks each setting from where it was set, and notes where that is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::{ConfigError, FILE, MIB, Setting};

/// Where a setting comes from that nobody set.
pub(super) const DEFAULT: &str = "default";

pub(super) struct Picker<'a> {
    pub matches: &'a ArgMatches,
    pub file: Option<PathBuf>,
    pub origins: Vec<Setting>,
}

impl Picker<'_> {
    pub(super) fn note(&mut self, name: &'static str, value: String, from_file: bool) {
        let source = match self.matches.value_source(name) {
            Some(ValueSource::CommandLine) => format!("flag --{}", name.replace('_', "-")),
            Some(ValueSource::EnvVariable) => {
                let variable = if name == "log" { "LOG".into() } else { name.to_uppercase() };
                format!("environment AGENTMAP_{variable}")
            }
            _ if from_file => self.file.as_deref().unwrap_or(Path::new(FILE)).display().to_string(),
            _ => DEFAULT.into(),
        };
        self.origins.push(Setting { name, value, source });
    }

    pub(super) fn value<T: fmt::Display>(
        &mut self,
        name: &'static str,
        given: Option<T>,
        file: Option<T>,
        default: impl FnOnce() -> T,
    ) -> T {
        let from_file = given.is_none() && file.is_some();
        let value = given.or(file).unwrap_or_else(default);
        self.note(name, value.to_string(), from_file);
        value
    }

    pub(super) fn path(
        &mut self,
        name: &'static str,
        given: Option<PathBuf>,
        file: Option<PathBuf>,
        default: impl FnOnce() -> PathBuf,
    ) -> PathBuf {
        let from_file = given.is_none() && file.is_some();
        let value = given.or(file).unwrap_or_else(default);
        self.note(name, value.display().to_string(), from_file);
        value
    }

    /// A path that there need not be; `absent` is shown where there is none.
    pub(super) fn file(
        &mut self,
        name: &'static str,
        given: Option<PathBuf>,
        file: Option<PathBuf>,
        absent: &str,
    ) -> Option<PathBuf> {
        let from_file = given.is_none() && file.is_some();
        let path = given.or(file);
        let shown = path.as_ref().map_or_else(|| absent.to_owned(), |path| path.display().to_string());
        self.note(name, shown, from_file);
        path
    }

    /// How long something is kept; `None` is for ever.
    pub(super) fn retention(
        &mut self,
        name: &'static str,
        given: Option<String>,
        file: Option<String>,
        default: &str,
    ) -> Result<Option<Duration>, ConfigError> {
        let text = self.value(name, given, file, || default.to_owned());
        if text.trim() == "0" {
            return Ok(None);
        }
        let time = parse_time(&text).ok_or_else(|| {
            ConfigError(format!(
                "{}: '{}' is not a length of time; write 90d or 12h, or 0 to keep for ever",
                name.replace('_', "-"),
                text.escape_debug()
            ))
        })?;
        Ok(Some(time))
    }

    pub(super) fn list(
        &mut self,
        name: &'static str,
        given: Option<Vec<String>>,
        file: Option<Vec<String>>,
        default: &[&str],
    ) -> Vec<String> {
        let from_file = given.is_none() && file.is_some();
        let list = given.or(file).unwrap_or_else(|| default.iter().map(|&text| text.to_owned()).collect());
        self.note(name, list.join(","), from_file);
        list
    }

    /// A size between two bounds, in bytes. Default and bounds are in MiB.
    pub(super) fn size(
        &mut self,
        name: &'static str,
        given: Option<String>,
        file: Option<String>,
        default: usize,
        min: usize,
        max: usize,
    ) -> Result<usize, ConfigError> {
        let text = self.value(name, given, file, || format!("{default}MiB"));
        let flag = name.replace('_', "-");
        let bytes = parse_size(&text).ok_or_else(|| {
            ConfigError(format!(
                "{flag}: '{}' is not a size; write 64MiB, 512KiB or 1GiB",
                text.escape_debug()
            ))
        })?;
        if (min * MIB..=max * MIB).contains(&bytes) {
            Ok(bytes)
        } else {
            Err(ConfigError(format!("{flag}: {text} is not between {min}MiB and {max}MiB")))
        }
    }
}

/// A thousand years: no more than can be counted back from any date.
const MOST_HOURS: u32 = 366_000 * 24;

/// Hours, days or weeks; more than none.
pub(super) fn parse_time(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let hours = match unit {
        "h" => 1,
        "d" => 24,
        "w" => 7 * 24,
        _ => return None,
    };
    let hours = number.parse::<u32>().ok()?.checked_mul(hours)?;
    (1..=MOST_HOURS).contains(&hours).then(|| Duration::from_hours(hours.into()))
}

fn parse_size(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1024,
        "m" | "mb" | "mib" => MIB,
        "g" | "gb" | "gib" => 1024 * MIB,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_in_hours_days_and_weeks() {
        for (text, hours) in [("12h", 12), ("90d", 90 * 24), (" 2w ", 14 * 24), ("366000d", 366_000 * 24)] {
            assert_eq!(parse_time(text), Some(Duration::from_hours(hours)), "{text}");
        }
        for text in
            ["", "d", "0d", "-1d", "1.5d", "90", "90 d", "7days", "366001d", "99999999999d", "1\u{e9}"]
        {
            assert_eq!(parse_time(text), None, "{text}");
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
}
