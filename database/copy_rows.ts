/** How much a buffer holds at first, in bytes. */
const INITIAL_BYTES = 64 * 1024;

/** The greatest number of bytes that UTF-8 takes for a UTF-16 code unit. */
const MAX_UTF8_BYTES = 3;

/** The signature, no flags, no extension. */
const HEADER = "PGCOPY\n\xff\r\n\0" + "\0".repeat(8);

/** Says that a value is null. */
const NULL = -1;

/** Says that no row follows. */
const TRAILER = -1;

const encoder: TextEncoder = new TextEncoder();

/**
 * Writes rows as `copy … from stdin (format binary)` reads them: the server has nothing to parse.
 * Begin each row, then give its values in the order of the columns; `undefined` is null. Values are not checked.
 *
 * Source: the PostgreSQL manual, `COPY`, section "Binary Format".
 */
export class CopyRows {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(INITIAL_BYTES);
  #view: DataView = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Starts with the header. */
  constructor() {
    for (const character of HEADER) this.#bytes[this.#length++] = character.charCodeAt(0);
  }

  /** Begins a row of so many columns. */
  row(columns: number): void {
    this.#int16(columns);
  }

  /** A `uuid`, as its 16 bytes. */
  uuid(bytes: Uint8Array): void {
    const at = this.#value(bytes.length, bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** An `int4`. */
  int4(value: number): void {
    const at = this.#value(4, 4);
    this.#view.setInt32(at, value);
  }

  /** A `float8`; a negative zero becomes zero. */
  float8(value: number | undefined): void {
    if (value === undefined) return this.#null();
    const at = this.#value(8, 8);
    this.#view.setFloat64(at, value + 0);
  }

  /** A `boolean`. */
  bool(value: boolean | undefined): void {
    if (value === undefined) return this.#null();
    const at = this.#value(1, 1);
    this.#view.setUint8(at, value ? 1 : 0);
  }

  /** A `text`. */
  text(value: string | undefined): void {
    if (value === undefined) return this.#null();
    const lengthAt = this.#length;
    const at = this.#value(0, value.length * MAX_UTF8_BYTES);
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(at));
    this.#view.setInt32(lengthAt, written);
    this.#length += written;
  }

  /** All rows; nothing can be added any more. */
  end(): Uint8Array {
    this.#int16(TRAILER);
    return this.#bytes.subarray(0, this.#length);
  }

  #null(): void {
    this.#value(NULL, 0);
  }

  /** Writes the length of a value, makes room for it, counts it as written and returns where it goes. */
  #value(length: number, room: number): number {
    this.#reserve(4 + room);
    this.#view.setInt32(this.#length, length);
    const at = this.#length + 4;
    this.#length = at + Math.max(length, 0);
    return at;
  }

  #int16(value: number): void {
    this.#reserve(2);
    this.#view.setInt16(this.#length, value);
    this.#length += 2;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
