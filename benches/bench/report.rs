//! Figures, their limits and targets: as a table for people and as JSON.

use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

/// In what a figure is told.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    PerSecond,
    Microseconds,
    Bytes,
    Count,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{value:.0}/s"),
            Self::Microseconds if value < 1000.0 => format!("{value:.0} us"),
            Self::Microseconds => format!("{:.2} ms", value / 1000.0),
            Self::Count => format!("{value:.0}"),
            Self::Bytes if value < 10_000.0 => format!("{value:.0} B"),
            Self::Bytes => format!("{:.1} MB", value / 1e6),
        }
    }
}

/// What a figure, or its ratio to the limit, must be.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    None,
    AtLeast(f64),
    Under(f64),
    RatioAtLeast(f64),
    RatioUnder(f64),
}

/// A limit, measured in turn with the figure.
pub struct Limit {
    pub name: &'static str,
    pub values: Vec<f64>,
}

/// A figure: one value a round.
pub struct Figure {
    /// What chooses it on the command line.
    pub row: &'static str,
    pub name: String,
    /// Metrics, and as many events, in the data file; 0 where it does not matter.
    pub size: u64,
    pub unit: Unit,
    pub values: Vec<f64>,
    pub limit: Option<Limit>,
    pub target: Target,
}

/// The middle one of what was measured, the least and the greatest.
#[derive(Clone, Copy, Serialize)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub greatest: f64,
}

impl Spread {
    pub fn of(values: &[f64]) -> Self {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        let last = values.len() - 1;
        let median = f64::midpoint(values[last / 2], values[last.div_ceil(2)]);
        Self { median, least: values[0], greatest: values[last] }
    }
}

impl Figure {
    pub fn value(&self) -> Spread {
        Spread::of(&self.values)
    }

    /// The figure as a part of the limit of the same round.
    fn ratio(&self) -> Option<Spread> {
        let limit = self.limit.as_ref()?;
        Some(Spread::of(
            &self.values.iter().zip(&limit.values).map(|(own, least)| own / least).collect::<Vec<_>>(),
        ))
    }

    fn met(&self) -> Option<bool> {
        let (value, ratio) = (self.value().median, self.ratio().map_or(f64::NAN, |ratio| ratio.median));
        match self.target {
            Target::None => None,
            Target::AtLeast(bound) => Some(value >= bound),
            Target::Under(bound) => Some(value < bound),
            Target::RatioAtLeast(bound) => Some(ratio >= bound),
            Target::RatioUnder(bound) => Some(ratio < bound),
        }
    }

    fn cells(&self) -> [String; 7] {
        let Spread { median, least, greatest } = self.value();
        let [median, least, greatest] = [median, least, greatest].map(|value| self.unit.show(value));
        let spread = if self.values.len() > 1 { format!(" ({least} - {greatest})") } else { String::new() };
        let limit = self.limit.as_ref().map_or_else(String::new, |limit| {
            format!("{} {}", limit.name, self.unit.show(Spread::of(&limit.values).median))
        });
        let ratio = self.ratio().map_or_else(String::new, |ratio| {
            format!("{:.2} ({:.2} - {:.2})", ratio.median, ratio.least, ratio.greatest)
        });
        let target = match self.target {
            Target::None => String::new(),
            Target::AtLeast(bound) => format!(">= {}", self.unit.show(bound)),
            Target::Under(bound) => format!("< {}", self.unit.show(bound)),
            Target::RatioAtLeast(bound) => format!("ratio >= {bound}"),
            Target::RatioUnder(bound) => format!("ratio < {bound}"),
        };
        let verdict = self.met().map_or("", |met| if met { "met" } else { "MISSED" });
        [
            format!("{}: {}", self.row, self.name),
            if self.size == 0 { String::new() } else { magnitude(self.size) },
            median + &spread,
            limit,
            ratio,
            target,
            verdict.to_owned(),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "row": self.row, "name": self.name, "size": self.size, "unit": self.unit,
            "value": self.value(), "rounds": self.values,
            "limit": self.limit.as_ref().map(|limit| json!({
                "name": limit.name, "value": Spread::of(&limit.values), "rounds": limit.values,
            })),
            "ratio": self.ratio(), "target": self.target, "met": self.met(),
        })
    }
}

/// `10^5`, or the number where it is no power.
fn magnitude(size: u64) -> String {
    let power = size.ilog10();
    if 10_u64.pow(power) == size { format!("10^{power}") } else { size.to_string() }
}

/// The size that larger ones are held against.
const SMALL: u64 = 100_000;

/// What was measured so far.
pub struct Report {
    /// What was measured on.
    machine: Value,
    pub figures: Vec<Figure>,
}

impl Report {
    pub fn new(machine: Value) -> Self {
        println!("{machine}");
        Self { machine, figures: Vec::new() }
    }

    /// Takes a figure up, and shows it.
    pub fn add(&mut self, figure: Figure) {
        let [name, size, value, limit, ratio, ..] = figure.cells();
        println!("  {name} {size}: {value}  {limit}  {ratio}");
        self.figures.push(figure);
    }

    /// Holds the time of each aggregate over most data against the time over less.
    pub fn compare_sizes(&mut self) {
        let (less, most) = (SMALL, self.figures.iter().map(|figure| figure.size).max().unwrap_or_default());
        let of = |size| self.figures.iter().filter(move |f| f.size == size && f.row == "aggregate");
        let pairs = of(most).filter_map(|figure| {
            let small = of(less).find(|small| small.name == figure.name)?;
            Some(Figure {
                row: figure.row,
                name: format!("{}, growth", figure.name),
                size: most,
                unit: figure.unit,
                values: figure.values.clone(),
                limit: Some(Limit { name: "at 10^5", values: small.values.clone() }),
                target: Target::RatioUnder(1.3),
            })
        });
        let grown: Vec<_> = if most > less { pairs.collect() } else { Vec::new() };
        self.figures.extend(grown);
    }

    /// Writes the JSON, and shows the table.
    pub fn end(&self, file: &Path) {
        let header = ["figure", "size", "median (spread)", "limit", "ratio (spread)", "target", ""];
        let mut rows = vec![header.map(str::to_owned)];
        rows.extend(self.figures.iter().map(Figure::cells));
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
        let widths: [usize; 7] = std::array::from_fn(width);
        println!();
        for row in &rows {
            let cells: Vec<_> =
                row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            println!("{}", cells.join("  ").trim_end());
        }
        let figures: Vec<_> = self.figures.iter().map(Figure::json).collect();
        let json = json!({ "machine": self.machine, "figures": figures });
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, serde_json::to_vec_pretty(&json).expect("JSON")).expect("written");
        println!(
            "\nRates are those of closed loads: a client sends once the last answer is there. Times are counted from the \
             moment at which a request or event was due, at an even pace, but for those over one connection."
        );
        println!("{}", file.display());
    }
}
