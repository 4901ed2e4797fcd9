/** Reads `text/event-stream`, as the HTML standard describes it (9.2.6). */

export interface ServerEvent {
  event: string;
  data: string;
  /** That of this event, or of the last one that had one. */
  id: string;
}

const LONGEST_LINE = 1024 * 1024;

/** Cuts text that arrives in pieces into lines, and lines into events. */
export class EventParser {
  /** Milliseconds that the server asks for before reconnecting, if it did. */
  retry: number | undefined;
  #rest = "";
  #isStart = true;
  #event = "";
  #data: string[] = [];
  #id = "";

  /** Return the events that this piece completes. */
  push(piece: string): ServerEvent[] {
    this.#rest += piece;
    if (this.#isStart && this.#rest) {
      this.#isStart = false;
      this.#rest = this.#rest.replace(/^\uFEFF/, "");
    }
    const found: ServerEvent[] = [];
    // A carriage return at the end may be the first half of a line's end.
    for (let end; (end = /\r\n|\n|\r(?!$)/.exec(this.#rest)); ) {
      const line = this.#rest.slice(0, end.index);
      this.#rest = this.#rest.slice(end.index + end[0].length);
      const event = this.#line(line);
      if (event) found.push(event);
    }
    if (this.#rest.length > LONGEST_LINE) throw new RangeError("A line of the stream is too long.");
    return found;
  }

  #line(line: string): ServerEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
    return undefined; // and a comment, which begins with a colon, is only a sign of life
  }

  #dispatch(): ServerEvent | undefined {
    const { length } = this.#data;
    const event = { event: this.#event || "message", data: this.#data.join("\n"), id: this.#id };
    this.#event = "";
    this.#data = [];
    return length ? event : undefined;
  }
}
