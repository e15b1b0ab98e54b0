//! Charts: drawn by plotters, dressed by the style sheet, and told as a table too.
//!
//! plotters writes colours into the picture. They are exchanged for class names, so that the sheet's light and dark colours hold and
//! nothing of the style stands in the page. What is in the picture is numbers and times alone; names stand outside of it, as text.

use crate::{
    context::Context,
    page::{empty, number, table},
};
use base::Timestamp;
use maud::{Markup, PreEscaped, html};
use operator::{message, message::Message};
use plotters::{
    chart::ChartContext,
    coord::types::RangedCoordf64,
    prelude::{
        Cartesian2d, ChartBuilder, Circle, EmptyElement, IntoDrawingArea, IntoFont, LineSeries, RGBColor, Rectangle,
        SVGBackend, Text,
    },
    style::{
        Color,
        text_anchor::{HPos, Pos, VPos},
    },
};
use std::error::Error;

/// A colour of the style sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// `--chart-1`.
    First,
    /// `--chart-2`.
    Second,
    /// `--chart-3`.
    Third,
    /// `--chart-4`.
    Fourth,
    /// What went well.
    Good,
    /// What is to be looked at.
    Warn,
    /// What went wrong.
    Bad,
}

impl Paint {
    const ALL: [Paint; 7] = [
        Paint::First,
        Paint::Second,
        Paint::Third,
        Paint::Fourth,
        Paint::Good,
        Paint::Warn,
        Paint::Bad,
    ];

    fn name(self) -> &'static str {
        match self {
            Paint::First => "1",
            Paint::Second => "2",
            Paint::Third => "3",
            Paint::Fourth => "4",
            Paint::Good => "good",
            Paint::Warn => "warn",
            Paint::Bad => "bad",
        }
    }

    /// The colour that plotters writes in its place. Nothing else in a picture has it.
    fn stand_in(self) -> RGBColor {
        RGBColor(1, 0, self as u8)
    }
}

/// Texts and axes.
const INK: RGBColor = RGBColor(2, 0, 0);
/// The lines behind.
const GRID: RGBColor = RGBColor(3, 0, 0);

/// One kind of thing over time.
struct Series {
    name: Message,
    paint: Paint,
    /// One for each part of the time; nothing where it is not known.
    values: Vec<Option<f64>>,
}

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// As bars, those of one part of the time on top of each other.
    Bars,
    /// Each series as a line.
    Lines,
}

/// Values over time.
pub(crate) struct Chart {
    id: &'static str,
    title: Message,
    kind: Kind,
    starts: Vec<Timestamp>,
    end: Timestamp,
    series: Vec<Series>,
    links: Vec<String>,
    tell: fn(f64) -> String,
    is_counts: bool,
    nothing: Message,
}

impl Chart {
    fn new(kind: Kind, id: &'static str, title: Message, starts: Vec<Timestamp>, end: Timestamp) -> Chart {
        Chart {
            id,
            title,
            kind,
            starts,
            end,
            series: Vec::new(),
            links: Vec::new(),
            tell: |value| number(value.max(0.0).round() as u64),
            is_counts: true,
            nothing: message!("There is nothing in this time.", "この期間にはデータがありません。"),
        }
    }

    /// Bars, one for each part of a time. Parts begin at `starts`, in order; the last ends at `end`. The id is the page's own.
    pub(crate) fn bars(id: &'static str, title: Message, starts: Vec<Timestamp>, end: Timestamp) -> Chart {
        Chart::new(Kind::Bars, id, title, starts, end)
    }

    /// Lines over points in time, in order. The id is the page's own.
    pub(crate) fn lines(id: &'static str, title: Message, times: Vec<Timestamp>) -> Chart {
        let end = times.last().copied().unwrap_or(Timestamp::from_secs(0));
        Chart::new(Kind::Lines, id, title, times, end)
    }

    /// With a series. Values are not negative, in the order of the times; those of bars are stacked in the order of the series.
    pub(crate) fn series(mut self, name: Message, paint: Paint, values: Vec<Option<f64>>) -> Chart {
        self.series.push(Series { name, paint, values });
        self
    }

    /// The same with counts.
    pub(crate) fn counts(self, name: Message, paint: Paint, values: impl IntoIterator<Item = u64>) -> Chart {
        let values = values.into_iter().map(|value| Some(value as f64));
        self.series(name, paint, values.collect())
    }

    /// Where each part of the time leads to: whole addresses on this server, with the console's root.
    pub(crate) fn links(mut self, links: Vec<String>) -> Chart {
        self.links = links;
        self
    }

    /// How a value is said; without it, as a whole number.
    pub(crate) fn tell(mut self, tell: fn(f64) -> String) -> Chart {
        self.tell = tell;
        self.is_counts = false;
        self
    }

    /// What is said when all is nothing.
    pub(crate) fn nothing(mut self, says: Message) -> Chart {
        self.nothing = says;
        self
    }

    fn value(&self, series: &Series, at: usize) -> Option<f64> {
        series
            .values
            .get(at)
            .copied()
            .flatten()
            .filter(|value| value.is_finite())
    }

    /// The end of the part of the time that begins there.
    fn end_of(&self, at: usize) -> Timestamp {
        self.starts.get(at + 1).copied().unwrap_or(self.end)
    }

    fn is_empty(&self) -> bool {
        let all = self.series.iter().flat_map(|series| &series.values);
        match self.kind {
            Kind::Bars => all.flatten().all(|value| *value <= 0.0),
            Kind::Lines => all.flatten().next().is_none(),
        }
    }

    /// The highest that is drawn.
    fn top(&self) -> f64 {
        let heights = (0..self.starts.len()).map(|at| {
            let values = self.series.iter().filter_map(|series| self.value(series, at));
            match self.kind {
                Kind::Bars => values.sum::<f64>(),
                Kind::Lines => values.fold(0.0, f64::max),
            }
        });
        heights.fold(0.0, f64::max).max(1.0)
    }

    /// One part of the time in words: its begin, and the values.
    fn told(&self, c: &Context, at: usize) -> String {
        let time = self.starts.get(at).map(|time| time.iso8601()).unwrap_or_default();
        let values = self.series.iter().filter_map(|series| {
            let value = self.value(series, at).map(self.tell)?;
            Some(format!("{} {value}", c.t(&series.name)))
        });
        format!("{time}: {}", values.collect::<Vec<_>>().join(", "))
    }

    /// The chart, what its colours are, and the same numbers as a table.
    pub(crate) fn markup(&self, c: &Context) -> Markup {
        let heading = format!("{}-title", self.id);
        html! {
            figure.chart aria-labelledby=(heading) {
                figcaption id=(heading) { (c.t(&self.title)) }
                @if self.starts.is_empty() || self.is_empty() {
                    (empty(c, &self.nothing))
                } @else {
                    ul.legend { @for series in &self.series {
                        li { span class={ "swatch paint-" (series.paint.name()) } aria-hidden="true" {} " " (c.t(&series.name)) }
                    } }
                    (self.picture(c, &WIDE))
                    (self.picture(c, &NARROW))
                    (self.numbers(c))
                }
            }
        }
    }

    fn numbers(&self, c: &Context) -> Markup {
        let mut head = vec![message!("From (UTC)", "開始 (UTC)")];
        if self.kind == Kind::Lines {
            head = vec![message!("Time (UTC)", "時刻 (UTC)")];
        }
        head.extend(self.series.iter().map(|series| series.name.clone()));
        let is_told = |at: &usize| {
            let mut values = self.series.iter().map(|series| self.value(series, *at));
            values.any(|value| value.is_some_and(|value| value > 0.0 || self.kind == Kind::Lines))
        };
        let rows = (0..self.starts.len()).filter(is_told).filter_map(|at| {
            let time = self.starts.get(at)?.iso8601();
            let time = html! { time datetime=(time) { (time) } };
            let first = match self.links.get(at) {
                Some(link) => html! { a href=(link) { (time) } },
                None => time,
            };
            let values = self.series.iter().map(|series| {
                let told = self.value(series, at).map(self.tell).unwrap_or_default();
                html! { span.number { (told) } }
            });
            Some([first].into_iter().chain(values).collect())
        });
        let title = c.t(&self.title);
        let caption = message!(
            "{title}: times without any are left out",
            "{title}（値のない時間は省略）"
        );
        html! {
            details {
                summary { (c.t(&message!("As a table", "表で見る"))) }
                (table(c, &caption, &head, rows.collect()))
            }
        }
    }
}

/// A form of a picture, for the room that there is.
struct Form {
    class: &'static str,
    width: u32,
    height: u32,
    /// So many times are written below.
    times: usize,
}

const WIDE: Form = Form {
    class: "wide",
    width: 960,
    height: 240,
    times: 8,
};
const NARROW: Form = Form {
    class: "narrow",
    width: 340,
    height: 200,
    times: 4,
};

/// Room for the numbers at the left, in pixels.
const LEFT: u32 = 52;
/// Room for the times below, in pixels.
const BELOW: u32 = 28;
/// What is there is seen, however little, in pixels.
const LEAST: f64 = 2.0;

/// A part of the time in the picture: where the pointer tells what it is.
struct Spot {
    at: usize,
    x: i32,
    width: i32,
    height: i32,
}

/// What plotters has drawn.
struct Drawn {
    shapes: String,
    spots: Vec<Spot>,
}

impl Chart {
    fn picture(&self, c: &Context, form: &Form) -> Markup {
        // It draws into memory; when it cannot, the table says the same.
        let Ok(drawn) = self.drawn(form) else { return html! {} };
        let (title, says) = (
            format!("{}-{}-name", self.id, form.class),
            format!("{}-{}-says", self.id, form.class),
        );
        let (width, height) = (form.width, form.height);
        let spot = |spot: &Spot| {
            html! {
                rect.spot x=(spot.x) y="0" width=(spot.width) height=(spot.height) { title { (self.told(c, spot.at)) } }
            }
        };
        // A picture's inside is not read out, so one with links is a group. They are for the pointer; the table has them for all.
        let role = if self.links.is_empty() { "img" } else { "group" };
        html! {
            svg class=(form.class) viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role=(role)
                aria-labelledby=(title) aria-describedby=(says) {
                title id=(title) { (c.t(&self.title)) }
                desc id=(says) { (self.summary(c)) }
                g aria-hidden="true" { (PreEscaped(drawn.shapes)) }
                @for one in &drawn.spots {
                    @if let Some(link) = self.links.get(one.at) {
                        a href=(link) tabindex="-1" aria-label=(self.told(c, one.at)) { (spot(one)) }
                    } @else { (spot(one)) }
                }
            }
        }
    }

    /// What the picture shows, in a sentence.
    fn summary(&self, c: &Context) -> String {
        let from = self.starts.first().map(|time| time.iso8601()).unwrap_or_default();
        let (to, tell) = (self.end.iso8601(), self.tell);
        let said = self.series.iter().map(|series| {
            let values = || series.values.iter().copied().flatten();
            let name = c.t(&series.name);
            let most = tell(values().fold(0.0, f64::max));
            match self.kind {
                Kind::Bars => {
                    let all = tell(values().sum());
                    message!(
                        "{name}: {all} in all, {most} at most in one part",
                        "{name}: 合計 {all}、最大 {most}"
                    )
                }
                Kind::Lines => message!("{name}: {most} at most", "{name}: 最大 {most}"),
            }
        });
        let said: Vec<Message> = said.collect();
        let said: Vec<&str> = said.iter().map(|one| c.t(one)).collect();
        let said = said.join("; ");
        let told = message!(
            "From {from} to {to}. {said}. The table below has all numbers.",
            "{from} から {to} まで。{said}。数値はすべて下の表にあります。"
        );
        c.t(&told).to_owned()
    }

    fn drawn(&self, form: &Form) -> Result<Drawn, Box<dyn Error>> {
        let mut text = String::new();
        let spots = {
            let root = SVGBackend::with_string(&mut text, (form.width, form.height)).into_drawing_area();
            let (from, to) = self.span();
            let top = self.top() * 1.05;
            let mut plane = ChartBuilder::on(&root)
                .margin_top(8)
                .margin_right(12)
                .x_label_area_size(BELOW)
                .y_label_area_size(LEFT)
                .build_cartesian_2d(from..to, 0.0..top)?;
            let style = || ("sans-serif", 15).into_font().color(&INK);
            plane
                .configure_mesh()
                .disable_x_mesh()
                .disable_x_axis()
                .light_line_style(GRID.mix(0.0))
                .bold_line_style(GRID)
                .axis_style(INK)
                .label_style(style())
                .y_labels(4)
                .y_label_formatter(&|value| self.on_axis(*value))
                .draw()?;
            match self.kind {
                Kind::Bars => self.draw_bars(&mut plane, top)?,
                Kind::Lines => self.draw_lines(&mut plane)?,
            }
            let (_, down) = plane.plotting_area().get_pixel_range();
            for (time, says) in times(from, to, form.times) {
                let place = (plane.backend_coord(&(time, 0.0)).0, down.end + 6);
                let style = style().pos(Pos::new(HPos::Center, VPos::Top));
                root.draw(&(EmptyElement::at(place) + Text::new(says, (0, 0), style)))?;
            }
            let spots = self.spots(&plane, down.end);
            root.present()?;
            spots
        };
        Ok(Drawn {
            shapes: dressed(&text),
            spots,
        })
    }

    /// The time of the picture, in seconds. It is never of no length.
    fn span(&self) -> (f64, f64) {
        let from = self.starts.first().map_or(0.0, |time| time.as_secs_f64());
        (from, self.end.as_secs_f64().max(from + 1.0))
    }

    fn on_axis(&self, value: f64) -> String {
        if !self.is_counts {
            return (self.tell)(value);
        }
        match value {
            value if (value - value.round()).abs() > 1e-6 => String::new(),
            value if value >= 1e6 => format!("{}M", value / 1e6),
            value if value >= 1e4 => format!("{}k", value / 1e3),
            value => number(value.max(0.0) as u64),
        }
    }

    fn draw_bars(&self, plane: &mut Plane<'_, '_>, top: f64) -> Result<(), Box<dyn Error>> {
        let (_, height) = plane.plotting_area().dim_in_pixel();
        let least = top / f64::from(height.max(1)) * LEAST;
        for (at, start) in self.starts.iter().enumerate() {
            let (left, right) = (start.as_secs_f64(), self.end_of(at).as_secs_f64());
            // A little room between bars.
            let gap = (right - left) * 0.06;
            let mut base = 0.0;
            for series in &self.series {
                let Some(value) = self.value(series, at).filter(|value| *value > 0.0) else {
                    continue;
                };
                let end = (base + value.max(least)).min(top);
                let corners = [(left + gap, base), (right - gap, end)];
                plane.draw_series([Rectangle::new(corners, series.paint.stand_in().filled())])?;
                base = end;
            }
        }
        Ok(())
    }

    fn draw_lines(&self, plane: &mut Plane<'_, '_>) -> Result<(), Box<dyn Error>> {
        for series in &self.series {
            let color = series.paint.stand_in();
            let points: Vec<Option<(f64, f64)>> = (0..self.starts.len())
                .map(|at| Some((self.starts.get(at)?.as_secs_f64(), self.value(series, at)?)))
                .collect();
            // What is not known is a gap.
            for run in points.split(Option::is_none) {
                let run: Vec<(f64, f64)> = run.iter().copied().flatten().collect();
                if let [one] = run.as_slice() {
                    plane.draw_series([Circle::new(*one, 2, color.filled())])?;
                }
                plane.draw_series(LineSeries::new(run, color.stroke_width(2)))?;
            }
        }
        Ok(())
    }

    /// Where the pointer is told what is there: over the whole height, so that small bars are found too.
    fn spots(&self, plane: &Plane<'_, '_>, height: i32) -> Vec<Spot> {
        let x = |time: Timestamp| plane.backend_coord(&(time.as_secs_f64(), 0.0)).0;
        let count = self.starts.len();
        let spot = |(at, start): (usize, &Timestamp)| {
            let (left, right) = match self.kind {
                Kind::Bars => (x(*start), x(self.end_of(at))),
                // A point's own: to the middle of the way to the next on either side.
                Kind::Lines => {
                    let before = self.starts.get(at.wrapping_sub(1)).unwrap_or(start);
                    let after = self.starts.get(at + 1).unwrap_or(start);
                    ((x(*before) + x(*start)) / 2, (x(*start) + x(*after)) / 2)
                }
            };
            Spot {
                at,
                x: left,
                width: (right - left).max(1),
                height,
            }
        };
        let spots = self.starts.iter().enumerate().map(spot);
        spots.take(count.min(SPOTS_MAX)).collect()
    }
}

/// More parts than this are not told by the pointer one by one.
const SPOTS_MAX: usize = 400;

type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// The shapes of a picture, without its frame, with class names for colours.
fn dressed(text: &str) -> String {
    let inside = text.split_once('>').map_or("", |(_, rest)| rest);
    let inside = inside.rsplit_once("</svg>").map_or(inside, |(inside, _)| inside);
    let mut out = inside
        .replace(" opacity=\"1\"", "")
        .replace(" font-family=\"sans-serif\"", "");
    let hex = |RGBColor(red, green, blue): RGBColor| format!("#{red:02X}{green:02X}{blue:02X}");
    let named = Paint::ALL.iter().map(|paint| (paint.stand_in(), paint.name()));
    for (color, name) in named.chain([(INK, "ink"), (GRID, "grid")]) {
        let color = hex(color);
        out = out.replace(&format!("fill=\"{color}\""), &format!("class=\"paint-{name}\""));
        out = out.replace(&format!("stroke=\"{color}\""), &format!("class=\"pen-{name}\""));
    }
    out
}

/// Round times in a span, at most so many, and how they are written: within a day the clock's, else the day.
fn times(from: f64, to: f64, most: usize) -> Vec<(f64, String)> {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 3_600;
    const DAY: i64 = 86_400;
    const STEPS: [i64; 23] = [
        1,
        5,
        15,
        30,
        MINUTE,
        2 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        15 * MINUTE,
        30 * MINUTE,
        HOUR,
        2 * HOUR,
        3 * HOUR,
        6 * HOUR,
        12 * HOUR,
        DAY,
        2 * DAY,
        5 * DAY,
        10 * DAY,
        14 * DAY,
        30 * DAY,
        90 * DAY,
        365 * DAY,
    ];
    let room = (to - from) / most.max(1) as f64;
    let step = STEPS.into_iter().find(|step| *step as f64 >= room);
    let step = step.unwrap_or_else(|| (room as i64).max(1));
    let first = -(-(from.ceil() as i64)).div_euclid(step) * step;
    let all = (0..=most as i64).map(|nth| first + nth * step);
    let written = |seconds: i64| {
        let time = Timestamp::from_secs(seconds).iso8601();
        let (date, clock) = time.split_once('T').unwrap_or((&time, ""));
        let says = match step {
            _ if step >= 30 * DAY => Some(date),
            _ if step >= DAY || seconds.rem_euclid(DAY) == 0 => date.get(5..),
            _ if step >= MINUTE => clock.get(..5),
            _ => clock.get(..8),
        };
        (seconds as f64, says.unwrap_or_default().to_owned())
    };
    all.filter(|seconds| (*seconds as f64) <= to).map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(count: i64) -> Vec<Timestamp> {
        (0..count)
            .map(|hour| Timestamp::from_secs(1_800_000_000 + hour * 3_600))
            .collect()
    }

    fn name(text: &str) -> Message {
        Message::plain(text)
    }

    #[test]
    fn a_picture_has_no_colours_and_no_style_of_its_own() {
        let end = Timestamp::from_secs(1_800_000_000 + 24 * 3_600);
        let bars = Chart::bars("a", name("t"), hours(24), end)
            .counts(name("x"), Paint::First, 0..24)
            .counts(name("y"), Paint::Bad, (0..24).map(|n| n % 3));
        let lines = Chart::lines("b", name("t"), hours(24)).series(
            name("x"),
            Paint::Good,
            (0..24).map(|n| (n % 5 != 0).then_some(f64::from(n))).collect(),
        );
        for (chart, form) in [(&bars, &WIDE), (&bars, &NARROW), (&lines, &WIDE), (&lines, &NARROW)] {
            let drawn = chart.drawn(form).unwrap();
            for word in ["style", "#", "<svg", "</svg", "script"] {
                assert!(!drawn.shapes.contains(word), "{word}: {}", drawn.shapes);
            }
            assert_eq!(drawn.spots.len(), 24);
        }
        let shapes = bars.drawn(&WIDE).unwrap().shapes;
        // What is nothing is not drawn.
        assert_eq!(shapes.matches("class=\"paint-1\"").count(), 23);
        assert_eq!(shapes.matches("class=\"paint-bad\"").count(), 16);
        // A line with gaps is several.
        assert_eq!(lines.drawn(&WIDE).unwrap().shapes.matches("\"pen-good\"").count(), 5);
    }

    #[test]
    fn what_is_there_is_seen() {
        let end = Timestamp::from_secs(1_800_000_000 + 2 * 3_600);
        let chart = Chart::bars("a", name("t"), hours(2), end)
            .counts(name("x"), Paint::First, [1_000_000, 0])
            .counts(name("y"), Paint::Bad, [0, 1]);
        let shapes = chart.drawn(&WIDE).unwrap().shapes;
        let bar = shapes.lines().find(|line| line.contains("paint-bad")).unwrap();
        let height = bar
            .split("height=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap();
        assert!(height.parse::<u32>().unwrap() >= 1, "{bar}");
    }

    #[test]
    fn odd_times_are_drawn() {
        let at = Timestamp::from_secs(5);
        let nothing = Chart::bars("a", name("t"), Vec::new(), at).counts(name("x"), Paint::First, []);
        assert!(nothing.is_empty() && nothing.drawn(&WIDE).is_ok());
        let one = Chart::lines("a", name("t"), vec![at]).series(name("x"), Paint::First, vec![Some(f64::NAN)]);
        assert!(one.drawn(&NARROW).is_ok());
        let short = Chart::bars("a", name("t"), vec![at], at).counts(name("x"), Paint::First, [u64::MAX]);
        assert!(short.drawn(&NARROW).is_ok());
    }

    #[test]
    fn times_are_round() {
        let said = |from: &str, to: &str, most: usize| {
            let second = |text: &str| Timestamp::parse(text).unwrap().as_secs_f64();
            let all = times(second(from), second(to), most);
            all.into_iter().map(|(_, says)| says).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            said("2026-11-21T22:10:00Z", "2026-11-22T10:10:00Z", 4),
            "11-22 03:00 06:00 09:00"
        );
        assert_eq!(
            said("2026-11-21T22:10:00Z", "2026-11-21T22:11:00Z", 4),
            "22:10:00 22:10:15 22:10:30 22:10:45 22:11:00"
        );
        assert_eq!(
            said("2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z", 8)
                .split(' ')
                .next(),
            Some("11-01")
        );
        assert_eq!(
            said("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z", 4)
                .split(' ')
                .count(),
            4
        );
    }
}
