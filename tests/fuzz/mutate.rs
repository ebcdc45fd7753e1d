//! Seeded mutations of an input: flipped and replaced bytes, numbers and tokens; chunks cut, repeated, moved; two inputs
//! joined.

#![allow(unreachable_pub)]

/// Numbers that break arithmetic, as bytes.
const NUMBERS: [u64; 10] =
    [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 1 << 40, 0x7fff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff];

/// Numbers that break parsers, as text.
const TEXTS: [&str; 12] = [
    "0",
    "-1",
    "1e999",
    "NaN",
    "-0.0",
    "1e-320",
    "2147483648",
    "4294967296",
    "18446744073709551616",
    "9223372036854775807",
    "0.1",
    "1000000",
];

/// Tokens of every format.
const TOKENS: [&str; 12] =
    ["\"", "{}", "[]", "null", "true", ",", ":", "\n", "\u{feff}", "\u{202e}", "\0", "\u{1b}]52;c;eA==\u{7}"];

/// A small generator of random numbers (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which may be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next() % bound as u64) as usize }
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A range within `length`, mostly short.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let most = if self.below(4) == 0 { length } else { 16 };
        let end = (start + self.below(most + 1)).min(length);
        start..end
    }
}

/// Mutates one of `corpus` a few times; the result has at most `longest` bytes.
pub fn mutant(corpus: &[Vec<u8>], tokens: &[&str], longest: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = random.pick(corpus).clone();
    for _ in 0..=random.below(4) {
        mutate(&mut bytes, corpus, tokens, random);
        bytes.truncate(longest);
    }
    bytes
}

fn mutate(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], tokens: &[&str], random: &mut Random) {
    let at = random.below(bytes.len());
    match random.below(12) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
        1 if !bytes.is_empty() => bytes[at] = random.next() as u8,
        2 => bytes.truncate(at),
        3 => {
            bytes.drain(random.range(bytes.len()));
        }
        4 => {
            let chunk = bytes[random.range(bytes.len())].to_vec();
            let copies = 1 + if random.below(8) == 0 { random.below(200) } else { random.below(3) };
            bytes.splice(at..at, chunk.repeat(copies));
        }
        5 => {
            let chunk = bytes[random.range(bytes.len())].to_vec();
            let end = (at + chunk.len()).min(bytes.len());
            bytes.splice(at..end, chunk);
        }
        6 => {
            let other = random.pick(corpus);
            let from = random.below(other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        7 => {
            let width = [1, 2, 4, 8][random.below(4)];
            let number = random.pick(&NUMBERS).wrapping_sub(random.below(2) as u64).to_le_bytes();
            let end = (at + width).min(bytes.len());
            bytes.splice(at..end, number[..width].iter().copied());
        }
        8 => replace_number(bytes, at, random),
        9 | 10 if !tokens.is_empty() => {
            let end = if random.below(2) == 0 { at } else { random.range(bytes.len() - at).end + at };
            bytes.splice(at..end, random.pick(tokens).bytes());
        }
        _ => {
            bytes.splice(at..at, random.pick(&TOKENS).bytes());
        }
    }
}

/// Replaces the first number written in digits after `at`.
fn replace_number(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let is_part = |byte: &u8| byte.is_ascii_digit() || b".-+eE".contains(byte);
    let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|found| at + found) else { return };
    let end = bytes[start..].iter().position(|byte| !is_part(byte)).map_or(bytes.len(), |length| start + length);
    bytes.splice(start..end, random.pick(&TEXTS).bytes());
}
