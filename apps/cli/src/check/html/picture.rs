//! The picture of a trail: who uses what, and whether they can.

use super::escaped;
use crate::operate::tr;
use operator::{
    check::{Drawing, Line, PLACE_HEIGHT, PLACE_WIDTH, Picture, Place, Seen, Spot, WIDTH, shortened},
    message::Language,
};
use std::fmt::Write;

pub(super) fn section(out: &mut String, picture: &Picture, language: Language) {
    let name = escaped(&picture.trail);
    let heading = tr!(language, "The trail {name}", "証跡 {name}");
    let id = format!("trail-{}", escaped(&picture.arn));
    let Drawing { spots, lines, height } = Drawing::of(picture);
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
