//! Sets of characters.

/// What ends a line in Java.
pub(super) const LINE_ENDS: [char; 5] = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// A set of characters.
#[derive(Clone, Debug)]
pub(super) enum Set {
    /// From one to another.
    Range(char, char),
    /// Of a property.
    Property(fn(char) -> bool),
    /// In one of them.
    Any(Vec<Set>),
    /// In all of them.
    All(Vec<Set>),
    /// Not in it.
    Not(Box<Set>),
    /// In it in the other case, too, of ASCII.
    AnyCase(Box<Set>),
}

impl Set {
    /// Whether a character is in it.
    pub(super) fn has(&self, one: char) -> bool {
        match self {
            Set::Range(first, last) => (*first..=*last).contains(&one),
            Set::Property(property) => property(one),
            Set::Any(sets) => sets.iter().any(|set| set.has(one)),
            Set::All(sets) => sets.iter().all(|set| set.has(one)),
            Set::Not(set) => !set.has(one),
            Set::AnyCase(set) => set.has(one) || set.has(one.to_ascii_lowercase()) || set.has(one.to_ascii_uppercase()),
        }
    }

    /// The characters that are not in it.
    pub(super) fn not(self) -> Set {
        Set::Not(Box::new(self))
    }

    /// One character.
    pub(super) fn one(one: char) -> Set {
        Set::Range(one, one)
    }

    /// What `.` stands for.
    pub(super) fn dot(line_ends: bool) -> Set {
        match line_ends {
            true => Set::Range('\0', char::MAX),
            false => Set::Any(LINE_ENDS.map(Set::one).into()).not(),
        }
    }

    /// The set of a letter after a backslash: `\d`, `\w`, `\s`, `\h`, `\v` and what is not in them.
    pub(super) fn letter(letter: char) -> Option<Set> {
        let set = match letter.to_ascii_lowercase() {
            'd' => Set::Range('0', '9'),
            'w' => Set::Property(|one| one.is_ascii_alphanumeric() || one == '_'),
            's' => Set::Property(|one| matches!(one, ' ' | '\t'..='\r')),
            'h' => Set::Property(|one| {
                matches!(
                    one,
                    ' ' | '\t' | '\u{a0}' | '\u{1680}' | '\u{180e}' | '\u{2000}'
                        ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
                )
            }),
            'v' => Set::Property(|one| matches!(one, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')),
            _ => return None,
        };
        Some(if letter.is_ascii_uppercase() { set.not() } else { set })
    }

    /// The set of `\p{Name}`: POSIX's of ASCII, and of Unicode letters, numbers, upper and lower case.
    pub(super) fn property(name: &str) -> Option<Set> {
        Some(Set::Property(match name {
            "Lower" => |one| one.is_ascii_lowercase(),
            "Upper" => |one| one.is_ascii_uppercase(),
            "ASCII" => |one| one.is_ascii(),
            "Alpha" => |one| one.is_ascii_alphabetic(),
            "Digit" => |one| one.is_ascii_digit(),
            "Alnum" => |one| one.is_ascii_alphanumeric(),
            "Punct" => |one| one.is_ascii_punctuation(),
            "Graph" => |one| one.is_ascii_graphic(),
            "Print" => |one| matches!(one, ' '..='~'),
            "Blank" => |one| matches!(one, ' ' | '\t'),
            "Cntrl" => |one| one.is_ascii_control(),
            "XDigit" => |one| one.is_ascii_hexdigit(),
            "Space" => |one| matches!(one, ' ' | '\t'..='\r'),
            "L" | "IsL" | "IsLetter" | "IsAlphabetic" => char::is_alphabetic,
            "Lu" | "IsLu" | "IsUppercase" => char::is_uppercase,
            "Ll" | "IsLl" | "IsLowercase" => char::is_lowercase,
            "N" | "IsN" => char::is_numeric,
            _ => return None,
        }))
    }
}
