//! Groups of prompts with about the same number of tokens, so that attention on a card computes many prompts at once.
//!
//! A group is a sequence of whole prompts. Its keys are those of the shared prefix followed by those of its own tokens;
//! a mask hides the tokens of other prompts. The index tables are computed once per batch, on the device, and used by
//! every layer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use candle_core::{DType, Device, Tensor};

use crate::error::Result;

/// Approximate number of own tokens in a group. Larger groups copy the prefix less often, but compute more scores that
/// are masked.
const GROUP_TOKENS: usize = 128;
/// Maximum number of scores computed at a time, since scores are the largest tensors.
const MAX_SCORES: usize = 1 << 28;
/// Index of an empty slot; the tensor library fills it with zeros.
const PADDING: u32 = u32::MAX;

/// Rows of one prompt's suffix among the packed rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First row.
    pub at: usize,
    /// Number of rows; at least one.
    pub len: usize,
}

/// Settings of attention that the tables depend on besides the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    /// Whether only the last token of each prompt is a query.
    pub(super) last_only: bool,
    /// Query heads.
    pub(super) heads: usize,
    /// Key/value heads; divides `heads`.
    pub(super) kv_heads: usize,
    /// Sliding window: a token attends to itself and the `window − 1` tokens before it.
    pub(super) window: Option<usize>,
    /// Whether the positions of keys are needed.
    pub(super) positions: bool,
    /// Type of the scores.
    pub(super) dtype: DType,
}

/// Index tables for consecutive prompts that are computed together: `G` groups of at most `Q` queries and `S` keys.
#[derive(Debug)]
pub(super) struct Tables {
    /// Number of queries.
    pub(super) rows: usize,
    /// Number of groups `G`.
    pub(super) groups: usize,
    /// Slots for queries in a group `Q`.
    pub(super) slots: usize,
    /// Slots for keys in a group `S`.
    pub(super) keys: usize,
    /// Row of `[rows · kv_heads, ..]` in every slot, by key/value head and group, `[kv_heads · G · Q]`.
    pub(super) query_rows: Tensor,
    /// The same for keys and values of the prefix followed by all own tokens, `[kv_heads · G · S]`.
    pub(super) key_rows: Tensor,
    /// Slot of every query and key/value head, to restore their order, `[rows · kv_heads]`.
    pub(super) output_rows: Tensor,
    /// Additive mask: zero for visible keys, minus infinity elsewhere, `[kv_heads · G, Q · group, S]`.
    pub(super) mask: Tensor,
    /// Position of every key in the prompt of each query, `[G · Q, S]` in f32, if needed; meaningless where masked.
    pub(super) key_positions: Option<Tensor>,
}

/// Tables of one batch, computed when a layer first needs them.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    cached: Arc<Mutex<HashMap<Scope, Arc<Vec<Tables>>>>>,
}

impl Groups {
    /// Returns the tables for `scope` and prompts at `spans`, which continue a prefix of `start` tokens.
    pub(super) fn tables(
        &self,
        scope: Scope,
        spans: impl Iterator<Item = Span>,
        start: usize,
        device: &Device,
    ) -> Result<Arc<Vec<Tables>>> {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tables) = cached.get(&scope) {
            return Ok(tables.clone());
        }
        let tables = Arc::new(scope.tables(&spans.collect::<Vec<_>>(), start, device)?);
        cached.insert(scope, tables.clone());
        Ok(tables)
    }
}

/// Spans of a group's prompts, each with the row of its first query.
type Group = Vec<(Span, usize)>;

impl Scope {
    /// Computes the tables of all groups, split so that each table has at most [`MAX_SCORES`] scores if possible.
    fn tables(&self, spans: &[Span], start: usize, device: &Device) -> Result<Vec<Tables>> {
        let groups = self.split(spans);
        let own = groups.iter().map(|group| tokens(group)).max().unwrap_or(0);
        let each = self.heads * own * (start + own);
        groups
            .chunks((MAX_SCORES / each.max(1)).max(1))
            .map(|groups| Layout::new(self, start, groups).tables(device))
            .collect()
    }

    /// Splits consecutive prompts into groups of at most [`GROUP_TOKENS`] tokens, or the length of the longest prompt
    /// if that is larger.
    fn split(&self, spans: &[Span]) -> Vec<Group> {
        let size = spans.iter().map(|span| span.len).max().unwrap_or(0).max(GROUP_TOKENS);
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
            row += self.query_count(span);
        }
        groups
    }

    /// Returns the number of queries of a prompt.
    const fn query_count(&self, span: Span) -> usize {
        if self.last_only { 1 } else { span.len }
    }
}

/// Returns the number of own tokens in a group.
fn tokens(group: &[(Span, usize)]) -> usize {
    group.iter().map(|(span, _)| span.len).sum()
}

/// Groups that are computed together, and their common sizes.
struct Layout<'a> {
    scope: &'a Scope,
    prefix_len: usize,
    groups: &'a [Group],
    slots: usize,
    keys: usize,
}

/// Keys that a query attends to, as positions among a group's keys: prefix keys from `prefix_from` to the end of the
/// prefix, own keys from `own_from` to `own_to`, both included.
#[derive(Clone, Copy)]
struct VisibleKeys {
    prefix_from: u32,
    own_from: u32,
    own_to: u32,
    /// Tokens of other prompts between the prefix and the prompt's own tokens.
    before: u32,
}

impl<'a> Layout<'a> {
    fn new(scope: &'a Scope, prefix_len: usize, groups: &'a [Group]) -> Self {
        let queries = |group: &Group| group.iter().map(|(span, _)| scope.query_count(*span)).sum();
        let slots = groups.iter().map(queries).max().unwrap_or(0);
        let keys = prefix_len + groups.iter().map(|group| tokens(group)).max().unwrap_or(0);
        Self { scope, prefix_len, groups, slots, keys }
    }

    /// Computes the tables of these groups.
    fn tables(&self, device: &Device) -> Result<Tables> {
        let (mut query, mut key, mut output_rows, mut visible) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (index, group) in self.groups.iter().enumerate() {
            key.extend(0..self.prefix_len as u32);
            let mut before = 0;
            for &(span, row) in group {
                key.extend((0..span.len).map(|token| (self.prefix_len + span.at + token) as u32));
                for at in 0..self.scope.query_count(span) {
                    let token = if self.scope.last_only { span.len - 1 } else { at };
                    output_rows.push(query.len() as u32);
                    query.push((row + at) as u32);
                    visible.push(self.visible_keys(before, token));
                }
                before += span.len;
            }
            key.resize((index + 1) * self.keys, PADDING);
            query.resize((index + 1) * self.slots, PADDING);
            visible.resize(
                query.len(),
                VisibleKeys {
                    prefix_from: 0,
                    own_from: self.prefix_len as u32,
                    own_to: self.prefix_len as u32,
                    before: 0,
                },
            );
        }
        Ok(Tables {
            rows: output_rows.len(),
            groups: self.groups.len(),
            slots: self.slots,
            keys: self.keys,
            query_rows: self.heads_first(&query, device)?,
            key_rows: self.heads_first(&key, device)?,
            output_rows: self.heads_last(&output_rows, query.len(), device)?,
            mask: self.mask(&visible, device)?,
            key_positions: self.scope.positions.then(|| self.key_positions(&visible, device)).transpose()?,
        })
    }

    /// Returns the keys visible to token `token` of a prompt that follows `before` tokens of other prompts in its
    /// group.
    fn visible_keys(&self, before: usize, token: usize) -> VisibleKeys {
        let window = self.scope.window.unwrap_or(usize::MAX);
        VisibleKeys {
            prefix_from: (self.prefix_len + token + 1).saturating_sub(window).min(self.prefix_len) as u32,
            own_from: (self.prefix_len + before + (token + 1).saturating_sub(window)) as u32,
            own_to: (self.prefix_len + before + token) as u32,
            before: before as u32,
        }
    }

    /// Converts `rows` of `[n, kv_heads · w]` to rows of `[n · kv_heads, w]`: those of the first head, then the second.
    fn heads_first(&self, rows: &[u32], device: &Device) -> Result<Tensor> {
        let heads = self.scope.kv_heads as u32;
        let slot = |row: u32, head: u32| if row == PADDING { PADDING } else { row * heads + head };
        let all: Vec<u32> = (0..heads).flat_map(|head| rows.iter().map(move |&row| slot(row, head))).collect();
        let count = all.len();
        Ok(Tensor::from_vec(all, count, device)?)
    }

    /// Converts `slots` among `count` per head to slots of all heads: those of the first slot, then the second.
    fn heads_last(&self, slots: &[u32], count: usize, device: &Device) -> Result<Tensor> {
        let heads = self.scope.kv_heads;
        let all: Vec<u32> =
            slots.iter().flat_map(|&slot| (0..heads).map(move |head| (head * count) as u32 + slot)).collect();
        let count = all.len();
        Ok(Tensor::from_vec(all, count, device)?)
    }

    /// Computes the positions of keys `[G · Q, S]`.
    fn key_positions(&self, visible: &[VisibleKeys], device: &Device) -> Result<Tensor> {
        let position = |key: u32, before: u32| {
            if (key as usize) < self.prefix_len { key as f32 } else { key as f32 - before as f32 }
        };
        let keys = self.keys as u32;
        let all: Vec<f32> =
            visible.iter().flat_map(|row| (0..keys).map(move |key| position(key, row.before))).collect();
        Ok(Tensor::from_vec(all, (visible.len(), self.keys), device)?)
    }

    /// Computes the additive mask `[kv_heads · G, Q · group, S]`.
    fn mask(&self, visible: &[VisibleKeys], device: &Device) -> Result<Tensor> {
        let Scope { heads, kv_heads, dtype, .. } = *self.scope;
        let (rows, keys) = (visible.len(), self.keys);
        let column = |bound: &dyn Fn(&VisibleKeys) -> u32| -> Result<Tensor> {
            Ok(Tensor::from_vec(visible.iter().map(bound).collect(), (rows, 1), device)?)
        };
        let at = Tensor::arange(0, keys as u32, device)?.reshape((1, keys))?;
        let at = at.broadcast_as((rows, keys))?.contiguous()?;
        let own = (at.broadcast_ge(&column(&|visible| visible.own_from)?)?
            * at.broadcast_le(&column(&|visible| visible.own_to)?)?)?;
        let prefix = (at.broadcast_ge(&column(&|visible| visible.prefix_from)?)? * at.lt(self.prefix_len as u32)?)?;
        let hidden = Tensor::full(f32::NEG_INFINITY, (rows, keys), device)?;
        let mask = (own + prefix)?.where_cond(&hidden.zeros_like()?, &hidden)?.to_dtype(dtype)?;
        let shape = (kv_heads, rows, heads / kv_heads, keys);
        let mask = mask.reshape((1, rows, 1, keys))?.broadcast_as(shape)?.contiguous()?;
        Ok(mask.reshape((kv_heads * self.groups.len(), self.slots * (heads / kv_heads), keys))?)
    }
}
