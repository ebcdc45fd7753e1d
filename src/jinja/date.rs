//! The date that chat templates print, which is fixed so that a run can be repeated.

use std::time::{SystemTime, UNIX_EPOCH};

/// A calendar day. Its default is 26 July 2024, which Llama's templates print where no clock is available.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Date {
    year: i64,
    /// Counted from 1, as is the day.
    month: u8,
    day: u8,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Default for Date {
    fn default() -> Self {
        Self { year: 2024, month: 7, day: 26 }
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Date {
    /// Parses `YYYY-MM-DD`, or `today` for the current date in UTC; `None` for anything else.
    ///
    /// ```
    /// use partscope::jinja::Date;
    ///
    /// assert_eq!(Date::parse("2024-02-29").unwrap().to_string(), "2024-02-29");
    /// assert_eq!(Date::parse("2023-02-29"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        if text == "today" {
            let seconds = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
            return Some(Self::from_days((seconds / 86_400) as i64));
        }
        let mut parts = text.splitn(3, '-').map(|part| part.parse::<u16>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        let date = Self { year: year.into(), month: month.try_into().ok()?, day: day.try_into().ok()? };
        let is_valid = (1..=12).contains(&month) && (1..=9999).contains(&year) && Self::from_days(date.days()) == date;
        is_valid.then_some(date)
    }

    /// Days since 1 January 1970. After Howard Hinnant, "chrono-compatible low-level date algorithms".
    const fn days(self) -> i64 {
        let (year, month) = (self.year - (self.month <= 2) as i64, self.month as i64);
        let era = year.div_euclid(400);
        let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + self.day as i64 - 1;
        let year_of_era = year.rem_euclid(400);
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    const fn from_days(days: i64) -> Self {
        let days = days + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = shifted + if shifted < 10 { 3 } else { -9 };
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        Self { year: year + era * 400 + (month <= 2) as i64, month: month as u8, day: day as u8 }
    }

    /// Formats the date at midnight as Python's `strftime` does in the C locale; `Err` holds an unknown directive.
    pub(super) fn format(self, format: &str) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                text.push(c);
                continue;
            }
            let directive = chars.next();
            let (bare, directive) = if directive == Some('-') { (true, chars.next()) } else { (false, directive) };
            let field = self.field(directive.unwrap_or('%')).ok_or_else(|| {
                format!("%{}{}", if bare { "-" } else { "" }, directive.map(String::from).unwrap_or_default())
            })?;
            let short = field.trim_start_matches(['0', ' ']);
            text.push_str(match short {
                "" if bare => "0",
                short if bare => short,
                _ => &field,
            });
        }
        Ok(text)
    }

    fn field(self, directive: char) -> Option<String> {
        let (month, weekday) = (MONTHS[usize::from(self.month) - 1], (self.days() + 4).rem_euclid(7));
        let name = DAYS[weekday as usize];
        let of_year = self.days() - Self { month: 1, day: 1, ..self }.days() + 1;
        Some(match directive {
            'Y' => format!("{}", self.year),
            'y' => format!("{:02}", self.year.rem_euclid(100)),
            'm' => format!("{:02}", self.month),
            'B' => month.to_owned(),
            'b' | 'h' => month[..3].to_owned(),
            'd' => format!("{:02}", self.day),
            'e' => format!("{:2}", self.day),
            'A' => name.to_owned(),
            'a' => name[..3].to_owned(),
            'j' => format!("{of_year:03}"),
            'w' => weekday.to_string(),
            'u' => (if weekday == 0 { 7 } else { weekday }).to_string(),
            'H' | 'M' | 'S' => "00".to_owned(),
            'I' => "12".to_owned(),
            'p' => "AM".to_owned(),
            'f' => "000000".to_owned(),
            'F' => self.to_string(),
            'D' | 'x' => format!("{:02}/{:02}/{:02}", self.month, self.day, self.year.rem_euclid(100)),
            'T' | 'X' => "00:00:00".to_owned(),
            'R' => "00:00".to_owned(),
            'c' => format!("{} {} {:2} 00:00:00 {}", &name[..3], &month[..3], self.day, self.year),
            'Z' | 'z' => String::new(),
            'n' => "\n".to_owned(),
            't' => "\t".to_owned(),
            '%' => "%".to_owned(),
            _ => return None,
        })
    }
}
