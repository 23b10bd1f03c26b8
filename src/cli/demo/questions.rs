//! The questions of the demo: commands as a user would type them.

/// A question that tells something about word vectors.
#[derive(Debug)]
pub(super) struct Telling {
    /// In plain words.
    pub(super) question: &'static str,
    /// The arguments of `wordspace` that ask it.
    pub(super) arguments: &'static [&'static str],
    /// What to see in the answer.
    pub(super) remark: &'static str,
}

impl Telling {
    /// The arguments as they are typed in a shell.
    pub(super) fn command_line(&self) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.,".contains(c);
        let typed = |argument: &&str| {
            if argument.chars().all(is_plain) {
                (*argument).to_owned()
            } else {
                format!("\"{argument}\"")
            }
        };
        self.arguments.iter().map(typed).collect::<Vec<_>>().join(" ")
    }
}

/// In the order they are asked.
pub(super) const QUESTIONS: &[Telling] = &[
    Telling {
        question: "Which words stand nearest to \"piano\"?",
        arguments: &["nearest", "--table", "glove", "piano", "-k", "5"],
        remark: "Nobody told the vectors what an instrument is: these words share contexts.",
    },
    Telling {
        question: "And to \"java\"?",
        arguments: &["nearest", "--table", "glove", "java", "-k", "5"],
        remark: "One vector for every sense of a word: software and an island, in one list.",
    },
    Telling {
        question: "How alike are these pairs?",
        arguments: &[
            "similarity",
            "--table",
            "glove",
            "car",
            "automobile",
            "money",
            "cash",
            "good",
            "bad",
            "cat",
            "democracy",
        ],
        remark: "Opposites stand near each other, too: they are used in the same places.",
    },
    Telling {
        question: "France is to Paris as Japan is to what?",
        arguments: &["analogy", "--table", "glove", "france", "paris", "japan", "-k", "3"],
        remark: "Computed as paris - france + japan.",
    },
    Telling {
        question: "Man is to king as woman is to what?",
        arguments: &[
            "analogy",
            "--table",
            "glove",
            "man",
            "king",
            "woman",
            "-k",
            "3",
            "--with-inputs",
        ],
        remark: "The famous answer needs the rule that the question's words are no answers:\n\
                 without that rule the nearest word is \"king\" itself.",
    },
    Telling {
        question: "Man is to doctor as woman is to what?",
        arguments: &[
            "analogy",
            "--table",
            "glove",
            "man",
            "doctor",
            "woman",
            "-k",
            "3",
            "--with-inputs",
        ],
        remark: "The same rule makes the vectors look more biased here than they are: \"doctor\"\n\
                 was not allowed. The two tests below measure bias with more care.",
    },
    Telling {
        question: "Which word does not belong?",
        arguments: &["odd-one-out", "--table", "glove", "breakfast", "cereal", "dinner", "lunch"],
        remark: "",
    },
    Telling {
        question: "Are men's names nearer to career, women's names nearer to family?",
        arguments: &["bias", "weat", "--table", "glove", "career-family"],
        remark: "The Word Embedding Association Test (Caliskan, Bryson and Narayanan 2017). The\n\
                 p-value counts every way to part the sixteen names in two halves.",
    },
    Telling {
        question: "Where do professions stand between \"man\" and \"woman\"?",
        arguments: &[
            "bias",
            "project",
            "--table",
            "glove",
            "--from",
            "man",
            "--to",
            "woman",
            "nurse",
            "librarian",
            "teacher",
            "doctor",
            "programmer",
            "engineer",
            "boss",
        ],
        remark: "",
    },
    Telling {
        question: "What do the words of that analogy each do for its answers?",
        arguments: &[
            "analogy",
            "--table",
            "glove",
            "man",
            "king",
            "woman",
            "-k",
            "3",
            "--explain",
            "--with-inputs",
        ],
        remark: "The columns sum up to the cosine. No word is as like \"king\" as \"king\" itself: that\n\
                 alone puts it first where it may answer.",
    },
    Telling {
        question: "Which senses has \"java\"?",
        arguments: &[
            "senses",
            "--table",
            "glove",
            "java",
            "--induce",
            "--context",
            "island",
            "sea",
        ],
        remark: "Its neighbors part into groups that are found again in samples of them; the context\n\
                 chooses one.",
    },
    Telling {
        question: "How far are these two headlines apart, which share no word?",
        arguments: &[
            "word-movers",
            "--table",
            "glove",
            "president meets press chicago",
            "obama talks media illinois",
        ],
        remark: "Word Mover's Distance, on the example of Kusner et al. (2015).",
    },
    Telling {
        question: "What do all published association tests say?",
        arguments: &["bias", "suite", "--table", "glove"],
        remark: "Tests that lose too many words are refused with their names.",
    },
    Telling {
        question: "Which analogies do the vectors draw by themselves from \"he\" to \"she\"?",
        arguments: &["bias", "analogies", "--table", "glove", "--top", "5000", "-k", "8"],
        remark: "After Bolukbasi et al. (2016).",
    },
    Telling {
        question: "Can that direction be taken out?",
        arguments: &[
            "debias",
            "--table",
            "glove",
            "--target",
            "glove-debiased",
            "--replace",
            "--from",
            "he,man,father,boy,son,his",
            "--to",
            "she,woman,mother,girl,daughter,her",
        ],
        remark: "A new table; the old one stays. The direction is gone, and half of the effect of\n\
                 career-family is left: a bias is more than one direction.",
    },
    Telling {
        question: "How differently do the two tables see a word?",
        arguments: &[
            "compare",
            "--table",
            "glove",
            "--with",
            "glove-debiased",
            "nurse",
            "piano",
            "-k",
            "5",
        ],
        remark: "",
    },
    Telling {
        question: "Which tokens has this sentence, and which of them does the table know?",
        arguments: &[
            "tokenize",
            "--table",
            "glove",
            "--tokenizer",
            "rules",
            "--lowercase",
            "Paris isn't 3.5 quokkas wide.",
        ],
        remark: "A word that the table does not have is always named, never dropped in silence.",
    },
    Telling {
        question: "What are the vectors of \"Paris\" and \"the\"?",
        arguments: &["lookup", "--table", "glove", "Paris", "the", "--lowercase"],
        remark: "",
    },
    Telling { question: "What does the server hold?", arguments: &["tables", "glove"], remark: "" },
];
