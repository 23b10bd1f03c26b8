// The client for browsers, and wherever there is `fetch`: gRPC-Web.
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { Client } from "./client.js";
import { type ConnectOptions, DEFAULT_SERVER, interceptors } from "./connection.js";
import type { LoadOptions, RemoteKeyedVectors } from "./keyedvectors.js";

export { Client } from "./client.js";
export type { ConnectOptions, Services } from "./connection.js";
export { UnknownWords, type Violation, WordspaceError } from "./errors.js";
export * from "./keyedvectors.js";

/**
 * A client of a running server at http://HOST:PORT or https://HOST:PORT. The server has to allow the
 * page: `wordspace serve --cors-origin https://app.example.org`.
 */
export function connect(server: string = DEFAULT_SERVER, options: ConnectOptions = {}): Client {
  const baseUrl = server.includes("://") ? server : `http://${server}`;
  const transport = createGrpcWebTransport({ baseUrl, interceptors: interceptors(options) });
  return new Client(transport, baseUrl, options);
}

/** The words and vectors of a table of a running server. */
export function load(
  table?: string,
  options: ConnectOptions & LoadOptions & { server?: string } = {},
): Promise<RemoteKeyedVectors> {
  return connect(options.server, options).load(table, options);
}
