import { StorageError } from "../../core/errors.ts";
import { MemoryStorageProvider } from "../../storage/adapters/memory.ts";
import type { ObjectStream, StorageProvider } from "../../storage/storage.ts";

/** A storage whose faults a test switches on and off. */
export class FaultyStorage {
  /** To be given to what is tested. */
  readonly storage: StorageProvider;
  /** Without the faults. */
  readonly intact: StorageProvider;
  /** Whether every call fails as if the server was away. */
  isAway = false;
  /** After how many bytes a body that is opened breaks. */
  breaksAfter = Infinity;
  /** How many bodies were opened, and how many of these are at their end or cancelled. */
  readonly bodies = { opened: 0, ended: 0 };
  /** What was called, with the key. */
  readonly calls: string[] = [];
  /** Runs before a call. */
  before: (name: string) => Promise<void> | void = () => {};

  constructor(intact: StorageProvider = new MemoryStorageProvider()) {
    this.intact = intact;
    this.storage = new Proxy(intact, { get: (_, name) => this.#member(name) });
  }

  #member(name: string | symbol): unknown {
    const member = Reflect.get(this.intact, name, this.intact);
    if (typeof member !== "function") return member;
    if (name === "close" || name === "iterateObjects") return member.bind(this.intact);
    return async (...args: unknown[]) => {
      this.calls.push(`${String(name)} ${args[1]}`);
      await this.before(String(name));
      if (this.isAway) throw away();
      const result = await member.apply(this.intact, args);
      return name === "downloadStream" ? this.#watched(result as ObjectStream) : result;
    };
  }

  #watched(object: ObjectStream): ObjectStream {
    const reader = object.body.getReader();
    let left = this.breaksAfter;
    this.bodies.opened++;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller): Promise<void> => {
        const { done, value } = await reader.read();
        if (done) {
          this.bodies.ended++;
          return controller.close();
        }
        controller.enqueue(value.subarray(0, left));
        left -= value.byteLength;
        if (left > 0) return;
        this.bodies.ended++;
        await reader.cancel();
        throw away();
      },
      cancel: async (): Promise<void> => {
        this.bodies.ended++;
        await reader.cancel();
      },
    }, { highWaterMark: 0 });
    return { ...object, body };
  }
}

function away(): StorageError {
  const details = { code: "unavailable", operation: "StorageProvider", retryable: true } as const;
  return new StorageError("Cannot reach the storage: it is away", details);
}
