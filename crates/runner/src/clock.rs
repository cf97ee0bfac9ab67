//! Dates in UTC, from the system's clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment as `[year, month, day, hour, minute, second]` in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment([u64; 6]);

impl Moment {
    /// The system's time.
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self::from_unix(since.map_or(0, |since| since.as_secs()))
    }

    /// Seconds since 1970.
    ///
    /// Source of the calendar: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms",
    /// `civil_from_days`; years begin in March, so that the leap day is a year's last.
    pub(crate) fn from_unix(seconds: u64) -> Self {
        let days = seconds / 86_400 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        let second = seconds % 86_400;
        Self([
            year,
            month,
            day,
            second / 3600,
            second / 60 % 60,
            second % 60,
        ])
    }

    /// `2026-01-31T23:59:59Z`.
    pub(crate) fn iso(self) -> String {
        let [year, month, day, hour, minute, second] = self.0;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// `20260131-235959`, for names of files.
    pub(crate) fn compact(self) -> String {
        let [year, month, day, hour, minute, second] = self.0;
        format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        // `date -u -d @N +%FT%TZ` says so.
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Moment::from_unix(seconds).iso(), expected);
        }
        assert_eq!(Moment::from_unix(951_782_399).compact(), "20000228-235959");
    }
}
