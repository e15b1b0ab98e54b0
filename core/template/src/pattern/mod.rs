//! Patterns of `AllowedPattern`: Java's regular expressions, held against the whole of a text.
//!
//! A pattern becomes a small program; a text is tried against it by following both ways of every fork, never twice from the
//! same place, so that what does not look around takes no longer than its size times the text's length; what does is given
//! up after [`EFFORT_MAX`]. Groups are not remembered: back references are refused, and so are possessive quantifiers and
//! atomic groups.
//!
//! SPEC: <https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/regex/Pattern.html>

mod parse;
mod set;

use parse::Node;
use set::Set;

/// The most instructions of a program.
const PROGRAM_MAX: usize = 4096;

/// The most steps that one text is worth.
const EFFORT_MAX: usize = 8_000_000;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern(Program);

type Program = Vec<Step>;

/// One instruction.
#[derive(Clone, Debug)]
enum Step {
    /// One character of the set.
    One(Set),
    /// Either way.
    Fork(usize, usize),
    /// On from there.
    Jump(usize),
    /// Something that takes no character.
    At(Place),
    /// What follows, or went before, matches or does not.
    Look {
        /// Back by at most so many characters; ahead where it is `None`.
        back: Option<usize>,
        is: bool,
        program: Program,
    },
    /// The end of the program.
    Done,
}

/// A place between characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Start,
    LineStart,
    End,
    EndOrLastLine,
    LineEnd,
    Word,
    NotWord,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// It is no pattern of Java's, uses what is not supported here, or is too large; why.
    pub(crate) fn parse(text: &str) -> Result<Pattern, &'static str> {
        let mut program = Vec::new();
        compile(&parse::parse(text)?, &mut program)?;
        push(&mut program, Step::Done)?;
        Ok(Pattern(program))
    }

    /// Whether it matches the whole of a text.
    ///
    /// # Errors
    /// It takes too long to find that out.
    pub(crate) fn matches(&self, text: &str) -> Result<bool, &'static str> {
        let text: Vec<char> = text.chars().collect();
        let end = text.len();
        Run { text, effort: 0 }.matches(&self.0, 0, Some(end))
    }
}

fn push(program: &mut Program, step: Step) -> Result<usize, &'static str> {
    let at = program.len();
    program.push(step);
    if at < PROGRAM_MAX {
        Ok(at)
    } else {
        Err("it is too large")
    }
}

fn compile(node: &Node, program: &mut Program) -> Result<(), &'static str> {
    match node {
        Node::One(set) => push(program, Step::One(set.clone())).map(|_| ()),
        Node::At(place) => push(program, Step::At(*place)).map(|_| ()),
        Node::All(nodes) => nodes.iter().try_for_each(|node| compile(node, program)),
        Node::Either(nodes) => either(nodes, program),
        Node::Repeat { node, least, most } => repeat(node, *least, *most, program),
        Node::Look { ahead, is, node } => {
            let mut within = Vec::new();
            compile(node, &mut within)?;
            push(&mut within, Step::Done)?;
            // What looks are made of counts too.
            if program.len().saturating_add(within.len()) > PROGRAM_MAX {
                return Err("it is too large");
            }
            let back = match (ahead, longest(node)) {
                (true, _) => None,
                (false, Some(longest)) => Some(longest),
                (false, None) => return Err("what looks back must have a greatest length"),
            };
            let look = Step::Look {
                back,
                is: *is,
                program: within,
            };
            push(program, look).map(|_| ())
        }
    }
}

fn either(nodes: &[Node], program: &mut Program) -> Result<(), &'static str> {
    let mut ends = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        if index + 1 == nodes.len() {
            compile(node, program)?;
        } else {
            let fork = push(program, Step::Done)?;
            compile(node, program)?;
            ends.push(push(program, Step::Done)?);
            set(program, fork, Step::Fork(fork + 1, program.len()));
        }
    }
    let after = program.len();
    ends.into_iter().for_each(|end| set(program, end, Step::Jump(after)));
    Ok(())
}

fn repeat(node: &Node, least: usize, most: Option<usize>, program: &mut Program) -> Result<(), &'static str> {
    for _ in 0..least {
        compile(node, program)?;
        if program.is_empty() {
            // What takes no step may be repeated without end.
            return Ok(());
        }
    }
    match most {
        None => {
            let fork = push(program, Step::Done)?;
            compile(node, program)?;
            push(program, Step::Jump(fork))?;
            set(program, fork, Step::Fork(fork + 1, program.len()));
        }
        Some(most) => {
            let mut forks = Vec::new();
            for _ in least..most {
                forks.push(push(program, Step::Done)?);
                compile(node, program)?;
            }
            let after = program.len();
            forks
                .into_iter()
                .for_each(|fork| set(program, fork, Step::Fork(fork + 1, after)));
        }
    }
    Ok(())
}

fn set(program: &mut Program, at: usize, step: Step) {
    if let Some(place) = program.get_mut(at) {
        *place = step;
    }
}

/// The most characters that a node takes; `None` where there is no bound.
fn longest(node: &Node) -> Option<usize> {
    match node {
        Node::One(_) => Some(1),
        Node::At(_) | Node::Look { .. } => Some(0),
        Node::All(nodes) => nodes
            .iter()
            .try_fold(0usize, |sum, node| Some(sum.saturating_add(longest(node)?))),
        Node::Either(nodes) => nodes.iter().try_fold(0, |most, node| Some(longest(node)?.max(most))),
        Node::Repeat { node, most, .. } => Some(longest(node)?.saturating_mul((*most)?)),
    }
}

/// One text, being held against a pattern.
struct Run {
    text: Vec<char>,
    effort: usize,
}

impl Run {
    /// Whether a program matches from a place on, up to an end where one is said.
    fn matches(&mut self, program: &[Step], from: usize, to: Option<usize>) -> Result<bool, &'static str> {
        let width = self.text.len() + 1;
        let mut been = vec![false; program.len().saturating_mul(width)];
        self.spend(been.len() / 16)?;
        let mut open = vec![(0, from)];
        while let Some((at, position)) = open.pop() {
            self.spend(1)?;
            match been.get_mut(at * width + position) {
                Some(been) if !*been => *been = true,
                _ => continue,
            }
            match program.get(at) {
                Some(Step::One(set)) => {
                    if self.text.get(position).is_some_and(|one| set.has(*one)) {
                        open.push((at + 1, position + 1));
                    }
                }
                Some(Step::Fork(one, other)) => open.extend([(*other, position), (*one, position)]),
                Some(Step::Jump(to)) => open.push((*to, position)),
                Some(Step::At(place)) => {
                    if stands(*place, &self.text, position) {
                        open.push((at + 1, position));
                    }
                }
                Some(Step::Look { back, is, program }) => {
                    if self.finds(program, *back, position)? == *is {
                        open.push((at + 1, position));
                    }
                }
                Some(Step::Done) if to.is_none_or(|to| to == position) => return Ok(true),
                Some(Step::Done) | None => (),
            }
        }
        Ok(false)
    }

    /// Whether what looks ahead or back finds something.
    fn finds(&mut self, program: &[Step], back: Option<usize>, position: usize) -> Result<bool, &'static str> {
        let Some(back) = back else {
            return self.matches(program, position, None);
        };
        for from in (position.saturating_sub(back)..=position).rev() {
            if self.matches(program, from, Some(position))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn spend(&mut self, effort: usize) -> Result<(), &'static str> {
        self.effort = self.effort.saturating_add(effort);
        if self.effort > EFFORT_MAX {
            Err("it takes too long")
        } else {
            Ok(())
        }
    }
}

/// Whether a position is such a place.
fn stands(place: Place, text: &[char], position: usize) -> bool {
    let before = position.checked_sub(1).and_then(|before| text.get(before));
    let after = text.get(position);
    let ends_line = |one: Option<&char>| one.is_some_and(|one| set::LINE_ENDS.contains(one));
    let word = |one: Option<&char>| one.is_some_and(|one| one.is_ascii_alphanumeric() || *one == '_');
    match place {
        Place::Start => position == 0,
        Place::End => after.is_none(),
        Place::LineStart => position == 0 || (ends_line(before) && after.is_some()),
        Place::LineEnd => after.is_none() || ends_line(after),
        Place::EndOrLastLine => {
            let rest = text.get(position..).unwrap_or_default();
            rest.is_empty() || matches!(rest, [one] if ends_line(Some(one))) || rest == ['\r', '\n']
        }
        Place::Word => word(before) != word(after),
        Place::NotWord => word(before) == word(after),
    }
}

#[cfg(test)]
mod tests;
