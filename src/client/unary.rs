//! Calls of one message and one answer.

use crate::client::Client;
use crate::client::error::Result;
use crate::proto as pb;

/// Spells out one method for each unary RPC, `method(Request) -> Response` of a stub, with an example of its request.
macro_rules! unary {
    ($(
        $(#[$doc:meta])*
        $stub:ident.$method:ident:
        $request:ident { $($field:ident: $value:expr),* $(,)? } -> $response:ident;
    )+) => {
        impl Client {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                ///
                /// [`CallError::Refused`](crate::client::CallError) if the server says no, `Lost` if the connection
                /// breaks.
                ///
                /// # Examples
                ///
                #[doc = concat!(
                    "```no_run\nuse wordspace::client::*;\n\n",
                    "# async fn ask(client: Client) -> Result<()> {\n",
                    "let request = ", stringify!($request), " {\n",
                    $("    ", stringify!($field), ": ", stringify!($value), ",\n",)*
                    "    ..Default::default()\n};\n",
                    "let answer = client.", stringify!($method), "(request).await?;\n",
                    "# Ok(())\n# }\n```",
                )]
                pub async fn $method(&self, request: pb::$request) -> Result<pb::$response> {
                    let call = |request| {
                        let mut stub = self.$stub.clone();
                        async move { stub.$method(request).await }
                    };
                    self.ask(stringify!($method), request, call).await
                }
            )+
        }
    };
}

unary! {
    /// The nearest words of a weighted mean of words and vectors.
    search.nearest: NearestRequest {
        table: "en".to_owned(),
        positive: vec!["woman".into(), "king".into()],
        negative: vec!["man".into()],
        k: Some(5),
    } -> NearestResponse;
    /// Many questions of one table in one call.
    search.nearest_batch: NearestBatchRequest {
        table: "en".to_owned(),
        queries: vec![NearestRequest { positive: vec!["king".into()], ..Default::default() }],
    } -> NearestBatchResponse;
    /// a is to b as c is to ?
    search.analogy: AnalogyRequest {
        table: "en".to_owned(),
        a: Some("man".into()),
        b: Some("king".into()),
        c: Some("woman".into()),
    } -> AnalogyResponse;
    /// How much of a file is kept for a table.
    transfer.get_upload: GetUploadRequest { table: "en".to_owned() } -> GetUploadResponse;
    /// What is kept of files whose imports may go on.
    transfer.list_uploads: ListUploadsRequest {} -> ListUploadsResponse;
    /// Drops what is kept of a file for a table.
    transfer.delete_upload: DeleteUploadRequest { table: "en".to_owned() } -> DeleteUploadResponse;
    /// All jobs.
    jobs.list_jobs: ListJobsRequest {} -> ListJobsResponse;
    /// One job.
    jobs.get_job: GetJobRequest { id: 7 } -> GetJobResponse;
    /// Stops a job.
    jobs.cancel_job: CancelJobRequest { id: 7 } -> CancelJobResponse;
    /// The way to a word in the Huffman tree over a table's words.
    training.get_huffman_path: GetHuffmanPathRequest {
        table: "en".to_owned(),
        word: "king".to_owned(),
    } -> GetHuffmanPathResponse;
    /// All backups.
    admin.list_backups: ListBackupsRequest {} -> ListBackupsResponse;
    /// Recall and speed of a table's graph.
    search.recall: RecallRequest {
        table: "en".to_owned(),
        sample: Some(200),
        ef_search: vec![16, 64, 256],
    } -> RecallResponse;
    /// The cosine similarity of pairs.
    search.similarity: SimilarityRequest {
        table: "en".to_owned(),
        pairs: vec![similarity_request::Pair { a: Some("cat".into()), b: Some("dog".into()) }],
    } -> SimilarityResponse;
    /// How alike all words of a list are.
    search.similarity_matrix: SimilarityMatrixRequest {
        table: "en".to_owned(),
        rows: vec!["cat".into(), "dog".into(), "car".into()],
    } -> SimilarityMatrixResponse;
    /// How alike two sets are.
    search.set_similarity: SetSimilarityRequest {
        table: "en".to_owned(),
        a: vec!["cat".into(), "dog".into()],
        b: vec!["car".into(), "bus".into()],
    } -> SetSimilarityResponse;
    /// Word Mover's Distance.
    search.word_movers: WordMoversRequest {
        table: "en".to_owned(),
        a: vec!["cats".to_owned(), "sleep".to_owned()],
        b: vec!["dogs".to_owned(), "rest".to_owned()],
    } -> WordMoversResponse;
    /// Where a word stands among another's neighbors.
    search.rank: RankRequest {
        table: "en".to_owned(),
        a: Some("king".into()),
        b: Some("queen".into()),
    } -> RankResponse;
    /// The words that are nearer than another.
    search.closer_than: CloserThanRequest {
        table: "en".to_owned(),
        a: Some("king".into()),
        b: Some("queen".into()),
    } -> CloserThanResponse;
    /// Which of some words is nearest.
    search.most_similar_to_given: MostSimilarToGivenRequest {
        table: "en".to_owned(),
        query: Some("king".into()),
        candidates: vec!["queen".into(), "car".into()],
    } -> MostSimilarToGivenResponse;
    /// A similarity over the sum of those of the nearest.
    search.relative_cosine: RelativeCosineRequest {
        table: "en".to_owned(),
        a: Some("king".into()),
        b: Some("queen".into()),
    } -> RelativeCosineResponse;
    /// The members of a set by their similarity to its mean.
    search.rank_by_centrality: RankByCentralityRequest {
        table: "en".to_owned(),
        queries: vec!["cat".into(), "dog".into(), "car".into()],
    } -> RankByCentralityResponse;
    /// The rows of a surface form.
    search.senses: SensesRequest {
        table: "en".to_owned(),
        word: "bank".to_owned(),
        context: vec!["river".to_owned(), "water".to_owned()],
    } -> SensesResponse;
    /// Senses of a word, found among its neighbors.
    search.induce_senses: InduceSensesRequest {
        table: "en".to_owned(),
        word: Some("bank".into()),
    } -> InduceSensesResponse;
    /// How differently two tables see a word.
    search.compare: CompareRequest {
        table: "en".to_owned(),
        other: "en-1900".to_owned(),
        words: vec!["broadcast".to_owned()],
    } -> CompareResponse;
    /// The word least like the mean of the set.
    search.odd_one_out: OddOneOutRequest {
        table: "en".to_owned(),
        queries: vec!["breakfast".into(), "lunch".into(), "dinner".into(), "cereal".into()],
    } -> OddOneOutResponse;
    /// One table.
    tables.get_table: GetTableRequest { table: "en".to_owned() } -> GetTableResponse;
    /// All tables.
    tables.list_tables: ListTablesRequest {} -> ListTablesResponse;
    /// Makes an empty table.
    tables.create_table: CreateTableRequest {
        table: "notes".to_owned(),
        dim: 300,
    } -> CreateTableResponse;
    /// Makes a second table of one; no data moves.
    tables.copy_table: CopyTableRequest {
        table: "en".to_owned(),
        new_name: "en-before".to_owned(),
    } -> CopyTableResponse;
    /// Gives a table another name.
    tables.rename_table: RenameTableRequest {
        table: "en".to_owned(),
        new_name: "en-2024".to_owned(),
    } -> RenameTableResponse;
    /// Deletes a table for good.
    tables.delete_table: DeleteTableRequest { table: "en-2024".to_owned() } -> DeleteTableResponse;
    /// Deletes tables for good, all or none.
    tables.delete_tables: DeleteTablesRequest {
        tables: vec!["en-2023".to_owned(), "en-2024".to_owned()],
    } -> DeleteTablesResponse;
    /// Lets an alias stand for a table.
    tables.set_alias: SetAliasRequest {
        alias: "live".to_owned(),
        table: "en".to_owned(),
    } -> SetAliasResponse;
    /// Removes an alias.
    tables.remove_alias: RemoveAliasRequest { alias: "live".to_owned() } -> RemoveAliasResponse;
    /// All aliases.
    tables.list_aliases: ListAliasesRequest {} -> ListAliasesResponse;
    /// What is odd about a table.
    tables.health: HealthRequest { table: "en".to_owned() } -> HealthResponse;
    /// Where words stand on a map in two dimensions.
    tables.map: MapRequest { table: "en".to_owned() } -> MapResponse;
    /// Words or rows to vectors.
    tables.lookup: LookupRequest {
        table: "en".to_owned(),
        queries: vec!["king".into(), "queen".into()],
        packed: true,
    } -> LookupResponse;
    /// One page of a table's words.
    tables.list_words: ListWordsRequest {
        table: "en".to_owned(),
        prefix: "qu".to_owned(),
        page_size: Some(100),
    } -> ListWordsResponse;
    /// Some of the table's words at random.
    tables.sample_words: SampleWordsRequest {
        table: "en".to_owned(),
        count: Some(20),
        seed: 1,
    } -> SampleWordsResponse;
    /// How many words a filter lets through.
    tables.count_words: CountWordsRequest {
        table: "en".to_owned(),
        filter: Some(Filter { matching: vec!["freq > 10".to_owned()], ..Default::default() }),
    } -> CountWordsResponse;
    /// How many words have each value of an attribute.
    tables.facets: FacetsRequest {
        table: "en".to_owned(),
        attribute: "lang".to_owned(),
    } -> FacetsResponse;
    /// Puts words with their vectors into a table.
    tables.put_vectors: PutVectorsRequest {
        table: "notes".to_owned(),
        words: vec![put_vectors_request::WordToPut {
            word: "monarch".to_owned(),
            vector: Some(Vector { values: vec![0.1; 300], ..Default::default() }),
            ..Default::default()
        }],
    } -> PutVectorsResponse;
    /// Deletes words with their vectors and attributes.
    tables.delete_words: DeleteWordsRequest {
        table: "notes".to_owned(),
        queries: vec!["monarch".into()],
    } -> DeleteWordsResponse;
    /// Sets and removes attributes of words.
    tables.set_attributes: SetAttributesRequest {
        table: "notes".to_owned(),
        changes: vec![set_attributes_request::Change {
            query: Some("monarch".into()),
            remove: vec!["draft".to_owned()],
            ..Default::default()
        }],
    } -> SetAttributesResponse;
    /// How far a table's index is.
    tables.get_index: GetIndexRequest { table: "en".to_owned() } -> GetIndexResponse;
    /// Takes the writes of a table into a new generation.
    tables.build_index: BuildIndexRequest { table: "en".to_owned() } -> BuildIndexResponse;
    /// Stops a table's build.
    tables.cancel_build: CancelBuildRequest { table: "en".to_owned() } -> CancelBuildResponse;
    /// Cuts texts into tokens.
    text.tokenize: TokenizeRequest {
        texts: vec!["The bank cut rates.".to_owned()],
        table: "en".to_owned(),
    } -> TokenizeResponse;
    /// Joins tokens to texts.
    text.detokenize: DetokenizeRequest {
        tokenizer: "bert".to_owned(),
        texts: vec![TokenIds { ids: vec![101, 2023, 102] }],
    } -> DetokenizeResponse;
    /// How many tokens texts have.
    text.count_tokens: CountTokensRequest {
        texts: vec!["The bank cut rates.".to_owned()],
        table: "en".to_owned(),
    } -> CountTokensResponse;
    /// Texts as several tokenizers cut them.
    text.compare_tokenizers: CompareTokenizersRequest {
        texts: vec!["The bank cut rates.".to_owned()],
        tokenizers: vec!["bert".to_owned(), "unicode-words".to_owned()],
    } -> CompareTokenizersResponse;
    /// Long texts in windows.
    text.chunk: ChunkRequest {
        texts: vec!["A long text.".to_owned()],
        table: "en".to_owned(),
        max_tokens: 256,
        overlap: 32,
    } -> ChunkResponse;
    /// Looks into a tokenizer's vocabulary.
    text.list_tokens: ListTokensRequest {
        tokenizer: "bert".to_owned(),
        prefix: "##".to_owned(),
    } -> ListTokensResponse;
    /// Stores a tokenizer.
    text.put_tokenizer: PutTokenizerRequest {
        name: "bert".to_owned(),
        spec: Some(TokenizerSpec {
            kind: TokenizerKind::Json.into(),
            files: vec![TokenizerFile { name: "tokenizer.json".to_owned(), content: b"{}".to_vec() }],
            ..Default::default()
        }),
    } -> PutTokenizerResponse;
    /// What is known of a tokenizer.
    text.get_tokenizer: GetTokenizerRequest { name: "bert".to_owned() } -> GetTokenizerResponse;
    /// All tokenizers.
    text.list_tokenizers: ListTokenizersRequest {} -> ListTokenizersResponse;
    /// Deletes a stored tokenizer.
    text.delete_tokenizer: DeleteTokenizerRequest {
        name: "bert".to_owned(),
    } -> DeleteTokenizerResponse;
    /// Says which tokenizer a table uses.
    text.set_default_tokenizer: SetDefaultTokenizerRequest {
        table: "en".to_owned(),
        tokenizer: "bert".to_owned(),
    } -> SetDefaultTokenizerResponse;
    /// Texts to vectors.
    text.embed: EmbedRequest {
        table: "en".to_owned(),
        texts: vec!["The bank cut rates.".to_owned()],
        options: Some(EmbedOptions { pooling: Pooling::Sif.into(), ..Default::default() }),
    } -> EmbedResponse;
    /// The nearest words to a text.
    text.nearest_to_text: NearestToTextRequest {
        table: "en".to_owned(),
        text: "The bank cut rates.".to_owned(),
    } -> NearestToTextResponse;
    /// How alike texts are.
    text.text_similarity: TextSimilarityRequest {
        table: "en".to_owned(),
        pairs: vec![text_similarity_request::TextPair { a: "Cats sleep.".to_owned(), b: "Dogs rest.".to_owned() }],
    } -> TextSimilarityResponse;
    /// Makes a table of a tokenizer's tokens.
    text.seed_table: SeedTableRequest {
        tokenizer: "bert".to_owned(),
        table: "start".to_owned(),
        dim: 64,
    } -> SeedTableResponse;
    /// Word Embedding Association Test.
    bias.weat: WeatRequest { table: "en".to_owned(), suite: "weat1".to_owned() } -> WeatResponse;
    /// The association test for single words.
    bias.single_weat: SingleWeatRequest {
        table: "en".to_owned(),
        words: Some(WordSet { name: "jobs".to_owned(), words: vec!["nurse".to_owned(), "engineer".to_owned()] }),
        a: Some(WordSet { name: "male".to_owned(), words: vec!["he".to_owned(), "man".to_owned(), "brother".to_owned()] }),
        b: Some(WordSet { name: "female".to_owned(), words: vec!["she".to_owned(), "woman".to_owned(), "sister".to_owned()] }),
    } -> SingleWeatResponse;
    /// Every published association test.
    bias.weat_suite: WeatSuiteRequest { table: "en".to_owned() } -> WeatSuiteResponse;
    /// The published association tests, with their words.
    bias.list_suites: ListSuitesRequest {} -> ListSuitesResponse;
    /// One figure for sets of targets and attributes.
    bias.probe: ProbeRequest {
        table: "en".to_owned(),
        metric: ProbeMetric::Rnd.into(),
        targets: vec![
            WordSet { name: "male".to_owned(), words: vec!["he".to_owned()] },
            WordSet { name: "female".to_owned(), words: vec!["she".to_owned()] },
        ],
        attributes: vec![WordSet { name: "jobs".to_owned(), words: vec!["nurse".to_owned()] }],
    } -> ProbeResponse;
    /// Analogies along a direction.
    bias.generate_analogies: GenerateAnalogiesRequest {
        table: "en".to_owned(),
        from: Some(WordSet { name: "male".to_owned(), words: vec!["he".to_owned(), "man".to_owned(), "brother".to_owned()] }),
        to: Some(WordSet { name: "female".to_owned(), words: vec!["she".to_owned(), "woman".to_owned(), "sister".to_owned()] }),
    } -> GenerateAnalogiesResponse;
    /// Whether the most biased words can be told apart.
    bias.biased_clusters: BiasedClustersRequest {
        table: "en-debiased".to_owned(),
        original: "en".to_owned(),
        from: Some(WordSet { name: "male".to_owned(), words: vec!["he".to_owned(), "man".to_owned(), "brother".to_owned()] }),
        to: Some(WordSet { name: "female".to_owned(), words: vec!["she".to_owned(), "woman".to_owned(), "sister".to_owned()] }),
    } -> BiasedClustersResponse;
    /// Places words between two poles.
    bias.project: ProjectRequest {
        table: "en".to_owned(),
        from: Some(WordSet { name: "male".to_owned(), words: vec!["he".to_owned(), "man".to_owned(), "brother".to_owned()] }),
        to: Some(WordSet { name: "female".to_owned(), words: vec!["she".to_owned(), "woman".to_owned(), "sister".to_owned()] }),
        queries: vec!["nurse".into(), "engineer".into()],
    } -> ProjectResponse;
    /// Analogy questions by section.
    evaluation.analogies: AnalogiesRequest {
        tables: vec!["en".to_owned()],
        file: b": family\nman king woman queen\n".to_vec(),
    } -> AnalogiesResponse;
    /// The similarity that people gave to pairs.
    evaluation.word_pairs: WordPairsRequest {
        tables: vec!["en".to_owned()],
        file: b"cat\tdog\t7.5\n".to_vec(),
    } -> WordPairsResponse;
    /// Words that people put into categories.
    evaluation.categories: CategoriesRequest {
        tables: vec!["en".to_owned()],
        test_set: "animals".to_owned(),
    } -> CategoriesResponse;
    /// Sets with a word that does not belong.
    evaluation.outliers: OutliersRequest {
        tables: vec!["en".to_owned()],
        test_set: "odd-words".to_owned(),
    } -> OutliersResponse;
    /// Stores a test set.
    evaluation.put_test_set: PutTestSetRequest {
        name: "pairs".to_owned(),
        kind: TestSetKind::WordPairs.into(),
        file: b"cat\tdog\t7.5\n".to_vec(),
    } -> PutTestSetResponse;
    /// What is known of a stored test set, and its file.
    evaluation.get_test_set: GetTestSetRequest { name: "pairs".to_owned() } -> GetTestSetResponse;
    /// All stored test sets.
    evaluation.list_test_sets: ListTestSetsRequest {} -> ListTestSetsResponse;
    /// Deletes a stored test set.
    evaluation.delete_test_set: DeleteTestSetRequest {
        name: "pairs".to_owned(),
    } -> DeleteTestSetResponse;
    /// All language models.
    models.list_models: ListModelsRequest {} -> ListModelsResponse;
    /// What is known of a language model.
    models.get_model: GetModelRequest { model: "news".to_owned() } -> GetModelResponse;
    /// Deletes a language model.
    models.delete_model: DeleteModelRequest { model: "news".to_owned() } -> DeleteModelResponse;
    /// How likely sentences are.
    models.score: ScoreRequest {
        model: "news".to_owned(),
        sentences: vec!["the cat sat".to_owned()],
    } -> ScoreResponse;
    /// How well a language model knows a text.
    models.perplexity: PerplexityRequest {
        model: "news".to_owned(),
        text: b"the cat sat\n".to_vec(),
    } -> PerplexityResponse;
    /// The likeliest next words.
    models.next_words: NextWordsRequest {
        model: "news".to_owned(),
        text: "the cat".to_owned(),
        k: Some(5),
    } -> NextWordsResponse;
    /// Texts that are drawn word by word.
    models.generate: GenerateRequest {
        model: "news".to_owned(),
        text: "the cat".to_owned(),
        seed: Some(1),
    } -> GenerateResponse;
    /// How well several language models know a text together.
    models.mix_models: MixModelsRequest {
        models: vec!["news".to_owned(), "mail".to_owned()],
        text: b"the cat sat\n".to_vec(),
    } -> MixModelsResponse;
    /// Which of some texts is the likeliest.
    models.rank_texts: RankTextsRequest {
        model: "news".to_owned(),
        candidates: vec![CandidateText { text: "the cat sat".to_owned(), acoustic_log10: -2.5 }],
    } -> RankTextsResponse;
    /// Words that surprise more than those around them.
    models.odd_words: OddWordsRequest {
        model: "news".to_owned(),
        sentences: vec!["the cat sat on the mat".to_owned()],
    } -> OddWordsResponse;
    /// Questions of any kind in one call.
    batches.batch: BatchRequest {
        questions: vec![Question {
            question: Some(question::Question::Nearest(NearestRequest {
                table: "en".to_owned(),
                positive: vec!["king".into()],
                ..Default::default()
            })),
        }],
    } -> BatchResponse;
    /// The server itself.
    admin.get_status: GetStatusRequest {} -> GetStatusResponse;
}
