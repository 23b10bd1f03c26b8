"""Makes the files here: `pip install sentencepiece==0.2.3 tiktoken==0.14.0`, then `python make.py` in this folder.

unigram.model and bpe.model are trained on the text below, ranks.tiktoken is learned here by plain byte pair merging,
golden.json is what the reference libraries answer for the texts in it.
"""
import base64, collections, io, json, re

import sentencepiece, tiktoken

WORDS = "the king and queen of a small country did not walk to town because their cat was sleeping in it".split()
CORPUS = [" ".join(WORDS[i % 19 : i % 19 + 7]) + " " + " ".join(WORDS[(7 * i) % 13 :]) for i in range(200)]
CORPUS += ["don't you're it's 3.14 1,000 12345 (well-known) caf\u00e9 \u4f60\u597d\u4e16\u754c \U0001f600"] * 20
TEXTS = [
    "", " ", "the king", "  the   king  ", "The KING's cat", "don't DON'T 12345 3.14", "caf\u00e9 cafe\u0301 \ufb01ne",
    "\u4f60\u597d\uff0c\u4e16\u754c", "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f600!", "a\n\n  b \t c\r\n", "trailing   ",
    "x<ud>y <s> </s>", "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627", "fn main() { let x = 42; } // ok", "\u2581\u2581", "nul\0nul",
]
PATTERNS = {
    "r50k_base": r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s""",
    "cl100k_base": r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s""",
    "o200k_base": "|".join([
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
        r"""\p{N}{1,3}""", r""" ?[^\s\p{L}\p{N}]+[\r\n/]*""", r"""\s*[\r\n]+""", r"""\s+(?!\S)""", r"""\s+""",
    ]),
}


def ranks():
    words = collections.Counter(tuple(bytes([b]) for b in w.encode()) for line in CORPUS for w in re.findall(r" ?\S+", line))
    tokens = [bytes([b]) for b in range(256)]
    while len(tokens) < 340:
        pairs = collections.Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        best = max(sorted(pairs), key=lambda pair: pairs[pair])
        tokens.append(best[0] + best[1])
        merged = collections.Counter()
        for word, count in words.items():
            new, i = [], 0
            while i < len(word):
                step = 2 if word[i : i + 2] == best else 1
                new.append(b"".join(word[i : i + step]))
                i += step
            merged[tuple(new)] += count
        words = merged
    return tokens


def model(name, **options):
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=out, minloglevel=2, hard_vocab_limit=False, **options)
    open(name, "wb").write(out.getvalue())
    return [sentencepiece.SentencePieceProcessor(model_proto=out.getvalue()).encode(text) for text in TEXTS], [
        (lambda p: p.decode(p.encode(text)))(sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())) for text in TEXTS]


open("rules.tsv", "w").write("FB01\t66 69\nFF0C\t2C\n65 301\tE9\n9\t20\nA\t20\nD\t20\n")
tokens = ranks()
open("ranks.tiktoken", "wb").write(b"".join(base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(tokens)))
golden = {"texts": TEXTS}
for name, pattern in PATTERNS.items():
    encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks={token: rank for rank, token in enumerate(tokens)}, special_tokens={})
    golden[name] = [encoding.encode(text) for text in TEXTS]
golden["unigram"], golden["unigram_text"] = model("unigram.model", model_type="unigram", vocab_size=120, normalization_rule_tsv="rules.tsv", user_defined_symbols=["<ud>"])
golden["bpe"], golden["bpe_text"] = model("bpe.model", model_type="bpe", vocab_size=420, byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False)
json.dump(golden, open("golden.json", "w"), ensure_ascii=True, separators=(",", ":"))
