//! The picture of a trail: who uses what, and whether they can.

use super::escaped;
use crate::operate::tr;
use operator::{
    check::{Edge, Picture, Place, PlaceKind, Seen},
    message::Language,
};
use std::fmt::Write;
use unicode_width::UnicodeWidthChar;

const WIDTH: i32 = 960;
const PLACE_WIDTH: i32 = 210;
const PLACE_HEIGHT: i32 = 56;
const ROW: i32 = 104;
/// Columns of a name that fit into a place.
const NAME_COLUMNS: usize = 24;

/// Where a place stands: its upper left corner.
type Spot = (i32, i32);

pub(super) fn section(out: &mut String, picture: &Picture, language: Language) {
    let name = escaped(&picture.trail);
    let heading = tr!(language, "The trail {name}", "証跡 {name}");
    let id = format!("trail-{}", escaped(&picture.arn));
    let spots = spots(&picture.places);
    let height = spots.iter().map(|(_, y)| y + PLACE_HEIGHT).max().unwrap_or(0) + 24;
    let title = tr!(
        language,
        "Who can use what of the trail {name}",
        "証跡 {name} の誰が何を使えるか"
    );
    let _ = write!(
        out,
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{heading}</h2>\n<figure>\n\
         <svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n\
         <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-desc\">{}</desc>\n",
        described(picture, language)
    );
    let lines = lines(picture, &spots);
    lines.iter().for_each(|line| drawn(out, line));
    for (place, spot) in picture.places.iter().zip(&spots) {
        box_of(out, place, *spot, language);
    }
    // Words stand above all lines.
    lines.iter().for_each(|line| named(out, line, language));
    let legend = tr!(
        language,
        "Solid and ✓: can. Dashed and ✗: cannot, or gets in and should not. Dotted and ?: could not be found out.",
        "実線 ✓ は可能、破線 ✗ は不可(または許可すべきでないアクセス)、点線 ? は確認不能です。"
    );
    let _ = write!(
        out,
        "</svg>\n<figcaption>{legend}</figcaption>\n</figure>\n</section>\n"
    );
}

/// The trail on the left, what it uses in the middle, people on the right.
fn spots(places: &[Place]) -> Vec<Spot> {
    let column = |kind: PlaceKind| match kind {
        PlaceKind::Trail => 0,
        PlaceKind::Bucket | PlaceKind::Key | PlaceKind::LogGroup | PlaceKind::Topic => 1,
        PlaceKind::Reader | PlaceKind::Others | PlaceKind::Outsiders => 2,
    };
    let count = |wanted: i32| places.iter().filter(|place| column(place.kind) == wanted).count();
    let rows = (0..3).map(count).max().unwrap_or(1);
    let mut used = [0_i32; 3];
    let mut spots = Vec::new();
    for place in places {
        let at = column(place.kind);
        let of_column = i32::try_from(count(at)).unwrap_or(1);
        let free = (i32::try_from(rows).unwrap_or(1) - of_column) * ROW / 2;
        let Some(row) = used.get_mut(usize::try_from(at).unwrap_or(0)) else {
            continue;
        };
        let x = 16 + at * (WIDTH - PLACE_WIDTH - 32) / 2;
        spots.push((x, 20 + free + *row * ROW));
        *row += 1;
    }
    spots
}

fn box_of(out: &mut String, place: &Place, (x, y): Spot, language: Language) {
    let (name_x, name_y, kind_y) = (x + 12, y + 24, y + 44);
    let name = escaped(&shortened(&place.name));
    let kind = escaped(place.what.in_language(language));
    let whole = escaped(&place.name);
    let _ = writeln!(
        out,
        "<g><title>{whole}</title><rect class=\"place\" x=\"{x}\" y=\"{y}\" width=\"{PLACE_WIDTH}\" \
         height=\"{PLACE_HEIGHT}\" rx=\"6\"/><text x=\"{name_x}\" y=\"{name_y}\">{name}</text>\
         <text class=\"soft\" x=\"{name_x}\" y=\"{kind_y}\">{kind}</text></g>"
    );
}

/// An edge from a spot on the side of a place to one of another.
struct Line<'a> {
    edge: &'a Edge,
    start: Spot,
    end: Spot,
}

/// Where the lines go. Those that leave one place leave it under one another, and so do those that come in.
fn lines<'a>(picture: &'a Picture, spots: &[Spot]) -> Vec<Line<'a>> {
    let edges = &picture.edges;
    let side = |at: usize, mine: &dyn Fn(&Edge) -> bool, spot: Spot| {
        let all = edges.iter().filter(|edge| mine(edge)).count();
        let before = edges.iter().take(at).filter(|edge| mine(edge)).count();
        let part = |count: usize| i32::try_from(count).unwrap_or(0);
        spot.1 + PLACE_HEIGHT * (part(before) + 1) / (part(all) + 1)
    };
    let mut lines = Vec::new();
    for (at, edge) in edges.iter().enumerate() {
        let (Some(from), Some(to)) = (spots.get(edge.from), spots.get(edge.to)) else {
            continue;
        };
        let rightwards = from.0 < to.0;
        let (start_x, end_x) = match rightwards {
            true => (from.0 + PLACE_WIDTH, to.0),
            false => (from.0, to.0 + PLACE_WIDTH),
        };
        let goes_so = |one: &Edge| {
            let spot = |place: usize| spots.get(place).map_or(0, |spot| spot.0);
            (spot(one.from) < spot(one.to)) == rightwards
        };
        lines.push(Line {
            edge,
            start: (start_x, side(at, &|one| one.from == edge.from, *from)),
            end: (end_x, side(at, &|one| one.to == edge.to && goes_so(one), *to)),
        });
    }
    lines
}

fn class_of(seen: Seen) -> (&'static str, &'static str) {
    match seen {
        Seen::Good => ("good", "✓"),
        Seen::Bad => ("bad", "✗"),
        Seen::Unknown => ("unknown", "?"),
    }
}

fn drawn(out: &mut String, line: &Line<'_>) {
    let (class, _) = class_of(line.edge.seen);
    let ((x1, y1), (x2, y2)) = (line.start, line.end);
    let half = (x2 - x1) / 2;
    let head = if x1 < x2 { -9 } else { 9 };
    let _ = writeln!(
        out,
        "<g class=\"{class}\"><path class=\"edge {class}\" d=\"M{x1} {y1} C{} {y1} {} {y2} {} {y2}\"/>\
         <path class=\"head\" d=\"M{x2} {y2} l{head} -5 v10 z\"/></g>",
        x1 + half,
        x2 - half,
        x2 + head,
    );
}

/// The call, where lines are apart: where they come into what the trail uses, and where they leave people.
fn named(out: &mut String, line: &Line<'_>, language: Language) {
    let (class, sign) = class_of(line.edge.seen);
    let (x, y) = if line.start.0 < line.end.0 {
        line.end
    } else {
        line.start
    };
    let (x, y) = (x - 10, y - 5);
    let words = escaped(line.edge.what.in_language(language));
    let _ = writeln!(
        out,
        "<text class=\"said {class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"end\">{sign} {words}</text>"
    );
}

/// The picture in words, for who does not see it.
fn described(picture: &Picture, language: Language) -> String {
    let name = |at: usize| picture.places.get(at).map_or("", |place| place.name.as_str());
    let said = picture.edges.iter().map(|edge| {
        let (from, to, what) = (name(edge.from), name(edge.to), edge.what.in_language(language));
        match edge.seen {
            Seen::Good => tr!(
                language,
                "{from} can use {to} ({what}).",
                "{from} は {to} を使えます ({what})。"
            ),
            Seen::Bad => tr!(
                language,
                "{from} and {to}: not as it should be ({what}).",
                "{from} と {to}: 問題があります ({what})。"
            ),
            Seen::Unknown => tr!(
                language,
                "{from} and {to}: not known ({what}).",
                "{from} と {to}: 確認できません ({what})。"
            ),
        }
    });
    escaped(&said.collect::<Vec<_>>().join(" "))
}

/// A name that fits: its beginning and its end.
fn shortened(name: &str) -> String {
    let width = |text: &str| text.chars().map(|letter| letter.width().unwrap_or(0)).sum::<usize>();
    if width(name) <= NAME_COLUMNS {
        return name.to_owned();
    }
    let mut end = String::new();
    for letter in name.chars().rev() {
        if width(&end) + letter.width().unwrap_or(0) >= NAME_COLUMNS - 1 {
            break;
        }
        end.insert(0, letter);
    }
    format!("…{end}")
}
