"""Builds the tokenizer that a GGUF file describes, independently of partscope. Requires gguf and tokenizers."""

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

Kind = gguf.TokenType
# Pieces that are split off before GPT-2's own rule, and the rule that replaces GPT-2's, by llama.cpp's name of the pre-tokenizer.
SPLITS = {
    "gpt-2": (None, None),
    "smollm": (r"\p{N}", None),
    "llama-bpe": (None, r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
}


class FileTokenizer:
    """The tokenizer of a file: `ids(text)` includes the start token where the file asks for it."""

    def __init__(self, reader):
        self.reader = reader
        self.tokens = self.value("tokens")
        self.vocabulary = {token: index for index, token in enumerate(self.tokens)}
        builders = {"gpt2": self.byte_level, "llama": self.sentence_piece}
        self.tokenizer = builders[self.value("model")]()
        kinds = self.value("token_type")
        for wanted, special in [([Kind.UNKNOWN, Kind.CONTROL], True), ([Kind.USER_DEFINED], False)]:
            added = [token for token, kind in zip(self.tokens, kinds) if kind in wanted]
            self.tokenizer.add_tokens([AddedToken(token, special=special, normalized=False) for token in added])
        starts = self.value("add_bos_token", self.value("model") == "llama" or self.value("pre", "") == "llama-bpe")
        self.start = [self.value("bos_token_id")] if starts else []

    def value(self, name, default=None):
        field = self.reader.fields.get(f"tokenizer.ggml.{name}")
        return default if field is None else field.contents()

    def ids(self, text):
        return self.start + self.tokenizer.encode(text, add_special_tokens=False).ids

    def byte_level(self):
        first, rule = SPLITS[self.value("pre")]
        merges = [tuple(merge.split(" ")) for merge in self.value("merges")]
        made = Tokenizer(models.BPE(self.vocabulary, merges, ignore_merges=self.value("pre") == "llama-bpe"))
        steps = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in (first, rule) if pattern]
        made.pre_tokenizer = pre_tokenizers.Sequence([*steps, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=rule is None)])
        made.decoder = decoders.ByteLevel()
        return made

    def sentence_piece(self):
        """SentencePiece merges the neighbours with the best score: every split of a token into two, best-scored token first."""
        scores, merges = self.value("scores"), []
        for token, index in self.vocabulary.items():
            for cut in range(1, len(token)):
                left, right = token[:cut], token[cut:]
                if left in self.vocabulary and right in self.vocabulary:
                    merges.append((-scores[index], self.vocabulary[left], self.vocabulary[right], left, right))
        pairs = [(left, right) for _, _, _, left, right in sorted(merges)]
        unknown = self.tokens[self.value("unknown_token_id")]
        made = Tokenizer(models.BPE(self.vocabulary, pairs, unk_token=unknown, fuse_unk=True, byte_fallback=True))
        prefix = [normalizers.Prepend("▁")] if self.value("add_space_prefix", True) else []
        made.normalizer = normalizers.Sequence([*prefix, normalizers.Replace(" ", "▁")])
        return made
