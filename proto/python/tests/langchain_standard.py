"""LangChain's own standard tests, run by pytest: see test_frameworks.py."""

import itertools

import pytest
import support
from langchain_tests.integration_tests import EmbeddingsIntegrationTests, VectorStoreIntegrationTests

from wordspace.langchain import WordspaceEmbeddings, WordspaceVectorStore

NUMBERS = itertools.count()


class TestVectorStore(VectorStoreIntegrationTests):
    @pytest.fixture()
    def vectorstore(self):
        table = f"standard-{next(NUMBERS)}"
        store = WordspaceVectorStore(self.get_embeddings(), table, client=support.client())
        yield store
        store.delete()


class TestEmbeddings(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self):
        return WordspaceEmbeddings

    @property
    def embedding_model_params(self):
        return {"vectors": support.wv(), "lowercase": True}
