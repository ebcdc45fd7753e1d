//! Themes: a colour for each role.
//!
//! Views use roles, never colours. A theme file gives each role a colour and a substitute for terminals of 16 colours;
//! without colours a role keeps only bold or dim.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use crate::{
    analysis::Kind,
    error::{InputError, Result},
    text::line_at,
};

use super::{
    color::{Depth, Rgb},
    ramp::Ramp,
};

macro_rules! roles {
    ($($role:ident $name:literal $doc:literal,)*) => {
        /// Role of a colour.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Role { $(#[doc = $doc] $role,)* }

        const ROLES: &[(Role, &str)] = &[$((Role::$role, $name),)*];
    };
}

roles! {
    Background "background" "Background of the screen.",
    Panel "panel" "Background of bars and popups.",
    Text "text" "Normal text.",
    Strong "strong" "Emphasised text.",
    Dim "dim" "Secondary text.",
    Faint "faint" "Rules and empty cells.",
    Accent "accent" "Cursor, keys and titles.",
    Good "good" "Right, or better.",
    Bad "bad" "Wrong, or worse.",
    Biased "biased" "Always the same label.",
    Alarm "alarm" "Errors and warnings.",
    Select "select" "Background of the selected row.",
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    roles: BTreeMap<String, (String, String)>,
    ramp: RampFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RampFile {
    low: Vec<String>,
    neutral: String,
    high: Vec<String>,
    ansi: [String; 3],
}

/// Colours of the explorer.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Name of the theme.
    pub name: String,
    /// Colour map of the components.
    pub ramp: Ramp,
    depth: Depth,
    colors: Vec<Color>,
}

impl Theme {
    /// Returns the built-in themes: dark, then light.
    ///
    /// # Errors
    /// If one of them is not valid, which a test rules out.
    pub fn built_in(depth: Depth) -> Result<Vec<Self>> {
        [include_str!("../../assets/themes/dark.toml"), include_str!("../../assets/themes/light.toml")]
            .into_iter()
            .map(|text| Self::parse(text, depth))
            .collect()
    }

    /// Parses a theme file for a terminal of this colour depth.
    ///
    /// # Errors
    /// If it is not valid TOML, lacks a role, has an unknown role, or has a value that is not a colour.
    pub fn parse(text: &str, depth: Depth) -> Result<Self> {
        let file: File = toml::from_str(text).map_err(|error| {
            let line = line_at(text, error.span().map_or(0, |span| span.start));
            InputError::new(format!("the theme is not valid in line {line}: {}", error.message())).help(EXAMPLE)
        })?;
        let known = |role: &&String| ROLES.iter().any(|(_, name)| name == *role);
        if let Some(role) = file.roles.keys().find(|role| !known(role)) {
            return Err(wrong(role, "is not a role").into());
        }
        let colors = ROLES.iter().map(|(_, role)| {
            let (rgb, ansi) = file.roles.get(*role).ok_or_else(|| wrong(role, "is missing"))?;
            let (rgb, ansi) = (hex(role, rgb)?, named(role, ansi)?);
            Ok(match depth {
                Depth::None => Color::Reset,
                Depth::Ansi => ansi,
                depth => rgb.at(depth),
            })
        });
        let all = |colors: &[String]| colors.iter().map(|color| hex("ramp", color)).collect::<Result<Vec<_>>>();
        let [low, neutral, high] = &file.ramp.ansi;
        let ansi = [named("ramp", low)?, named("ramp", neutral)?, named("ramp", high)?];
        let neutral = hex("ramp", &file.ramp.neutral)?;
        let ramp = Ramp::new(&all(&file.ramp.low)?, neutral, &all(&file.ramp.high)?, ansi, depth);
        Ok(Self { name: file.name, colors: colors.collect::<Result<_>>()?, depth, ramp })
    }

    /// Returns the colour depth.
    pub const fn depth(&self) -> Depth {
        self.depth
    }

    /// Returns the colour of a role.
    pub fn color(&self, role: Role) -> Color {
        self.colors[role as usize]
    }

    /// Returns the style of text with this role.
    pub fn fg(&self, role: Role) -> Style {
        let style = Style::new().fg(self.color(role));
        match role {
            Role::Dim | Role::Faint if self.depth == Depth::None => style.add_modifier(Modifier::DIM),
            _ => style,
        }
    }

    /// Returns the style of bold text with this role.
    pub fn bold(&self, role: Role) -> Style {
        self.fg(role).add_modifier(Modifier::BOLD)
    }

    /// Returns the style of text on a background.
    pub fn on(&self, text: Role, surface: Role) -> Style {
        self.fg(text).bg(self.color(surface))
    }

    /// Returns the style of a selected row; with 16 or no colours it is also reversed.
    pub fn selected(&self) -> Style {
        let style = Style::new().bg(self.color(Role::Select));
        if matches!(self.depth, Depth::True | Depth::Indexed) { style } else { style.add_modifier(Modifier::REVERSED) }
    }

    /// Returns the style of an alarm: reversed, so that it works without colours.
    pub fn alarm(&self) -> Style {
        self.bold(Role::Alarm).add_modifier(Modifier::REVERSED)
    }

    /// Returns the role of a kind of component.
    pub const fn kind(kind: Kind) -> Role {
        match kind {
            Kind::Good => Role::Good,
            Kind::Bad => Role::Bad,
            Kind::LabelBiased => Role::Biased,
            Kind::Neutral => Role::Dim,
        }
    }
}

/// Returns the glyph of a kind, which carries the same information as its colour.
pub const fn glyph(kind: Kind) -> &'static str {
    match kind {
        Kind::Good => "▲",
        Kind::Bad => "▼",
        Kind::LabelBiased => "■",
        Kind::Neutral => " ",
    }
}

/// Returns the name of a kind.
pub const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Good => "good",
        Kind::Bad => "bad",
        Kind::LabelBiased => "label-biased",
        Kind::Neutral => "neutral",
    }
}

/// Help line of theme errors.
const EXAMPLE: &str = "see assets/themes/dark.toml for a whole theme";

fn wrong(field: &str, problem: &str) -> InputError {
    InputError::new(problem).field(field).help(EXAMPLE)
}

fn hex(field: &str, text: &str) -> Result<Rgb> {
    Ok(Rgb::parse(text).ok_or_else(|| wrong(field, &format!("`{text}` is not a colour like #1b202b")))?)
}

fn named(field: &str, text: &str) -> Result<Color> {
    Ok(text.parse().map_err(|_| wrong(field, &format!("`{text}` is not a colour of the terminal")))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_themes_are_complete_at_every_depth() {
        for depth in [Depth::None, Depth::Ansi, Depth::Indexed, Depth::True] {
            let themes = Theme::built_in(depth).unwrap();
            assert_eq!(themes.iter().map(|theme| theme.name.as_str()).collect::<Vec<_>>(), ["dark", "light"]);
            let coloured = ROLES.iter().filter(|(role, _)| themes[0].color(*role) != Color::Reset).count();
            assert_eq!(coloured == 0, depth == Depth::None);
        }
    }

    #[test]
    fn text_is_legible_on_every_surface() {
        for theme in Theme::built_in(Depth::True).unwrap() {
            let light = |role| match theme.color(role) {
                Color::Rgb(r, g, b) => Rgb(r, g, b).lab().l,
                other => panic!("{other:?}"),
            };
            for surface in [Role::Background, Role::Panel, Role::Select] {
                for (text, least) in [(Role::Text, 0.45), (Role::Strong, 0.55), (Role::Dim, 0.3), (Role::Alarm, 0.35)] {
                    assert!((light(text) - light(surface)).abs() > least, "{}: {text:?} on {surface:?}", theme.name);
                }
            }
        }
    }

    #[test]
    fn theme_errors_name_the_problem() {
        let dark = include_str!("../../assets/themes/dark.toml");
        for (from, to, message) in [
            ("accent     =", "akcent =", "akcent"),
            ("#12151c", "#12151", "#12151` is not a colour"),
            ("\"lightred\"", "\"blurple\"", "blurple"),
            ("[ramp]", "[rump]", "rump"),
            ("[roles]", "[roles]\nakcent = [\"#ffffff\", \"white\"]", "`akcent`: is not a role"),
            ("[\"#12151c\", \"reset\"]", "\"#12151c\"", "in line 5: invalid type: string"),
        ] {
            let error = Theme::parse(&dark.replace(from, to), Depth::True).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
