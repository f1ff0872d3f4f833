const BLOCK_BYTES = 64;
const LENGTH_BYTES = 8;

/** From the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
const ROUNDS = fractionsOfRoots(64, Math.cbrt);

/** From the square roots of the first 8 primes (FIPS 180-4, 5.3.3). */
const START = fractionsOfRoots(8, Math.sqrt);

/**
 * SHA-256 (FIPS 180-4) in JavaScript, for runtimes that have nothing but Web Crypto, which wants all bytes at once.
 * Takes many times as long as that of Node.
 */
export class PortableSha256 {
  readonly #state = START.slice();
  readonly #block = new Uint8Array(BLOCK_BYTES);
  readonly #schedule = new Int32Array(64);
  #sizeBytes = 0;

  /** Adds bytes. */
  update(bytes: Uint8Array): void {
    for (let position = 0; position < bytes.length;) {
      const used = this.#sizeBytes % BLOCK_BYTES;
      const piece = bytes.subarray(position, position + BLOCK_BYTES - used);
      this.#block.set(piece, used);
      this.#sizeBytes += piece.length;
      position += piece.length;
      if (used + piece.length === BLOCK_BYTES) this.#addBlock();
    }
  }

  /** The digest of all bytes so far, in lower-case hexadecimal; to be called once, at the end. */
  hex(): string {
    const bits = BigInt(this.#sizeBytes) * 8n;
    const rest = (this.#sizeBytes + 1 + LENGTH_BYTES) % BLOCK_BYTES;
    const end = new DataView(
      new ArrayBuffer(1 + (BLOCK_BYTES - rest) % BLOCK_BYTES + LENGTH_BYTES),
    );
    end.setUint8(0, 0x80);
    end.setBigUint64(end.byteLength - LENGTH_BYTES, bits);
    this.update(new Uint8Array(end.buffer));
    return Array.from(this.#state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** The names are those of FIPS 180-4, 6.2.2. */
  #addBlock(): void {
    const w = this.#fillSchedule();
    const state = this.#state;
    // Not by destructuring, which takes twice as long.
    let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!;
    let e = state[4]!, f = state[5]!, g = state[6]!, h = state[7]!;
    for (let t = 0; t < 64; t++) {
      const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const t1 = (h + sum1 + ((e & f) ^ (~e & g)) + ROUNDS[t]! + w[t]!) | 0;
      const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const t2 = (sum0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    state[0]! += a;
    state[1]! += b;
    state[2]! += c;
    state[3]! += d;
    state[4]! += e;
    state[5]! += f;
    state[6]! += g;
    state[7]! += h;
  }

  #fillSchedule(): Int32Array {
    const w = this.#schedule;
    const block = this.#block;
    for (let t = 0, i = 0; t < 16; t++, i += 4) {
      w[t] = block[i]! << 24 | block[i + 1]! << 16 | block[i + 2]! << 8 | block[i + 3]!;
    }
    for (let t = 16; t < 64; t++) {
      const x = w[t - 15]!, y = w[t - 2]!;
      const sigma0 = rotate(x, 7) ^ rotate(x, 18) ^ x >>> 3;
      const sigma1 = rotate(y, 17) ^ rotate(y, 19) ^ y >>> 10;
      w[t] = sigma1 + w[t - 7]! + sigma0 + w[t - 16]!;
    }
    return w;
  }
}

function rotate(word: number, bits: number): number {
  return word >>> bits | word << (32 - bits);
}

/** The first 32 bits behind the point of the roots of the first `count` primes. */
function fractionsOfRoots(count: number, root: (of: number) => number): Int32Array {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  return Int32Array.from(primes, (prime) => root(prime) % 1 * 2 ** 32 | 0);
}
