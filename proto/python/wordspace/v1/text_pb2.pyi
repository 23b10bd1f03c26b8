from wordspace.v1 import common_pb2 as _common_pb2
from wordspace.v1 import search_pb2 as _search_pb2
from wordspace.v1 import transfer_pb2 as _transfer_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Tokenizer(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOKENIZER_UNSPECIFIED: _ClassVar[Tokenizer]
    TOKENIZER_WHITESPACE: _ClassVar[Tokenizer]
    TOKENIZER_RULES: _ClassVar[Tokenizer]
    TOKENIZER_UNICODE_WORDS: _ClassVar[Tokenizer]

class SpecialText(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SPECIAL_TEXT_UNSPECIFIED: _ClassVar[SpecialText]
    SPECIAL_TEXT_PARSE: _ClassVar[SpecialText]
    SPECIAL_TEXT_PLAIN: _ClassVar[SpecialText]
    SPECIAL_TEXT_REFUSE: _ClassVar[SpecialText]

class TrainKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRAIN_KIND_UNSPECIFIED: _ClassVar[TrainKind]
    TRAIN_KIND_BPE: _ClassVar[TrainKind]
    TRAIN_KIND_BPE_BYTE_LEVEL: _ClassVar[TrainKind]
    TRAIN_KIND_WORDPIECE: _ClassVar[TrainKind]
    TRAIN_KIND_UNIGRAM: _ClassVar[TrainKind]
    TRAIN_KIND_WORD_LEVEL: _ClassVar[TrainKind]

class Pooling(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POOLING_UNSPECIFIED: _ClassVar[Pooling]
    POOLING_MEAN: _ClassVar[Pooling]
    POOLING_SIF: _ClassVar[Pooling]
    POOLING_TFIDF: _ClassVar[Pooling]
    POOLING_MAX: _ClassVar[Pooling]
    POOLING_MIN: _ClassVar[Pooling]
    POOLING_SUM: _ClassVar[Pooling]
    POOLING_LAST: _ClassVar[Pooling]
    POOLING_TOKENS: _ClassVar[Pooling]
    POOLING_SURPRISE: _ClassVar[Pooling]

class FrequencySource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FREQUENCY_SOURCE_UNSPECIFIED: _ClassVar[FrequencySource]
    FREQUENCY_SOURCE_GIVEN: _ClassVar[FrequencySource]
    FREQUENCY_SOURCE_ATTRIBUTE: _ClassVar[FrequencySource]
    FREQUENCY_SOURCE_ZIPF: _ClassVar[FrequencySource]

class TextLayout(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEXT_LAYOUT_UNSPECIFIED: _ClassVar[TextLayout]
    TEXT_LAYOUT_LINES: _ClassVar[TextLayout]
    TEXT_LAYOUT_IDS: _ClassVar[TextLayout]
    TEXT_LAYOUT_JSON_LINES: _ClassVar[TextLayout]

class Distribution(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DISTRIBUTION_UNSPECIFIED: _ClassVar[Distribution]
    DISTRIBUTION_UNIFORM: _ClassVar[Distribution]
    DISTRIBUTION_NORMAL: _ClassVar[Distribution]
TOKENIZER_UNSPECIFIED: Tokenizer
TOKENIZER_WHITESPACE: Tokenizer
TOKENIZER_RULES: Tokenizer
TOKENIZER_UNICODE_WORDS: Tokenizer
SPECIAL_TEXT_UNSPECIFIED: SpecialText
SPECIAL_TEXT_PARSE: SpecialText
SPECIAL_TEXT_PLAIN: SpecialText
SPECIAL_TEXT_REFUSE: SpecialText
TRAIN_KIND_UNSPECIFIED: TrainKind
TRAIN_KIND_BPE: TrainKind
TRAIN_KIND_BPE_BYTE_LEVEL: TrainKind
TRAIN_KIND_WORDPIECE: TrainKind
TRAIN_KIND_UNIGRAM: TrainKind
TRAIN_KIND_WORD_LEVEL: TrainKind
POOLING_UNSPECIFIED: Pooling
POOLING_MEAN: Pooling
POOLING_SIF: Pooling
POOLING_TFIDF: Pooling
POOLING_MAX: Pooling
POOLING_MIN: Pooling
POOLING_SUM: Pooling
POOLING_LAST: Pooling
POOLING_TOKENS: Pooling
POOLING_SURPRISE: Pooling
FREQUENCY_SOURCE_UNSPECIFIED: FrequencySource
FREQUENCY_SOURCE_GIVEN: FrequencySource
FREQUENCY_SOURCE_ATTRIBUTE: FrequencySource
FREQUENCY_SOURCE_ZIPF: FrequencySource
TEXT_LAYOUT_UNSPECIFIED: TextLayout
TEXT_LAYOUT_LINES: TextLayout
TEXT_LAYOUT_IDS: TextLayout
TEXT_LAYOUT_JSON_LINES: TextLayout
DISTRIBUTION_UNSPECIFIED: Distribution
DISTRIBUTION_UNIFORM: Distribution
DISTRIBUTION_NORMAL: Distribution

class Cutting(_message.Message):
    __slots__ = ("tokenizer", "bare", "special_text", "allowed_special", "sampling")
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    BARE_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_TEXT_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_SPECIAL_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    tokenizer: str
    bare: bool
    special_text: SpecialText
    allowed_special: _containers.RepeatedScalarFieldContainer[str]
    sampling: Sampling
    def __init__(self, tokenizer: _Optional[str] = ..., bare: _Optional[bool] = ..., special_text: _Optional[_Union[SpecialText, str]] = ..., allowed_special: _Optional[_Iterable[str]] = ..., sampling: _Optional[_Union[Sampling, _Mapping]] = ...) -> None: ...

class Sampling(_message.Message):
    __slots__ = ("dropout", "alpha", "nbest", "seed")
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    NBEST_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    dropout: float
    alpha: float
    nbest: int
    seed: int
    def __init__(self, dropout: _Optional[float] = ..., alpha: _Optional[float] = ..., nbest: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...

class Truncation(_message.Message):
    __slots__ = ("max_tokens", "keep", "seed")
    class Keep(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KEEP_UNSPECIFIED: _ClassVar[Truncation.Keep]
        KEEP_HEAD: _ClassVar[Truncation.Keep]
        KEEP_TAIL: _ClassVar[Truncation.Keep]
        KEEP_ENDS: _ClassVar[Truncation.Keep]
        KEEP_SAMPLE: _ClassVar[Truncation.Keep]
    KEEP_UNSPECIFIED: Truncation.Keep
    KEEP_HEAD: Truncation.Keep
    KEEP_TAIL: Truncation.Keep
    KEEP_ENDS: Truncation.Keep
    KEEP_SAMPLE: Truncation.Keep
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    max_tokens: int
    keep: Truncation.Keep
    seed: int
    def __init__(self, max_tokens: _Optional[int] = ..., keep: _Optional[_Union[Truncation.Keep, str]] = ..., seed: _Optional[int] = ...) -> None: ...

class Padding(_message.Message):
    __slots__ = ("length", "multiple_of", "left", "id")
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    MULTIPLE_OF_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    length: int
    multiple_of: int
    left: bool
    id: int
    def __init__(self, length: _Optional[int] = ..., multiple_of: _Optional[int] = ..., left: _Optional[bool] = ..., id: _Optional[int] = ...) -> None: ...

class TokenizeRequest(_message.Message):
    __slots__ = ("texts", "tokenizer", "table", "words", "cutting", "truncation", "padding", "ids_only")
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    CUTTING_FIELD_NUMBER: _ClassVar[int]
    TRUNCATION_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    IDS_ONLY_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedScalarFieldContainer[str]
    tokenizer: Tokenizer
    table: str
    words: _common_pb2.WordOptions
    cutting: Cutting
    truncation: Truncation
    padding: Padding
    ids_only: bool
    def __init__(self, texts: _Optional[_Iterable[str]] = ..., tokenizer: _Optional[_Union[Tokenizer, str]] = ..., table: _Optional[str] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., cutting: _Optional[_Union[Cutting, _Mapping]] = ..., truncation: _Optional[_Union[Truncation, _Mapping]] = ..., padding: _Optional[_Union[Padding, _Mapping]] = ..., ids_only: _Optional[bool] = ...) -> None: ...

class TokenizeResponse(_message.Message):
    __slots__ = ("texts", "answer", "tokenizer")
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedCompositeFieldContainer[TokenizedText]
    answer: _common_pb2.AnswerInfo
    tokenizer: str
    def __init__(self, texts: _Optional[_Iterable[_Union[TokenizedText, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ..., tokenizer: _Optional[str] = ...) -> None: ...

class TokenizedText(_message.Message):
    __slots__ = ("tokens", "unknown_count", "ids", "token_count", "dropped_count", "padding_count", "unknown_rate")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_COUNT_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    DROPPED_COUNT_FIELD_NUMBER: _ClassVar[int]
    PADDING_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_RATE_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedCompositeFieldContainer[Token]
    unknown_count: int
    ids: _containers.RepeatedScalarFieldContainer[int]
    token_count: int
    dropped_count: int
    padding_count: int
    unknown_rate: float
    def __init__(self, tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ..., unknown_count: _Optional[int] = ..., ids: _Optional[_Iterable[int]] = ..., token_count: _Optional[int] = ..., dropped_count: _Optional[int] = ..., padding_count: _Optional[int] = ..., unknown_rate: _Optional[float] = ...) -> None: ...

class Token(_message.Message):
    __slots__ = ("piece", "byte_start", "byte_end", "char_start", "char_end", "known", "row", "found", "id", "token", "special")
    PIECE_FIELD_NUMBER: _ClassVar[int]
    BYTE_START_FIELD_NUMBER: _ClassVar[int]
    BYTE_END_FIELD_NUMBER: _ClassVar[int]
    CHAR_START_FIELD_NUMBER: _ClassVar[int]
    CHAR_END_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_FIELD_NUMBER: _ClassVar[int]
    piece: str
    byte_start: int
    byte_end: int
    char_start: int
    char_end: int
    known: bool
    row: int
    found: str
    id: int
    token: str
    special: bool
    def __init__(self, piece: _Optional[str] = ..., byte_start: _Optional[int] = ..., byte_end: _Optional[int] = ..., char_start: _Optional[int] = ..., char_end: _Optional[int] = ..., known: _Optional[bool] = ..., row: _Optional[int] = ..., found: _Optional[str] = ..., id: _Optional[int] = ..., token: _Optional[str] = ..., special: _Optional[bool] = ...) -> None: ...

class DetokenizeRequest(_message.Message):
    __slots__ = ("tokenizer", "texts", "skip_special")
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    SKIP_SPECIAL_FIELD_NUMBER: _ClassVar[int]
    tokenizer: str
    texts: _containers.RepeatedCompositeFieldContainer[TokenIds]
    skip_special: bool
    def __init__(self, tokenizer: _Optional[str] = ..., texts: _Optional[_Iterable[_Union[TokenIds, _Mapping]]] = ..., skip_special: _Optional[bool] = ...) -> None: ...

class TokenIds(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, ids: _Optional[_Iterable[int]] = ...) -> None: ...

class DetokenizeResponse(_message.Message):
    __slots__ = ("texts",)
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, texts: _Optional[_Iterable[str]] = ...) -> None: ...

class DetokenizeStreamRequest(_message.Message):
    __slots__ = ("tokenizer", "skip_special", "ids")
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    SKIP_SPECIAL_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    tokenizer: str
    skip_special: bool
    ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tokenizer: _Optional[str] = ..., skip_special: _Optional[bool] = ..., ids: _Optional[_Iterable[int]] = ...) -> None: ...

class DetokenizeStreamResponse(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class CountTokensRequest(_message.Message):
    __slots__ = ("texts", "cutting", "table")
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    CUTTING_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedScalarFieldContainer[str]
    cutting: Cutting
    table: str
    def __init__(self, texts: _Optional[_Iterable[str]] = ..., cutting: _Optional[_Union[Cutting, _Mapping]] = ..., table: _Optional[str] = ...) -> None: ...

class CountTokensResponse(_message.Message):
    __slots__ = ("counts", "total", "tokenizer")
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    counts: _containers.RepeatedScalarFieldContainer[int]
    total: int
    tokenizer: str
    def __init__(self, counts: _Optional[_Iterable[int]] = ..., total: _Optional[int] = ..., tokenizer: _Optional[str] = ...) -> None: ...

class CompareTokenizersRequest(_message.Message):
    __slots__ = ("texts", "tokenizers", "table", "cutting", "words")
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    TOKENIZERS_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    CUTTING_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedScalarFieldContainer[str]
    tokenizers: _containers.RepeatedScalarFieldContainer[str]
    table: str
    cutting: Cutting
    words: _common_pb2.WordOptions
    def __init__(self, texts: _Optional[_Iterable[str]] = ..., tokenizers: _Optional[_Iterable[str]] = ..., table: _Optional[str] = ..., cutting: _Optional[_Union[Cutting, _Mapping]] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ...) -> None: ...

class CompareTokenizersResponse(_message.Message):
    __slots__ = ("cuts",)
    class Cut(_message.Message):
        __slots__ = ("text_index", "tokenizer", "text", "chars_per_token", "problem")
        TEXT_INDEX_FIELD_NUMBER: _ClassVar[int]
        TOKENIZER_FIELD_NUMBER: _ClassVar[int]
        TEXT_FIELD_NUMBER: _ClassVar[int]
        CHARS_PER_TOKEN_FIELD_NUMBER: _ClassVar[int]
        PROBLEM_FIELD_NUMBER: _ClassVar[int]
        text_index: int
        tokenizer: str
        text: TokenizedText
        chars_per_token: float
        problem: str
        def __init__(self, text_index: _Optional[int] = ..., tokenizer: _Optional[str] = ..., text: _Optional[_Union[TokenizedText, _Mapping]] = ..., chars_per_token: _Optional[float] = ..., problem: _Optional[str] = ...) -> None: ...
    CUTS_FIELD_NUMBER: _ClassVar[int]
    cuts: _containers.RepeatedCompositeFieldContainer[CompareTokenizersResponse.Cut]
    def __init__(self, cuts: _Optional[_Iterable[_Union[CompareTokenizersResponse.Cut, _Mapping]]] = ...) -> None: ...

class ChunkRequest(_message.Message):
    __slots__ = ("texts", "cutting", "table", "max_tokens", "overlap", "at_sentences")
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    CUTTING_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    AT_SENTENCES_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedScalarFieldContainer[str]
    cutting: Cutting
    table: str
    max_tokens: int
    overlap: int
    at_sentences: bool
    def __init__(self, texts: _Optional[_Iterable[str]] = ..., cutting: _Optional[_Union[Cutting, _Mapping]] = ..., table: _Optional[str] = ..., max_tokens: _Optional[int] = ..., overlap: _Optional[int] = ..., at_sentences: _Optional[bool] = ...) -> None: ...

class ChunkResponse(_message.Message):
    __slots__ = ("chunks", "tokenizer")
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    chunks: _containers.RepeatedCompositeFieldContainer[TextChunk]
    tokenizer: str
    def __init__(self, chunks: _Optional[_Iterable[_Union[TextChunk, _Mapping]]] = ..., tokenizer: _Optional[str] = ...) -> None: ...

class TextChunk(_message.Message):
    __slots__ = ("text_index", "text", "byte_start", "byte_end", "char_start", "char_end", "overlap_bytes", "token_count")
    TEXT_INDEX_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BYTE_START_FIELD_NUMBER: _ClassVar[int]
    BYTE_END_FIELD_NUMBER: _ClassVar[int]
    CHAR_START_FIELD_NUMBER: _ClassVar[int]
    CHAR_END_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    text_index: int
    text: str
    byte_start: int
    byte_end: int
    char_start: int
    char_end: int
    overlap_bytes: int
    token_count: int
    def __init__(self, text_index: _Optional[int] = ..., text: _Optional[str] = ..., byte_start: _Optional[int] = ..., byte_end: _Optional[int] = ..., char_start: _Optional[int] = ..., char_end: _Optional[int] = ..., overlap_bytes: _Optional[int] = ..., token_count: _Optional[int] = ...) -> None: ...

class ListTokensRequest(_message.Message):
    __slots__ = ("tokenizer", "tokens", "ids", "start", "limit", "contains", "prefix")
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CONTAINS_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    tokenizer: str
    tokens: _containers.RepeatedScalarFieldContainer[str]
    ids: _containers.RepeatedScalarFieldContainer[int]
    start: int
    limit: int
    contains: str
    prefix: str
    def __init__(self, tokenizer: _Optional[str] = ..., tokens: _Optional[_Iterable[str]] = ..., ids: _Optional[_Iterable[int]] = ..., start: _Optional[int] = ..., limit: _Optional[int] = ..., contains: _Optional[str] = ..., prefix: _Optional[str] = ...) -> None: ...

class ListTokensResponse(_message.Message):
    __slots__ = ("tokens", "next_start")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    NEXT_START_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedCompositeFieldContainer[_common_pb2.VocabToken]
    next_start: int
    def __init__(self, tokens: _Optional[_Iterable[_Union[_common_pb2.VocabToken, _Mapping]]] = ..., next_start: _Optional[int] = ...) -> None: ...

class TokenizerSpec(_message.Message):
    __slots__ = ("kind", "files", "rules", "jieba", "hybrid", "tiktoken", "cased")
    class Rules(_message.Message):
        __slots__ = ("case", "punctuation", "numbers", "contractions")
        CASE_FIELD_NUMBER: _ClassVar[int]
        PUNCTUATION_FIELD_NUMBER: _ClassVar[int]
        NUMBERS_FIELD_NUMBER: _ClassVar[int]
        CONTRACTIONS_FIELD_NUMBER: _ClassVar[int]
        case: bool
        punctuation: bool
        numbers: bool
        contractions: bool
        def __init__(self, case: _Optional[bool] = ..., punctuation: _Optional[bool] = ..., numbers: _Optional[bool] = ..., contractions: _Optional[bool] = ...) -> None: ...
    class Jieba(_message.Message):
        __slots__ = ("words", "search", "dictionary_only")
        WORDS_FIELD_NUMBER: _ClassVar[int]
        SEARCH_FIELD_NUMBER: _ClassVar[int]
        DICTIONARY_ONLY_FIELD_NUMBER: _ClassVar[int]
        words: _containers.RepeatedScalarFieldContainer[str]
        search: bool
        dictionary_only: bool
        def __init__(self, words: _Optional[_Iterable[str]] = ..., search: _Optional[bool] = ..., dictionary_only: _Optional[bool] = ...) -> None: ...
    class Hybrid(_message.Message):
        __slots__ = ("words", "parts")
        WORDS_FIELD_NUMBER: _ClassVar[int]
        PARTS_FIELD_NUMBER: _ClassVar[int]
        words: str
        parts: str
        def __init__(self, words: _Optional[str] = ..., parts: _Optional[str] = ...) -> None: ...
    class Tiktoken(_message.Message):
        __slots__ = ("pattern", "special_tokens")
        class SpecialTokensEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: int
            def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
        PATTERN_FIELD_NUMBER: _ClassVar[int]
        SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
        pattern: str
        special_tokens: _containers.ScalarMap[str, int]
        def __init__(self, pattern: _Optional[str] = ..., special_tokens: _Optional[_Mapping[str, int]] = ...) -> None: ...
    KIND_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    JIEBA_FIELD_NUMBER: _ClassVar[int]
    HYBRID_FIELD_NUMBER: _ClassVar[int]
    TIKTOKEN_FIELD_NUMBER: _ClassVar[int]
    CASED_FIELD_NUMBER: _ClassVar[int]
    kind: _common_pb2.TokenizerKind
    files: _containers.RepeatedCompositeFieldContainer[TokenizerFile]
    rules: TokenizerSpec.Rules
    jieba: TokenizerSpec.Jieba
    hybrid: TokenizerSpec.Hybrid
    tiktoken: TokenizerSpec.Tiktoken
    cased: bool
    def __init__(self, kind: _Optional[_Union[_common_pb2.TokenizerKind, str]] = ..., files: _Optional[_Iterable[_Union[TokenizerFile, _Mapping]]] = ..., rules: _Optional[_Union[TokenizerSpec.Rules, _Mapping]] = ..., jieba: _Optional[_Union[TokenizerSpec.Jieba, _Mapping]] = ..., hybrid: _Optional[_Union[TokenizerSpec.Hybrid, _Mapping]] = ..., tiktoken: _Optional[_Union[TokenizerSpec.Tiktoken, _Mapping]] = ..., cased: _Optional[bool] = ...) -> None: ...

class TokenizerFile(_message.Message):
    __slots__ = ("name", "content")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class PutTokenizerRequest(_message.Message):
    __slots__ = ("name", "spec", "replace")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    name: str
    spec: TokenizerSpec
    replace: bool
    def __init__(self, name: _Optional[str] = ..., spec: _Optional[_Union[TokenizerSpec, _Mapping]] = ..., replace: _Optional[bool] = ...) -> None: ...

class PutTokenizerResponse(_message.Message):
    __slots__ = ("tokenizer",)
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    tokenizer: _common_pb2.TokenizerInfo
    def __init__(self, tokenizer: _Optional[_Union[_common_pb2.TokenizerInfo, _Mapping]] = ...) -> None: ...

class GetTokenizerRequest(_message.Message):
    __slots__ = ("name", "with_spec")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WITH_SPEC_FIELD_NUMBER: _ClassVar[int]
    name: str
    with_spec: bool
    def __init__(self, name: _Optional[str] = ..., with_spec: _Optional[bool] = ...) -> None: ...

class GetTokenizerResponse(_message.Message):
    __slots__ = ("tokenizer", "spec")
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    tokenizer: _common_pb2.TokenizerInfo
    spec: TokenizerSpec
    def __init__(self, tokenizer: _Optional[_Union[_common_pb2.TokenizerInfo, _Mapping]] = ..., spec: _Optional[_Union[TokenizerSpec, _Mapping]] = ...) -> None: ...

class ListTokenizersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTokenizersResponse(_message.Message):
    __slots__ = ("tokenizers",)
    TOKENIZERS_FIELD_NUMBER: _ClassVar[int]
    tokenizers: _containers.RepeatedCompositeFieldContainer[_common_pb2.TokenizerInfo]
    def __init__(self, tokenizers: _Optional[_Iterable[_Union[_common_pb2.TokenizerInfo, _Mapping]]] = ...) -> None: ...

class DeleteTokenizerRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteTokenizerResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SetDefaultTokenizerRequest(_message.Message):
    __slots__ = ("table", "tokenizer")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    table: str
    tokenizer: str
    def __init__(self, table: _Optional[str] = ..., tokenizer: _Optional[str] = ...) -> None: ...

class SetDefaultTokenizerResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TrainTokenizerRequest(_message.Message):
    __slots__ = ("header", "text")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    header: TrainHeader
    text: bytes
    def __init__(self, header: _Optional[_Union[TrainHeader, _Mapping]] = ..., text: _Optional[bytes] = ...) -> None: ...

class TrainHeader(_message.Message):
    __slots__ = ("name", "kind", "vocab_size", "min_frequency", "special_tokens", "lowercase", "replace", "detach")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    VOCAB_SIZE_FIELD_NUMBER: _ClassVar[int]
    MIN_FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    LOWERCASE_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: TrainKind
    vocab_size: int
    min_frequency: int
    special_tokens: _containers.RepeatedScalarFieldContainer[str]
    lowercase: bool
    replace: bool
    detach: bool
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[TrainKind, str]] = ..., vocab_size: _Optional[int] = ..., min_frequency: _Optional[int] = ..., special_tokens: _Optional[_Iterable[str]] = ..., lowercase: _Optional[bool] = ..., replace: _Optional[bool] = ..., detach: _Optional[bool] = ...) -> None: ...

class TrainTokenizerResponse(_message.Message):
    __slots__ = ("progress", "report", "job")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    progress: TrainProgress
    report: TrainReport
    job: _common_pb2.JobStarted
    def __init__(self, progress: _Optional[_Union[TrainProgress, _Mapping]] = ..., report: _Optional[_Union[TrainReport, _Mapping]] = ..., job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ...) -> None: ...

class TrainProgress(_message.Message):
    __slots__ = ("bytes_read", "word_count", "learning")
    BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    WORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    LEARNING_FIELD_NUMBER: _ClassVar[int]
    bytes_read: int
    word_count: int
    learning: bool
    def __init__(self, bytes_read: _Optional[int] = ..., word_count: _Optional[int] = ..., learning: _Optional[bool] = ...) -> None: ...

class TrainReport(_message.Message):
    __slots__ = ("tokenizer", "bytes_read", "word_count", "read_seconds", "learn_seconds")
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    WORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    READ_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LEARN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    tokenizer: _common_pb2.TokenizerInfo
    bytes_read: int
    word_count: int
    read_seconds: float
    learn_seconds: float
    def __init__(self, tokenizer: _Optional[_Union[_common_pb2.TokenizerInfo, _Mapping]] = ..., bytes_read: _Optional[int] = ..., word_count: _Optional[int] = ..., read_seconds: _Optional[float] = ..., learn_seconds: _Optional[float] = ...) -> None: ...

class EmbedOptions(_message.Message):
    __slots__ = ("pooling", "pre_normalize", "post_normalize", "sif_a", "counts", "total_count", "keep_common", "weights", "chunk_tokens", "transformer_input", "one_hot", "model")
    class CountsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class WeightsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    POOLING_FIELD_NUMBER: _ClassVar[int]
    PRE_NORMALIZE_FIELD_NUMBER: _ClassVar[int]
    POST_NORMALIZE_FIELD_NUMBER: _ClassVar[int]
    SIF_A_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    KEEP_COMMON_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMER_INPUT_FIELD_NUMBER: _ClassVar[int]
    ONE_HOT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    pooling: Pooling
    pre_normalize: bool
    post_normalize: bool
    sif_a: float
    counts: _containers.ScalarMap[str, float]
    total_count: float
    keep_common: bool
    weights: _containers.ScalarMap[str, float]
    chunk_tokens: int
    transformer_input: bool
    one_hot: bool
    model: str
    def __init__(self, pooling: _Optional[_Union[Pooling, str]] = ..., pre_normalize: _Optional[bool] = ..., post_normalize: _Optional[bool] = ..., sif_a: _Optional[float] = ..., counts: _Optional[_Mapping[str, float]] = ..., total_count: _Optional[float] = ..., keep_common: _Optional[bool] = ..., weights: _Optional[_Mapping[str, float]] = ..., chunk_tokens: _Optional[int] = ..., transformer_input: _Optional[bool] = ..., one_hot: _Optional[bool] = ..., model: _Optional[str] = ...) -> None: ...

class FrequenciesUsed(_message.Message):
    __slots__ = ("source", "counted_words", "total_count")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    COUNTED_WORDS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    source: FrequencySource
    counted_words: int
    total_count: float
    def __init__(self, source: _Optional[_Union[FrequencySource, str]] = ..., counted_words: _Optional[int] = ..., total_count: _Optional[float] = ...) -> None: ...

class EmbedRequest(_message.Message):
    __slots__ = ("table", "texts", "cutting", "words", "options", "second_texts")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    CUTTING_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    SECOND_TEXTS_FIELD_NUMBER: _ClassVar[int]
    table: str
    texts: _containers.RepeatedScalarFieldContainer[str]
    cutting: Cutting
    words: _common_pb2.WordOptions
    options: EmbedOptions
    second_texts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, table: _Optional[str] = ..., texts: _Optional[_Iterable[str]] = ..., cutting: _Optional[_Union[Cutting, _Mapping]] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., options: _Optional[_Union[EmbedOptions, _Mapping]] = ..., second_texts: _Optional[_Iterable[str]] = ...) -> None: ...

class EmbedResponse(_message.Message):
    __slots__ = ("vectors", "answer", "tokenizer", "frequencies")
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    FREQUENCIES_FIELD_NUMBER: _ClassVar[int]
    vectors: _containers.RepeatedCompositeFieldContainer[TextVector]
    answer: _common_pb2.AnswerInfo
    tokenizer: str
    frequencies: FrequenciesUsed
    def __init__(self, vectors: _Optional[_Iterable[_Union[TextVector, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ..., tokenizer: _Optional[str] = ..., frequencies: _Optional[_Union[FrequenciesUsed, _Mapping]] = ...) -> None: ...

class SparseVector(_message.Message):
    __slots__ = ("rows", "values", "size")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedScalarFieldContainer[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    size: int
    def __init__(self, rows: _Optional[_Iterable[int]] = ..., values: _Optional[_Iterable[float]] = ..., size: _Optional[int] = ...) -> None: ...

class TextVector(_message.Message):
    __slots__ = ("values", "token_count", "used_count", "skipped", "chunk_count", "tokens", "sparse")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    USED_COUNT_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    CHUNK_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    SPARSE_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    token_count: int
    used_count: int
    skipped: _containers.RepeatedScalarFieldContainer[str]
    chunk_count: int
    tokens: _containers.RepeatedCompositeFieldContainer[TokenVector]
    sparse: SparseVector
    def __init__(self, values: _Optional[_Iterable[float]] = ..., token_count: _Optional[int] = ..., used_count: _Optional[int] = ..., skipped: _Optional[_Iterable[str]] = ..., chunk_count: _Optional[int] = ..., tokens: _Optional[_Iterable[_Union[TokenVector, _Mapping]]] = ..., sparse: _Optional[_Union[SparseVector, _Mapping]] = ...) -> None: ...

class TokenVector(_message.Message):
    __slots__ = ("word", "row", "byte_start", "byte_end", "values", "position", "segment", "special", "in_second")
    WORD_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    BYTE_START_FIELD_NUMBER: _ClassVar[int]
    BYTE_END_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_FIELD_NUMBER: _ClassVar[int]
    IN_SECOND_FIELD_NUMBER: _ClassVar[int]
    word: str
    row: int
    byte_start: int
    byte_end: int
    values: _containers.RepeatedScalarFieldContainer[float]
    position: int
    segment: int
    special: bool
    in_second: bool
    def __init__(self, word: _Optional[str] = ..., row: _Optional[int] = ..., byte_start: _Optional[int] = ..., byte_end: _Optional[int] = ..., values: _Optional[_Iterable[float]] = ..., position: _Optional[int] = ..., segment: _Optional[int] = ..., special: _Optional[bool] = ..., in_second: _Optional[bool] = ...) -> None: ...

class NearestToTextRequest(_message.Message):
    __slots__ = ("table", "text", "cutting", "words", "options", "nearest", "in_table")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CUTTING_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    NEAREST_FIELD_NUMBER: _ClassVar[int]
    IN_TABLE_FIELD_NUMBER: _ClassVar[int]
    table: str
    text: str
    cutting: Cutting
    words: _common_pb2.WordOptions
    options: EmbedOptions
    nearest: _search_pb2.NearestRequest
    in_table: str
    def __init__(self, table: _Optional[str] = ..., text: _Optional[str] = ..., cutting: _Optional[_Union[Cutting, _Mapping]] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., options: _Optional[_Union[EmbedOptions, _Mapping]] = ..., nearest: _Optional[_Union[_search_pb2.NearestRequest, _Mapping]] = ..., in_table: _Optional[str] = ...) -> None: ...

class NearestToTextResponse(_message.Message):
    __slots__ = ("neighbors", "text", "answer", "tokenizer", "frequencies")
    NEIGHBORS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    FREQUENCIES_FIELD_NUMBER: _ClassVar[int]
    neighbors: _containers.RepeatedCompositeFieldContainer[_common_pb2.Neighbor]
    text: TextVector
    answer: _common_pb2.AnswerInfo
    tokenizer: str
    frequencies: FrequenciesUsed
    def __init__(self, neighbors: _Optional[_Iterable[_Union[_common_pb2.Neighbor, _Mapping]]] = ..., text: _Optional[_Union[TextVector, _Mapping]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ..., tokenizer: _Optional[str] = ..., frequencies: _Optional[_Union[FrequenciesUsed, _Mapping]] = ...) -> None: ...

class TextSimilarityRequest(_message.Message):
    __slots__ = ("table", "pairs", "cutting", "words", "options", "relaxed_wmd", "exact_wmd")
    class TextPair(_message.Message):
        __slots__ = ("a", "b")
        A_FIELD_NUMBER: _ClassVar[int]
        B_FIELD_NUMBER: _ClassVar[int]
        a: str
        b: str
        def __init__(self, a: _Optional[str] = ..., b: _Optional[str] = ...) -> None: ...
    TABLE_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    CUTTING_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    RELAXED_WMD_FIELD_NUMBER: _ClassVar[int]
    EXACT_WMD_FIELD_NUMBER: _ClassVar[int]
    table: str
    pairs: _containers.RepeatedCompositeFieldContainer[TextSimilarityRequest.TextPair]
    cutting: Cutting
    words: _common_pb2.WordOptions
    options: EmbedOptions
    relaxed_wmd: bool
    exact_wmd: bool
    def __init__(self, table: _Optional[str] = ..., pairs: _Optional[_Iterable[_Union[TextSimilarityRequest.TextPair, _Mapping]]] = ..., cutting: _Optional[_Union[Cutting, _Mapping]] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., options: _Optional[_Union[EmbedOptions, _Mapping]] = ..., relaxed_wmd: _Optional[bool] = ..., exact_wmd: _Optional[bool] = ...) -> None: ...

class TextSimilarityResponse(_message.Message):
    __slots__ = ("similarities", "answer", "tokenizer", "frequencies")
    class PairSimilarity(_message.Message):
        __slots__ = ("cosine", "relaxed_wmd", "skipped", "exact_wmd")
        COSINE_FIELD_NUMBER: _ClassVar[int]
        RELAXED_WMD_FIELD_NUMBER: _ClassVar[int]
        SKIPPED_FIELD_NUMBER: _ClassVar[int]
        EXACT_WMD_FIELD_NUMBER: _ClassVar[int]
        cosine: float
        relaxed_wmd: float
        skipped: _containers.RepeatedScalarFieldContainer[str]
        exact_wmd: float
        def __init__(self, cosine: _Optional[float] = ..., relaxed_wmd: _Optional[float] = ..., skipped: _Optional[_Iterable[str]] = ..., exact_wmd: _Optional[float] = ...) -> None: ...
    SIMILARITIES_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    FREQUENCIES_FIELD_NUMBER: _ClassVar[int]
    similarities: _containers.RepeatedCompositeFieldContainer[TextSimilarityResponse.PairSimilarity]
    answer: _common_pb2.AnswerInfo
    tokenizer: str
    frequencies: FrequenciesUsed
    def __init__(self, similarities: _Optional[_Iterable[_Union[TextSimilarityResponse.PairSimilarity, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ..., tokenizer: _Optional[str] = ..., frequencies: _Optional[_Union[FrequenciesUsed, _Mapping]] = ...) -> None: ...

class ImportTextsRequest(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: ImportTextsHeader
    chunk: bytes
    def __init__(self, header: _Optional[_Union[ImportTextsHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class ImportTextsHeader(_message.Message):
    __slots__ = ("table", "target", "layout", "cutting", "words", "options", "if_exists", "on_duplicate", "on_invalid", "source", "total_bytes", "limit", "detach")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    CUTTING_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    IF_EXISTS_FIELD_NUMBER: _ClassVar[int]
    ON_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    ON_INVALID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    table: str
    target: str
    layout: TextLayout
    cutting: Cutting
    words: _common_pb2.WordOptions
    options: EmbedOptions
    if_exists: _transfer_pb2.IfExists
    on_duplicate: _transfer_pb2.OnDuplicate
    on_invalid: _transfer_pb2.OnInvalid
    source: str
    total_bytes: int
    limit: int
    detach: bool
    def __init__(self, table: _Optional[str] = ..., target: _Optional[str] = ..., layout: _Optional[_Union[TextLayout, str]] = ..., cutting: _Optional[_Union[Cutting, _Mapping]] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., options: _Optional[_Union[EmbedOptions, _Mapping]] = ..., if_exists: _Optional[_Union[_transfer_pb2.IfExists, str]] = ..., on_duplicate: _Optional[_Union[_transfer_pb2.OnDuplicate, str]] = ..., on_invalid: _Optional[_Union[_transfer_pb2.OnInvalid, str]] = ..., source: _Optional[str] = ..., total_bytes: _Optional[int] = ..., limit: _Optional[int] = ..., detach: _Optional[bool] = ...) -> None: ...

class ImportTextsResponse(_message.Message):
    __slots__ = ("progress", "report", "job")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    progress: _transfer_pb2.ImportProgress
    report: ImportTextsReport
    job: _common_pb2.JobStarted
    def __init__(self, progress: _Optional[_Union[_transfer_pb2.ImportProgress, _Mapping]] = ..., report: _Optional[_Union[ImportTextsReport, _Mapping]] = ..., job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ...) -> None: ...

class ImportTextsReport(_message.Message):
    __slots__ = ("tokenizer", "generation", "frequencies")
    IMPORT_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    FREQUENCIES_FIELD_NUMBER: _ClassVar[int]
    tokenizer: str
    generation: int
    frequencies: FrequenciesUsed
    def __init__(self, tokenizer: _Optional[str] = ..., generation: _Optional[int] = ..., frequencies: _Optional[_Union[FrequenciesUsed, _Mapping]] = ..., **kwargs) -> None: ...

class SeedTableRequest(_message.Message):
    __slots__ = ("tokenizer", "table", "dim", "distribution", "scale", "seed", "if_exists", "set_default")
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    DIM_FIELD_NUMBER: _ClassVar[int]
    DISTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    IF_EXISTS_FIELD_NUMBER: _ClassVar[int]
    SET_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    tokenizer: str
    table: str
    dim: int
    distribution: Distribution
    scale: float
    seed: int
    if_exists: _transfer_pb2.IfExists
    set_default: bool
    def __init__(self, tokenizer: _Optional[str] = ..., table: _Optional[str] = ..., dim: _Optional[int] = ..., distribution: _Optional[_Union[Distribution, str]] = ..., scale: _Optional[float] = ..., seed: _Optional[int] = ..., if_exists: _Optional[_Union[_transfer_pb2.IfExists, str]] = ..., set_default: _Optional[bool] = ...) -> None: ...

class SeedTableResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: _transfer_pb2.ImportReport
    def __init__(self, report: _Optional[_Union[_transfer_pb2.ImportReport, _Mapping]] = ...) -> None: ...
