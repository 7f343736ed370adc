//! Link secrets of the usual length in base64, as they stand in a row.

use crate::unusual::{Unusual, Usual};

/// Of a usual secret.
pub const SECRET_BYTES: usize = 32;
const GROUPS: usize = SECRET_BYTES.div_ceil(3);
const TEXT: usize = GROUPS * 4;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The secret in a text that `write` writes; any other text is unusual.
pub fn read(text: &[u8]) -> Usual<[u8; SECRET_BYTES]> {
    let (digits, padding) = text.split_at_checked(TEXT - 1).ok_or(Unusual)?;
    if padding != b"=" {
        return Err(Unusual);
    }
    let mut secret = [0; GROUPS * 3];
    for (four, three) in digits.chunks(4).zip(secret.chunks_mut(3)) {
        let mut bits = 0u32;
        for &letter in four {
            bits = bits << 6 | u32::from(digit(letter)?);
        }
        bits <<= 6 * (4 - four.len());
        three.copy_from_slice(bits.to_be_bytes().get(1..).unwrap_or_default());
    }
    // The last byte stands for none: its bits are padding, which could be written otherwise.
    match secret.split_last_chunk::<1>() {
        Some((usual, [0])) => usual.try_into().map_err(|_| Unusual),
        _ => Err(Unusual),
    }
}

fn digit(letter: u8) -> Usual<u8> {
    match letter {
        b'A'..=b'Z' => Ok(letter - b'A'),
        b'a'..=b'z' => Ok(letter - b'a' + 26),
        b'0'..=b'9' => Ok(letter - b'0' + 52),
        b'+' => Ok(62),
        b'/' => Ok(63),
        _ => Err(Unusual),
    }
}

/// Any bytes in base64, with padding.
pub fn write(bytes: &[u8], out: &mut Vec<u8>) {
    for three in bytes.chunks(3) {
        let byte = |place: usize| u32::from(three.get(place).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or_default();
            let padding = place > three.len();
            out.push(if padding { b'=' } else { ALPHABET.get(letter).copied().unwrap_or(b'=') });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn padding_that_says_something_is_unusual() {
        let mut text = vec![];
        write(&[7; SECRET_BYTES], &mut text);
        let last = text.len() - 2;
        text[last] += 1;
        assert_eq!(read(&text), Err(Unusual));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(secret in any::<[u8; SECRET_BYTES]>()) {
            let mut text = vec![];
            write(&secret, &mut text);
            prop_assert_eq!(read(&text), Ok(secret));
        }

        #[test]
        fn what_is_read_is_written_alike(text in "[A-Za-z0-9+/]{43}=") {
            let mut again = vec![];
            if let Ok(secret) = read(text.as_bytes()) {
                write(&secret, &mut again);
                prop_assert_eq!(again, text.as_bytes());
            }
        }

        #[test]
        fn any_bytes_are_read_or_unusual(bytes in proptest::collection::vec(any::<u8>(), 0..50)) {
            let _ = read(&bytes);
        }
    }
}
