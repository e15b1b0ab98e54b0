//! ARNs matched part by part: a wildcard does not cross a colon, except in the last part, which keeps its colons.

use crate::{
    Context,
    pattern::{Case, InvalidVariable, Pattern, Piece, Syntax, lex},
};

/// The pattern of `ArnLike` and `ArnEquals`, which are one operator.
#[derive(Clone, Debug)]
pub(super) enum ArnPattern {
    /// `*`: every ARN.
    Any,
    /// An ARN without wildcards and variables.
    Exact(Box<str>),
    /// Fewer than six parts: no ARN is like it.
    None,
    Parts(Box<[Pattern; 6]>),
}

/// Where the colons stand between the six parts of an ARN.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts([usize; 5]);

impl Parts {
    /// The parts of a text that is an ARN by its shape.
    pub(super) fn of(text: &str) -> Option<Parts> {
        let mut colons = text.match_indices(':').map(|(at, _)| at);
        let mut next = || colons.next();
        let parts = Parts([next()?, next()?, next()?, next()?, next()?]);
        text.starts_with("arn:").then_some(parts)
    }

    /// The parts, from the last to the first: that is where ARNs differ most.
    fn backward<'a>(&self, text: &'a str) -> impl Iterator<Item = &'a str> {
        let [a, b, c, d, e] = self.0;
        let ranges = [e + 1..text.len(), d + 1..e, c + 1..d, b + 1..c, a + 1..b, 0..a];
        ranges.into_iter().map(|range| text.get(range).unwrap_or(""))
    }
}

impl ArnPattern {
    pub(super) fn compile(text: &str, variables: bool) -> Result<ArnPattern, InvalidVariable> {
        let syntax = Syntax {
            wildcards: true,
            variables,
        };
        let pieces = lex(text, syntax)?;
        match pieces.as_slice() {
            [Piece::Many] => return Ok(ArnPattern::Any),
            [Piece::Text(text)] if Parts::of(text).is_some() => return Ok(ArnPattern::Exact(text.as_str().into())),
            _ => {}
        }
        let mut parts: Vec<Vec<Piece>> = vec![Vec::new()];
        for piece in pieces {
            let Piece::Text(text) = piece else {
                add(&mut parts, piece);
                continue;
            };
            let mut rest = text.as_str();
            while parts.len() < 6
                && let Some((head, tail)) = rest.split_once(':')
            {
                add(&mut parts, Piece::Text(head.to_owned()));
                parts.push(Vec::new());
                rest = tail;
            }
            add(&mut parts, Piece::Text(rest.to_owned()));
        }
        let parts: Vec<Pattern> = parts.into_iter().map(Pattern::from_pieces).collect();
        Ok(<Box<[Pattern; 6]>>::try_from(parts).map_or(ArnPattern::None, ArnPattern::Parts))
    }

    /// Whether an ARN, of which these are the parts, is like this. A variable without a value is like nothing.
    pub(super) fn matches(&self, text: &str, parts: &Parts, context: &Context) -> bool {
        match self {
            ArnPattern::Any => true,
            ArnPattern::Exact(exact) => **exact == *text,
            ArnPattern::None => false,
            ArnPattern::Parts(patterns) => patterns
                .iter()
                .rev()
                .zip(parts.backward(text))
                .all(|(pattern, part)| pattern.matches(part, Case::Sensitive, context) == Some(true)),
        }
    }
}

fn add(parts: &mut [Vec<Piece>], piece: Piece) {
    if let Some(part) = parts.last_mut()
        && piece != Piece::Text(String::new())
    {
        part.push(piece);
    }
}
