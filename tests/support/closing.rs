//! Data as programs left it that knew no open minute.

use agentmap::domain::metric_sums::MetricSums;
use agentmap::domain::rollup::{self, Open, Rollup};
use agentmap::domain::tally::Tally;
use agentmap::store::{StoreError, WriteTx};

/// Closes the open minutes.
pub fn close_minutes(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    close::<MetricSums>(tx)?;
    close::<Tally>(tx)
}

fn close<R: Rollup>(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    if let Some(open) = Open::of::<R>(tx)? {
        assert!(rollup::close::<R>(tx, &open, usize::MAX)?, "all of it is closed at once");
    }
    Ok(())
}
