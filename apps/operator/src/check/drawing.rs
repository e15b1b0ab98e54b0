//! Where the places of a picture stand and its lines go, for whoever draws it.

use super::picture::{Edge, Picture, Place, PlaceKind};
use unicode_width::UnicodeWidthChar;

/// The width of a picture.
pub const WIDTH: i32 = 960;
/// The width of a place.
pub const PLACE_WIDTH: i32 = 210;
/// The height of a place.
pub const PLACE_HEIGHT: i32 = 56;
const ROW: i32 = 104;
/// Columns of a name that fit into a place.
const NAME_COLUMNS: usize = 24;

/// Where a place stands: its upper left corner.
pub type Spot = (i32, i32);

/// A picture's places and lines on their ground.
#[derive(Clone, Debug)]
pub struct Drawing<'a> {
    /// Where the places stand, in their order.
    pub spots: Vec<Spot>,
    /// The lines.
    pub lines: Vec<Line<'a>>,
    /// The height of all.
    pub height: i32,
}

impl Drawing<'_> {
    /// Of a picture.
    pub fn of(picture: &Picture) -> Drawing<'_> {
        let spots = spots(&picture.places);
        Drawing {
            lines: lines(picture, &spots),
            height: spots.iter().map(|(_, y)| y + PLACE_HEIGHT).max().unwrap_or(0) + 24,
            spots,
        }
    }
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

/// An edge from a spot on the side of a place to one of another.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// What it stands for.
    pub edge: &'a Edge,
    /// Where it begins.
    pub start: Spot,
    /// Where it ends.
    pub end: Spot,
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

/// A name that fits: its end, behind a sign of what is left out.
pub fn shortened(name: &str) -> String {
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
