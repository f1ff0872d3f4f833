import { Buffer } from "node:buffer";
import type { Socket } from "node:net";

/** A header as on the wire: a character for each byte, and the name in its spelling. */
export type HeaderLine = readonly [name: string, value: string];

/** The bytes of a body, without what frames them on the wire. */
export type Body = AsyncIterable<Buffer>;

/** What a message of HTTP/1.1 begins with. */
export interface Head {
  /** The request line or the status line. */
  readonly firstLine: string;
  readonly headers: readonly HeaderLine[];
}

/** How a body is framed: so many bytes, all bytes until the end of the connection, or chunks. */
export type Framing = number | "chunked";

/** The other side has ended the connection within a message, or is to see such an end. */
export class ConnectionEnd extends Error {
  override readonly name = "ConnectionEnd";
}

/** Reads the messages of HTTP/1.1 from a socket. */
export class MessageReader {
  readonly #pieces: AsyncIterator<Buffer>;
  #read: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    // Whoever reads gets the error, too; and nobody may be reading.
    socket.on("error", () => {});
    this.#pieces = socket[Symbol.asyncIterator]();
  }

  /** The head of the next message, or `undefined` when there are no more messages. */
  async head(): Promise<Head | undefined> {
    if (this.#read.length === 0 && !await this.#fill()) return undefined;
    const [firstLine = "", ...lines] = (await this.#until("\r\n\r\n")).split("\r\n");
    const headers = lines.map((line): HeaderLine => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
    return { firstLine, headers };
  }

  /** The bytes of a body. */
  async *body(framing: Framing): AsyncGenerator<Buffer> {
    if (framing !== "chunked") return yield* this.#bytes(framing);
    for (let size = await this.#chunkSize(); size > 0; size = await this.#chunkSize()) {
      yield* this.#bytes(size);
      await this.#until("\r\n");
    }
    while (await this.#until("\r\n") !== "");
  }

  async #chunkSize(): Promise<number> {
    return parseInt(await this.#until("\r\n"), 16);
  }

  async *#bytes(count: number): AsyncGenerator<Buffer> {
    let left = count;
    while (left > 0) {
      if (this.#read.length === 0 && !await this.#fill()) {
        if (count === Infinity) return;
        throw new ConnectionEnd();
      }
      const piece = this.#read.subarray(0, left);
      this.#read = this.#read.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async #until(mark: string): Promise<string> {
    let end = this.#read.indexOf(mark);
    for (; end === -1; end = this.#read.indexOf(mark)) {
      if (!await this.#fill()) throw new ConnectionEnd();
    }
    const text = this.#read.toString("latin1", 0, end);
    this.#read = this.#read.subarray(end + mark.length);
    return text;
  }

  /** Waits for more bytes; `false` when the other side has sent its last one. */
  async #fill(): Promise<boolean> {
    const { done, value } = await this.#pieces.next();
    if (!done) this.#read = Buffer.concat([this.#read, value]);
    return !done;
  }
}

/** Sends a message, framed as its headers say. */
export async function writeMessage(
  socket: Socket,
  firstLine: string,
  { headers, body }: { readonly headers: readonly HeaderLine[]; readonly body: Body | undefined },
): Promise<void> {
  const lines = [firstLine, ...headers.map(([name, value]) => `${name}: ${value}`), "", ""];
  await write(socket, Buffer.from(lines.join("\r\n"), "latin1"));
  if (!body) return;
  const frame = framing(headers);
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    await write(socket, frame === "chunked" ? chunk(piece) : piece);
  }
  if (frame === "chunked") await write(socket, chunk(Buffer.alloc(0)));
  else if (bytes !== (frame ?? bytes)) throw new ConnectionEnd();
}

/** How a body is framed; `undefined` without a header that says so. */
export function framing(headers: readonly HeaderLine[]): Framing | undefined {
  if (headerValue(headers, "transfer-encoding")?.toLowerCase() === "chunked") return "chunked";
  const length = headerValue(headers, "content-length");
  return length === undefined ? undefined : Number(length);
}

/** The value of the header, or `undefined`; names have no case. */
export function headerValue(headers: readonly HeaderLine[], name: string): string | undefined {
  return headers.find((line) => line[0].toLowerCase() === name.toLowerCase())?.[1];
}

/** Reads a body to its end. */
export async function drain(body: Body): Promise<void> {
  for await (const _ of body);
}

function chunk(piece: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`${piece.length.toString(16)}\r\n`),
    piece,
    Buffer.from("\r\n"),
  ]);
}

function write(socket: Socket, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(data, (error) => error ? reject(error) : resolve());
  });
}
