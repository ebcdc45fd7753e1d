//! Handles prompts that are longer than the model's context, as the user chose. No prompt is truncated silently.

use super::{PlannedExample, PromptText};
use crate::{
    attribution::Split,
    error::{InputError, Result},
    model::{Prompt, Tokens},
    request::Overflow,
    run::OverflowMeta,
};

/// Returns the prompt of an example, given by split and index, without its first N demonstrations; `None` if it has
/// fewer.
pub(super) type Shorter<'a> = dyn Fn(Split, usize, usize) -> Result<Option<PromptText>> + 'a;

/// Applies `policy` to prompts of more than `context` tokens, in both `examples` and `prompts`; `None` if there are
/// none.
///
/// # Errors
/// If the policy is [`Overflow::Error`] or cannot help; gives the counts and the other policies.
pub(super) fn apply_policy(
    context: usize,
    policy: Overflow,
    examples: &mut [Vec<PlannedExample>; 2],
    prompts: &mut [Vec<Tokens>; 2],
    encode: &dyn Fn(&PromptText) -> Result<Tokens>,
    shorter: &Shorter<'_>,
) -> Result<Option<OverflowMeta>> {
    if prompts.iter().flatten().any(Prompt::is_empty) {
        return Err(InputError::new("a prompt has no tokens").into());
    }
    let all: usize = prompts.iter().map(Vec::len).sum();
    let longest = prompts.iter().flatten().map(Prompt::len).max().unwrap_or(0);
    let too_long = prompts.iter().flatten().filter(|prompt| prompt.len() > context).count();
    if too_long == 0 {
        return Ok(None);
    }
    let problem = format!("{too_long} of {all} prompts exceed the model's {context} tokens; the longest has {longest}");
    let mut applied = OverflowMeta { policy, context, longest, skipped: Vec::new(), dropped: Vec::new() };
    match policy {
        Overflow::Error => {
            let help = if shorter(Split::Test, 0, 0)?.is_some() {
                "lower --num-fewshot, or choose --on-overflow drop-demos or --on-overflow skip"
            } else {
                "shorten them, or choose --on-overflow skip"
            };
            return Err(InputError::new(problem).help(help).into());
        }
        Overflow::Skip => {
            for (examples, prompts) in examples.iter_mut().zip(prompts.iter_mut()) {
                let kept: Vec<bool> = prompts.iter().map(|prompt| prompt.len() <= context).collect();
                let skipped = examples.iter().zip(&kept).filter(|(_, kept)| !**kept).map(|(e, _)| e.id.clone());
                applied.skipped.extend(skipped);
                let mut keep = kept.iter();
                examples.retain(|_| keep.next().copied().unwrap_or(true));
                prompts.retain(|prompt| prompt.len() <= context);
            }
            if examples[1].is_empty() {
                return Err(InputError::new(problem).help("shorten the prompts: no test example is left").into());
            }
        }
        Overflow::DropDemos => {
            for (split, side) in [(Split::Train, 0), (Split::Test, 1)] {
                let long = (0..prompts[side].len()).filter(|&at| prompts[side][at].len() > context).collect::<Vec<_>>();
                for at in long {
                    let (dropped, text, tokens) = shortened(context, split, at, encode, shorter)?.ok_or_else(|| {
                        let id = &examples[side][at].id;
                        InputError::new(format!("`{id}` alone exceeds the model's {context} tokens"))
                            .help("choose --on-overflow skip, or leave it out")
                    })?;
                    prompts[side][at] = tokens;
                    examples[side][at].prompt = Some(text);
                    applied.dropped.push((examples[side][at].id.clone(), dropped));
                }
            }
        }
    }
    Ok(Some(applied))
}

/// Drops as few demonstrations as possible; returns how many, and the shorter prompt.
fn shortened(
    context: usize,
    split: Split,
    at: usize,
    encode: &dyn Fn(&PromptText) -> Result<Tokens>,
    shorter: &Shorter<'_>,
) -> Result<Option<(usize, PromptText, Tokens)>> {
    let mut dropped = 1;
    while let Some(text) = shorter(split, at, dropped)? {
        let tokens = encode(&text)?;
        if tokens.len() <= context {
            return Ok(Some((dropped, text, tokens)));
        }
        dropped += 1;
    }
    Ok(None)
}
