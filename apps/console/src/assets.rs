//! Style and script. Each has its hash in its name, so that browsers keep it until it is another.

use crate::{ROOT, web::Answer};
use aws_lc_rs::digest::{SHA256, digest};
use std::sync::LazyLock;

const STYLE: &str = include_str!("static/console.css");
/// One file for all pages: each part looks whether the page has what it is for.
const SCRIPT: &str = concat!(
    "\"use strict\";\n",
    include_str!("static/base.js"),
    include_str!("static/live.js"),
    include_str!("static/trails.js"),
    // Each part of the script is a line here.
    include_str!("static/events.js"),
);
const ICON: &str = include_str!("static/icon.svg");

struct Asset {
    path: String,
    content_type: &'static str,
    text: &'static str,
}

fn named(name: &str, ending: &str, content_type: &'static str, text: &'static str) -> Asset {
    let hash = hex::encode(digest(&SHA256, text.as_bytes()));
    let hash = hash.get(..16).unwrap_or_default();
    Asset {
        path: format!("{ROOT}/static/{name}-{hash}.{ending}"),
        content_type,
        text,
    }
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        named("console", "css", "text/css; charset=utf-8", STYLE),
        named("console", "js", "text/javascript; charset=utf-8", SCRIPT),
        named("icon", "svg", "image/svg+xml", ICON),
    ]
});

pub(crate) fn style() -> &'static str {
    &ASSETS[0].path
}

pub(crate) fn script() -> &'static str {
    &ASSETS[1].path
}

pub(crate) fn icon() -> &'static str {
    &ASSETS[2].path
}

/// The file at this path.
pub(crate) fn at(path: &str) -> Option<Answer> {
    let asset = ASSETS.iter().find(|asset| asset.path == path)?;
    Some(Answer::asset(asset.content_type, asset.text))
}
