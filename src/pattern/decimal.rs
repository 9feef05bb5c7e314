//! [`Decimal`]: the value of a JSON number, exact, compared without floats and without allocation.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// A decimal number, read from its JSON text. `1`, `1.0` and `10e-1` are equal.
#[derive(Clone, Copy, Debug)]
pub struct Decimal<'a> {
    negative: bool,
    /// Digits without leading or trailing zeros, in two pieces; both empty for zero.
    digits: (&'a [u8], &'a [u8]),
    /// Power of ten of the place before the first digit: `0.digits × 10^magnitude`.
    magnitude: i128,
}

fn strip_front(mut digits: &[u8]) -> (&[u8], usize) {
    let before = digits.len();
    while let [b'0', rest @ ..] = digits {
        digits = rest;
    }
    (digits, before - digits.len())
}

fn strip_back(mut digits: &[u8]) -> &[u8] {
    while let [rest @ .., b'0'] = digits {
        digits = rest;
    }
    digits
}

impl<'a> Decimal<'a> {
    /// Reads a number in JSON's writing. `None` when its exponent has more than 37 digits
    /// (or when it is no number); such numbers are only equal when written alike.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (negative, bytes) = match bytes {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, bytes),
        };
        let end = bytes.iter().position(|byte| matches!(byte, b'e' | b'E'));
        let (mantissa, exponent) = match end {
            Some(at) => (&bytes[..at], &bytes[at + 1..]),
            None => (bytes, &b"0"[..]),
        };
        let (whole, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
            Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
            None => (mantissa, &b""[..]),
        };
        if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
            return None;
        }
        let fraction = strip_back(fraction);
        let (whole, _) = strip_front(whole);
        let (digits, shift) = if whole.is_empty() {
            let (fraction, zeros) = strip_front(fraction);
            ((&b""[..], fraction), -i128::try_from(zeros).ok()?)
        } else if fraction.is_empty() {
            ((strip_back(whole), &b""[..]), i128::try_from(whole.len()).ok()?)
        } else {
            ((whole, fraction), i128::try_from(whole.len()).ok()?)
        };
        if digits.0.is_empty() && digits.1.is_empty() {
            return Some(Self { negative: false, digits, magnitude: 0 });
        }
        let (down, exponent) = match exponent {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, exponent),
        };
        let (exponent, _) = strip_front(exponent);
        if exponent.len() > 37 {
            return None;
        }
        let mut power: i128 = 0;
        for byte in exponent {
            if !byte.is_ascii_digit() {
                return None;
            }
            power = power * 10 + i128::from(byte - b'0');
        }
        Some(Self { negative, digits, magnitude: shift + if down { -power } else { power } })
    }

    fn is_zero(&self) -> bool {
        self.digits.0.is_empty() && self.digits.1.is_empty()
    }

    fn each(&self) -> impl Iterator<Item = &'a u8> {
        self.digits.0.iter().chain(self.digits.1)
    }

    fn count(&self) -> usize {
        self.digits.0.len() + self.digits.1.len()
    }

    /// Whether it has no fraction: `1`, `1.0`, `1e3`.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        self.is_zero() || i128::try_from(self.count()).is_ok_and(|count| count <= self.magnitude)
    }

    /// Which is greater, by value.
    #[must_use]
    pub fn compare(&self, other: &Decimal<'_>) -> Ordering {
        let sign = |value: &Decimal<'_>| {
            if value.is_zero() {
                0
            } else if value.negative {
                -1
            } else {
                1
            }
        };
        let (left, right) = (sign(self), sign(other));
        if left != right || left == 0 {
            return left.cmp(&right);
        }
        let size = self.magnitude.cmp(&other.magnitude).then_with(|| self.each().cmp(other.each()));
        if left < 0 { size.reverse() } else { size }
    }
}

/// Of all texts of one value the same.
impl Hash for Decimal<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.negative, self.magnitude, self.count()).hash(state);
        self.each().for_each(|digit| digit.hash(state));
    }
}

/// Whether two number texts have the same value.
#[must_use]
pub fn same_number(left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    match (Decimal::parse(left), Decimal::parse(right)) {
        (Some(left), Some(right)) => left.compare(&right) == Ordering::Equal,
        _ => false,
    }
}

/// Most digits that a sum is worked out for; far beyond any tolerance that people write.
const SUM_DIGITS: i128 = 2_000;

/// Exactly `left + right`, written without an exponent; `None` when that would need more than 2,000 digits.
#[must_use]
pub fn add(left: &str, right: &str) -> Option<String> {
    let (left, right) = (Decimal::parse(left)?, Decimal::parse(right)?);
    let lowest = |value: &Decimal<'_>| value.magnitude - i128::try_from(value.count()).unwrap_or(i128::MAX / 4);
    let low = lowest(&left).min(lowest(&right)).min(0);
    let high = left.magnitude.max(right.magnitude).max(1) + 1;
    if high - low > SUM_DIGITS {
        return None;
    }
    let width = usize::try_from(high - low).ok()?;
    // Digits from the highest place to the lowest, as signed values that carry afterwards.
    let mut places = vec![0_i8; width];
    for value in [&left, &right] {
        let first = usize::try_from(high - value.magnitude).ok()?;
        for (offset, digit) in value.each().enumerate() {
            let digit = i8::try_from(digit - b'0').ok()?;
            *places.get_mut(first + offset)? += if value.negative { -digit } else { digit };
        }
    }
    let negative = places.iter().find(|place| **place != 0).is_some_and(|place| *place < 0);
    if negative {
        places.iter_mut().for_each(|place| *place = -*place);
    }
    let mut carry = 0;
    for place in places.iter_mut().rev() {
        let sum = *place + carry;
        carry = sum.div_euclid(10);
        *place = sum.rem_euclid(10);
    }
    // The leading place may be positive while a carry made it negative: 1, -9 is 0, 1.
    let whole = usize::try_from(high).ok()?;
    let mut text = String::from(if negative { "-" } else { "" });
    let digits: String = places.iter().map(|place| char::from(b'0' + place.unsigned_abs())).collect();
    let start = digits[..whole].find(|digit| digit != '0').unwrap_or(whole - 1);
    text.push_str(&digits[start..whole]);
    let fraction = digits[whole..].trim_end_matches('0');
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    Some(text)
}

/// The number with the other sign.
#[must_use]
pub fn negate(text: &str) -> String {
    text.strip_prefix('-').map_or_else(|| format!("-{text}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_by_value() {
        for (left, right) in [
            ("1", "1.0"),
            ("1", "10e-1"),
            ("100", "1e2"),
            ("0", "-0.0e999999999999999999999999999999999999999"),
            ("0.001", "1E-3"),
            ("12.50", "125e-1"),
            ("-3", "-3.000"),
            ("9007199254740993", "9007199254740993.0"),
            ("1e400", "10e399"),
            ("0.0010", "0.1e-2"),
            ("1e999999999999999999999999999999", "10e999999999999999999999999999998"),
        ] {
            assert!(same_number(left, right), "{left} {right}");
        }
        for (left, right) in [
            ("1", "2"),
            ("1", "-1"),
            ("9007199254740993", "9007199254740992"),
            ("1e400", "1e401"),
            ("0.1", "0.01"),
            ("0.30000000000000004", "0.3"),
            ("10", "1"),
            ("0", "1e-999999"),
        ] {
            assert!(!same_number(left, right), "{left} {right}");
        }
    }

    #[test]
    fn orders_and_adds() {
        let order = |left, right| Decimal::parse(left).unwrap().compare(&Decimal::parse(right).unwrap());
        assert_eq!(order("-2", "-1"), Ordering::Less);
        assert_eq!(order("0.5", "0.49"), Ordering::Greater);
        assert_eq!(order("1e99999999", "2"), Ordering::Greater);
        assert_eq!(order("-1e99999999", "0"), Ordering::Less);
        assert_eq!(add("1.5", "0.1").as_deref(), Some("1.6"));
        assert_eq!(add("1.5", "-0.1").as_deref(), Some("1.4"));
        assert_eq!(add("0.1", "-1").as_deref(), Some("-0.9"));
        assert_eq!(add("99.9", "0.1").as_deref(), Some("100"));
        assert_eq!(add("1", "-1").as_deref(), Some("0"));
        assert_eq!(add("1e99999999999", "1"), None);
        assert!(Decimal::parse("1.50").is_some_and(|value| !value.is_integer()));
        assert!(Decimal::parse("15e2").is_some_and(|value| value.is_integer()));
        assert!(Decimal::parse("10e-1").is_some_and(|value| value.is_integer()));
        assert!(Decimal::parse("1e-1").is_some_and(|value| !value.is_integer()));
    }

    proptest! {
        #[test]
        fn agrees_with_integers(left in -1_000_000_i64..1_000_000, right in -1_000_000_i64..1_000_000, scale in 0_usize..4) {
            let write = |value: i64| {
                let text = format!("{}{:04}", if value < 0 { "-" } else { "" }, value.abs());
                let (head, tail) = text.split_at(text.len() - 3);
                format!("{head}.{tail}{}", "0".repeat(scale))
            };
            let (a, b) = (write(left), write(right));
            prop_assert_eq!(Decimal::parse(&a).unwrap().compare(&Decimal::parse(&b).unwrap()), left.cmp(&right));
            let sum = add(&a, &b).unwrap();
            prop_assert!(same_number(&sum, &write(left + right)), "{} + {} = {}", a, b, sum);
        }
    }
}
