//! From the text of a pattern to what it is made of.

use super::Place;
use super::set::Set;

/// How deep groups and classes may be nested.
const DEPTH_MAX: usize = 50;

/// The most repetitions that may be said.
const REPEAT_MAX: usize = 4096;

const MALFORMED: &str = "it is malformed";

/// What a pattern is made of.
#[derive(Clone, Debug)]
pub(super) enum Node {
    One(Set),
    At(Place),
    All(Vec<Node>),
    Either(Vec<Node>),
    Repeat {
        node: Box<Node>,
        least: usize,
        most: Option<usize>,
    },
    Look {
        ahead: bool,
        is: bool,
        node: Box<Node>,
    },
}

type Parsed<T> = Result<T, &'static str>;

/// What `(?ims)` turns on.
#[derive(Clone, Copy, Default)]
struct Flags {
    any_case: bool,
    lines: bool,
    dot_all: bool,
}

struct Parser<'t> {
    rest: &'t str,
    flags: Flags,
    depth: usize,
}

/// A group, after its opening.
enum Opening {
    Group,
    Look {
        ahead: bool,
        is: bool,
    },
    /// Flags for what follows in the group around.
    Flags,
}

/// What a backslash and what follows it stand for.
enum Escape {
    One(char),
    Set(Set),
    At(Place),
}

pub(super) fn parse(text: &str) -> Parsed<Node> {
    let mut parser = Parser {
        rest: text,
        flags: Flags::default(),
        depth: 0,
    };
    let node = parser.either()?;
    if parser.rest.is_empty() {
        Ok(node)
    } else {
        Err(MALFORMED)
    }
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let one = self.peek()?;
        self.rest = self.rest.get(one.len_utf8()..).unwrap_or_default();
        Some(one)
    }

    fn eat(&mut self, text: &str) -> bool {
        let after = self.rest.strip_prefix(text);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// What stands before a text, which is eaten too.
    fn until(&mut self, end: &str) -> Parsed<&'t str> {
        let (before, after) = self.rest.split_once(end).ok_or(MALFORMED)?;
        self.rest = after;
        Ok(before)
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        let parsed = if self.depth > DEPTH_MAX {
            Err("it is nested too deeply")
        } else {
            parse(self)
        };
        self.depth -= 1;
        parsed
    }

    /// Alternatives, up to the end of the group or of the pattern.
    fn either(&mut self) -> Parsed<Node> {
        let flags = self.flags;
        let mut nodes = vec![self.all()?];
        while self.eat("|") {
            nodes.push(self.all()?);
        }
        self.flags = flags;
        Ok(if nodes.len() == 1 {
            nodes.remove(0)
        } else {
            Node::Either(nodes)
        })
    }

    fn all(&mut self) -> Parsed<Node> {
        let mut nodes = Vec::new();
        while let Some(one) = self.peek().filter(|one| !matches!(one, '|' | ')')) {
            let node = match one {
                '(' => match self.group()? {
                    Some(node) => node,
                    None => continue,
                },
                '[' => Node::One(self.class()?),
                '\\' if self.rest.starts_with("\\Q") => {
                    nodes.extend(self.quoted()?);
                    continue;
                }
                _ => self.one()?,
            };
            nodes.push(self.repeated(node)?);
        }
        Ok(Node::All(nodes))
    }

    /// A single character, escape or anchor.
    fn one(&mut self) -> Parsed<Node> {
        Ok(match self.next().ok_or(MALFORMED)? {
            '.' => Node::One(Set::dot(self.flags.dot_all)),
            '^' if self.flags.lines => Node::At(Place::LineStart),
            '^' => Node::At(Place::Start),
            '$' if self.flags.lines => Node::At(Place::LineEnd),
            '$' => Node::At(Place::EndOrLastLine),
            '\\' => match self.escape()? {
                Escape::One(one) => Node::One(self.cased(Set::one(one))),
                Escape::Set(set) => Node::One(self.cased(set)),
                Escape::At(place) => Node::At(place),
            },
            '*' | '+' | '?' | '{' => return Err(MALFORMED),
            one => Node::One(self.cased(Set::one(one))),
        })
    }

    fn cased(&self, set: Set) -> Set {
        if self.flags.any_case {
            Set::AnyCase(Box::new(set))
        } else {
            set
        }
    }

    /// `\Q…\E`
    fn quoted(&mut self) -> Parsed<Vec<Node>> {
        self.eat("\\Q");
        let text = match self.rest.contains("\\E") {
            true => self.until("\\E")?,
            false => std::mem::take(&mut self.rest),
        };
        let mut nodes: Vec<Node> = text.chars().map(|one| Node::One(self.cased(Set::one(one)))).collect();
        if let Some(last) = nodes.pop() {
            nodes.push(self.repeated(last)?);
        }
        Ok(nodes)
    }

    /// A node with the quantifier that follows it. Whether it takes much or little is the same for a whole text.
    fn repeated(&mut self, node: Node) -> Parsed<Node> {
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return self.counted(node),
            _ => return Ok(node),
        };
        self.next();
        self.lazy(node, least, most)
    }

    fn counted(&mut self, node: Node) -> Parsed<Node> {
        self.eat("{");
        let text = self.until("}")?;
        let (least, most) = text.split_once(',').unwrap_or((text, text));
        let number = |text: &str| match text.parse() {
            Ok(number) if number <= REPEAT_MAX && text.chars().all(|one| one.is_ascii_digit()) => Ok(number),
            _ => Err(MALFORMED),
        };
        let least = number(least)?;
        let most = if most.is_empty() { None } else { Some(number(most)?) };
        match most.is_some_and(|most| most < least) {
            true => Err(MALFORMED),
            false => self.lazy(node, least, most),
        }
    }

    fn lazy(&mut self, node: Node, least: usize, most: Option<usize>) -> Parsed<Node> {
        let lazy = self.eat("?");
        match self.peek() {
            Some('+') if !lazy => Err("possessive quantifiers are not supported"),
            Some('*' | '+' | '?' | '{') => Err(MALFORMED),
            _ => Ok(Node::Repeat {
                node: Box::new(node),
                least,
                most,
            }),
        }
    }

    /// A group, or flags that stand alone.
    fn group(&mut self) -> Parsed<Option<Node>> {
        self.eat("(");
        let flags = self.flags;
        let opening = match self.eat("?") {
            true => self.opening()?,
            false => Opening::Group,
        };
        if matches!(opening, Opening::Flags) {
            return Ok(None);
        }
        let node = self.deeper(Self::either)?;
        self.flags = flags;
        if !self.eat(")") {
            return Err(MALFORMED);
        }
        Ok(Some(match opening {
            Opening::Look { ahead, is } => Node::Look {
                ahead,
                is,
                node: Box::new(node),
            },
            Opening::Group | Opening::Flags => node,
        }))
    }

    fn opening(&mut self) -> Parsed<Opening> {
        let looks = [
            ("=", true, true),
            ("!", true, false),
            ("<=", false, true),
            ("<!", false, false),
        ];
        for (text, ahead, is) in looks {
            if self.eat(text) {
                return Ok(Opening::Look { ahead, is });
            }
        }
        if self.eat(">") {
            return Err("atomic groups are not supported");
        }
        if self.eat("<") {
            let name = self.until(">")?;
            let named = name.chars().next().is_some_and(|one| one.is_ascii_alphabetic());
            return match named && name.chars().all(|one| one.is_ascii_alphanumeric()) {
                true => Ok(Opening::Group),
                false => Err(MALFORMED),
            };
        }
        let mut on = true;
        loop {
            match self.next() {
                Some(':') => return Ok(Opening::Group),
                Some(')') => return Ok(Opening::Flags),
                Some('-') if on => on = false,
                Some('i') => self.flags.any_case = on,
                Some('m') => self.flags.lines = on,
                Some('s') => self.flags.dot_all = on,
                Some('d' | 'u' | 'x' | 'U') => return Err("of the flags only i, m and s are supported"),
                _ => return Err(MALFORMED),
            }
        }
    }

    /// A class: `[…]`.
    fn class(&mut self) -> Parsed<Set> {
        self.eat("[");
        let negated = self.eat("^");
        let set = self.deeper(Self::class_members)?;
        if !self.eat("]") {
            return Err(MALFORMED);
        }
        let set = self.cased(set);
        Ok(if negated { set.not() } else { set })
    }

    /// What is in a class, up to its end: members, and what all sides of `&&` have.
    fn class_members(&mut self) -> Parsed<Set> {
        let mut sides = Vec::new();
        let mut members = Vec::new();
        loop {
            match self.peek().ok_or(MALFORMED)? {
                ']' if !(members.is_empty() && sides.is_empty()) => break,
                '&' if self.rest.starts_with("&&") && !members.is_empty() => {
                    self.eat("&&");
                    sides.push(Set::Any(std::mem::take(&mut members)));
                }
                '[' => members.push(self.class()?),
                _ => members.push(self.class_member()?),
            }
        }
        if members.is_empty() {
            return Err(MALFORMED);
        }
        sides.push(Set::Any(members));
        Ok(Set::All(sides))
    }

    /// A character, a range or an escape in a class.
    fn class_member(&mut self) -> Parsed<Set> {
        let first = match self.class_one()? {
            Ok(one) => one,
            Err(set) => return Ok(set),
        };
        let mut after = self.rest.chars();
        let range = after.next() == Some('-') && !matches!(after.next(), Some(']' | '[') | None);
        if !range {
            return Ok(Set::one(first));
        }
        self.eat("-");
        match self.class_one()? {
            Ok(last) if last >= first => Ok(Set::Range(first, last)),
            _ => Err(MALFORMED),
        }
    }

    /// One character, or the set that an escape stands for.
    fn class_one(&mut self) -> Parsed<Result<char, Set>> {
        match self.next().ok_or(MALFORMED)? {
            '\\' => match self.escape()? {
                Escape::One(one) => Ok(Ok(one)),
                Escape::Set(set) => Ok(Err(set)),
                Escape::At(_) => Err(MALFORMED),
            },
            one => Ok(Ok(one)),
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Parsed<Escape> {
        let letter = self.next().ok_or(MALFORMED)?;
        if let Some(set) = Set::letter(letter) {
            return Ok(Escape::Set(set));
        }
        Ok(match letter {
            'p' | 'P' => {
                let name = match self.eat("{") {
                    true => self.until("}")?,
                    false => {
                        let (name, after) = self.rest.split_at_checked(1).ok_or(MALFORMED)?;
                        self.rest = after;
                        name
                    }
                };
                let set = Set::property(name).ok_or("a property of \\p{} is not supported")?;
                Escape::Set(if letter == 'P' { set.not() } else { set })
            }
            'b' => Escape::At(Place::Word),
            'B' => Escape::At(Place::NotWord),
            'A' => Escape::At(Place::Start),
            'z' => Escape::At(Place::End),
            'Z' => Escape::At(Place::EndOrLastLine),
            't' => Escape::One('\t'),
            'n' => Escape::One('\n'),
            'r' => Escape::One('\r'),
            'f' => Escape::One('\u{c}'),
            'a' => Escape::One('\u{7}'),
            'e' => Escape::One('\u{1b}'),
            'x' if self.eat("{") => {
                let digits = self.until("}")?;
                Escape::One(code(digits)?)
            }
            'x' => Escape::One(self.hexadecimal(2)?),
            'u' => Escape::One(self.hexadecimal(4)?),
            '1'..='9' | 'k' => return Err("back references are not supported"),
            one if one.is_ascii_alphanumeric() => return Err("an escape is not supported"),
            one => Escape::One(one),
        })
    }

    fn hexadecimal(&mut self, digits: usize) -> Parsed<char> {
        let (digits, after) = self.rest.split_at_checked(digits).ok_or(MALFORMED)?;
        self.rest = after;
        code(digits)
    }
}

/// The character of a code in hexadecimal digits. Half of a pair of UTF-16 stands for the last one before those.
fn code(digits: &str) -> Parsed<char> {
    let code = u32::from_str_radix(digits, 16).map_err(|_| MALFORMED)?;
    match code {
        0xd800..=0xdfff => Ok('\u{d7ff}'),
        _ => char::from_u32(code).ok_or(MALFORMED),
    }
}
