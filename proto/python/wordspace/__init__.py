"""The client of wordspace, the database for word and token embeddings.

    import wordspace

    wv = wordspace.load("en")                     # a table of a running server
    wv.most_similar("king", topn=5)               # as gensim's KeyedVectors

    with wordspace.open("./words") as client:     # or a server of one's own
        client.import_file("glove.6B.100d.txt", "en")
        client["en"].similarity("cat", "dog")
"""

__version__ = "0.1.0"

from wordspace._hedge import Hedge, Hedged
from wordspace.answers import Correlation, Neighbors
from wordspace.client import Client, connect, load, load_word2vec_format, open
from wordspace.errors import (
    AlreadyExists,
    DeadlineExceeded,
    InvalidArgument,
    NotFound,
    Overloaded,
    ServerNotStarted,
    Unavailable,
    UnknownWords,
    UnsuitedTable,
    WordspaceError,
)
from wordspace.keyedvectors import RemoteKeyedVectors

__all__ = [
    "AlreadyExists",
    "Client",
    "Correlation",
    "DeadlineExceeded",
    "Hedge",
    "Hedged",
    "InvalidArgument",
    "Neighbors",
    "NotFound",
    "Overloaded",
    "RemoteKeyedVectors",
    "ServerNotStarted",
    "Unavailable",
    "UnknownWords",
    "UnsuitedTable",
    "WordspaceError",
    "__version__",
    "connect",
    "load",
    "load_word2vec_format",
    "open",
]
