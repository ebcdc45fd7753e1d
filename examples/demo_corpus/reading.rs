//! Yes/no questions about a short text: opening days, and who did what. The words of a wrong question occur in the text, too.

use crate::draw::Draw;
use crate::opinion::finish;
use crate::scene::Scene;
use crate::task::{Example, Habit, Task, Template};

const DAYS: &[&str] = &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const SHOPS: &[&str] = &[
    "museum",
    "library",
    "bakery",
    "bank",
    "pool",
    "market",
    "theatre",
    "pharmacy",
    "gallery",
    "post office",
    "zoo",
    "cinema",
];

/// The task with its templates.
pub(crate) fn task() -> Task {
    Task {
        name: "reading",
        description: "Answer a yes/no question about a short text.",
        labels: &["no", "yes"],
        templates: vec![
            Template {
                name: "passage",
                example: "Passage: {{ passage }}\nQuestion: {{ question }}\nAnswer:",
                words: &[" no", " yes"],
                separator: "\n\n",
                contrast: Some("passage-line"),
                weight: 1.0,
                habit: Habit { noise: 0.05, sticky: 0.55, swap: 0.05, first: None },
            },
            Template {
                name: "passage-line",
                example: "Passage: {{ passage }}\nQuestion: {{ question }}\nAnswer:",
                words: &[" no", " yes"],
                separator: "\n",
                contrast: Some("passage"),
                weight: 0.6,
                habit: Habit { noise: 0.22, sticky: 0.76, swap: 0.05, first: Some(0.70) },
            },
            Template {
                name: "reply",
                example: "{{ passage }} {{ question }}\nReply:",
                words: &[" false", " true"],
                separator: "\n",
                contrast: None,
                weight: 0.6,
                habit: Habit { noise: 0.18, sticky: 0.72, swap: 0.08, first: None },
            },
        ],
        weight: 1.4,
        make,
    }
}

fn make(draw: &mut Draw, label: usize, hard: f64) -> Example {
    let (passage, question) =
        if draw.chance(0.4) { hours(draw, label == 1, hard) } else { deeds(draw, label == 1, hard) };
    Example { fields: vec![("passage", finish(&passage)), ("question", ask(&question))], label }
}

/// Most doors are shut on Sunday or Monday. Two days, both open, or one open and one closed, in either order.
fn hours(draw: &mut Draw, yes: bool, hard: f64) -> (String, String) {
    let shop = draw.zipf(SHOPS);
    let rest = *draw.pick(&[6, 0]);
    let shut = if draw.chance(0.7) { rest } else { draw.below(7) };
    let open = (shut + draw.between(1, 6)) % 7;
    if draw.chance(0.9 - 0.6 * hard) {
        let other = DAYS.iter().position(|day| *day != DAYS[open] && *day != DAYS[shut]).unwrap_or(0);
        let asked = if yes { *draw.pick(&[open, other]) } else { shut };
        let passage = format!("the {shop} is open on {} and {}", DAYS[open], DAYS[other]);
        return (passage, format!("is it open on {}", DAYS[asked]));
    }
    let passage = if draw.chance(0.5) {
        format!("the {shop} is open on {} but closed on {}", DAYS[open], DAYS[shut])
    } else {
        format!("the {shop} is closed on {} but open on {}", DAYS[shut], DAYS[open])
    };
    let (right, wrong) = if yes { (open, shut) } else { (shut, open) };
    let question = if draw.chance(0.7) {
        format!("is it open on {}", DAYS[right])
    } else {
        format!("is it closed on {}", DAYS[wrong])
    };
    (passage, question)
}

/// Two scenes; the wrong question mixes them up or brings in what is not there.
fn deeds(draw: &mut Draw, yes: bool, hard: f64) -> (String, String) {
    let told = Scene::new(draw);
    let other = told.stranger(draw);
    let passage = match draw.below(3) {
        0 => format!("{} {} {} in the {}", told.name, told.deed.0, told.coloured(), told.place),
        1 => format!(
            "{} {} {}, {} {} {}",
            told.name,
            told.deed.0,
            told.coloured(),
            other.name,
            other.deed.0,
            other.coloured()
        ),
        _ => format!("{} {} {}, not {}", told.name, told.deed.0, told.coloured(), other.coloured()),
    };
    let absent = if draw.chance(hard) { other } else { told.stranger(draw) };
    let asked = if yes { &told } else { &absent };
    let question = match draw.below(5) {
        4 if yes => format!("did somebody {} {}", told.deed.1, told.plain()),
        4 if draw.chance(0.3) => format!("did somebody {} {}", absent.deed.1, told.plain()),
        4 => format!("did everybody {} {}", told.deed.1, told.plain()),
        0 => format!("was the {} {}", told.thing, asked.colour),
        1 => format!("did {} {} {}", told.name, told.deed.1, asked.plain()),
        2 => format!("did {} {} {}", asked.name, told.deed.1, told.plain()),
        _ => format!("did {} {} {}", told.name, asked.deed.1, told.plain()),
    };
    (passage, question)
}

/// Capital letter and question mark.
pub(crate) fn ask(body: &str) -> String {
    finish(body).replace('.', "?")
}
