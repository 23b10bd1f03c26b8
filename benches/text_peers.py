"""What other libraries need for what `benches/text.rs` measures; one JSON line a measurement.

    pip install tokenizers tiktoken sentencepiece jieba gensim==4.4.0
    python benches/text_peers.py make FOLDER FILE...     # text.txt, 50 MB of the files at most; models learned from it
    python benches/text_peers.py measure FOLDER [GLOVE]  # GLOVE: glove.6B.100d.txt

Everything runs on one thread but training, which takes all cores, as in the server.
"""
import base64, json, os, sys, time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
ROUNDS, LINES, SENTENCES = 3, 40_000, 100_000


def tell(what, way, texts, seconds):
    size = sum(len(text.encode()) for text in texts)
    print(json.dumps({"peer": what, "way": way, "texts": len(texts), "texts_per_s": len(texts) / seconds,
                      "MB_per_s": size / seconds / 1e6}), flush=True)


def best(work, rounds=ROUNDS):
    least = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - began)
    return least


def learner():
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers, trainers

    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=30_000, min_frequency=2, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    return tokenizer, trainer


def make(folder, files):
    import sentencepiece

    os.makedirs(folder, exist_ok=True)
    text, size = open(f"{folder}/text.txt", "w"), 0
    for name in files:
        for line in open(name, errors="ignore"):
            line = line.rstrip("\n") + "\n"
            if size + len(line.encode()) > 50_000_000:
                break
            text.write(line)
            size += len(line.encode())
    text.close()
    for kind in ["unigram", "bpe"]:
        sentencepiece.SentencePieceTrainer.train(
            input=f"{folder}/text.txt", model_prefix=f"{folder}/{kind}", model_type=kind, vocab_size=8_000,
            input_sentence_size=100_000, shuffle_input_sentence=False, minloglevel=2, max_sentence_length=8_000)
    # Ranks: the tokens of a byte-level BPE, by their bytes, in the order they were merged.
    tokenizer, trainer = learner()
    tokenizer.train_from_iterator((line for i, line in enumerate(open(f"{folder}/text.txt")) if i % 10 == 0), trainer)
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}
    tokens = [bytes(letters[c] for c in token) for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    with open(f"{folder}/ranks.tiktoken", "wb") as ranks:
        for rank, token in enumerate(tokens):
            ranks.write(base64.b64encode(token) + b" %d\n" % rank)


def measure(folder, glove=None):
    lines = [line.rstrip("\n") for line in open(f"{folder}/text.txt") if line.strip()][:LINES]
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    tokenizer, trainer = learner()
    began = time.perf_counter()
    tokenizer.train([f"{folder}/text.txt"], trainer)
    print(json.dumps({"peer": "tokenizers: train byte-level BPE", "seconds": time.perf_counter() - began}), flush=True)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    tell("tokenizers", "encode_batch_fast", lines, best(lambda: tokenizer.encode_batch_fast(lines)))

    import tiktoken

    ranks = (line.split() for line in open(f"{folder}/ranks.tiktoken", "rb"))
    ranks = {base64.b64decode(token): int(rank) for token, rank in ranks}
    pattern = tiktoken.Encoding(
        "own", mergeable_ranks=ranks, special_tokens={},
        pat_str=r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s""")
    tell("tiktoken", "encode_ordinary", lines, best(lambda: [pattern.encode_ordinary(line) for line in lines]))

    import sentencepiece

    for kind in ["unigram", "bpe"]:
        model = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/{kind}.model")
        tell(f"sentencepiece {kind}", "encode", lines, best(lambda: [model.encode(line) for line in lines]))
    if os.path.exists(f"{folder}/chinese.txt"):
        import jieba

        chinese = open(f"{folder}/chinese.txt").read().splitlines()[:LINES]
        jieba.lcut("\u4f60\u597d")
        tell("jieba", "lcut", chinese, best(lambda: [jieba.lcut(line) for line in chinese], 1))
    if glove:
        from gensim.models import KeyedVectors

        vectors = KeyedVectors.load_word2vec_format(glove, no_header=True)
        words = [word.lower() for line in lines for word in line.split()][: 12 * SENTENCES // 10]
        sentences = [words[i : i + 12] for i in range(0, len(words), 12)]
        mean = lambda: [vectors.get_mean_vector(words) for words in sentences if any(word in vectors for word in words)]
        tell("gensim", "get_mean_vector", [" ".join(words) for words in sentences], best(mean, 1))


if __name__ == "__main__":
    {"make": lambda folder, *files: make(folder, files), "measure": measure}[sys.argv[1]](*sys.argv[2:])
