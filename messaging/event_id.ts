import { v7 } from "uuid";

/** What one id takes. */
const ID_BYTES = 16;

/** How much is asked for at once: asking the system takes longer than all else that is done for an event. */
const POOL_BYTES = 256 * ID_BYTES;

/** The largest sequence number, which has 32 bits in a UUID of the package; its first bit is 0 at the start. */
const MAX_SEQUENCE = 2 ** 32 - 1;

const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;
let lastMs = -Infinity;
let sequence = 0;

/** A new UUID of version 7; within a process each is greater than the one before. */
export function newEventId(): string {
  const random = nextRandom();
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    sequence = new DataView(random.buffer, random.byteOffset).getUint32(6) >>> 1;
  } else if (sequence < MAX_SEQUENCE) {
    sequence++;
  } else {
    lastMs++;
    sequence = 0;
  }
  return v7({ random, msecs: lastMs, seq: sequence });
}

function nextRandom(): Uint8Array {
  if (used === POOL_BYTES) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  used += ID_BYTES;
  return pool.subarray(used - ID_BYTES, used);
}
