//! `BatchService`: questions of any kind in one call, each as if it had come on a call of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use tonic::{Request, Response, Status, async_trait};

use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::proto::batch_service_server::BatchService;
use crate::proto::bias_service_server::BiasService;
use crate::proto::evaluation_service_server::EvaluationService;
use crate::proto::question::Question;
use crate::proto::search_service_server::SearchService;
use crate::proto::table_service_server::TableService;
use crate::proto::text_service_server::TextService;
use crate::proto::training_service_server::TrainingService;
use crate::server::desk::{Desk, opened, response, within};
use crate::server::replica::wait_max;
use crate::server::status::{ANSWERED, end_of, status, status_told};
use crate::server::transport::{Call, Composed, Encoded};
use crate::server::wire::Fields;

/// How long quick answers go on before other calls have their turn.
const TURN: Duration = Duration::from_millis(1);
/// The field of `BatchResponse` that has the answers, and that of an answer which is an error.
const ANSWERS: u32 = 1;
const ERROR: u32 = 1;

#[async_trait]
impl BatchService for Desk {
    async fn batch(
        &self,
        request: Request<pb::BatchRequest>,
    ) -> Result<Response<pb::BatchResponse>, Status> {
        let (call, timeout, message) = opened(request)?;
        let waits_until = Instant::now() + wait_max(timeout);
        let asking = Asking { desk: self, call: &call, waits_until };
        response(within(timeout, asking.answered(message.questions)).await)
    }
}

/// A call with questions.
struct Asking<'a> {
    desk: &'a Desk,
    call: &'a Arc<Call>,
    /// Until when its questions wait for what it wants to see.
    waits_until: Instant,
}

impl Asking<'_> {
    async fn answered(&self, questions: Vec<pb::Question>) -> Result<Encoded> {
        let mut fields = Fields::default();
        fields.count("questions", questions.len(), 1..=limits::QUESTIONS_MAX);
        fields.finish(|| Some(()))?;
        let mut answer = Composed::new(self.call);
        let mut turn = Instant::now();
        for (place, question) in questions.into_iter().enumerate() {
            // The call has paid for the first.
            let wait = if place == 0 { Duration::ZERO } else { self.call.grant().owe(1) };
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            let answered = match self.answer(question.question).await {
                Ok((field, encoded)) => {
                    let head = head(field, encoded.message().len());
                    answer.push(&head, &encoded).map_err(|error| status(&error))
                }
                Err(status) => Err(status),
            };
            if let Err(status) = answered {
                let error = status_told(&status).encode_to_vec();
                answer.push_bytes(&[head(ERROR, error.len()), error].concat())?;
            }
            if turn.elapsed() > TURN {
                tokio::task::yield_now().await;
                turn = Instant::now();
            }
        }
        Ok(answer.finish())
    }

    /// A question with what its handler looks for on a call.
    fn request<P: Message>(
        &self,
        path: &str,
        message: P,
    ) -> Result<(Arc<Call>, Request<P>), Status> {
        let waits_for_tables = self.desk.engine.has_cache();
        let question = self.call.of_question(path, &message, self.waits_until, waits_for_tables);
        let call = question.map_err(|error| status(&error))?;
        let mut request = Request::new(message);
        // The deadline is that of all: whoever works when it comes is stopped as when the caller leaves.
        request.extensions_mut().insert(Arc::clone(&call));
        Ok((call, request))
    }
}

/// The number of the field in which a kind of question and its answer stand, the service with its method, and the name of both.
macro_rules! questions {
    ($($field:literal = $service:ident::$method:ident($kind:ident),)*) => {
        impl Asking<'_> {
            /// The field that the answer stands in, and the answer.
            async fn answer(&self, question: Option<Question>) -> Result<(u32, Encoded), Status> {
                match question {
                    None => {
                        let problem = "a question of some kind is needed";
                        Err(status(&Error::invalid("question", problem)))
                    }
                    $(Some(Question::$kind(message)) => {
                        let path = concat!("/wordspace.v1.", stringify!($service), "/", stringify!($kind));
                        let (question, request) = self.request(path, message)?;
                        let answer = $service::$method(self.desk, request).await;
                        question.set_end(answer.as_ref().map_or_else(end_of, |_| ANSWERED));
                        let encoded = encoded(self.call, answer?).map_err(|error| status(&error))?;
                        Ok(($field, encoded))
                    })*
                }
            }
        }

        #[cfg(test)]
        const QUESTIONS: &[(u32, &str, &str)] =
            &[$(($field, stringify!($service), stringify!($kind))),*];
    };
}

questions! {
    2 = SearchService::nearest(Nearest),
    3 = SearchService::analogy(Analogy),
    4 = SearchService::similarity_matrix(SimilarityMatrix),
    5 = SearchService::set_similarity(SetSimilarity),
    6 = SearchService::word_movers(WordMovers),
    7 = SearchService::rank(Rank),
    8 = SearchService::closer_than(CloserThan),
    9 = SearchService::most_similar_to_given(MostSimilarToGiven),
    10 = SearchService::relative_cosine(RelativeCosine),
    11 = SearchService::rank_by_centrality(RankByCentrality),
    12 = SearchService::senses(Senses),
    13 = SearchService::induce_senses(InduceSenses),
    14 = SearchService::compare(Compare),
    15 = SearchService::similarity(Similarity),
    16 = SearchService::recall(Recall),
    17 = SearchService::odd_one_out(OddOneOut),
    20 = TableService::get_table(GetTable),
    21 = TableService::lookup(Lookup),
    22 = TableService::list_words(ListWords),
    23 = TableService::sample_words(SampleWords),
    24 = TableService::count_words(CountWords),
    25 = TableService::facets(Facets),
    26 = TableService::health(Health),
    27 = TableService::get_index(GetIndex),
    28 = TableService::map(Map),
    30 = TextService::tokenize(Tokenize),
    31 = TextService::detokenize(Detokenize),
    32 = TextService::count_tokens(CountTokens),
    33 = TextService::compare_tokenizers(CompareTokenizers),
    34 = TextService::chunk(Chunk),
    35 = TextService::list_tokens(ListTokens),
    36 = TextService::embed(Embed),
    37 = TextService::nearest_to_text(NearestToText),
    38 = TextService::text_similarity(TextSimilarity),
    40 = BiasService::weat(Weat),
    41 = BiasService::single_weat(SingleWeat),
    42 = BiasService::weat_suite(WeatSuite),
    43 = BiasService::probe(Probe),
    44 = BiasService::generate_analogies(GenerateAnalogies),
    45 = BiasService::biased_clusters(BiasedClusters),
    46 = BiasService::project(Project),
    50 = EvaluationService::analogies(Analogies),
    51 = EvaluationService::word_pairs(WordPairs),
    52 = EvaluationService::categories(Categories),
    53 = EvaluationService::outliers(Outliers),
    60 = TrainingService::get_huffman_path(GetHuffmanPath),
}

/// What is sent of an answer, which its handler has encoded.
fn encoded<M: Message>(call: &Arc<Call>, mut answer: Response<M>) -> Result<Encoded> {
    match answer.extensions_mut().remove::<Encoded>() {
        Some(encoded) => Ok(encoded),
        None => call.encoded(answer.get_ref()),
    }
}

/// What stands before an answer of so many bytes in a field of a `BatchAnswer`, which is one of a `BatchResponse`.
fn head(field: u32, bytes: usize) -> Vec<u8> {
    let within = key_len(field) + encoded_len_varint(bytes as u64) + bytes;
    let mut head = Vec::with_capacity(24);
    encode_key(ANSWERS, WireType::LengthDelimited, &mut head);
    encode_varint(within as u64, &mut head);
    encode_key(field, WireType::LengthDelimited, &mut head);
    encode_varint(bytes as u64, &mut head);
    head
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_types::{DescriptorProto, FileDescriptorSet};

    use tonic::Code;

    use super::*;
    use crate::error::ErrorKind;
    use crate::proto::DESCRIPTORS;
    use crate::server::access::{Reach, Role, rule};

    /// The contract: messages by name, and methods with what they take and answer.
    fn contract() -> (Vec<DescriptorProto>, Vec<(String, String, String)>) {
        let files = FileDescriptorSet::decode(DESCRIPTORS).unwrap().file;
        let messages = files.iter().flat_map(|file| file.message_type.clone()).collect();
        let mut methods = Vec::new();
        for service in files.iter().flat_map(|file| &file.service) {
            for method in service
                .method
                .iter()
                .filter(|method| !method.client_streaming() && !method.server_streaming())
            {
                let path = format!("/wordspace.v1.{}/{}", service.name(), method.name());
                let (takes, answers) = (method.input_type(), method.output_type());
                methods.push((path, takes.to_owned(), answers.to_owned()));
            }
        }
        (messages, methods)
    }

    #[test]
    fn every_kind_of_question_is_one_that_reads_and_its_answer_has_the_same_number() {
        let (messages, methods) = contract();
        let fields = |name: &str| -> BTreeSet<(u32, String)> {
            let message = messages.iter().find(|message| message.name() == name).unwrap();
            let number = |number: i32| u32::try_from(number).unwrap();
            let field = message.field.iter();
            field.map(|field| (number(field.number()), field.type_name().to_owned())).collect()
        };
        let (mut takes, mut answers) = (BTreeSet::new(), BTreeSet::new());
        for (field, service, kind) in QUESTIONS {
            let path = format!("/wordspace.v1.{service}/{kind}");
            let method = methods.iter().find(|(of, _, _)| *of == path).expect(&path);
            takes.insert((*field, method.1.clone()));
            answers.insert((*field, method.2.clone()));
            let rule = rule(&path).unwrap();
            assert_eq!((rule.role, rule.reach), (Role::Read, Reach::Named), "{path}");
        }
        assert_eq!(takes, fields("Question"));
        answers.insert((ERROR, ".wordspace.v1.QueryError".to_owned()));
        assert_eq!(answers, fields("BatchAnswer"));
    }

    #[test]
    fn heads_are_what_prost_writes() {
        for bytes in [0, 1, 127, 128, 20_000] {
            let answer = pb::TextSimilarityResponse::default();
            let error = pb::QueryError { message: "x".repeat(bytes), ..Default::default() };
            let of = |answer| pb::BatchResponse {
                answers: vec![pb::BatchAnswer { answer: Some(answer) }],
            };
            for (field, message, whole) in [
                (ERROR, error.encode_to_vec(), of(pb::batch_answer::Answer::Error(error))),
                (38, answer.encode_to_vec(), of(pb::batch_answer::Answer::TextSimilarity(answer))),
            ] {
                let made = [head(field, message.len()), message].concat();
                assert_eq!(made, whole.encode_to_vec());
            }
        }
    }

    #[test]
    fn a_status_is_told_with_its_reason_and_its_fields() {
        let told = status_told(&status(&Error::invalid("k", "too many")));
        assert_eq!(
            (told.code, told.reason.as_str()),
            (Code::InvalidArgument.into(), "INVALID_FIELD")
        );
        assert_eq!((told.violations[0].field.as_str(), told.violations.len()), ("k", 1));
        assert!(told.encoded_len() <= limits::ERROR_BYTES_MAX);
        let kind = ErrorKind::UnknownWords { words: vec!["x".repeat(1 << 20); 100] };
        let told = status_told(&status(&Error::new(kind)));
        assert_eq!(told.reason, "UNKNOWN_WORDS");
        assert!(
            told.metadata.contains_key("words") && told.encoded_len() <= limits::ERROR_BYTES_MAX
        );
    }
}
