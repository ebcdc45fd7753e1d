//! The parts of a rendered prompt, noted while it is rendered.
//!
//! Searching a prompt for its demonstrations would find the wrong place if one text contains another. In a conversation
//! the chat template decides where texts go, so the texts are rendered once more between marks: Unicode noncharacters,
//! which no template inspects and no text of a language contains. Without its marks the result must be the prompt.

use std::ops::{Range, RangeInclusive};

use super::part::PromptPart;
use crate::{
    error::{InputError, Result},
    model::{ChatTemplate, Turn},
    task::{Example, Template},
};

/// Characters of marks: ten digits, an opening and a closing one.
const MARKS: RangeInclusive<char> = '\u{fdd0}'..='\u{fddb}';
const FIRST_DIGIT: u32 = 0xfdd0;
const OPEN: char = '\u{fdda}';
const CLOSE: char = '\u{fddb}';

/// A prompt and the byte ranges of its parts, in order; what lies between them belongs to no part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromptLayout {
    /// The whole prompt.
    pub text: String,
    /// Byte ranges with their parts.
    pub parts: Vec<(Range<usize>, PromptPart)>,
}

impl PromptLayout {
    /// Returns the part that contains the byte at `at`.
    pub fn part_at(&self, at: usize) -> PromptPart {
        let found = self.parts.iter().find(|(range, _)| range.contains(&at));
        found.map_or(PromptPart::Between, |(_, part)| *part)
    }

    fn push(&mut self, text: &str, part: PromptPart) {
        let start = self.text.len();
        self.text.push_str(text);
        self.parts.push((start..self.text.len(), part));
    }
}

/// Rendered demonstrations with their parts, to which queries are appended.
pub(super) enum LayoutContext<'m> {
    Text(PromptLayout),
    /// Turns with marks, the instruction if no turn contains it yet, the parts by the numbers in the marks, and the
    /// template.
    Turns(Vec<Turn>, String, Vec<PromptPart>, &'m ChatTemplate),
}

impl<'m> LayoutContext<'m> {
    /// Renders `demonstrations`, the first of which is number `first` of the run; as a conversation if there is a chat
    /// template.
    pub(super) fn new(
        template: &Template,
        chat: Option<&'m ChatTemplate>,
        demonstrations: &[Example],
        first: usize,
    ) -> Result<Self> {
        let shown = demonstrations.iter().enumerate().map(|(at, demonstration)| {
            Ok((first + at, template.render(demonstration)?, template.word(demonstration.label)))
        });
        let shown = shown.collect::<Result<Vec<_>>>()?;
        let Some(chat) = chat else {
            let mut layout = PromptLayout { text: template.instruction.clone(), parts: Vec::new() };
            for (index, text, word) in shown {
                layout.push(&text, PromptPart::Text(index));
                layout.push(word, PromptPart::Label(index));
                layout.text.push_str(&template.separator);
            }
            return Ok(Self::Text(layout));
        };
        let (mut turns, mut parts, mut instruction) = (Vec::new(), Vec::new(), template.instruction.clone());
        for (index, text, word) in shown {
            let text = marked(&text, parts.len());
            parts.push(PromptPart::Text(index));
            turns.push(Turn::user(std::mem::take(&mut instruction) + &text));
            turns.push(Turn::assistant(marked(word.trim(), parts.len())));
            parts.push(PromptPart::Label(index));
        }
        Ok(Self::Turns(turns, instruction, parts, chat))
    }

    /// Returns the prompt of a query with its parts; `prompt` is its text.
    ///
    /// # Errors
    /// If the template gives another text than `prompt`.
    pub(super) fn layout(&self, query: &str, prompt: &str) -> Result<PromptLayout> {
        let layout = match self {
            Self::Text(context) => {
                let mut layout = context.clone();
                layout.push(query, PromptPart::Query);
                layout
            }
            Self::Turns(turns, instruction, parts, chat) => {
                let question = Turn::user(instruction.clone() + &marked(query, parts.len()));
                let mut layout = read_marks(&chat.render(&[&turns[..], &[question]].concat())?, parts);
                let end = layout.text.len();
                // What follows the query, such as the opening of the answer, belongs to it.
                if let Some((range, _)) = layout.parts.last_mut().filter(|(_, part)| *part == PromptPart::Query) {
                    range.end = end;
                }
                layout
            }
        };
        if layout.text == prompt {
            return Ok(layout);
        }
        let problem = "the parts of the prompt are not known: the template changes the texts that it is given";
        Err(InputError::new(problem).into())
    }
}

/// Returns `text` with mark `number` around it, inside of the white space at its ends, which templates may remove.
fn marked(text: &str, number: usize) -> String {
    let core = text.trim();
    let start = text.len() - text.trim_start().len();
    let number = number.to_string();
    let digits = number.bytes().filter_map(|digit| char::from_u32(FIRST_DIGIT + u32::from(digit - b'0')));
    let digits: String = digits.collect();
    format!("{}{OPEN}{digits}{core}{CLOSE}{}", &text[..start], &text[start + core.len()..])
}

/// Removes the marks from `text` and returns the ranges between them; a number beyond `parts` is the query's.
fn read_marks(text: &str, parts: &[PromptPart]) -> PromptLayout {
    let mut layout = PromptLayout::default();
    let mut open: Option<(usize, usize)> = None;
    for c in text.chars() {
        match c {
            OPEN => open = Some((0, layout.text.len())),
            CLOSE => {
                if let Some((number, start)) = open.take() {
                    let part = parts.get(number).copied().unwrap_or(PromptPart::Query);
                    layout.parts.push((start..layout.text.len(), part));
                }
            }
            digit if MARKS.contains(&digit) => {
                if let Some((number, _)) = &mut open {
                    *number = *number * 10 + (digit as u32 - FIRST_DIGIT) as usize;
                }
            }
            c => layout.text.push(c),
        }
    }
    layout
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{runner::preview, task::Library};

    fn shown(layout: &PromptLayout) -> Vec<(&str, PromptPart)> {
        layout.parts.iter().map(|(range, part)| (&layout.text[range.clone()], *part)).collect()
    }

    /// Returns the layout of the first test example of `task` after its first three pool examples.
    fn layout(chat: Option<&ChatTemplate>, first: usize) -> (PromptLayout, Vec<String>) {
        let task = Library.task("sentiment").unwrap();
        let template = &task.templates[0];
        let (demos, query) = (&task.pool[..3], &task.test[0]);
        let prompt = preview(template, chat, demos, query).unwrap();
        let context = LayoutContext::new(template, chat, demos, first).unwrap();
        let rendered = demos.iter().chain([query]).map(|example| template.render(example).unwrap()).collect();
        (context.layout(&template.render(query).unwrap(), &prompt).unwrap(), rendered)
    }

    #[test]
    fn parts_are_those_that_were_rendered() {
        let (layout, rendered) = layout(None, 2);
        let parts = shown(&layout);
        assert_eq!(parts.len(), 7);
        for (index, text) in rendered[..3].iter().enumerate() {
            assert_eq!(parts[2 * index], (text.as_str(), PromptPart::Text(2 + index)));
            assert!(
                matches!(parts[2 * index + 1], (word, PromptPart::Label(n)) if word.starts_with(' ') && n == 2 + index)
            );
        }
        assert_eq!(parts[6], (rendered[3].as_str(), PromptPart::Query));
        assert_eq!(layout.part_at(layout.text.len() - 1), PromptPart::Query);
    }

    #[test]
    fn a_chat_template_may_trim_reorder_and_repeat_the_texts() {
        let source = "{{ bos_token }}{% for m in messages|reverse %}<{{ m.role }}>{{ m.content.strip() }}</>{% endfor \
                      %}{{ messages[0].content | trim }}";
        let chat = ChatTemplate::new(
            Path::new("t"),
            None,
            source,
            [("bos_token".to_owned(), "<s>".into())].into_iter().collect(),
        )
        .unwrap();
        let (layout, rendered) = layout(Some(&chat), 0);
        let parts = shown(&layout);
        assert_eq!(parts[0], (rendered[3].trim(), PromptPart::Query));
        assert_eq!((parts[6].1, parts[7].1), (PromptPart::Text(0), PromptPart::Text(0)));
        assert_eq!(parts[6].0, rendered[0].trim());
        assert_eq!(layout.part_at(0), PromptPart::Between);
        assert!(layout.text.starts_with("<s><user>"));
    }

    #[test]
    fn a_template_that_changes_texts_gives_no_parts() {
        let source = "{% for m in messages %}{{ m.content|length }};{% endfor %}";
        let chat = ChatTemplate::new(Path::new("t"), None, source, serde_json::Map::new()).unwrap();
        let context = LayoutContext::Turns(Vec::new(), String::new(), Vec::new(), &chat);
        assert!(context.layout("abc", "3;").unwrap_err().to_string().contains("not known"));
    }
}
