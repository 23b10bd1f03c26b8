"""LangChain and LlamaIndex, the libraries themselves."""

import asyncio
import datetime
import importlib.util
import os
import re
import subprocess
import sys
import unittest
import uuid

import numpy as np
import support

import wordspace

HAS_LANGCHAIN = importlib.util.find_spec("langchain_core") is not None
HAS_LLAMA_INDEX = importlib.util.find_spec("llama_index") is not None
for name, is_there in (("langchain-core", HAS_LANGCHAIN), ("llama-index-core", HAS_LLAMA_INDEX)):
    if not is_there:
        print(f"{name} is not installed: its adapter is not tested")

TEXTS = {
    "kings": "The king and the queen of England spoke to parliament",
    "cats": "Cats and dogs sleep in the house",
    "banks": "The bank lent money to the company",
    "horses": "Horses and cows eat grass",
}
KINDS = {
    "kings": {"year": 1999, "lang": "en", "tags": ["state", "people"]},
    "cats": {"year": 2020, "lang": "en", "tags": ["animals"]},
    "banks": {"year": 2008, "lang": "fr", "note": "a text"},
    "horses": {"year": 2021, "lang": "de", "tags": ["animals", "farm"]},
}
# Of characters of two and three bytes, so that 4,096 bytes end within some.
LONG = "the cat " * 1_000 + "\u00e9\u20ac" * 9_000


def example(package):
    """What README.md shows of a package, run against the tests' server."""
    text = (support.HERE.parent / "README.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    code = next(block for block in blocks if f"from {package}" in block)
    names = {"client": support.client()}
    exec(compile(code, "README.md", "exec"), names)
    return names


@unittest.skipUnless(HAS_LANGCHAIN, "langchain-core is not installed")
class LangChain(unittest.TestCase):
    def setUp(self):
        from wordspace.langchain import WordspaceEmbeddings, WordspaceVectorStore

        self.embeddings = WordspaceEmbeddings(support.wv(), lowercase=True)
        self.store = WordspaceVectorStore.from_texts(
            list(TEXTS.values()),
            self.embeddings,
            list(KINDS.values()),
            ids=list(TEXTS),
            table=f"texts-{uuid.uuid4()}",
            client=support.client(),
        )
        self.addCleanup(self.store.delete)

    def ids(self, found):
        return [one.id for one in found]

    def test_filters_are_the_servers(self):
        search = self.store.similarity_search
        self.assertEqual(self.ids(search("a dog", k=2)), ["cats", "horses"])
        for filter_, expected in (
            ("year < 2010", {"kings", "banks"}),
            (["lang in (en, de)", "not year = 1999"], {"cats", "horses"}),
            ({"lang": "en", "tags": "animals"}, {"cats"}),
            ({"lang": ["fr", "de"]}, {"banks", "horses"}),
            ("tags is missing", {"banks"}),
        ):
            with self.subTest(filter_):
                self.assertEqual(set(self.ids(search("a dog", filter=filter_))), expected)
        with self.assertRaises(wordspace.InvalidArgument):
            search("a dog", filter="year <")
        retriever = self.store.as_retriever(search_kwargs={"k": 1, "filter": "lang = de"})
        self.assertEqual(self.ids(retriever.invoke("a dog")), ["horses"])

    def test_scores_are_cosines(self):
        wv = support.wv()
        vectors = [np.array(self.embeddings.embed_query(text)) for text in TEXTS.values()]
        asked = np.array(self.embeddings.embed_query("a dog"))
        np.testing.assert_allclose(asked, wv.get_mean_vector(["a", "dog"]), atol=1e-6)
        cosines = [v @ asked / np.linalg.norm(v) / np.linalg.norm(asked) for v in vectors]
        expected = sorted(zip(cosines, TEXTS), reverse=True)
        found = self.store.similarity_search_with_score("a dog", k=4)
        self.assertEqual([one.id for one, _ in found], [id_ for _, id_ in expected])
        np.testing.assert_allclose([s for _, s in found], [c for c, _ in expected], atol=1e-5)
        bound = (expected[1][0] + expected[2][0]) / 2
        self.assertEqual(len(self.store.similarity_search("a dog", min_similarity=bound)), 2)
        near = self.store.similarity_search_with_relevance_scores(
            "a dog", score_threshold=(1 + bound) / 2
        )
        self.assertEqual([one.id for one, _ in near], [id_ for _, id_ in expected[:2]])
        # The second one differs from the first.
        spread = self.store.max_marginal_relevance_search("a dog", k=2, lambda_mult=0.0)
        self.assertEqual(spread[0].id, expected[0][1])
        alike = [vectors[0] @ v for v in vectors]
        self.assertNotEqual(spread[1].id, expected[1][1], alike)
        only = self.store.max_marginal_relevance_search("a dog", k=2, fetch_k=1)
        self.assertEqual(self.ids(only), [expected[0][1]])

    def test_texts_and_metadata_come_back_whole(self):
        day = datetime.datetime(2024, 1, 31, 10, 30, tzinfo=datetime.timezone.utc)
        metadata = {
            "text": "a name that is taken",
            "long": LONG,
            "nothing": None,
            "nested": {"a": [1, {"b": 2}]},
            "mixed": [1, "a"],
            "none of these": [],
            "number": 1.5,
            "whole": 2**60,
            "flag": True,
            "day": day,
        }
        self.assertEqual(self.store.add_texts([LONG, ""], [metadata, {}], ids=["a", "b"]), ["a", "b"])
        whole, empty = self.store.get_by_ids(["a", "no such", "b", "a", ""])
        self.assertEqual(whole.page_content, LONG)
        self.assertEqual(whole.metadata, metadata)
        self.assertEqual((empty.page_content, empty.metadata), ("", {}))
        # What is put in its place has nothing of it.
        self.store.add_texts(["the dog"], [{"number": 2.5}], ids=["a"])
        again = self.store.get_by_ids(["a"])[0]
        self.assertEqual((again.page_content, again.metadata), ("the dog", {"number": 2.5}))
        with self.assertRaisesRegex(TypeError, "metadata are"):
            self.store.add_texts(["the dog"], [{"a": object()}])
        with self.assertRaisesRegex(ValueError, "as many"):
            self.store.add_texts(["the dog"], [{}, {}])

    def test_deletes(self):
        self.assertTrue(self.store.delete(["kings", "no such"]))
        self.assertEqual(self.store.get_by_ids(["kings"]), [])
        self.store.delete(filter="tags = animals")
        self.assertEqual(self.ids(self.store.similarity_search("a dog")), ["banks"])
        self.store.delete()
        self.assertEqual(self.store.similarity_search("a dog"), [])
        # The next texts may have vectors of another length.
        self.store._embedding = type(self.embeddings)(support.client().create_table("two", 2))
        self.addCleanup(support.client().delete_table, "two")
        self.store._embedding.vectors.add_vectors(["dog"], [[1, 2]])
        self.store.add_texts(["dog"], ids=["dog"])
        self.assertEqual(self.ids(self.store.similarity_search("dog")), ["dog"])

    def test_the_example_of_the_readme(self):
        made = example("wordspace.langchain")
        self.addCleanup(made["store"].delete)
        self.assertEqual([one.id for one, _ in made["found"]], ["b"])
        self.assertEqual(self.ids(made["retriever"].invoke("a dog")), ["a"])

    def test_standard_tests(self):
        """Of langchain-tests. pytest asks its own server."""
        if importlib.util.find_spec("langchain_tests") is None:
            self.skipTest("langchain-tests is not installed")
        run = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                *("-o", "asyncio_mode=auto", support.HERE / "langchain_standard.py"),
            ],
            cwd=support.HERE,
            env={**os.environ, "LANGSMITH_TRACING": "false"},
            capture_output=True,
            text=True,
        )
        told = run.stdout[-4_000:] + run.stderr[-1_000:]
        self.assertEqual(run.returncode, 0, told)
        passed = re.search(r"^(\d+) passed(?!.*skipped)", run.stdout, re.MULTILINE)
        self.assertIsNotNone(passed, told)
        # As many as version 1.1.9 has.
        self.assertGreaterEqual(int(passed[1]), 30, told)


@unittest.skipUnless(HAS_LLAMA_INDEX, "llama-index-core is not installed")
class LlamaIndex(unittest.TestCase):
    def setUp(self):
        from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
        from llama_index.core.vector_stores import types

        from wordspace.llama_index import WordspaceEmbedding, WordspaceVectorStore

        self.types = types
        self.embedding = WordspaceEmbedding(support.wv(), lowercase=True)
        self.store = WordspaceVectorStore(f"nodes-{uuid.uuid4()}", client=support.client())
        self.addCleanup(self.store.clear)
        # Two nodes a document.
        self.nodes = [
            TextNode(
                id_=id_,
                text=text,
                metadata=KINDS[id_],
                relationships={
                    NodeRelationship.SOURCE: RelatedNodeInfo(node_id=f"document {place // 2}")
                },
                embedding=self.embedding.get_text_embedding(text),
            )
            for place, (id_, text) in enumerate(TEXTS.items())
        ]
        self.assertEqual(self.store.add(self.nodes), list(TEXTS))

    def ids(self, **fields):
        fields.setdefault("similarity_top_k", 4)
        asked = self.embedding.get_query_embedding("a dog")
        query = self.types.VectorStoreQuery(query_embedding=asked, **fields)
        return self.store.query(query).ids

    def filters(self, *filters, condition="and"):
        return self.types.MetadataFilters(
            filters=[
                one
                if isinstance(one, self.types.MetadataFilters)
                else self.types.MetadataFilter(key=one[0], operator=one[1], value=one[2])
                for one in filters
            ],
            condition=condition,
        )

    def test_filters_are_the_servers(self):
        f = self.filters
        for filters, expected in (
            (f(("year", "<", 2010)), {"kings", "banks"}),
            (f(("year", ">=", 2020), ("lang", "!=", "de")), {"cats"}),
            (f(("lang", "==", "fr"), ("year", ">", 2020), condition="or"), {"banks", "horses"}),
            (f(("lang", "in", ["fr", "de"])), {"banks", "horses"}),
            (f(("lang", "nin", ["fr", "de"])), {"kings", "cats"}),
            (f(("tags", "contains", "farm")), {"horses"}),
            (f(("tags", "any", ["farm", "state"])), {"kings", "horses"}),
            (f(("tags", "all", ["farm", "animals"])), {"horses"}),
            (f(("tags", "is_empty", None)), {"banks"}),
            (f(("note", "text_match", "tex")), {"banks"}),
            (f(("lang", "==", "en"), ("year", "<=", 2008), condition="not"), {"horses"}),
            (f(f(("lang", "==", "en")), ("year", ">", 2000)), {"cats"}),
        ):
            with self.subTest(filters.model_dump_json()):
                self.assertEqual(set(self.ids(filters=filters)), expected)
        with self.assertRaises(NotImplementedError):
            self.ids(filters=f(("note", "text_match_insensitive", "TEX")))
        self.assertEqual(self.ids(similarity_top_k=2), ["cats", "horses"])
        self.assertEqual(set(self.ids(doc_ids=["document 0"])), {"kings", "cats"})
        self.assertEqual(self.ids(node_ids=["banks"]), ["banks"])
        self.assertEqual(set(self.ids(node_ids=[])), set(TEXTS))

    def test_nodes_come_back_whole(self):
        asked = self.embedding.get_query_embedding("a dog")
        found = self.store.query(
            self.types.VectorStoreQuery(query_embedding=asked, similarity_top_k=1)
        )
        node = found.nodes[0]
        self.assertEqual((node.node_id, node.text), ("cats", TEXTS["cats"]))
        self.assertEqual((node.metadata, node.ref_doc_id), (KINDS["cats"], "document 0"))
        expected = support.wv().cosine_similarities(
            np.array(asked), np.array([self.nodes[1].embedding])
        )
        self.assertAlmostEqual(found.similarities[0], float(expected[0]), places=5)
        listed = self.store.get_nodes()
        self.assertEqual([one.node_id for one in listed], list(TEXTS))
        np.testing.assert_allclose(listed[2].embedding, self.nodes[2].embedding, atol=1e-6)
        with self.assertRaises(NotImplementedError):
            self.ids(mode=self.types.VectorStoreQueryMode.HYBRID)
        spread = self.ids(mode=self.types.VectorStoreQueryMode.MMR, mmr_threshold=0.0)
        self.assertEqual((spread[0], set(spread)), ("cats", set(TEXTS)))
        self.assertNotEqual(spread[1], "horses")

    def test_deletes(self):
        self.store.delete_nodes([])
        self.assertEqual(self.store.get_nodes([]), [])
        self.store.delete_nodes(["kings"])
        self.store.delete_nodes(["cats", "banks"], filters=self.filters(("lang", "==", "fr")))
        self.assertEqual(set(self.ids()), {"cats", "horses"})
        self.store.delete("document 0")
        self.assertEqual([one.node_id for one in self.store.get_nodes()], ["horses"])
        with self.assertRaises(ValueError):
            self.store.delete_nodes()
        self.store.clear()
        self.assertEqual(self.store.get_nodes(), [])

    def test_the_example_of_the_readme(self):
        made = example("wordspace.llama_index")
        self.addCleanup(made["index"].vector_store.clear)
        self.assertEqual([one.text for one in made["nodes"]], ["Cats sleep all day."])

    def test_an_index_stands_on_it(self):
        from llama_index.core import Document, StorageContext, VectorStoreIndex

        self.store.clear()
        documents = [
            Document(text=text, id_=id_, metadata=KINDS[id_]) for id_, text in TEXTS.items()
        ]
        documents.append(Document(text=LONG, id_="long"))
        index = VectorStoreIndex.from_documents(
            documents,
            storage_context=StorageContext.from_defaults(vector_store=self.store),
            embed_model=self.embedding,
        )
        retriever = index.as_retriever(similarity_top_k=2)
        found = retriever.retrieve("horses and grass")
        self.assertEqual(found[0].node.ref_doc_id, "horses")
        again = asyncio.run(retriever.aretrieve("horses and grass"))
        self.assertEqual(again[0].score, found[0].score)
        index.delete_ref_doc("horses")
        self.assertNotEqual(retriever.retrieve("horses and grass")[0].node.ref_doc_id, "horses")
        # LlamaIndex cut it.
        long = [one.text for one in self.store.get_nodes() if one.ref_doc_id == "long"]
        self.assertGreater(len(long), 1)
        self.assertTrue(all(one in LONG for one in long))
        self.assertGreaterEqual(sum(map(len, long)), len(LONG.strip()) - len(long))


if __name__ == "__main__":
    unittest.main()
