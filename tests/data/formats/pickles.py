"""Makes the pickles that the tests read: what gensim 4.4 saves, and what torch would (it need not be there).

    /tmp/venv/bin/python tests/data/formats/pickles.py
"""

import io
import pathlib
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent


def main():
    from gensim.models import FastText, KeyedVectors

    vectors = KeyedVectors(2)
    vectors.add_vectors(["the", "caf\u00e9", "a b"], np.array([[0.5, -1e-7], [1, 8.625], [-3.25, 2]], np.float32))
    # The events of a model's life tell of the machine.
    vectors.lifecycle_events = None
    vectors.save(str(HERE / "gensim.kv"))
    texts = [["the", "cafes", "of", "the", "city"], ["the", "city", "of", "cafes"]] * 5
    model = FastText(texts, vector_size=2, bucket=8, min_count=1, min_n=2, max_n=3, seed=1, workers=1, epochs=1)
    model.wv.lifecycle_events = None
    model.wv.save(str(HERE / "gensim-fasttext.kv"))
    for word in ["the", "cafes", "unseen"]:
        print(word, [float(value) for value in model.wv[word]])
    table = np.array([[0.5, 1.0], [2.0, -1.0], [3.0, 4.0]], np.float32)
    pickled = torch_pickle(table, old=False)
    with zipfile.ZipFile(HERE / "torch.pt", "w", zipfile.ZIP_STORED) as archive:
        for name, data in [("data.pkl", pickled), ("data/0", table.tobytes()), ("version", b"3\n")]:
            archive.writestr(zipfile.ZipInfo("torch/" + name, (2020, 1, 1, 0, 0, 0)), data)
    with open(HERE / "torch-old.bin", "wb") as file:
        for part in [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]:
            pickle.dump(part, file, protocol=2)
        file.write(torch_pickle(table, old=True))
        pickle.dump(["0"], file, protocol=2)
        file.write(struct.pack("<q", table.size) + table.tobytes())


def torch_pickle(table, old):
    """A state dict with one tensor, pickled as torch does it."""
    torch = types.ModuleType("torch")
    utils = types.ModuleType("torch._utils")

    class FloatStorage:
        pass

    def _rebuild_tensor_v2(*arguments):
        raise NotImplementedError

    FloatStorage.__module__, FloatStorage.__qualname__ = "torch", "FloatStorage"
    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    torch.FloatStorage, utils._rebuild_tensor_v2 = FloatStorage, _rebuild_tensor_v2
    sys.modules.update({"torch": torch, "torch._utils": utils})

    class Storage:
        pass

    class Tensor:
        def __reduce__(self):
            return _rebuild_tensor_v2, (Storage(), 0, table.shape, (table.shape[1], 1), False, OrderedDict())

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, Storage):
                identity = ("storage", FloatStorage, "0", "cpu", table.size)
                return (*identity, None) if old else identity
            return None

    out = io.BytesIO()
    Pickler(out, protocol=2).dump(OrderedDict([("encoder.embed_tokens.weight", Tensor())]))
    return out.getvalue()


if __name__ == "__main__":
    main()
