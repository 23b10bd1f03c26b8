//! `Date`: a point in time as an attribute has it, read from and shown as RFC 3339.

use std::fmt;
use std::str::FromStr;

const DAY_SECONDS: i64 = 86_400;
const SECOND_MICROS: i64 = 1_000_000;
/// Decimals of a second.
const DECIMALS: usize = 6;

/// A point in time, to the microsecond, in the years 1 to 9999 of UTC.
///
/// ```
/// use wordspace::table::date::Date;
///
/// let date: Date = "2024-01-31T11:30:00+01:00".parse().unwrap();
/// assert_eq!(date.to_string(), "2024-01-31T10:30:00Z");
/// assert!("2023-02-29".parse::<Date>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i64);

/// A text that is no [`Date`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoDate;

impl fmt::Display for NoDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a date of the years 1 to 9999, such as 2024-01-31, or 2024-01-31T10:30:00Z with up to \
             6 decimals of a second",
        )
    }
}

impl std::error::Error for NoDate {}

impl Date {
    /// The beginning of the year 1.
    pub const MIN: Self = Self(-62_135_596_800 * SECOND_MICROS);
    /// The last microsecond of the year 9999.
    pub const MAX: Self = Self(253_402_300_800 * SECOND_MICROS - 1);

    /// So many microseconds after the beginning of 1970 in UTC; none beyond [`Date::MIN`] and [`Date::MAX`].
    pub fn from_micros(micros: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&micros).then_some(Self(micros))
    }

    /// Microseconds after the beginning of 1970 in UTC, leap seconds not counted.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Whether a text is written as dates are, though it may be none, as the thirtieth of February: four digits,
    /// two and two with dashes between them, then nothing, or a `T` or a space and a digit.
    pub fn is_meant(text: &[u8]) -> bool {
        let Some((day, rest)) = text.split_at_checked(10) else { return false };
        let is_day = day.iter().enumerate().all(|(i, byte)| match i {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        is_day && matches!(rest, [] | [b'T' | b't' | b' ', b'0'..=b'9', ..])
    }

    fn read(text: &[u8]) -> Option<Self> {
        let (day, rest) = text.split_at_checked(10).filter(|_| Self::is_meant(text))?;
        let (year, month, of_month) =
            (number(&day[..4])?, number(&day[5..7])?, number(&day[8..10])?);
        let days = days(year, month, of_month);
        if civil(days) != (year, month, of_month) {
            return None;
        }
        let time = if rest.is_empty() { 0 } else { time(&rest[1..])? };
        Self::from_micros(days * DAY_SECONDS * SECOND_MICROS + time)
    }
}

impl FromStr for Date {
    type Err = NoDate;

    /// Reads a day, which is its beginning in UTC, or a day and a time of RFC 3339: between them a `T` or a space,
    /// then hours, minutes and seconds, maybe up to six decimals, and `Z` or an offset such as `+01:00`. A time
    /// without an offset is one of UTC.
    fn from_str(text: &str) -> Result<Self, NoDate> {
        Self::read(text.as_bytes()).ok_or(NoDate)
    }
}

impl fmt::Display for Date {
    /// As RFC 3339 in UTC; a day alone if it is the beginning of one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) =
            (self.0.div_euclid(SECOND_MICROS), self.0.rem_euclid(SECOND_MICROS));
        let (days, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
        let (year, month, day) = civil(days);
        write!(f, "{year:04}-{month:02}-{day:02}")?;
        if (second, micros) == (0, 0) {
            return Ok(());
        }
        write!(f, "T{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)?;
        if micros > 0 {
            let decimals = format!("{micros:06}");
            write!(f, ".{}", decimals.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// The microseconds of a time, its offset taken away.
fn time(text: &[u8]) -> Option<i64> {
    let (clock, rest) = text.split_at_checked(8)?;
    let (hour, minute) = hours_and_minutes(&clock[..5])?;
    let second = number(&clock[6..8]).filter(|&second| clock[5] == b':' && second < 60)?;
    let (decimals, zone) = match rest {
        [b'.', rest @ ..] => {
            let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
            let (decimals, zone) = rest.split_at(end);
            if decimals.is_empty() || decimals.len() > DECIMALS {
                return None;
            }
            let mut six = [b'0'; DECIMALS];
            six[..decimals.len()].copy_from_slice(decimals);
            (number(&six)?, zone)
        }
        zone => (0, zone),
    };
    let offset = match zone {
        [] | [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), zone @ ..] => {
            let (hours, minutes) = hours_and_minutes(zone)?;
            (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    Some((((hour * 60 + minute) - offset) * 60 + second) * SECOND_MICROS + decimals)
}

/// What `10:30` is.
fn hours_and_minutes(text: &[u8]) -> Option<(i64, i64)> {
    let [_, _, b':', _, _] = text else { return None };
    let (hours, minutes) = (number(&text[..2])?, number(&text[3..])?);
    (hours < 24 && minutes < 60).then_some((hours, minutes))
}

/// What a few digits are.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| 10 * number + i64::from(digit - b'0'))
    })
}

/// Days of 400 years, after which the calendar comes again.
const ERA_DAYS: i64 = 146_097;
/// Days from the first of March of the year 0 to the beginning of 1970.
const MARCH_0_TO_1970: i64 = 719_468;

/// The days from the beginning of 1970 to a day of the proleptic Gregorian calendar. Years begin in March here, so
/// that the leap day is their last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - MARCH_0_TO_1970
}

/// Year, month and day of so many days after the beginning of 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + MARCH_0_TO_1970;
    let (era, of_era) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let leaps = of_era / 1_460 - of_era / 36_524 + of_era / 146_096;
    let year = (of_era - leaps) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_read_and_shown() {
        // Seconds as `date --utc --date TEXT +%s` tells them.
        for (text, seconds, shown) in [
            ("1970-01-01", 0, "1970-01-01"),
            ("2024-01-31", 1_706_659_200, "2024-01-31"),
            ("2024-02-29T23:59:59Z", 1_709_251_199, "2024-02-29T23:59:59Z"),
            ("2000-02-29 12:00:00", 951_825_600, "2000-02-29T12:00:00Z"),
            ("1969-12-31t23:59:59z", -1, "1969-12-31T23:59:59Z"),
            ("2024-01-01T00:30:00+01:00", 1_704_065_400, "2023-12-31T23:30:00Z"),
            ("2024-01-01T00:30:00-00:30", 1_704_070_800, "2024-01-01T01:00:00Z"),
            ("0001-01-01", -62_135_596_800, "0001-01-01"),
            ("9999-12-31T23:59:59Z", 253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            let date: Date = text.parse().unwrap();
            assert_eq!(date.micros(), seconds * SECOND_MICROS, "{text}");
            assert_eq!(date.to_string(), shown);
        }
        for (text, micros) in [("00.5", 500_000), ("00.000001", 1), ("00.120", 120_000)] {
            let date: Date = format!("1970-01-01T00:00:{text}Z").parse().unwrap();
            assert_eq!(date.micros(), micros);
        }
        assert_eq!(Date::from_micros(-1).unwrap().to_string(), "1969-12-31T23:59:59.999999Z");
        assert_eq!(Date::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Date::from_micros(Date::MAX.micros() + 1), None);
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-01-00",
            "2024-04-31",
            "1900-02-29",
            "0000-01-01",
            "2024-01-31T24:00:00Z",
            "2024-01-31T10:60:00Z",
            "2024-01-31T10:00:60Z",
            "2024-01-31T10:00:00.Z",
            "2024-01-31T10:00:00.1234567Z",
            "2024-01-31T10:00:00+1:00",
            "2024-01-31T10:00:00 Z",
            "2024-01-31T10:00",
            "2024-01-31T1",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
        ] {
            assert_eq!(text.parse::<Date>(), Err(NoDate), "{text}");
            assert!(Date::is_meant(text.as_bytes()), "{text}");
        }
        for text in
            ["", "2024", "2024-1-31", "20240131", "2024-01-31x", "2024-01-31T", "2024-01-31 at ten"]
        {
            assert_eq!(text.parse::<Date>(), Err(NoDate), "{text}");
            assert!(!Date::is_meant(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn days_follow_each_other() {
        let (mut year, mut month, mut day) = (1, 1, 1);
        for number in Date::MIN.0 / SECOND_MICROS / DAY_SECONDS..=days(9999, 12, 31) {
            assert_eq!((civil(number), days(year, month, day)), ((year, month, day), number));
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => 28 + i64::from(is_leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day = if day < length { day + 1 } else { 1 };
            month += i64::from(day == 1);
            if month == 13 {
                (month, year) = (1, year + 1);
            }
        }
    }

    proptest! {
        #[test]
        fn a_date_comes_back(micros in Date::MIN.0..=Date::MAX.0) {
            let date = Date(micros);
            prop_assert_eq!(date.to_string().parse(), Ok(date));
        }
    }
}
