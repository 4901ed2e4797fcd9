/** Lists that come in pages. */

import type { Transport } from "./transport.js";
import type { CallOptions, Pagination } from "./types.js";

export interface Page<Row> {
  rows: Row[];
  pagination: Pagination;
}

/**
 * `for await (const row of list)` goes through all of it, newest first, one page after the other.
 *
 * Rows that arrive meanwhile move the others back: each is still met once. To delete while going through a list,
 * collect it first, with `all()`.
 */
export class List<Row> implements AsyncIterable<Row> {
  readonly #transport: Transport;

  constructor(
    transport: Transport,
    private readonly path: string,
    private readonly name: string,
    private readonly identity: (row: Row) => string,
    private readonly query: object = {},
    private readonly options: CallOptions = {},
  ) {
    this.#transport = transport;
  }

  /** Return the rows from `offset` on, as many as the list's `limit`. */
  async page(offset = 0): Promise<Page<Row>> {
    const call = { query: { ...this.query, offset }, signal: this.options.signal };
    const body = await this.#transport.json<Record<string, unknown>>(this.path, call);
    return { rows: body[this.name] as Row[], pagination: body["pagination"] as Pagination };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Row> {
    const met = new Set<string>();
    for (let offset = 0; ; ) {
      const { rows, pagination } = await this.page(offset);
      for (const row of rows) {
        const id = this.identity(row);
        if (!met.has(id)) yield row;
        met.add(id);
      }
      if (!pagination.has_more || !rows.length) return;
      offset += rows.length;
    }
  }

  /** Return every row. */
  async all(): Promise<Row[]> {
    const rows: Row[] = [];
    for await (const row of this) rows.push(row);
    return rows;
  }
}
