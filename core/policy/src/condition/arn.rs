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
    /// Fewer than six parts: no ARN is like it.
    None,
    Parts(Box<[Pattern; 6]>),
}

impl ArnPattern {
    pub(super) fn compile(text: &str, variables: bool) -> Result<ArnPattern, InvalidVariable> {
        let syntax = Syntax {
            wildcards: true,
            variables,
        };
        let pieces = lex(text, syntax)?;
        if pieces == [Piece::Many] {
            return Ok(ArnPattern::Any);
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

    /// Whether the text is an ARN like this; `None` when that hangs on a variable without a value.
    pub(super) fn matches(&self, text: &str, context: &Context) -> Option<bool> {
        let mut found = text.splitn(6, ':');
        if !text.starts_with("arn:") || text.splitn(6, ':').count() != 6 {
            return Some(false);
        }
        let ArnPattern::Parts(parts) = self else {
            return Some(matches!(self, ArnPattern::Any));
        };
        let mut unbound = false;
        for pattern in parts.iter() {
            match pattern.matches(found.next()?, Case::Sensitive, context) {
                Some(false) => return Some(false),
                Some(true) => {}
                None => unbound = true,
            }
        }
        (!unbound).then_some(true)
    }
}

fn add(parts: &mut [Vec<Piece>], piece: Piece) {
    if let Some(part) = parts.last_mut()
        && piece != Piece::Text(String::new())
    {
        part.push(piece);
    }
}
