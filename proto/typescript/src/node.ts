// The client for node: gRPC, files, and a server of one's own.
import * as http from "node:http";
import * as https from "node:https";
import { createReadStream } from "node:fs";
import { type FileHandle, open as openFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, parse } from "node:path";
import type { SecureContextOptions } from "node:tls";
import type { Transport } from "@connectrpc/connect";
import {
  Http2SessionManager,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { Client } from "./client.js";
import { type ConnectOptions, DEFAULT_SERVER, interceptors } from "./connection.js";
import {
  type ExportRequestSchema,
  Format,
  IfExists,
  type ImportHeaderSchema,
  type ImportProgress,
  type ImportReport,
  type ImportRequestSchema,
} from "./gen/index.js";
import type { LoadOptions, RemoteKeyedVectors } from "./keyedvectors.js";
import type { Fields } from "./keys.js";
import { Server, type ServerOptions } from "./server.js";

export { Client } from "./client.js";
export type { ConnectOptions, Services } from "./connection.js";
export { UnknownWords, type Violation, WordspaceError } from "./errors.js";
export * from "./keyedvectors.js";
export { Server, type ServerOptions } from "./server.js";

/** The bytes of a file in one message. */
const CHUNK_BYTES = 512 << 10;
/** A connection whose server does not answer a ping for so long is lost. */
const PING_MS = 20_000;

/** How a server is asked from node. */
export interface NodeConnectOptions extends ConnectOptions {
  /** "grpc" (HTTP/2, the default), or "grpc-web" through proxies that speak HTTP/1.1 alone. */
  protocol?: "grpc" | "grpc-web";
  /** With https://: `ca` has the authorities that may prove the server, `cert` and `key` prove the client. */
  tls?: Pick<SecureContextOptions, "ca" | "cert" | "key">;
}

/** Further fields of an import, and who hears of its progress. */
export type ImportOptions = Omit<Fields<typeof ImportHeaderSchema>, "table"> & {
  /** Take the place of a table of that name. */
  replace?: boolean;
  /** Files beside it, such as the words of a NumPy array. */
  companions?: string[];
  onProgress?: (progress: ImportProgress) => void;
};

/** A connection of node, which has files. */
export class NodeClient extends Client {
  readonly #disconnect: () => void;
  /** The server that this client started, if it did. */
  readonly server: Server | undefined;

  constructor(
    transport: Transport,
    address: string,
    options: ConnectOptions,
    disconnect: () => void,
    server?: Server,
  ) {
    super(transport, address, options);
    this.#disconnect = disconnect;
    this.server = server;
  }

  /**
   * Imports an embedding file of any format; resolves when every row is on the server's disk. The
   * report accounts for every row.
   */
  async importFile(file: string, table: string, options: ImportOptions = {}): Promise<ImportReport> {
    const { replace, companions = [], onProgress, ...fields } = options;
    const header: Fields<typeof ImportHeaderSchema> = { source: basename(file), ...fields, table };
    if (replace) header.ifExists = IfExists.REPLACE;
    if (fields.limit === undefined) header.totalBytes ??= BigInt((await stat(file)).size);
    let report: ImportReport | undefined;
    for await (const { part } of this.services.transfer.import(parts(header, file, companions))) {
      if (part.case === "report") report = part.value;
      else if (part.case === "progress") onProgress?.(part.value);
    }
    if (report === undefined) throw new Error("the import's stream ended without a report");
    return report;
  }

  /** Writes a table as a file, which appears when it is complete. Default: word2vec's text. */
  async exportFile(
    table: string,
    file: string,
    fields: Omit<Fields<typeof ExportRequestSchema>, "table"> = {},
  ): Promise<void> {
    const request = { format: Format.WORD2VEC_TEXT, ...fields, table };
    const written = new Map<string, FileHandle>();
    let path = file;
    try {
      for await (const { companion, chunk } of this.services.transfer.export(request)) {
        if (companion) path = join(dirname(file), `${parse(file).name}.${companion}`);
        if (!companion && chunk.length === 0) continue;
        if (!written.has(path)) written.set(path, await openFile(`${path}.partial`, "w"));
        await written.get(path)?.writeFile(chunk);
      }
      for (const [path, handle] of written) {
        await handle.close();
        await rename(`${path}.partial`, path);
      }
    } catch (error) {
      for (const [path, handle] of written) {
        await handle.close().catch(() => {});
        await rm(`${path}.partial`, { force: true });
      }
      throw error;
    }
  }

  /** Closes the connection, and ends the server if this client started it. */
  override async close(): Promise<void> {
    this.#disconnect();
    await this.server?.close();
  }
}

async function* parts(
  header: Fields<typeof ImportHeaderSchema>,
  file: string,
  companions: string[],
): AsyncGenerator<Fields<typeof ImportRequestSchema>> {
  yield { part: { case: "header", value: header } };
  yield* chunks(file);
  for (const companion of companions) {
    const sizeBytes = BigInt((await stat(companion)).size);
    yield { part: { case: "file", value: { name: basename(companion), sizeBytes } } };
    yield* chunks(companion);
  }
}

async function* chunks(file: string): AsyncGenerator<Fields<typeof ImportRequestSchema>> {
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
    yield { part: { case: "chunk", value: chunk as Uint8Array } };
  }
}

/**
 * A client of a running server: `server` is http://HOST:PORT or https://HOST:PORT; without it
 * $WORDSPACE_SERVER, or http://127.0.0.1:50051. An open connection keeps node running until `close`.
 */
export function connect(server?: string, options: NodeConnectOptions = {}): NodeClient {
  return connected(server ?? process.env["WORDSPACE_SERVER"] ?? DEFAULT_SERVER, options);
}

function connected(named: string, options: NodeConnectOptions, server?: Server): NodeClient {
  const baseUrl = named.includes("://") ? named : `${options.tls ? "https" : "http"}://${named}`;
  if (options.tls && !baseUrl.startsWith("https://")) {
    throw new Error("certificates were given, which only https:// uses");
  }
  const common = { baseUrl, interceptors: interceptors(options) };
  if (options.protocol === "grpc-web") {
    const { Agent } = baseUrl.startsWith("https://") ? https : http;
    const agent = new Agent({ keepAlive: true });
    const nodeOptions = { ...options.tls, agent };
    const transport = createGrpcWebTransport({ ...common, httpVersion: "1.1", nodeOptions });
    return new NodeClient(transport, baseUrl, options, () => agent.destroy(), server);
  }
  const sessionManager = new Http2SessionManager(
    baseUrl,
    { pingIntervalMs: PING_MS, pingTimeoutMs: PING_MS },
    { ...options.tls },
  );
  const transport = createGrpcTransport({ ...common, sessionManager });
  return new NodeClient(transport, baseUrl, options, () => sessionManager.abort(), server);
}

/** The words and vectors of a table of a running server; without a name $WORDSPACE_TABLE, or the only one. */
export async function load(
  table?: string,
  options: NodeConnectOptions & LoadOptions & { server?: string } = {},
): Promise<RemoteKeyedVectors> {
  const client = connect(options.server, options);
  try {
    return await client.load(table ?? process.env["WORDSPACE_TABLE"], options);
  } catch (error) {
    await client.close();
    throw error;
  }
}

/**
 * Starts a private server on a data folder and connects to it. The folder is made if it is not there;
 * without one it is temporary, and removed at the end. `close`, or the end of this process, ends it.
 */
export async function open(
  folder?: string,
  options: ServerOptions & NodeConnectOptions = {},
): Promise<NodeClient> {
  const server = await Server.start(folder, options);
  return connected(server.address, options, server);
}
