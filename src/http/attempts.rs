//! How often an address may show what opens nothing.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use crate::domain::time::{MINUTE, Timestamp};

/// How many failures a minute an address may have.
const FAILURES: u32 = 10;
/// How many addresses are remembered; beyond, those whose minute began first are forgotten.
const ADDRESSES: usize = 4096;

/// Who failed how often in the minute that began with the first failure.
#[derive(Default)]
pub struct Attempts(HashMap<IpAddr, (Timestamp, u32)>);

/// What is counted as one address: who holds an IPv6 address mostly holds its /64 (RFC 6177).
pub(super) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Attempts {
    /// How many seconds an address has to wait; `None` where it need not.
    #[must_use]
    pub fn wait(&self, address: IpAddr, now: Timestamp) -> Option<u64> {
        let (since, count) = self.0.get(&counted(address))?;
        let left = since.plus(MINUTE).0.saturating_sub(now.0);
        // A clock that was set back makes nobody wait for longer.
        let blocked = *count >= FAILURES && (1..=MINUTE).contains(&left);
        blocked.then(|| left.cast_unsigned().div_ceil(1_000_000))
    }

    /// Counts a failure.
    pub fn failed(&mut self, address: IpAddr, now: Timestamp) {
        let address = counted(address);
        if self.0.len() >= ADDRESSES && !self.0.contains_key(&address) {
            self.0.retain(|_, (since, _)| since.plus(MINUTE) > now);
            if self.0.len() >= ADDRESSES
                && let Some(oldest) = self.0.iter().min_by_key(|(_, (since, _))| *since).map(|(a, _)| *a)
            {
                self.0.remove(&oldest);
            }
        }
        let (since, count) = self.0.entry(address).or_insert((now, 0));
        if !(0..MINUTE).contains(&now.0.saturating_sub(since.0)) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_cost_the_rest_of_the_minute() {
        let mut attempts = Attempts::default();
        let here = "10.0.0.1".parse().unwrap();
        for _ in 0..FAILURES {
            assert_eq!(attempts.wait(here, Timestamp(0)), None);
            attempts.failed(here, Timestamp(0));
        }
        assert_eq!(attempts.wait(here, Timestamp(0)), Some(60));
        assert_eq!(attempts.wait("::ffff:10.0.0.1".parse().unwrap(), Timestamp(MINUTE / 2)), Some(30));
        assert_eq!(attempts.wait("10.0.0.2".parse().unwrap(), Timestamp(0)), None);
        assert_eq!(attempts.wait(here, Timestamp(MINUTE)), None);
        attempts.failed(here, Timestamp(MINUTE));
        assert_eq!(attempts.wait(here, Timestamp(MINUTE)), None, "a new minute begins with nothing");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let mut attempts = Attempts::default();
        for i in 0..FAILURES {
            attempts.failed(format!("2001:db8::{i}").parse().unwrap(), Timestamp(0));
        }
        assert!(attempts.wait("2001:db8::ffff".parse().unwrap(), Timestamp(1)).is_some());
        assert!(attempts.wait("2001:db8:0:1::1".parse().unwrap(), Timestamp(1)).is_none());
    }

    #[test]
    fn the_table_is_bounded() {
        let mut attempts = Attempts::default();
        for i in 0..20_000_u32 {
            attempts.failed(IpAddr::V4(i.into()), Timestamp(i.into()));
        }
        assert_eq!(attempts.0.len(), ADDRESSES);
        assert!(attempts.0.contains_key(&IpAddr::V4(19_999.into())));
    }
}
