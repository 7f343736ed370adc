//! Row keys as sixteen bytes and one: `processors/compact/row_keys.py`, in Rust.
//!
//! The office's random row ids are 128 bits in base32; any other key has no such form.

/// A mark, or zero, and an id's 128 bits.
pub const CODE_BYTES: usize = 17;
/// Of an id in base32, without padding.
pub const ID_CHARS: usize = 26;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The key's code; None if it has another form. Different keys have different codes.
pub fn code_of(key: &[u8]) -> Option<[u8; CODE_BYTES]> {
    match key {
        [mark, id @ ..] if id.len() == ID_CHARS && *mark > 0 => code(*mark, id),
        id if id.len() == ID_CHARS => code(0, id),
        _ => None,
    }
}

fn code(mark: u8, id: &[u8]) -> Option<[u8; CODE_BYTES]> {
    let (first, last) = (id.get(..ID_CHARS - 1)?, *id.last()?);
    let mut value = 0u128;
    for &letter in first {
        value = value << 5 | u128::from(digit(letter)?);
    }
    // Two of the 130 bits are padding: another text could stand for the same id.
    let last = digit(last)?;
    if last & 3 != 0 {
        return None;
    }
    value = value << 3 | u128::from(last >> 2);
    let mut code = [mark; CODE_BYTES];
    code.get_mut(1..)?.copy_from_slice(&value.to_be_bytes());
    Some(code)
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'2'..=b'7' => Some(letter - b'2' + 26),
        _ => None,
    }
}

/// The id in a code, without its mark.
pub fn id_of(code: &[u8]) -> [u8; ID_CHARS] {
    let bits = code.get(1..).and_then(|bits| bits.try_into().ok()).unwrap_or_default();
    let value = u128::from_be_bytes(bits);
    let mut id = [b'A'; ID_CHARS];
    for (place, letter) in id.iter_mut().enumerate() {
        // The last letter has three bits of the value, and two of padding.
        let shifted = if place == ID_CHARS - 1 { value << 2 } else { value >> (123 - 5 * place) };
        let number = usize::try_from(shifted & 31).unwrap_or_default();
        *letter = ALPHABET.get(number).copied().unwrap_or_default();
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_code_is_its_key_again(value in any::<u128>(), mark in 1u8..) {
            let mut code = [mark; CODE_BYTES];
            code[1..].copy_from_slice(&value.to_be_bytes());
            let mut key = vec![mark];
            key.extend(id_of(&code));
            prop_assert_eq!(code_of(&key), Some(code));
            code[0] = 0;
            prop_assert_eq!(code_of(&key[1..]), Some(code));
        }

        #[test]
        fn no_two_keys_have_one_code(text in "[A-Z2-7]{26}") {
            if let Some(code) = code_of(text.as_bytes()) {
                prop_assert_eq!(id_of(&code), text.as_bytes());
            }
        }

        #[test]
        fn any_bytes_have_a_code_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..30)) {
            let _ = code_of(&bytes);
        }
    }
}
