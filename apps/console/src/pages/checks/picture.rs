//! The picture of a trail: what it uses, who reads it, and whether they can.

use crate::{
    context::Context,
    page::{State, state, table},
};
use maud::{Markup, html};
use operator::{
    check::{Drawing, Line, PLACE_HEIGHT, PLACE_WIDTH, Picture, Place, Seen, Spot, WIDTH, shortened},
    message,
    message::Message,
};

pub(super) fn of(c: &Context, picture: &Picture, number: usize) -> Markup {
    let Drawing { spots, lines, height } = Drawing::of(picture);
    let name = &picture.trail;
    let (title, description) = (format!("picture-{number}"), format!("picture-{number}-says"));
    html! {
        section {
            h2 { (c.t(&message!("The trail {name}", "証跡 {name}"))) }
            figure.picture {
                div.scroll tabindex="0" role="region" aria-label=(c.t(&message!("Picture of the trail {name}", "証跡 {name} の図"))) {
                    svg viewBox={ "0 0 " (WIDTH) " " (height) } width=(WIDTH) height=(height) role="img" aria-labelledby={ (title) " " (description) } {
                        title id=(title) { (c.t(&message!("Who can use what of the trail {name}", "証跡 {name} の誰が何を使えるか"))) }
                        desc id=(description) { (c.t(&message!("The table below says the same.", "下の表と同じ内容です。"))) }
                        @for line in &lines { (drawn(line)) }
                        @for (place, spot) in picture.places.iter().zip(&spots) { (box_of(c, place, *spot)) }
                        @for line in &lines { (named(c, line)) }
                    }
                }
                figcaption { (c.t(&message!(
                    "Solid and ✓: can. Dashed and ✗: cannot, or gets in and should not. Dotted and ?: could not be found out.",
                    "実線 ✓ は可能、破線 ✗ は不可(または許可すべきでないアクセス)、点線 ? は確認不能です。"
                ))) }
            }
            details {
                summary { (c.t(&message!("The picture as a table", "図を表で見る"))) }
                (as_table(c, picture))
            }
        }
    }
}

fn as_table(c: &Context, picture: &Picture) -> Markup {
    let name = |at: usize| picture.places.get(at).map_or("", |place| place.name.as_str());
    let rows = picture.edges.iter().map(|edge| {
        let (how, says) = match edge.seen {
            Seen::Good => (State::Good, message!("can", "可能")),
            Seen::Bad => (State::Bad, message!("not as it should be", "問題あり")),
            Seen::Unknown => (State::Unknown, message!("not known", "確認不能")),
        };
        vec![
            html! { (name(edge.from)) },
            html! { (c.t(&edge.what)) },
            html! { (name(edge.to)) },
            state(c, how, &says),
        ]
    });
    let head = [
        message!("Who", "誰が"),
        message!("Call", "呼び出し"),
        message!("What", "何を"),
        message!("State", "状態"),
    ];
    let trail = &picture.trail;
    let caption: Message = message!("Who uses what of the trail {trail}", "証跡 {trail} の利用関係");
    table(c, &caption, &head, rows.collect())
}

fn class_of(seen: Seen) -> (&'static str, &'static str) {
    match seen {
        Seen::Good => ("good", "✓"),
        Seen::Bad => ("bad", "✗"),
        Seen::Unknown => ("unknown", "?"),
    }
}

fn box_of(c: &Context, place: &Place, (x, y): Spot) -> Markup {
    html! {
        g {
            title { (place.name) }
            rect.place x=(x) y=(y) width=(PLACE_WIDTH) height=(PLACE_HEIGHT) rx="6" {}
            text x=(x + 12) y=(y + 24) { (shortened(&place.name)) }
            text.soft x=(x + 12) y=(y + 44) { (c.t(&place.what)) }
        }
    }
}

fn drawn(line: &Line<'_>) -> Markup {
    let (class, _) = class_of(line.edge.seen);
    let ((x1, y1), (x2, y2)) = (line.start, line.end);
    let half = (x2 - x1) / 2;
    let head = if x1 < x2 { -9 } else { 9 };
    let path = format!("M{x1} {y1} C{} {y1} {} {y2} {} {y2}", x1 + half, x2 - half, x2 + head);
    html! {
        g class=(class) {
            path class={ "edge " (class) } d=(path) {}
            path.head d={ "M" (x2) " " (y2) " l" (head) " -5 v10 z" } {}
        }
    }
}

fn named(c: &Context, line: &Line<'_>) -> Markup {
    let (class, sign) = class_of(line.edge.seen);
    let (x, y) = if line.start.0 < line.end.0 {
        line.end
    } else {
        line.start
    };
    html! { text class={ "said " (class) } x=(x - 10) y=(y - 5) text-anchor="end" { (sign) " " (c.t(&line.edge.what)) } }
}
