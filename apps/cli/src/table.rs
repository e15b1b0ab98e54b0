//! Columns for people.

use unicode_width::UnicodeWidthStr;

/// The columns of a terminal that a text takes: two for a wide letter such as those of Japanese.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text with spaces behind it up to so many columns.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// The rows as lines whose cells stand under one another; the columns numbered in `right` end under one another. A row of
/// one cell is a heading, as long as it likes. A line end in a cell, which would make a line of its own, is replaced.
pub(crate) fn aligned(rows: &[Vec<String>], right: &[usize]) -> Vec<String> {
    let one_line = |cell: &String| cell.replace(['\n', '\r', '\t'], "\u{fffd}");
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(one_line).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let rows = rows.iter().filter(|row| row.len() > 1);
            let cells = rows.filter_map(|row| row.get(column));
            cells.map(|cell| width(cell)).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, columns))| match right.contains(&column) {
            true => format!("{}{cell}", " ".repeat(columns.saturating_sub(width(cell)))),
            false => padded(cell, *columns),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_under_one_another() {
        let rows = [["a", "long", "1"], ["名前", "b", "12"]].map(|row| row.map(str::to_owned).to_vec());
        // The second row is as wide as the first: each of its letters takes two columns.
        assert_eq!(aligned(&rows, &[2]), ["a     long   1", "名前  b     12"]);
        let headed = [vec!["a long heading".to_owned()], vec!["a".to_owned(), "b".to_owned()]];
        assert_eq!(aligned(&headed, &[]), ["a long heading", "a  b"]);
        assert_eq!(aligned(&[], &[]), Vec::<String>::new());
        let lines = [vec!["a\nPASS".to_owned(), "b".to_owned()]];
        assert_eq!(aligned(&lines, &[]), ["a\u{fffd}PASS  b"]);
    }

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(width("有効"), 4);
        assert_eq!(padded("有効", 6), "有効  ");
        let rows = [["無効", "x"], ["audit", "y"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(&rows, &[0]), [" 無効  x", "audit  y"]);
    }
}
