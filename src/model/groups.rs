//! Where the tokens of a packed batch lie when prompts are put side by side in groups of equal size.
//!
//! What is computed token by token needs no such thing; attention does, where one operation on a card has to serve many
//! prompts. A group holds whole prompts, one after the other, and its keys are those of the shared prefix followed by its
//! own tokens. All tables are made once a batch, on the device, and serve every layer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use candle_core::{DType, Device, Tensor};

use crate::error::Result;

/// Own tokens in a group, about: more of them copy the prefix less often, but look at more that they must not see.
const GROUP: usize = 128;
/// Scores that are computed at a time, at most: they are the largest tensors of all.
const SCORES: usize = 1 << 28;
/// A place where there is no token; the tensor library fills it with zeros.
const NOWHERE: u32 = u32::MAX;

/// Where one prompt's suffix lies in the packed rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First row.
    pub at: usize,
    /// Number of rows; at least one.
    pub len: usize,
}

/// What the tables depend on besides the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    /// Whether only the last token of each prompt asks.
    pub(super) last_only: bool,
    /// Query heads.
    pub(super) heads: usize,
    /// Key/value heads; divides `heads`.
    pub(super) kv_heads: usize,
    /// A token sees itself and the `window − 1` tokens before it.
    pub(super) window: Option<usize>,
    /// What scores are computed in.
    pub(super) dtype: DType,
}

/// Tables for consecutive prompts that are computed at a time: `G` groups of at most `Q` asking tokens and `S` keys.
#[derive(Debug)]
pub(super) struct Tables {
    /// Rows that ask.
    pub(super) rows: usize,
    /// `G`.
    pub(super) groups: usize,
    /// `Q`.
    pub(super) places: usize,
    /// `S`.
    pub(super) keys: usize,
    /// For every key/value head, group and place: which row of `[rows · kv_heads, ..]` is there, `[kv_heads · G · Q]`.
    pub(super) query_rows: Tensor,
    /// The same for keys and values, among those of the prefix and all own tokens, `[kv_heads · G · S]`.
    pub(super) key_rows: Tensor,
    /// The way back: for every asking row and key/value head its place, `[rows · kv_heads]`.
    pub(super) back: Tensor,
    /// Zero where a place may look, minus infinity elsewhere, `[kv_heads · G, Q · group, S]`.
    pub(super) mask: Tensor,
}

/// Tables of one batch, made when a layer first asks for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    made: Arc<Mutex<HashMap<Scope, Arc<Vec<Tables>>>>>,
}

impl Groups {
    /// The tables for `scope` and prompts at `spans`, which continue a prefix of `start` tokens.
    pub(super) fn tables(
        &self,
        scope: Scope,
        spans: impl Iterator<Item = Span>,
        start: usize,
        device: &Device,
    ) -> Result<Arc<Vec<Tables>>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tables) = made.get(&scope) {
            return Ok(tables.clone());
        }
        let tables = Arc::new(scope.tables(&spans.collect::<Vec<_>>(), start, device)?);
        made.insert(scope, tables.clone());
        Ok(tables)
    }
}

/// One group: its prompts' spans, each with the row of its first query.
type Group = Vec<(Span, usize)>;

impl Scope {
    fn tables(&self, spans: &[Span], start: usize, device: &Device) -> Result<Vec<Tables>> {
        let groups = self.cut(spans);
        let own = groups.iter().map(|group| tokens(group)).max().unwrap_or(0);
        let each = self.heads * own * (start + own);
        groups
            .chunks((SCORES / each.max(1)).max(1))
            .map(|groups| Layout::new(self, start, groups).tables(device))
            .collect()
    }

    /// Consecutive prompts in groups that are filled up to the size of the longest prompt, or [`GROUP`].
    fn cut(&self, spans: &[Span]) -> Vec<Group> {
        let size = spans.iter().map(|span| span.len).max().unwrap_or(0).max(GROUP);
        let mut groups: Vec<Group> = Vec::new();
        let (mut room, mut row) = (0, 0);
        for &span in spans {
            if span.len > room {
                groups.push(Vec::new());
                room = size;
            }
            if let Some(group) = groups.last_mut() {
                group.push((span, row));
            }
            room -= span.len;
            row += self.asking(span);
        }
        groups
    }

    /// Tokens of a prompt that ask.
    const fn asking(&self, span: Span) -> usize {
        if self.last_only { 1 } else { span.len }
    }
}

fn tokens(group: &[(Span, usize)]) -> usize {
    group.iter().map(|(span, _)| span.len).sum()
}

/// Groups that are computed at a time, and their common sizes.
struct Layout<'a> {
    scope: &'a Scope,
    seen: usize,
    groups: &'a [Group],
    places: usize,
    keys: usize,
}

/// What a place may look at, as positions among a group's keys, bounds included.
#[derive(Clone, Copy)]
struct Sight {
    prefix_from: u32,
    own_from: u32,
    own_to: u32,
}

impl<'a> Layout<'a> {
    fn new(scope: &'a Scope, seen: usize, groups: &'a [Group]) -> Self {
        let asking = |group: &Group| group.iter().map(|(span, _)| scope.asking(*span)).sum();
        let places = groups.iter().map(asking).max().unwrap_or(0);
        let keys = seen + groups.iter().map(|group| tokens(group)).max().unwrap_or(0);
        Self { scope, seen, groups, places, keys }
    }

    fn tables(&self, device: &Device) -> Result<Tables> {
        let (mut query, mut key, mut back, mut sights) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (index, group) in self.groups.iter().enumerate() {
            key.extend(0..self.seen as u32);
            let mut before = 0;
            for &(span, row) in group {
                key.extend((0..span.len).map(|token| (self.seen + span.at + token) as u32));
                for asking in 0..self.scope.asking(span) {
                    let token = if self.scope.last_only { span.len - 1 } else { asking };
                    back.push(query.len() as u32);
                    query.push((row + asking) as u32);
                    sights.push(self.sight(before, token));
                }
                before += span.len;
            }
            key.resize((index + 1) * self.keys, NOWHERE);
            query.resize((index + 1) * self.places, NOWHERE);
            sights.resize(query.len(), Sight { prefix_from: 0, own_from: self.seen as u32, own_to: self.seen as u32 });
        }
        Ok(Tables {
            rows: back.len(),
            groups: self.groups.len(),
            places: self.places,
            keys: self.keys,
            query_rows: self.heads_first(&query, device)?,
            key_rows: self.heads_first(&key, device)?,
            back: self.heads_last(&back, query.len(), device)?,
            mask: self.mask(&sights, device)?,
        })
    }

    /// What the token at `token` of a prompt may see, whose group holds `before` tokens of others before it.
    fn sight(&self, before: usize, token: usize) -> Sight {
        let window = self.scope.window.unwrap_or(usize::MAX);
        Sight {
            prefix_from: (self.seen + token + 1).saturating_sub(window).min(self.seen) as u32,
            own_from: (self.seen + before + (token + 1).saturating_sub(window)) as u32,
            own_to: (self.seen + before + token) as u32,
        }
    }

    /// `rows` of `[n, kv_heads · w]` as rows of `[n · kv_heads, w]`, all of the first head, then all of the second.
    fn heads_first(&self, rows: &[u32], device: &Device) -> Result<Tensor> {
        let heads = self.scope.kv_heads as u32;
        let place = |row: u32, head: u32| if row == NOWHERE { NOWHERE } else { row * heads + head };
        let all: Vec<u32> = (0..heads).flat_map(|head| rows.iter().map(move |&row| place(row, head))).collect();
        let count = all.len();
        Ok(Tensor::from_vec(all, count, device)?)
    }

    /// `places` among `count` of every head, head by head for each of them.
    fn heads_last(&self, places: &[u32], count: usize, device: &Device) -> Result<Tensor> {
        let heads = self.scope.kv_heads;
        let all: Vec<u32> =
            places.iter().flat_map(|&place| (0..heads).map(move |head| (head * count) as u32 + place)).collect();
        let count = all.len();
        Ok(Tensor::from_vec(all, count, device)?)
    }

    fn mask(&self, sights: &[Sight], device: &Device) -> Result<Tensor> {
        let Scope { heads, kv_heads, dtype, .. } = *self.scope;
        let (rows, keys) = (sights.len(), self.keys);
        let column = |bound: &dyn Fn(&Sight) -> u32| -> Result<Tensor> {
            Ok(Tensor::from_vec(sights.iter().map(bound).collect(), (rows, 1), device)?)
        };
        let at = Tensor::arange(0, keys as u32, device)?.reshape((1, keys))?;
        let at = at.broadcast_as((rows, keys))?.contiguous()?;
        let own = (at.broadcast_ge(&column(&|sight| sight.own_from)?)?
            * at.broadcast_le(&column(&|sight| sight.own_to)?)?)?;
        let prefix = (at.broadcast_ge(&column(&|sight| sight.prefix_from)?)? * at.lt(self.seen as u32)?)?;
        let hidden = Tensor::full(f32::NEG_INFINITY, (rows, keys), device)?;
        let mask = (own + prefix)?.where_cond(&hidden.zeros_like()?, &hidden)?.to_dtype(dtype)?;
        let shape = (kv_heads, rows, heads / kv_heads, keys);
        let mask = mask.reshape((1, rows, 1, keys))?.broadcast_as(shape)?.contiguous()?;
        Ok(mask.reshape((kv_heads * self.groups.len(), self.places * (heads / kv_heads), keys))?)
    }
}
