//! Numbers, times and addresses as text, appended to a line without a formatter between.

/// `00` to `99`.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// `00` to `ff`.
const HEX_PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[b'0'; 2]; 256];
    let mut number = 0;
    while number < 256 {
        pairs[number] = [HEX[number >> 4], HEX[number & 15]];
        number += 1;
    }
    pairs
};

/// A whole number.
pub(crate) fn push_decimal(line: &mut Vec<u8>, mut number: u32) {
    let mut digits = [0; 10];
    let mut at = digits.len();
    while number >= 100 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[(number % 100) as usize]);
        number /= 100;
    }
    at -= 2;
    digits[at..at + 2].copy_from_slice(&PAIRS[number as usize]);
    if number < 10 {
        at += 1;
    }
    line.extend_from_slice(&digits[at..]);
}

/// The low `digits` hexadecimal digits (an even number) of a number.
pub(crate) fn push_hex(line: &mut Vec<u8>, number: u64, digits: usize) {
    let mut text = [0; 16];
    for (pair, byte) in text.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair.copy_from_slice(&HEX_PAIRS[usize::from(byte)]);
    }
    line.extend_from_slice(&text[text.len() - digits..]);
}

/// A version 4 UUID made of two random numbers.
pub(crate) fn push_uuid(line: &mut Vec<u8>, high: u64, low: u64) {
    let high = (high & !0xF000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    let mut text = [b'-'; 36];
    let bytes = high.to_be_bytes().into_iter().chain(low.to_be_bytes());
    for (at, byte) in [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34].into_iter().zip(bytes) {
        text[at..at + 2].copy_from_slice(&HEX_PAIRS[usize::from(byte)]);
    }
    line.extend_from_slice(&text);
}

/// An IPv4 address.
pub(crate) fn push_ipv4(line: &mut Vec<u8>, address: u32) {
    let [a, b, c, d] = address.to_be_bytes();
    push_decimal(line, u32::from(a));
    for byte in [b, c, d] {
        line.push(b'.');
        push_decimal(line, u32::from(byte));
    }
}

/// An IPv6 address of which no two neighbouring groups are zero, so that its canonical text has no `::`.
pub(crate) fn push_ipv6(line: &mut Vec<u8>, high: u64, low: u64) {
    let groups = [48, 32, 16, 0].map(|shift| (high >> shift) as u16);
    let more = [48, 32, 16, 0].map(|shift| (low >> shift) as u16);
    for (index, group) in groups.into_iter().chain(more).enumerate() {
        if index > 0 {
            line.push(b':');
        }
        let skipped = (group | 1).leading_zeros() as usize / 4;
        let digits = [group >> 12, group >> 8, group >> 4, group].map(|digit| HEX[usize::from(digit & 15)]);
        line.extend_from_slice(&digits[skipped..]);
    }
}

/// The date of a day since 1970 and a `T`, after Howard Hinnant's `civil_from_days`.
pub(crate) fn date(day: u32) -> [u8; 11] {
    let shifted = day + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u32::from(month <= 2);
    let mut text = *b"0000-00-00T";
    for (at, number) in [(0, year / 100), (2, year % 100), (5, month), (8, day_of_month)] {
        text[at..at + 2].copy_from_slice(&PAIRS[number as usize]);
    }
    text
}

/// The time of day, with milliseconds and a `Z`.
pub(crate) fn push_time(line: &mut Vec<u8>, millis_of_day: u32) {
    let (seconds, millis) = (millis_of_day / 1_000, millis_of_day % 1_000);
    let mut text = *b"00:00:00.000Z";
    for (at, number) in [(0, seconds / 3_600), (3, seconds / 60 % 60), (6, seconds % 60), (10, millis % 100)]
    {
        text[at..at + 2].copy_from_slice(&PAIRS[number as usize]);
    }
    text[9] = b'0' + (millis / 100) as u8;
    line.extend_from_slice(&text);
}
