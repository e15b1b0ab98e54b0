//! What differs between two texts, by lines, with some lines around it.

/// Lines around a difference.
const CONTEXT: usize = 3;
/// How many pairs of lines are compared at most; texts that differ in more are shown as replaced.
const PAIRS_MAX: usize = 4_000_000;

/// A line of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// In both texts.
    Same(&'a str),
    /// In the first only.
    Gone(&'a str),
    /// In the second only.
    New(&'a str),
}

/// Lines that differ, and those around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk<'a> {
    /// The first line in the first text, counted from one (zero, when it has none here), and how many there are.
    pub before: (usize, usize),
    /// The same in the second text.
    pub after: (usize, usize),
    /// The lines.
    pub lines: Vec<Line<'a>>,
}

/// A text as it is compared: JSON with a member on each line, a policy's in their usual order, everything else as it is.
pub fn pretty(text: &str) -> String {
    crate::text::policy(text)
}

/// What differs between the texts, as `diff -u` has it.
pub fn hunks<'a>(before: &'a str, after: &'a str) -> Vec<Hunk<'a>> {
    let lines = compared(&before.lines().collect::<Vec<_>>(), &after.lines().collect::<Vec<_>>());
    let mut hunks = Vec::new();
    let mut from = 0;
    while let Some(first) = next_difference(&lines, from) {
        let mut last = first;
        while let Some(next) = next_difference(&lines, last + 1).filter(|next| next - last <= 2 * CONTEXT + 1) {
            last = next;
        }
        let range = first.saturating_sub(CONTEXT).max(from)..(last + 1 + CONTEXT).min(lines.len());
        from = range.end;
        hunks.push(hunk(&lines, range));
    }
    hunks
}

fn next_difference(lines: &[Line<'_>], from: usize) -> Option<usize> {
    let found = lines.iter().skip(from).position(|line| !matches!(line, Line::Same(_)));
    found.map(|at| at + from)
}

fn hunk<'a>(lines: &[Line<'a>], range: std::ops::Range<usize>) -> Hunk<'a> {
    let in_before = |line: &&Line<'_>| !matches!(line, Line::New(_));
    let in_after = |line: &&Line<'_>| !matches!(line, Line::Gone(_));
    let earlier = lines.get(..range.start).unwrap_or_default();
    let lines = lines.get(range).unwrap_or_default();
    let start = |earlier: usize, count: usize| earlier + usize::from(count > 0);
    let before = lines.iter().filter(in_before).count();
    let after = lines.iter().filter(in_after).count();
    Hunk {
        before: (start(earlier.iter().filter(in_before).count(), before), before),
        after: (start(earlier.iter().filter(in_after).count(), after), after),
        lines: lines.to_vec(),
    }
}

/// All lines of both texts in one order, with the fewest that differ.
fn compared<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<Line<'a>> {
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = before.iter().zip(after).take_while(same).count();
    let (before_rest, after_rest) = (&before[head..], &after[head..]);
    let tail = before_rest
        .iter()
        .rev()
        .zip(after_rest.iter().rev())
        .take_while(same)
        .count();
    let (old, old_tail) = before_rest.split_at(before_rest.len() - tail);
    let (new, _) = after_rest.split_at(after_rest.len() - tail);
    let mut lines: Vec<Line<'a>> = before[..head].iter().map(|line| Line::Same(line)).collect();
    lines.extend(middle(old, new));
    lines.extend(old_tail.iter().map(|line| Line::Same(line)));
    lines
}

/// The same of texts that neither begin nor end alike, by their longest common subsequence.
fn middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let replaced = || {
        old.iter()
            .map(|line| Line::Gone(line))
            .chain(new.iter().map(|line| Line::New(line)))
    };
    if old.is_empty() || new.is_empty() || old.len().saturating_mul(new.len()) > PAIRS_MAX {
        return replaced().collect();
    }
    // common[a][b]: how many lines the rest of `old` from `a` and of `new` from `b` can have in common.
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            common[a * width + b] = match old[a] == new[b] {
                true => common[(a + 1) * width + b + 1] + 1,
                false => common[(a + 1) * width + b].max(common[a * width + b + 1]),
            };
        }
    }
    let (mut a, mut b) = (0, 0);
    let mut lines = Vec::with_capacity(old.len() + new.len());
    while a < old.len() && b < new.len() {
        if old[a] == new[b] {
            lines.push(Line::Same(old[a]));
            (a, b) = (a + 1, b + 1);
        } else if common[(a + 1) * width + b] >= common[a * width + b + 1] {
            lines.push(Line::Gone(old[a]));
            a += 1;
        } else {
            lines.push(Line::New(new[b]));
            b += 1;
        }
    }
    lines.extend(old[a..].iter().map(|line| Line::Gone(line)));
    lines.extend(new[b..].iter().map(|line| Line::New(line)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn differences_stand_with_the_lines_around_them() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20";
        let after = before.replace("\n2\n", "\ntwo\n").replace("\n19\n", "\n");
        let found = hunks(before, &after);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].before, found[0].after), ((1, 5), (1, 5)));
        assert_eq!(found[0].lines[1..3], [Line::Gone("2"), Line::New("two")]);
        assert_eq!((found[1].before, found[1].after), ((16, 5), (16, 4)));
        assert_eq!(hunks("a", "a"), []);
        let new = hunks("", "a\nb");
        assert_eq!((new[0].before, new[0].after), ((0, 0), (1, 2)));
    }

    #[test]
    fn json_is_compared_by_its_members() {
        assert_eq!(pretty(r#"{"a":[1]}"#), "{\n  \"a\": [\n    1\n  ]\n}");
        assert_eq!(pretty("AES256"), "AES256");
    }

    proptest! {
        /// Each text is what the lines say that it has, in order; and lines in common are found.
        #[test]
        fn both_texts_can_be_had_back(before in "[ab\n]{0,20}", after in "[ab\n]{0,20}") {
            let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
            let lines = compared(&old, &new);
            let of = |left_out: fn(&Line<'_>) -> bool| -> Vec<&str> {
                let kept = lines.iter().filter(|line| !left_out(line));
                kept.map(|line| match line { Line::Same(text) | Line::Gone(text) | Line::New(text) => *text }).collect()
            };
            prop_assert_eq!(of(|line| matches!(line, Line::New(_))), old.clone());
            prop_assert_eq!(of(|line| matches!(line, Line::Gone(_))), new.clone());
            prop_assert_eq!(hunks(&before, &after).is_empty(), old == new);
        }
    }
}
