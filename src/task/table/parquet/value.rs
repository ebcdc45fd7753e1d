//! Converts values of Parquet to JSON. Types without a counterpart become text.
//!
//! The library's own texts panic on dates far away and take forever on decimals of many digits.

use parquet::{
    data_type::Decimal,
    record::{Field, Row},
};
use serde_json::{Map, Value};

/// Most bytes and digits of a decimal: those of 256 bits.
const DECIMAL_BYTES: usize = 32;
const DECIMAL_DIGITS: i32 = 76;

pub(super) fn object(columns: Vec<(String, Field)>) -> Result<Map<String, Value>, String> {
    columns.into_iter().map(|(name, field)| Ok((name, value(field)?))).collect()
}

fn value(field: Field) -> Result<Value, String> {
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(value) => value.into(),
        Field::Byte(value) => value.into(),
        Field::Short(value) => value.into(),
        Field::Int(value) => value.into(),
        Field::Long(value) => value.into(),
        Field::UByte(value) => value.into(),
        Field::UShort(value) => value.into(),
        Field::UInt(value) => value.into(),
        Field::ULong(value) => value.into(),
        Field::Float(value) => value.into(),
        Field::Double(value) => value.into(),
        Field::Str(text) => text.into(),
        Field::Bytes(bytes) => match str::from_utf8(bytes.data()) {
            Ok(text) => text.into(),
            Err(error) => {
                return Err(format!("the text is not UTF-8: byte {} of a binary value", error.valid_up_to() + 1));
            }
        },
        Field::Date(days) => date(days.into()).into(),
        Field::TimestampMillis(value) => timestamp(value, 1000, 3).into(),
        Field::TimestampMicros(value) => timestamp(value, 1_000_000, 6).into(),
        Field::Decimal(value) => decimal(value)?.into(),
        Field::Group(row) => group(row)?,
        Field::ListInternal(list) => {
            Value::Array(list.elements().iter().cloned().map(value).collect::<Result<_, _>>()?)
        }
        other => other.to_string().into(),
    })
}

fn group(row: Row) -> Result<Value, String> {
    Ok(object(row.into_columns())?.into())
}

fn decimal(value: Decimal) -> Result<String, String> {
    let (digits, scale) = (value.precision(), value.scale());
    if value.data().len() > DECIMAL_BYTES || !(0..=DECIMAL_DIGITS).contains(&scale) || digits < scale {
        return Err(format!(
            "a decimal has {} bytes and the scale {scale}; up to {DECIMAL_BYTES} and {DECIMAL_DIGITS} can be read",
            value.data().len()
        ));
    }
    Ok(Field::Decimal(value).to_string())
}

/// Writes a day, counted from 1970-01-01, in the proleptic Gregorian calendar.
fn date(days: i64) -> String {
    // Years start in March, so that the leap day is their last; eras are 400 years of 146097 days.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let sign = if year < 0 {
        "-"
    } else if year > 9999 {
        "+"
    } else {
        ""
    };
    format!("{sign}{:04}-{month:02}-{day:02}", year.abs())
}

/// Writes a moment, counted from 1970 in units of which a second has `second`, with as many digits.
fn timestamp(value: i64, second: i64, digits: usize) -> String {
    let (seconds, rest) = (value.div_euclid(second), value.rem_euclid(second));
    let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{} {hour:02}:{minute:02}:{second:02}.{rest:0digits$} +00:00", date(days))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_library_where_it_has_any() {
        for days in (-3_000_000..3_000_000).step_by(997).chain(-800..800) {
            assert_eq!(date(days.into()), Field::Date(days).to_string(), "{days}");
            let moment = i64::from(days) * 86_400_123;
            assert_eq!(timestamp(moment, 1000, 3), Field::TimestampMillis(moment).to_string(), "{days}");
            let moment = moment * 1001;
            assert_eq!(timestamp(moment, 1_000_000, 6), Field::TimestampMicros(moment).to_string(), "{days}");
        }
    }

    #[test]
    fn values_far_away_have_a_text_and_too_long_ones_an_error() {
        assert_eq!(date(i32::MAX.into()), "+5881580-07-11");
        assert_eq!(date(i32::MIN.into()), "-5877641-06-23");
        assert_eq!(timestamp(i64::MIN, 1000, 3), "-292275055-05-16 16:47:04.192 +00:00");
        assert_eq!(timestamp(i64::MAX, 1_000_000, 6), "+294247-01-10 04:00:54.775807 +00:00");
        let of = |bytes: Vec<u8>, scale| decimal(Decimal::from_bytes(bytes.into(), i32::MAX, scale));
        assert_eq!(of(vec![0x30, 0x39], 3).unwrap(), "12.345");
        assert!(of(vec![1; 33], 3).is_err() && of(vec![1], i32::MAX).is_err() && of(vec![1], -1).is_err());
    }
}
