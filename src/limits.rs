//! Every hard cap, by name; an error that refuses something tells the cap's name and value.

use std::time::Duration;

/// Components of a vector. The widest token table in use has 12,288 (GPT-3).
pub const DIM_MAX: usize = 65_536;
/// Bytes of a word.
pub const WORD_BYTES_MAX: usize = 65_536;
/// Characters of the longest n-grams of sub-words, and bytes of what stands around a word; models in
/// use have 6 and 1. A word has nearly as many n-grams for each of its characters.
pub const N_GRAM_CHARS_MAX: usize = 64;
/// Rows of a table: rows are numbered by `u32`, and the last number marks "none".
pub const ROWS_MAX: usize = u32::MAX as usize - 1;
/// Bytes of all words of a table together: offsets into them are `u32`.
pub const VOCAB_BYTES_MAX: usize = u32::MAX as usize;
/// Characters of a table's name.
pub const TABLE_NAME_CHARS_MAX: usize = 128;
/// Tables that one call merges.
pub const MERGED_TABLES_MAX: usize = 64;
/// Tables that one call deletes.
pub const DELETED_TABLES_MAX: usize = 1_000;
/// Aliases of all tables.
pub const ALIASES_MAX: usize = 10_000;
/// How long a call waits, where tables are followed, for a state that it wants to see.
pub const LEAST_WAIT: Duration = Duration::from_secs(2);
/// Calls at once of those that waited for such a state: fewer than there is room for where questions wait for a thread.
pub const ENTERING_MAX: usize = 16;
/// Pause between two looks at what is to be published.
pub const PUBLISH_MILLISECONDS: u64 = 1_000;
/// Pause between two looks at what was published.
pub const FOLLOW_MILLISECONDS: u64 = 500;
/// Words that are written until they are published at once.
pub const PUBLISH_WRITES: u64 = 1_000;
/// How long the last publication may take while a server closes.
pub const LAST_PUBLICATION: Duration = Duration::from_secs(10);
/// Bytes of a source's name.
pub const SOURCE_BYTES_MAX: usize = 1_024;

/// Attributes of one word.
pub const ATTRIBUTES_MAX: usize = 64;
/// Bytes of an attribute's name.
pub const ATTRIBUTE_NAME_BYTES_MAX: usize = 128;
/// Bytes of an attribute's text, and of all texts of a list.
pub const ATTRIBUTE_TEXT_BYTES_MAX: usize = 4_096;
/// Values of an attribute that is a list.
pub const ATTRIBUTE_LIST_MAX: usize = 256;

/// Rows of a map: 8 bytes each, which a message of gRPC's usual 4 MiB holds.
pub const MAP_ROWS_MAX: usize = 400_000;

/// Neighbors that one question may ask for.
pub const NEIGHBORS_MAX: usize = 10_000;
/// Neighbors that a question for diverse ones may ask for: ten times as many are compared with each
/// other.
pub const DIVERSE_NEIGHBORS_MAX: usize = 1_000;
/// Width of the graph's beam.
pub const EF_SEARCH_MAX: usize = 10_000;
/// Words and vectors in one question.
pub const QUERY_WORDS_MAX: usize = 1_024;
/// Words on the lists of one filter.
pub const FILTER_WORDS_MAX: usize = 10_000;
/// Conditions on attributes, and values of lists among them, in one filter.
pub const FILTER_CONDITIONS_MAX: usize = 1_000;
/// Values in one list of a condition.
pub const FILTER_VALUES_MAX: usize = 1_000;
/// How deep conditions may be nested.
pub const FILTER_DEPTH_MAX: usize = 64;
/// Words that can be listed by an attribute.
pub const WORDS_ORDERED_MAX: usize = 100_000;
/// Values of an attribute that are counted in one answer.
pub const FACETS_MAX: usize = 10_000;
/// Conditions that are given as text in one filter.
pub const FILTER_TEXTS_MAX: usize = 16;
/// Bytes of a filter's conditions as text.
pub const FILTER_TEXT_BYTES_MAX: usize = 64 << 10;
/// Bytes of a filter's regular expression, as written.
pub const REGEX_BYTES_MAX: usize = 1_024;
/// Bytes that a regular expression may take when compiled.
pub const REGEX_SIZE_MAX: usize = 1 << 20;
/// Questions in one batch, pairs in one call, words in one look-up or projection.
pub const BATCH_MAX: usize = 10_000;
/// Questions in one message of a stream.
pub const STREAM_BATCH_MAX: usize = 1_000;
/// Neighbors that all questions of one batch may ask for together.
pub const BATCH_NEIGHBORS_MAX: usize = 1_000_000;
/// Bytes of words, vectors and attributes in one write.
pub const WRITE_BYTES_MAX: usize = 16 << 20;
/// Words that one call deletes by a filter: the next one goes on.
pub const DELETED_MAX: usize = 100_000;
/// Widths of the beam in one call for recall.
pub const RECALL_WIDTHS_MAX: usize = 16;
/// Pairs and rows drawn to measure a table's isotropy.
pub const HEALTH_SAMPLE_MAX: usize = 1_000_000;
/// Words drawn to find a table's hubs.
pub const HUB_QUERIES_MAX: usize = 100_000;
/// Neighbors of a word drawn to find hubs.
pub const HUB_NEIGHBORS_MAX: usize = 100;
/// Jobs and calls at once that take a core for seconds, such as health or debiasing.
pub const LONG_CALLS_MAX: usize = 2;
/// Words on one page of a list.
pub const PAGE_MAX: usize = 10_000;
/// Ways of writing a word that are tried.
pub const PREPROCESSORS_MAX: usize = 8;
/// Texts in one call.
pub const TEXTS_MAX: usize = 1_000;
/// Bytes of one text.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// Bytes of all texts of one call.
pub const TEXTS_BYTES_MAX: usize = 16 << 20;
/// Bytes of a text times the best ways to cut it, of which one is drawn: each takes 32 bytes.
pub const BEST_CUTS_MAX: usize = 1 << 20;
/// Best ways to cut a text, of which one is drawn.
pub const BEST_MAX: usize = 512;
/// Tokens in one answer.
pub const TOKENS_MAX: usize = 1_000_000;
/// Tokenizers that one text is compared by.
pub const COMPARED_MAX: usize = 32;
/// Bytes of the files of a tokenizer.
pub const TOKENIZER_BYTES_MAX: usize = 48 << 20;
/// Numbers of a tokenizer's tokens: the largest is below.
pub const TOKEN_NUMBERS_MAX: usize = 16 << 20;
/// Bytes that a `SentencePiece` model may put in place of some characters; Unicode's longest have 33.
pub const MAPPED_BYTES_MAX: usize = 128;
/// Stored tokenizers.
pub const TOKENIZERS_MAX: usize = 1_000;
/// Words of its own that a Chinese tokenizer has, and special tokens of one with ranks.
pub const TOKENIZER_WORDS_MAX: usize = 10_000;
/// Words to either side that training looks at.
pub const TRAIN_WINDOW_MAX: usize = 100;
/// Negative examples for each word.
pub const TRAIN_NEGATIVE_MAX: usize = 1_000;
/// Times that training reads its corpus.
pub const TRAIN_EPOCHS_MAX: usize = 10_000;
/// Times that words are joined to phrases before training.
pub const TRAIN_PHRASE_PASSES_MAX: usize = 10;
/// Threads that train: the replicas of more diverge.
pub const TRAIN_THREADS_MAX: usize = 2;
/// Words of a vocabulary that is trained by full softmax: each step takes time for all of them.
pub const TRAIN_SOFTMAX_WORDS_MAX: usize = 20_000;
/// Words whose neighbors are shown while vectors are learned.
pub const TRAIN_PROBES_MAX: usize = 16;
/// Test sets that are asked while vectors are learned.
pub const TRAIN_TEST_SETS_MAX: usize = 16;
/// Buckets of n-grams that are trained.
pub const TRAIN_BUCKETS_MAX: u32 = 1 << 28;
/// Tokens of a vocabulary that is trained.
pub const TRAIN_VOCAB_MAX: usize = 1_000_000;
/// Bytes of the different words from which a tokenizer is trained.
pub const TRAIN_WORD_BYTES_MAX: usize = 512 << 20;
/// Components of all vectors of a table that is made of a tokenizer's tokens.
pub const SEED_COMPONENTS_MAX: usize = 1 << 30;
/// Texts by which the senses of a word are parted.
pub const CONTEXTS_MAX: usize = 2_000;
/// Components of all vectors in one answer about texts.
pub const EMBED_COMPONENTS_MAX: usize = 12 << 20;
/// Rows of a table of positions or segments that is kept beside a table of tokens.
pub const POSITIONS_MAX: usize = 1 << 20;
/// Words of a text that are compared one by one with those of another.
pub const MOVED_WORDS_MAX: usize = 1_000;
/// Words of one set of a bias probe.
pub const WORD_SET_MAX: usize = 1_024;
/// Partitions counted or drawn for one p-value.
pub const PARTITIONS_MAX: u32 = 1_000_000;

/// Bytes of a file of a test set.
pub const EVALUATION_BYTES_MAX: usize = 16 << 20;
/// Questions, pairs or words of a test set.
pub const EVALUATION_ENTRIES_MAX: usize = 500_000;
/// Members of one set with outliers: each outlier is compared with every one.
pub const OUTLIER_MEMBERS_MAX: usize = 10_000;
/// Stored test sets.
pub const TEST_SETS_MAX: usize = 1_000;
/// Test sets in one report of a debiased table.
pub const REPORT_TEST_SETS_MAX: usize = 16;
/// Tables in one evaluation.
pub const EVALUATION_TABLES_MAX: usize = 16;

/// Bytes of the unpacked chunks of an HDF5 array that stand side by side: they have the same rows.
pub const HDF5_CHUNKS_BYTES_MAX: usize = 256 << 20;
/// Bytes of one line of a text format: a word, and 32 bytes for each number.
pub const LINE_BYTES_MAX: usize = WORD_BYTES_MAX + 32 * DIM_MAX;
/// Examples that a report shows of each reason.
pub const EXAMPLES_MAX: usize = 5;

/// Components that are compared to look at an answer again, which no caller waits for: about a third of a second.
pub const RECALL_SAMPLE_COMPONENTS_MAX: usize = 1_000_000_000;
/// One in so many answers of indexes is looked at again, unless the server is told otherwise.
pub const RECALL_SAMPLE: u32 = 1_000;
/// One in so many calls is told to a collector of traces, of those whose callers do not say themselves, unless the
/// server is told otherwise.
pub const TRACE_SAMPLE: u32 = 100;
/// Tables that metrics tell by name, unless the server is told otherwise, and at most.
pub const METRICS_TABLES: usize = 32;
/// At most.
pub const METRICS_TABLES_MAX: usize = 1_000;
/// Milliseconds after which a call is slow, unless the server is told otherwise.
pub const SLOW_CALL_MILLISECONDS: u64 = 1_000;

/// Bytes of all that tells one error, as sent: clients made with gRPC's C library refuse at random
/// what is over 8 KiB, and then tell another error.
pub const ERROR_BYTES_MAX: usize = 6 << 10;
/// Bad fields that one error tells.
pub const VIOLATIONS_MAX: usize = 100;
/// Streams that watch jobs at once.
pub const STREAMS_MAX: usize = 256;
/// Short questions that wait for each core before more are refused, however quick they are.
pub const SHORT_WAITING_PER_CORE_MAX: usize = 1_024;
/// How long short questions wait before more are refused.
pub const SHORT_WAIT_MAX: Duration = Duration::from_millis(20);
/// Other questions that wait for each core before more are refused.
pub const WAITING_PER_CORE_MAX: usize = 32;
/// Questions that wait before more are refused, however few cores there are.
pub const WAITING_MIN: usize = 64;
/// Work that waits for the disk, at once.
pub const DISK_WORK_AT_ONCE: usize = 16;
/// Threads that make writes to tables durable.
pub const WRITERS: usize = 4;
/// Writes that one of them begins before it waits for all of them.
pub const WRITES_TOGETHER: usize = 64;
/// Bytes of a request that is read where the network is served; longer ones are read by the threads
/// that answer.
pub const READ_AT_ONCE_BYTES: usize = 64 << 10;
/// Connections at once.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Connections from one address.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 512;
/// File descriptors that are not for connections.
pub const DESCRIPTORS_KEPT: usize = 256;
/// Calls that are open on one connection.
pub const STREAMS_PER_CONNECTION_MAX: u32 = 100;
/// Bytes of answers that a connection has to send and the system has not taken.
pub const SEND_BYTES_MAX: usize = 256 << 10;
/// Bytes of messages that come in or are worked on, on one connection, and likewise of answers that
/// were not read.
pub const CONNECTION_BYTES_MAX: usize = MESSAGE_BYTES_MAX;
/// Bytes of messages that come in or are worked on, of all callers.
pub const RECEIVED_BYTES_MAX: usize = MESSAGE_BYTES_MAX;
/// Bytes of answers that were not read, of all callers.
pub const ANSWERS_BYTES_MAX: usize = MESSAGE_BYTES_MAX;
/// Texts and messages in one message, not counting those within its messages.
pub const MESSAGE_ENTRIES_MAX: usize = 20_000;
/// Texts and messages in one message, those within its messages included: some take a hundred times as
/// many bytes in memory as on the wire.
pub const NESTED_ENTRIES_MAX: usize = 500_000;
/// Bytes of one of many messages that are parts of a file or of texts: several wait for the job that reads
/// them.
pub const PART_BYTES_MAX: usize = 8 << 20;
/// Bytes of a question.
pub const QUESTION_BYTES_MAX: usize = 2 << 20;
/// Questions of any kind in one call.
pub const QUESTIONS_MAX: usize = 1_000;
/// Bytes of their answers together, so that one more has room while they are there.
pub const QUESTIONS_ANSWERS_BYTES_MAX: usize = MESSAGE_BYTES_MAX / 2;
/// Bytes of a batch: of many questions, of texts, of words to put.
pub const BATCH_BYTES_MAX: usize = 24 << 20;
/// Bytes of the data folder's disk that temporary files, uploads and checkpoints of trainings leave free, for the journal.
pub const DISK_LEFT_BYTES: u64 = 256 << 20;

/// Bytes of one gRPC message, in and out.
pub const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// Calls that are worked on at once; more are refused at once.
pub const CALLS_MAX: usize = 1_024;
/// Imports of files, rows and texts, and restores, that run at once.
pub const IMPORTS_MAX: usize = 8;
/// Exports that run at once.
pub const EXPORTS_MAX: usize = 32;
/// Trainings, of tokenizers or tables, whose text is read at once.
pub const TRAININGS_MAX: usize = 4;
/// Threads of jobs that read a stream, those among them that wait for their callers.
pub const JOB_THREADS_MAX: usize = 32;
/// Jobs that wait for a turn of one kind; more are refused at once.
pub const JOBS_WAITING_MAX: usize = 64;
/// Jobs that wait for their callers or their turn, or run.
pub const JOBS_OPEN_MAX: usize = 1_024;
/// Jobs that have ended and are kept with their results.
pub const JOBS_KEPT_MAX: usize = 256;
/// Seconds that they are kept.
pub const JOBS_KEPT_SECONDS: u64 = 3_600;
/// Bytes of all results that are kept, as text; the oldest are dropped.
pub const JOBS_KEPT_BYTES_MAX: usize = 16 << 20;
/// Characters of the name that a caller gives itself.
pub const OWNER_CHARS_MAX: usize = 128;
/// Seconds that the server waits for a message of a stream, or for the reader of an export, unless it was
/// started with another number.
pub const STREAM_IDLE_SECONDS: u64 = 10;
/// Bytes a second that the caller of a job has to send while the server waits for it.
pub const STREAM_RATE_MIN: u64 = 100;

/// Keys in the file of keys, those that are no longer in force among them.
pub const KEYS_MAX: usize = 1_000;
/// Bytes of the file of keys.
pub const KEY_FILE_BYTES_MAX: u64 = 4 << 20;
/// Bytes of a key's name, and of a name in a certificate.
pub const KEY_NAME_BYTES_MAX: usize = 256;
/// Patterns of tables that a key may name.
pub const KEY_TABLES_MAX: usize = 16;
/// Bytes of a file of certificates, or of a private key.
pub const TLS_FILE_BYTES_MAX: u64 = 4 << 20;
/// Time between two looks at files that may change while the server runs: keys, certificates.
pub const FILES_LOOK: Duration = Duration::from_secs(1);
/// How long a caller should wait that has all the jobs its key allows.
pub const JOB_RETRY: Duration = Duration::from_secs(5);
/// Bytes of the audit log before it is put aside; the one before is removed.
pub const AUDIT_FILE_BYTES_MAX: u64 = 256 << 20;

const _: () = assert!(DIM_MAX * size_of::<f32>() * 8 <= MESSAGE_BYTES_MAX);
const _: () = assert!(WRITE_BYTES_MAX < BATCH_BYTES_MAX);
const _: () = assert!(EVALUATION_BYTES_MAX < BATCH_BYTES_MAX);
const _: () = assert!(TEXT_BYTES_MAX <= TEXTS_BYTES_MAX && TEXTS_BYTES_MAX < BATCH_BYTES_MAX);
const _: () = assert!(TEXT_BYTES_MAX < QUESTION_BYTES_MAX && QUESTION_BYTES_MAX < BATCH_BYTES_MAX);
const _: () = assert!(BATCH_BYTES_MAX < MESSAGE_BYTES_MAX);
const _: () =
    assert!(QUESTIONS_ANSWERS_BYTES_MAX + QUESTIONS_MAX * ERROR_BYTES_MAX < MESSAGE_BYTES_MAX);
const _: () = assert!(TOKENIZER_BYTES_MAX < MESSAGE_BYTES_MAX);
const _: () = assert!(EMBED_COMPONENTS_MAX * size_of::<f32>() < MESSAGE_BYTES_MAX);
const _: () = assert!(BATCH_MAX <= BATCH_NEIGHBORS_MAX && NEIGHBORS_MAX <= BATCH_NEIGHBORS_MAX);

/// Bytes that a packed buffer of an Arrow file may claim to become.
pub const ARROW_BUFFER_BYTES_MAX: i64 = 1 << 31;
/// How many times its size such a buffer may claim: the most that LZ4 packs. Vectors pack far less.
pub const ARROW_BUFFER_RATIO_MAX: i64 = 255;
/// Bytes that any such buffer may claim: what says which numbers are there packs to nothing.
pub const ARROW_BUFFER_BYTES_MIN: i64 = 16 << 20;

/// Pixels of a picture: four bytes of memory each.
pub const PICTURE_PIXELS_MAX: usize = 1 << 25;

/// Values that a Python pickle may have: a vocabulary of three million words with their counts has
/// thirty million.
pub const PICKLE_VALUES_MAX: usize = 1 << 25;

/// Tokens of a text that a language model is made of, begins and ends of sentences included, and n-grams of one order:
/// places in the text are sorted as a whole. Larger texts would have to be sorted in pieces.
pub const LM_TOKENS_MAX: usize = 1 << 30;
/// Words of a language model: tags of n-grams have no bits for more.
pub const LM_WORDS_MAX: usize = 1 << 24;
/// Bytes of memory of the sentences that are held out of a text: their words, and 64 for each sentence.
pub const LM_HELD_OUT_BYTES_MAX: usize = 64 << 20;
/// Language models that are open at once; the one that nobody has asked for the longest is closed for another.
pub const LM_OPEN_MAX: usize = 64;
/// Words of one question that are scored one by one, or mixed: each takes a hundred bytes of memory.
pub const LM_WORDS_ASKED_MAX: usize = 1_000_000;
/// Language models on the shelf.
pub const MODELS_MAX: usize = 1_000;
/// Texts that one call may generate.
pub const LM_TEXTS_MAX: usize = 100;
/// Models of a mixture.
pub const LM_MIXED_MAX: usize = 16;
/// Words that one call may generate; each looks at all words of the model.
pub const LM_GENERATED_MAX: usize = 1_000;
/// Components of a word's vector in a neural language model.
pub const LM_NEURAL_DIM_MAX: usize = 1_024;
/// Units of its hidden layer.
pub const LM_NEURAL_HIDDEN_MAX: usize = 4_096;
/// Words of noise that a batch of its training shares.
pub const LM_NEURAL_SAMPLES_MAX: usize = 65_536;
/// Epochs of its training.
pub const LM_NEURAL_EPOCHS_MAX: usize = 10_000;
/// Words of held-out text that judge an epoch: each is compared with all words.
pub const LM_NEURAL_JUDGED_MAX: usize = 20_000;
