//! Rows exactly as the office writes them (`telemetry/wire/control.py`), and back.
//!
//! Whatever is written otherwise, though it may mean the same, is unusual: Python judges it.

use std::borrow::Cow;

use super::base64;
use super::row::Row;
use crate::unusual::{Unusual, Usual};

/// The end of the year 9999 in ms UTC, as `telemetry/instants.py` has it.
const LAST_MS: i64 = 253_402_300_799_999;
/// Bytes of a service's name.
const NAME_MAX: usize = 32;
/// Every row but a heartbeat begins so.
const KIND: &[u8] = b"{\"kind\":\"";

/// The words of two closed sets, whose places are their numbers.
pub struct Words {
    /// What a link's person is to the vehicle.
    pub roles: Vec<Box<str>>,
    /// On what a consent rests.
    pub bases: Vec<Box<str>>,
}

/// What is left of a text.
struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    fn word(&mut self, word: &[u8]) -> Usual<()> {
        self.0 = self.0.strip_prefix(word).ok_or(Unusual)?;
        Ok(())
    }

    fn either(&mut self, word: &[u8]) -> bool {
        self.word(word).is_ok()
    }

    /// Printable ASCII without escapes up to a quotation mark, which is passed over.
    fn plain(&mut self) -> Usual<&'a [u8]> {
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        let length = self.0.iter().position(|&byte| !plain(byte)).ok_or(Unusual)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(Unusual)?;
        self.0 = rest.strip_prefix(b"\"").ok_or(Unusual)?;
        Ok(text)
    }

    fn one_of(&mut self, words: &[Box<str>]) -> Usual<u8> {
        let text = self.plain()?;
        let place = words.iter().position(|word| word.as_bytes() == text).ok_or(Unusual)?;
        u8::try_from(place).map_err(|_| Unusual)
    }

    /// Milliseconds from 1970 to 9999.
    fn instant(&mut self) -> Usual<i64> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at_checked(length).ok_or(Unusual)?;
        if length == 0 || length > 15 || (length > 1 && digits.first() == Some(&b'0')) {
            return Err(Unusual);
        }
        self.0 = rest;
        let number = digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        if number <= LAST_MS { Ok(number) } else { Err(Unusual) }
    }

    /// From when until when, and the end of the row or what comes behind.
    fn interval(&mut self) -> Usual<(i64, Option<i64>)> {
        self.word(b",\"from_ms\":")?;
        let from_ms = self.instant()?;
        self.word(b",\"to_ms\":")?;
        let to_ms = if self.either(b"null") { None } else { Some(self.instant()?) };
        Ok((from_ms, to_ms))
    }

    fn done(&mut self) -> Usual<()> {
        if self.0 == b"}" { Ok(()) } else { Err(Unusual) }
    }
}

/// The row in a value that `write` writes, and that is neither a heartbeat nor beyond its bounds.
///
/// # Errors
///
/// Unusual for any other value.
pub fn read<'a>(value: &'a [u8], words: &Words) -> Usual<Row<'a>> {
    let mut text = Text(value);
    text.word(KIND)?;
    match text.plain()? {
        b"device" => registration(text),
        b"link" => link(text, words),
        b"consent" => consent(text, words),
        _ => Err(Unusual),
    }
}

fn registration(mut text: Text<'_>) -> Usual<Row<'_>> {
    text.word(b",\"device\":\"")?;
    let device = text.plain()?;
    text.word(b",\"registered_ms\":")?;
    let registered_ms = text.instant()?;
    let service =
        if text.either(b",\"service\":\"") { Some(wire_name(text.plain()?)?) } else { None };
    text.done()?;
    Ok(Row::Registration { device, registered_ms, service })
}

/// A name as `NAMED` in `telemetry/wire/envelope.py` has it.
fn wire_name(text: &[u8]) -> Usual<&[u8]> {
    let goes_on = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    let is_name = text.first().is_some_and(u8::is_ascii_lowercase) && text.iter().all(goes_on);
    if is_name && text.len() <= NAME_MAX { Ok(text) } else { Err(Unusual) }
}

fn link<'a>(mut text: Text<'a>, words: &Words) -> Usual<Row<'a>> {
    text.word(b",\"link\":\"")?;
    let link = text.plain()?;
    text.word(b",\"device\":\"")?;
    let device = text.plain()?;
    text.word(b",\"subject\":\"")?;
    let subject = text.plain()?;
    text.word(b",\"secret\":\"")?;
    let secret = base64::read(text.plain()?)?;
    let (from_ms, to_ms) = text.interval()?;
    text.word(b",\"role\":\"")?;
    let role = text.one_of(&words.roles)?;
    text.done()?;
    let (link, secret) = (Cow::Borrowed(link), Cow::Owned(secret.into()));
    Ok(Row::Link { link, device, subject, secret, from_ms, to_ms, role })
}

fn consent<'a>(mut text: Text<'a>, words: &Words) -> Usual<Row<'a>> {
    text.word(b",\"consent\":\"")?;
    let consent = Cow::Borrowed(text.plain()?);
    text.word(b",\"subject\":\"")?;
    let subject = text.plain()?;
    text.word(b",\"purpose\":\"")?;
    let purpose = text.plain()?;
    text.word(b",\"basis\":\"")?;
    let basis = text.one_of(&words.bases)?;
    text.word(b",\"recipient\":")?;
    let recipient = if text.either(b"null") {
        None
    } else {
        text.word(b"\"")?;
        Some(text.plain()?)
    };
    text.word(b",\"notice\":\"")?;
    let notice = text.plain()?;
    let (from_ms, to_ms) = text.interval()?;
    text.done()?;
    Ok(Row::Consent { consent, subject, purpose, basis, recipient, notice, from_ms, to_ms })
}

/// A row as the office writes it, if all its texts are plain; else other bytes, always the same.
pub fn write(row: &Row<'_>, words: &Words, out: &mut Vec<u8>) {
    let word = |words: &[Box<str>], number: u8| -> Vec<u8> {
        words.get(usize::from(number)).map(|word| word.as_bytes().into()).unwrap_or_default()
    };
    let said = |out: &mut Vec<u8>, name: &str, text: &[u8]| {
        out.extend([name.as_bytes(), text, b"\""].concat());
    };
    match row {
        Row::Registration { device, registered_ms, service } => {
            said(out, "{\"kind\":\"device\",\"device\":\"", device);
            number(out, ",\"registered_ms\":", Some(*registered_ms));
            if let Some(service) = service {
                said(out, ",\"service\":\"", service);
            }
        }
        Row::Link { link, device, subject, secret, from_ms, to_ms, role } => {
            said(out, "{\"kind\":\"link\",\"link\":\"", link);
            said(out, ",\"device\":\"", device);
            said(out, ",\"subject\":\"", subject);
            let mut text = vec![];
            base64::write(secret, &mut text);
            said(out, ",\"secret\":\"", &text);
            number(out, ",\"from_ms\":", Some(*from_ms));
            number(out, ",\"to_ms\":", *to_ms);
            said(out, ",\"role\":\"", &word(&words.roles, *role));
        }
        Row::Consent { consent, subject, purpose, basis, recipient, notice, from_ms, to_ms } => {
            said(out, "{\"kind\":\"consent\",\"consent\":\"", consent);
            said(out, ",\"subject\":\"", subject);
            said(out, ",\"purpose\":\"", purpose);
            said(out, ",\"basis\":\"", &word(&words.bases, *basis));
            match recipient {
                Some(recipient) => said(out, ",\"recipient\":\"", recipient),
                None => out.extend(b",\"recipient\":null"),
            }
            said(out, ",\"notice\":\"", notice);
            number(out, ",\"from_ms\":", Some(*from_ms));
            number(out, ",\"to_ms\":", *to_ms);
        }
    }
    out.push(b'}');
}

fn number(out: &mut Vec<u8>, name: &str, number: Option<i64>) {
    out.extend(name.as_bytes());
    match number {
        Some(number) => out.extend(itoa::Buffer::new().format(number).as_bytes()),
        None => out.extend(b"null"),
    }
}

/// As `telemetry/wire/topic_contents.py`: of the key's length, the key and the value.
#[must_use]
pub fn row_hash(key: &[u8], value: &[u8]) -> u128 {
    let length = u64::try_from(key.len()).unwrap_or(u64::MAX).to_be_bytes();
    let mut state = blake2b_simd::Params::new().hash_length(16).to_state();
    state.update(&length).update(key).update(value);
    state.finalize().as_bytes().try_into().map_or(0, u128::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words() -> Words {
        let words = |all: &[&str]| all.iter().map(|&word| Box::from(word)).collect();
        Words { roles: words(&["driver", "owner"]), bases: words(&["opt_in", "location"]) }
    }

    const LINK: &str = "{\"kind\":\"link\",\"link\":\"l\",\"device\":\"d\",\"subject\":\"s\",\
        \"secret\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"from_ms\":1,\
        \"to_ms\":null,\"role\":\"owner\"}";
    const CONSENT: &str = "{\"kind\":\"consent\",\"consent\":\"c\",\"subject\":\"s\",\
        \"purpose\":\"p\",\"basis\":\"location\",\"recipient\":null,\"notice\":\"n@1\",\
        \"from_ms\":0,\"to_ms\":253402300799999}";
    const DEVICE: &str = "{\"kind\":\"device\",\"device\":\"d\",\"registered_ms\":5}";
    const OF_SERVICE: &str =
        "{\"kind\":\"device\",\"device\":\"d\",\"registered_ms\":5,\"service\":\"air_2\"}";

    #[test]
    fn what_is_read_is_written_byte_by_byte() {
        for text in [LINK, CONSENT, DEVICE, OF_SERVICE, &CONSENT.replace("null", "\"r\"")] {
            let mut again = vec![];
            write(&read(text.as_bytes(), &words()).unwrap(), &words(), &mut again);
            assert_eq!(String::from_utf8(again).unwrap(), text);
        }
    }

    #[test]
    fn what_is_written_otherwise_is_unusual() {
        for (what, instead) in [
            (":5", ":05"),
            (":5", ":-5"),
            (":5", ":5.0"),
            (":5", ":253402300800000"),
            ("\"d\"", "\"\\u0064\""),
            ("\"d\"", "\"é\""),
            ("\"d\"", "\"\u{7f}\""),
            ("}", ",\"x\":1}"),
            ("}", "} "),
            (":5", ": 5"),
            ("device", "heartbeat"),
        ] {
            let text = DEVICE.replacen(what, instead, 1);
            assert_eq!(read(text.as_bytes(), &words()), Err(Unusual), "{text}");
        }
        for text in [
            LINK.replace("owner", "minor"),
            LINK.replace("AAA=", "AAB="),
            LINK.replace("AAAA", ""),
            CONSENT.replace("location", "driver"),
            CONSENT.replace("\"from_ms\":0,", ""),
            OF_SERVICE.replace("air_2", ""),
            OF_SERVICE.replace("air_2", "2air"),
            OF_SERVICE.replace("air_2", "Air"),
            OF_SERVICE.replace("air_2", "linkdrive_for_a_very_long_while_x"),
            OF_SERVICE.replace("\"air_2\"", "null"),
        ] {
            assert_eq!(read(text.as_bytes(), &words()), Err(Unusual), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_change_of_one_byte_is_unusual_or_written_again(
            which in 0usize..4, place in any::<proptest::sample::Index>(), byte in any::<u8>()
        ) {
            let mut text = [LINK, CONSENT, DEVICE, OF_SERVICE][which].as_bytes().to_vec();
            let place = place.index(text.len());
            text[place] = byte;
            if let Ok(row) = read(&text, &words()) {
                let mut again = vec![];
                write(&row, &words(), &mut again);
                prop_assert_eq!(again, text);
            }
        }
    }
}
