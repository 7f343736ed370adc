//! Numbers as Kafka's record format writes them: zigzag, then seven bits a byte, low bits first.

/// The bytes that `put` writes for `number`: one to ten.
#[must_use]
pub const fn len(number: i64) -> usize {
    // 64 - leading zeros is the bits in use; zero is written in one byte, too.
    (70 - (zigzag(number) | 1).leading_zeros() as usize) / 7
}

/// Append `number` to `to`.
pub fn put(to: &mut Vec<u8>, number: i64) {
    let mut rest = zigzag(number);
    while rest >= 0x80 {
        to.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    to.push((rest & 0x7f) as u8);
}

#[allow(clippy::cast_sign_loss)] // the sign is the last bit now
const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::{len, put};

    fn bytes(number: i64) -> Vec<u8> {
        let mut written = Vec::new();
        put(&mut written, number);
        written
    }

    #[test]
    fn numbers_near_zero_take_one_byte_whatever_their_sign() {
        assert_eq!(bytes(0), [0]);
        assert_eq!(bytes(-1), [1]);
        assert_eq!(bytes(63), [126]);
        assert_eq!(bytes(-64), [127]);
    }

    #[test]
    fn the_eighth_bit_says_that_more_bytes_follow() {
        assert_eq!(bytes(64), [0x80, 0x01]);
        assert_eq!(bytes(300), [0xd8, 0x04]);
    }

    #[test]
    fn the_length_told_is_the_length_written_at_every_step() {
        for shift in 0..63 {
            for number in [(1_i64 << shift) - 1, 1 << shift, -(1 << shift)] {
                assert_eq!(bytes(number).len(), len(number), "{number}");
            }
        }
        assert_eq!(bytes(i64::MIN).len(), len(i64::MIN));
        assert_eq!(len(i64::MAX), 10);
    }
}
