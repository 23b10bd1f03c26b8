from wordspace.v1 import bias_pb2 as _bias_pb2
from wordspace.v1 import evaluation_pb2 as _evaluation_pb2
from wordspace.v1 import search_pb2 as _search_pb2
from wordspace.v1 import table_pb2 as _table_pb2
from wordspace.v1 import text_pb2 as _text_pb2
from wordspace.v1 import training_pb2 as _training_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BatchRequest(_message.Message):
    __slots__ = ("questions",)
    QUESTIONS_FIELD_NUMBER: _ClassVar[int]
    questions: _containers.RepeatedCompositeFieldContainer[Question]
    def __init__(self, questions: _Optional[_Iterable[_Union[Question, _Mapping]]] = ...) -> None: ...

class Question(_message.Message):
    __slots__ = ("nearest", "analogy", "similarity_matrix", "set_similarity", "word_movers", "rank", "closer_than", "most_similar_to_given", "relative_cosine", "rank_by_centrality", "senses", "induce_senses", "compare", "similarity", "recall", "odd_one_out", "get_table", "lookup", "list_words", "sample_words", "count_words", "facets", "health", "get_index", "map", "tokenize", "detokenize", "count_tokens", "compare_tokenizers", "chunk", "list_tokens", "embed", "nearest_to_text", "text_similarity", "weat", "single_weat", "weat_suite", "probe", "generate_analogies", "biased_clusters", "project", "analogies", "word_pairs", "categories", "outliers", "get_huffman_path")
    NEAREST_FIELD_NUMBER: _ClassVar[int]
    ANALOGY_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_MATRIX_FIELD_NUMBER: _ClassVar[int]
    SET_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    WORD_MOVERS_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    CLOSER_THAN_FIELD_NUMBER: _ClassVar[int]
    MOST_SIMILAR_TO_GIVEN_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_COSINE_FIELD_NUMBER: _ClassVar[int]
    RANK_BY_CENTRALITY_FIELD_NUMBER: _ClassVar[int]
    SENSES_FIELD_NUMBER: _ClassVar[int]
    INDUCE_SENSES_FIELD_NUMBER: _ClassVar[int]
    COMPARE_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    RECALL_FIELD_NUMBER: _ClassVar[int]
    ODD_ONE_OUT_FIELD_NUMBER: _ClassVar[int]
    GET_TABLE_FIELD_NUMBER: _ClassVar[int]
    LOOKUP_FIELD_NUMBER: _ClassVar[int]
    LIST_WORDS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_WORDS_FIELD_NUMBER: _ClassVar[int]
    COUNT_WORDS_FIELD_NUMBER: _ClassVar[int]
    FACETS_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    GET_INDEX_FIELD_NUMBER: _ClassVar[int]
    MAP_FIELD_NUMBER: _ClassVar[int]
    TOKENIZE_FIELD_NUMBER: _ClassVar[int]
    DETOKENIZE_FIELD_NUMBER: _ClassVar[int]
    COUNT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COMPARE_TOKENIZERS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    LIST_TOKENS_FIELD_NUMBER: _ClassVar[int]
    EMBED_FIELD_NUMBER: _ClassVar[int]
    NEAREST_TO_TEXT_FIELD_NUMBER: _ClassVar[int]
    TEXT_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    WEAT_FIELD_NUMBER: _ClassVar[int]
    SINGLE_WEAT_FIELD_NUMBER: _ClassVar[int]
    WEAT_SUITE_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    GENERATE_ANALOGIES_FIELD_NUMBER: _ClassVar[int]
    BIASED_CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    ANALOGIES_FIELD_NUMBER: _ClassVar[int]
    WORD_PAIRS_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    OUTLIERS_FIELD_NUMBER: _ClassVar[int]
    GET_HUFFMAN_PATH_FIELD_NUMBER: _ClassVar[int]
    nearest: _search_pb2.NearestRequest
    analogy: _search_pb2.AnalogyRequest
    similarity_matrix: _search_pb2.SimilarityMatrixRequest
    set_similarity: _search_pb2.SetSimilarityRequest
    word_movers: _search_pb2.WordMoversRequest
    rank: _search_pb2.RankRequest
    closer_than: _search_pb2.CloserThanRequest
    most_similar_to_given: _search_pb2.MostSimilarToGivenRequest
    relative_cosine: _search_pb2.RelativeCosineRequest
    rank_by_centrality: _search_pb2.RankByCentralityRequest
    senses: _search_pb2.SensesRequest
    induce_senses: _search_pb2.InduceSensesRequest
    compare: _search_pb2.CompareRequest
    similarity: _search_pb2.SimilarityRequest
    recall: _search_pb2.RecallRequest
    odd_one_out: _search_pb2.OddOneOutRequest
    get_table: _table_pb2.GetTableRequest
    lookup: _table_pb2.LookupRequest
    list_words: _table_pb2.ListWordsRequest
    sample_words: _table_pb2.SampleWordsRequest
    count_words: _table_pb2.CountWordsRequest
    facets: _table_pb2.FacetsRequest
    health: _table_pb2.HealthRequest
    get_index: _table_pb2.GetIndexRequest
    map: _table_pb2.MapRequest
    tokenize: _text_pb2.TokenizeRequest
    detokenize: _text_pb2.DetokenizeRequest
    count_tokens: _text_pb2.CountTokensRequest
    compare_tokenizers: _text_pb2.CompareTokenizersRequest
    chunk: _text_pb2.ChunkRequest
    list_tokens: _text_pb2.ListTokensRequest
    embed: _text_pb2.EmbedRequest
    nearest_to_text: _text_pb2.NearestToTextRequest
    text_similarity: _text_pb2.TextSimilarityRequest
    weat: _bias_pb2.WeatRequest
    single_weat: _bias_pb2.SingleWeatRequest
    weat_suite: _bias_pb2.WeatSuiteRequest
    probe: _bias_pb2.ProbeRequest
    generate_analogies: _bias_pb2.GenerateAnalogiesRequest
    biased_clusters: _bias_pb2.BiasedClustersRequest
    project: _bias_pb2.ProjectRequest
    analogies: _evaluation_pb2.AnalogiesRequest
    word_pairs: _evaluation_pb2.WordPairsRequest
    categories: _evaluation_pb2.CategoriesRequest
    outliers: _evaluation_pb2.OutliersRequest
    get_huffman_path: _training_pb2.GetHuffmanPathRequest
    def __init__(self, nearest: _Optional[_Union[_search_pb2.NearestRequest, _Mapping]] = ..., analogy: _Optional[_Union[_search_pb2.AnalogyRequest, _Mapping]] = ..., similarity_matrix: _Optional[_Union[_search_pb2.SimilarityMatrixRequest, _Mapping]] = ..., set_similarity: _Optional[_Union[_search_pb2.SetSimilarityRequest, _Mapping]] = ..., word_movers: _Optional[_Union[_search_pb2.WordMoversRequest, _Mapping]] = ..., rank: _Optional[_Union[_search_pb2.RankRequest, _Mapping]] = ..., closer_than: _Optional[_Union[_search_pb2.CloserThanRequest, _Mapping]] = ..., most_similar_to_given: _Optional[_Union[_search_pb2.MostSimilarToGivenRequest, _Mapping]] = ..., relative_cosine: _Optional[_Union[_search_pb2.RelativeCosineRequest, _Mapping]] = ..., rank_by_centrality: _Optional[_Union[_search_pb2.RankByCentralityRequest, _Mapping]] = ..., senses: _Optional[_Union[_search_pb2.SensesRequest, _Mapping]] = ..., induce_senses: _Optional[_Union[_search_pb2.InduceSensesRequest, _Mapping]] = ..., compare: _Optional[_Union[_search_pb2.CompareRequest, _Mapping]] = ..., similarity: _Optional[_Union[_search_pb2.SimilarityRequest, _Mapping]] = ..., recall: _Optional[_Union[_search_pb2.RecallRequest, _Mapping]] = ..., odd_one_out: _Optional[_Union[_search_pb2.OddOneOutRequest, _Mapping]] = ..., get_table: _Optional[_Union[_table_pb2.GetTableRequest, _Mapping]] = ..., lookup: _Optional[_Union[_table_pb2.LookupRequest, _Mapping]] = ..., list_words: _Optional[_Union[_table_pb2.ListWordsRequest, _Mapping]] = ..., sample_words: _Optional[_Union[_table_pb2.SampleWordsRequest, _Mapping]] = ..., count_words: _Optional[_Union[_table_pb2.CountWordsRequest, _Mapping]] = ..., facets: _Optional[_Union[_table_pb2.FacetsRequest, _Mapping]] = ..., health: _Optional[_Union[_table_pb2.HealthRequest, _Mapping]] = ..., get_index: _Optional[_Union[_table_pb2.GetIndexRequest, _Mapping]] = ..., map: _Optional[_Union[_table_pb2.MapRequest, _Mapping]] = ..., tokenize: _Optional[_Union[_text_pb2.TokenizeRequest, _Mapping]] = ..., detokenize: _Optional[_Union[_text_pb2.DetokenizeRequest, _Mapping]] = ..., count_tokens: _Optional[_Union[_text_pb2.CountTokensRequest, _Mapping]] = ..., compare_tokenizers: _Optional[_Union[_text_pb2.CompareTokenizersRequest, _Mapping]] = ..., chunk: _Optional[_Union[_text_pb2.ChunkRequest, _Mapping]] = ..., list_tokens: _Optional[_Union[_text_pb2.ListTokensRequest, _Mapping]] = ..., embed: _Optional[_Union[_text_pb2.EmbedRequest, _Mapping]] = ..., nearest_to_text: _Optional[_Union[_text_pb2.NearestToTextRequest, _Mapping]] = ..., text_similarity: _Optional[_Union[_text_pb2.TextSimilarityRequest, _Mapping]] = ..., weat: _Optional[_Union[_bias_pb2.WeatRequest, _Mapping]] = ..., single_weat: _Optional[_Union[_bias_pb2.SingleWeatRequest, _Mapping]] = ..., weat_suite: _Optional[_Union[_bias_pb2.WeatSuiteRequest, _Mapping]] = ..., probe: _Optional[_Union[_bias_pb2.ProbeRequest, _Mapping]] = ..., generate_analogies: _Optional[_Union[_bias_pb2.GenerateAnalogiesRequest, _Mapping]] = ..., biased_clusters: _Optional[_Union[_bias_pb2.BiasedClustersRequest, _Mapping]] = ..., project: _Optional[_Union[_bias_pb2.ProjectRequest, _Mapping]] = ..., analogies: _Optional[_Union[_evaluation_pb2.AnalogiesRequest, _Mapping]] = ..., word_pairs: _Optional[_Union[_evaluation_pb2.WordPairsRequest, _Mapping]] = ..., categories: _Optional[_Union[_evaluation_pb2.CategoriesRequest, _Mapping]] = ..., outliers: _Optional[_Union[_evaluation_pb2.OutliersRequest, _Mapping]] = ..., get_huffman_path: _Optional[_Union[_training_pb2.GetHuffmanPathRequest, _Mapping]] = ...) -> None: ...

class BatchResponse(_message.Message):
    __slots__ = ("answers",)
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[BatchAnswer]
    def __init__(self, answers: _Optional[_Iterable[_Union[BatchAnswer, _Mapping]]] = ...) -> None: ...

class BatchAnswer(_message.Message):
    __slots__ = ("error", "nearest", "analogy", "similarity_matrix", "set_similarity", "word_movers", "rank", "closer_than", "most_similar_to_given", "relative_cosine", "rank_by_centrality", "senses", "induce_senses", "compare", "similarity", "recall", "odd_one_out", "get_table", "lookup", "list_words", "sample_words", "count_words", "facets", "health", "get_index", "map", "tokenize", "detokenize", "count_tokens", "compare_tokenizers", "chunk", "list_tokens", "embed", "nearest_to_text", "text_similarity", "weat", "single_weat", "weat_suite", "probe", "generate_analogies", "biased_clusters", "project", "analogies", "word_pairs", "categories", "outliers", "get_huffman_path")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NEAREST_FIELD_NUMBER: _ClassVar[int]
    ANALOGY_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_MATRIX_FIELD_NUMBER: _ClassVar[int]
    SET_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    WORD_MOVERS_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    CLOSER_THAN_FIELD_NUMBER: _ClassVar[int]
    MOST_SIMILAR_TO_GIVEN_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_COSINE_FIELD_NUMBER: _ClassVar[int]
    RANK_BY_CENTRALITY_FIELD_NUMBER: _ClassVar[int]
    SENSES_FIELD_NUMBER: _ClassVar[int]
    INDUCE_SENSES_FIELD_NUMBER: _ClassVar[int]
    COMPARE_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    RECALL_FIELD_NUMBER: _ClassVar[int]
    ODD_ONE_OUT_FIELD_NUMBER: _ClassVar[int]
    GET_TABLE_FIELD_NUMBER: _ClassVar[int]
    LOOKUP_FIELD_NUMBER: _ClassVar[int]
    LIST_WORDS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_WORDS_FIELD_NUMBER: _ClassVar[int]
    COUNT_WORDS_FIELD_NUMBER: _ClassVar[int]
    FACETS_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    GET_INDEX_FIELD_NUMBER: _ClassVar[int]
    MAP_FIELD_NUMBER: _ClassVar[int]
    TOKENIZE_FIELD_NUMBER: _ClassVar[int]
    DETOKENIZE_FIELD_NUMBER: _ClassVar[int]
    COUNT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COMPARE_TOKENIZERS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    LIST_TOKENS_FIELD_NUMBER: _ClassVar[int]
    EMBED_FIELD_NUMBER: _ClassVar[int]
    NEAREST_TO_TEXT_FIELD_NUMBER: _ClassVar[int]
    TEXT_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    WEAT_FIELD_NUMBER: _ClassVar[int]
    SINGLE_WEAT_FIELD_NUMBER: _ClassVar[int]
    WEAT_SUITE_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    GENERATE_ANALOGIES_FIELD_NUMBER: _ClassVar[int]
    BIASED_CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    ANALOGIES_FIELD_NUMBER: _ClassVar[int]
    WORD_PAIRS_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    OUTLIERS_FIELD_NUMBER: _ClassVar[int]
    GET_HUFFMAN_PATH_FIELD_NUMBER: _ClassVar[int]
    error: _search_pb2.QueryError
    nearest: _search_pb2.NearestResponse
    analogy: _search_pb2.AnalogyResponse
    similarity_matrix: _search_pb2.SimilarityMatrixResponse
    set_similarity: _search_pb2.SetSimilarityResponse
    word_movers: _search_pb2.WordMoversResponse
    rank: _search_pb2.RankResponse
    closer_than: _search_pb2.CloserThanResponse
    most_similar_to_given: _search_pb2.MostSimilarToGivenResponse
    relative_cosine: _search_pb2.RelativeCosineResponse
    rank_by_centrality: _search_pb2.RankByCentralityResponse
    senses: _search_pb2.SensesResponse
    induce_senses: _search_pb2.InduceSensesResponse
    compare: _search_pb2.CompareResponse
    similarity: _search_pb2.SimilarityResponse
    recall: _search_pb2.RecallResponse
    odd_one_out: _search_pb2.OddOneOutResponse
    get_table: _table_pb2.GetTableResponse
    lookup: _table_pb2.LookupResponse
    list_words: _table_pb2.ListWordsResponse
    sample_words: _table_pb2.SampleWordsResponse
    count_words: _table_pb2.CountWordsResponse
    facets: _table_pb2.FacetsResponse
    health: _table_pb2.HealthResponse
    get_index: _table_pb2.GetIndexResponse
    map: _table_pb2.MapResponse
    tokenize: _text_pb2.TokenizeResponse
    detokenize: _text_pb2.DetokenizeResponse
    count_tokens: _text_pb2.CountTokensResponse
    compare_tokenizers: _text_pb2.CompareTokenizersResponse
    chunk: _text_pb2.ChunkResponse
    list_tokens: _text_pb2.ListTokensResponse
    embed: _text_pb2.EmbedResponse
    nearest_to_text: _text_pb2.NearestToTextResponse
    text_similarity: _text_pb2.TextSimilarityResponse
    weat: _bias_pb2.WeatResponse
    single_weat: _bias_pb2.SingleWeatResponse
    weat_suite: _bias_pb2.WeatSuiteResponse
    probe: _bias_pb2.ProbeResponse
    generate_analogies: _bias_pb2.GenerateAnalogiesResponse
    biased_clusters: _bias_pb2.BiasedClustersResponse
    project: _bias_pb2.ProjectResponse
    analogies: _evaluation_pb2.AnalogiesResponse
    word_pairs: _evaluation_pb2.WordPairsResponse
    categories: _evaluation_pb2.CategoriesResponse
    outliers: _evaluation_pb2.OutliersResponse
    get_huffman_path: _training_pb2.GetHuffmanPathResponse
    def __init__(self, error: _Optional[_Union[_search_pb2.QueryError, _Mapping]] = ..., nearest: _Optional[_Union[_search_pb2.NearestResponse, _Mapping]] = ..., analogy: _Optional[_Union[_search_pb2.AnalogyResponse, _Mapping]] = ..., similarity_matrix: _Optional[_Union[_search_pb2.SimilarityMatrixResponse, _Mapping]] = ..., set_similarity: _Optional[_Union[_search_pb2.SetSimilarityResponse, _Mapping]] = ..., word_movers: _Optional[_Union[_search_pb2.WordMoversResponse, _Mapping]] = ..., rank: _Optional[_Union[_search_pb2.RankResponse, _Mapping]] = ..., closer_than: _Optional[_Union[_search_pb2.CloserThanResponse, _Mapping]] = ..., most_similar_to_given: _Optional[_Union[_search_pb2.MostSimilarToGivenResponse, _Mapping]] = ..., relative_cosine: _Optional[_Union[_search_pb2.RelativeCosineResponse, _Mapping]] = ..., rank_by_centrality: _Optional[_Union[_search_pb2.RankByCentralityResponse, _Mapping]] = ..., senses: _Optional[_Union[_search_pb2.SensesResponse, _Mapping]] = ..., induce_senses: _Optional[_Union[_search_pb2.InduceSensesResponse, _Mapping]] = ..., compare: _Optional[_Union[_search_pb2.CompareResponse, _Mapping]] = ..., similarity: _Optional[_Union[_search_pb2.SimilarityResponse, _Mapping]] = ..., recall: _Optional[_Union[_search_pb2.RecallResponse, _Mapping]] = ..., odd_one_out: _Optional[_Union[_search_pb2.OddOneOutResponse, _Mapping]] = ..., get_table: _Optional[_Union[_table_pb2.GetTableResponse, _Mapping]] = ..., lookup: _Optional[_Union[_table_pb2.LookupResponse, _Mapping]] = ..., list_words: _Optional[_Union[_table_pb2.ListWordsResponse, _Mapping]] = ..., sample_words: _Optional[_Union[_table_pb2.SampleWordsResponse, _Mapping]] = ..., count_words: _Optional[_Union[_table_pb2.CountWordsResponse, _Mapping]] = ..., facets: _Optional[_Union[_table_pb2.FacetsResponse, _Mapping]] = ..., health: _Optional[_Union[_table_pb2.HealthResponse, _Mapping]] = ..., get_index: _Optional[_Union[_table_pb2.GetIndexResponse, _Mapping]] = ..., map: _Optional[_Union[_table_pb2.MapResponse, _Mapping]] = ..., tokenize: _Optional[_Union[_text_pb2.TokenizeResponse, _Mapping]] = ..., detokenize: _Optional[_Union[_text_pb2.DetokenizeResponse, _Mapping]] = ..., count_tokens: _Optional[_Union[_text_pb2.CountTokensResponse, _Mapping]] = ..., compare_tokenizers: _Optional[_Union[_text_pb2.CompareTokenizersResponse, _Mapping]] = ..., chunk: _Optional[_Union[_text_pb2.ChunkResponse, _Mapping]] = ..., list_tokens: _Optional[_Union[_text_pb2.ListTokensResponse, _Mapping]] = ..., embed: _Optional[_Union[_text_pb2.EmbedResponse, _Mapping]] = ..., nearest_to_text: _Optional[_Union[_text_pb2.NearestToTextResponse, _Mapping]] = ..., text_similarity: _Optional[_Union[_text_pb2.TextSimilarityResponse, _Mapping]] = ..., weat: _Optional[_Union[_bias_pb2.WeatResponse, _Mapping]] = ..., single_weat: _Optional[_Union[_bias_pb2.SingleWeatResponse, _Mapping]] = ..., weat_suite: _Optional[_Union[_bias_pb2.WeatSuiteResponse, _Mapping]] = ..., probe: _Optional[_Union[_bias_pb2.ProbeResponse, _Mapping]] = ..., generate_analogies: _Optional[_Union[_bias_pb2.GenerateAnalogiesResponse, _Mapping]] = ..., biased_clusters: _Optional[_Union[_bias_pb2.BiasedClustersResponse, _Mapping]] = ..., project: _Optional[_Union[_bias_pb2.ProjectResponse, _Mapping]] = ..., analogies: _Optional[_Union[_evaluation_pb2.AnalogiesResponse, _Mapping]] = ..., word_pairs: _Optional[_Union[_evaluation_pb2.WordPairsResponse, _Mapping]] = ..., categories: _Optional[_Union[_evaluation_pb2.CategoriesResponse, _Mapping]] = ..., outliers: _Optional[_Union[_evaluation_pb2.OutliersResponse, _Mapping]] = ..., get_huffman_path: _Optional[_Union[_training_pb2.GetHuffmanPathResponse, _Mapping]] = ...) -> None: ...
