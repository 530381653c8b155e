//! School grades for scores.

use serde::Serialize;
use utoipa::ToSchema;

/// A school grade: A from 90, B from 80, C from 70, D from 60, else F.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[expect(missing_docs)]
pub enum Grade {
    A,
    B,
    C,
    D,
    F,
}

impl Grade {
    /// All, the best first.
    pub const ALL: [Self; 5] = [Self::A, Self::B, Self::C, Self::D, Self::F];

    /// The grade of a score of 0-1.
    #[must_use]
    pub fn of(score: f64) -> Self {
        match score {
            s if s >= 0.9 => Self::A,
            s if s >= 0.8 => Self::B,
            s if s >= 0.7 => Self::C,
            s if s >= 0.6 => Self::D,
            _ => Self::F,
        }
    }
}
