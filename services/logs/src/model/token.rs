//! Tokens with which a listing goes on. They hold a place, and the call that they belong to by a checksum.

use super::position::Position;

/// A checksum of what a token belongs to: FNV-1a, for it guards against mix-ups and nothing else. Lengths come first.
pub(crate) fn checksum<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for part in parts {
        add(&(part.len() as u64).to_be_bytes());
        add(part);
    }
    sum
}

/// Goes on after a name.
pub(crate) fn after_name(call: u64, name: &str) -> String {
    format!("{call:016x}{}", hex::encode(name))
}

/// The name; `None` for a token of another call.
pub(crate) fn parse_after_name(call: u64, token: &str) -> Option<String> {
    let rest = token.strip_prefix(&format!("{call:016x}"))?;
    String::from_utf8(hex::decode(rest).ok()?).ok()
}

/// Which way a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Forward,
    Backward,
}

/// The twelve digits of a stream in its tokens.
fn digits_of(stream: &[u8; 16]) -> u64 {
    checksum([&stream[..]]) % 1_000_000_000_000
}

/// GetLogEvents' token: goes on from a gap between events.
pub(crate) fn event_token(way: Way, stream: &[u8; 16], gap: Position) -> String {
    let letter = match way {
        Way::Forward => 'f',
        Way::Backward => 'b',
    };
    format!("{letter}/{:012}{:044}/s", digits_of(stream), gap.0)
}

/// The way and the gap; `None` for a token of another stream.
pub(crate) fn parse_event_token(stream: &[u8; 16], token: &str) -> Option<(Way, Position)> {
    let (letter, rest) = token.split_once('/')?;
    let way = match letter {
        "f" => Way::Forward,
        "b" => Way::Backward,
        _ => return None,
    };
    let digits = rest.strip_suffix("/s")?;
    let (of, gap) = digits.split_at_checked(12)?;
    let is_number = digits.len() == 56 && digits.bytes().all(|b| b.is_ascii_digit());
    let same = is_number && of.parse() == Ok(digits_of(stream));
    same.then(|| gap.parse().ok().map(|gap| (way, Position(gap))))?
}

/// The id of an event, unique in its group.
pub(crate) fn event_id(stream: &[u8; 16], position: Position) -> String {
    format!("{:012}{:044}", digits_of(stream), position.0)
}

/// FilterLogEvents' token: goes on after an event of a stream.
pub(crate) fn search_token(call: u64, stream: &[u8; 16], position: Position) -> String {
    format!("{call:016x}{}{:032x}", hex::encode(stream), position.0)
}

/// The stream and the event's position; `None` for a token of another call.
pub(crate) fn parse_search_token(call: u64, token: &str) -> Option<([u8; 16], Position)> {
    let rest = token.strip_prefix(&format!("{call:016x}"))?;
    let (stream, position) = rest.split_at_checked(32)?;
    let mut id = [0; 16];
    hex::decode_to_slice(stream, &mut id).ok()?;
    let position = (position.len() == 32).then(|| u128::from_str_radix(position, 16).ok())??;
    Some((id, Position(position)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tokens_come_back_to_their_own_call_alone(
            stream: [u8; 16], other: [u8; 16], at in 0..u128::MAX >> 16, call: u64, name in ".{0,20}",
        ) {
            for way in [Way::Forward, Way::Backward] {
                let token = event_token(way, &stream, Position(at));
                prop_assert_eq!(token.len(), 60);
                prop_assert_eq!(parse_event_token(&stream, &token), Some((way, Position(at))));
                prop_assert_eq!(parse_event_token(&other, &token).is_some(), digits_of(&stream) == digits_of(&other));
            }
            let token = search_token(call, &stream, Position(at));
            prop_assert_eq!(parse_search_token(call, &token), Some((stream, Position(at))));
            prop_assert_eq!(parse_search_token(!call, &token), None);
            let token = after_name(call, &name);
            prop_assert_eq!(parse_after_name(call, &token), Some(name));
            prop_assert_eq!(parse_after_name(!call, &token), None);
            prop_assert_eq!(event_id(&stream, Position(at)).len(), 56);
        }

        #[test]
        fn no_text_makes_them_panic(text in ".{0,80}") {
            let _ = parse_event_token(&[0; 16], &text);
            let _ = parse_search_token(0, &text);
            let _ = parse_after_name(0, &text);
        }
    }
}
