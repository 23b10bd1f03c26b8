// One server for the tests of a file, with the bundled vectors.
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { type NodeClient, type NodeConnectOptions, connect, open } from "wordspace";

export const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
export const VECTORS = `${ROOT}examples/data/glove.6B.50d.20k.txt.gz`;

let started: Promise<NodeClient> | undefined;

async function start(args: string[]): Promise<NodeClient> {
  const client = await open(undefined, { args });
  await client.importFile(VECTORS, "en");
  // Exact answers need no index, whose build would take the machine from the tests.
  await client.services.tables.cancelBuild({ table: "en" });
  return client;
}

/** Of a private server on a temporary folder, found by WORDSPACE_BINARY. */
export function client(args: string[] = []): Promise<NodeClient> {
  started ??= start(args);
  return started;
}

/** Another connection to it. */
export async function another(options: NodeConnectOptions): Promise<NodeClient> {
  const made = connect((await client()).address, options);
  others.push(made);
  return made;
}
const others: NodeClient[] = [];

after(async () => {
  for (const other of others) await other.close();
  await (await started)?.close();
});
