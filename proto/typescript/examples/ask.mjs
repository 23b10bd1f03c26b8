// Starts a private server, imports a file of vectors, and asks it.
//     node examples/ask.mjs [FILE]
import { fileURLToPath } from "node:url";
import { UnknownWords, open } from "wordspace";

const bundled = new URL("../../../examples/data/glove.6B.50d.20k.txt.gz", import.meta.url);
const client = await open(); // or connect("http://127.0.0.1:50051")
const report = await client.importFile(process.argv[2] ?? fileURLToPath(bundled), "en");
console.log(`${report.rowsKept} words`);

const wv = await client.load("en");
console.log(await wv.mostSimilar("king", { topn: 3 }));
console.log(await wv.mostSimilar(["woman", "king"], { negative: ["man"], topn: 1 }));
console.log(await wv.doesntMatch(["breakfast", "cereal", "dinner", "lunch"]));
console.log((await wv.getVector("king")).slice(0, 3));
try {
  await wv.similarity("king", "qeen");
} catch (error) {
  if (!(error instanceof UnknownWords)) throw error;
  console.log(`unknown: ${error.words.join(", ")}`);
}
await client.close();
