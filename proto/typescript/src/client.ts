// A client of a server: its tables, and what makes them.
import type { Transport } from "@connectrpc/connect";
import { type ConnectOptions, type Services, services } from "./connection.js";
import type { CreateTableRequestSchema, Table } from "./gen/index.js";
import { type LoadOptions, RemoteKeyedVectors } from "./keyedvectors.js";
import type { Fields } from "./keys.js";

/** A connection to a server. */
export class Client {
  /**
   * Every method of the contract, with this client's deadline, retries and errors:
   * `client.services.texts.tokenize({ texts: ["a text"] })`.
   */
  readonly services: Services;
  readonly address: string;

  constructor(transport: Transport, address: string, options: ConnectOptions = {}) {
    this.address = address;
    this.services = services(transport, address, options.timeoutMs);
  }

  /** What is known of each table, by name. */
  async tables(): Promise<Table[]> {
    return (await this.services.tables.listTables({})).tables;
  }

  /** What is known of a table; `name` may be an alias. */
  async table(name: string): Promise<Table> {
    const { table } = await this.services.tables.getTable({ table: name });
    if (table === undefined) throw new Error("the server told nothing of the table");
    return table;
  }

  /**
   * The words and vectors of a table, to be asked as gensim's KeyedVectors; without a name the only
   * table there is.
   */
  async load(table?: string, options: LoadOptions = {}): Promise<RemoteKeyedVectors> {
    return RemoteKeyedVectors.of(this, table ?? (await this.#onlyTable()), options);
  }

  async #onlyTable(): Promise<string> {
    const names = (await this.tables()).map((table) => table.name);
    const [only] = names;
    if (only === undefined) throw new Error(`${this.address} has no tables: import one`);
    if (names.length > 1) throw new Error(`which table is meant? There are ${names.join(", ")}`);
    return only;
  }

  /** Makes an empty table, which `addVectors` fills. */
  async createTable(
    name: string,
    dim: number,
    fields: Omit<Fields<typeof CreateTableRequestSchema>, "table" | "dim"> = {},
  ): Promise<RemoteKeyedVectors> {
    await this.services.tables.createTable({ ...fields, table: name, dim });
    return this.load(name);
  }

  /** Deletes a table with its rows; this cannot be undone. */
  async deleteTable(name: string): Promise<void> {
    await this.services.tables.deleteTable({ table: name });
  }

  /** Lets an alias stand for a table, in place of the one that it may stand for. */
  async setAlias(alias: string, table: string): Promise<void> {
    await this.services.tables.setAlias({ alias, table });
  }

  /** Closes the connection. */
  async close(): Promise<void> {}
}
