//! Long work beside other callers: idle streams, callers that leave, panics, deadlines.
