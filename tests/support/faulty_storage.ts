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
      return name === "downloadStream" ? this.#breaking(result as ObjectStream) : result;
    };
  }

  #breaking(object: ObjectStream): ObjectStream {
    if (this.breaksAfter === Infinity) return object;
    let left = this.breaksAfter;
    const breaking = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller): void {
        controller.enqueue(chunk.subarray(0, left));
        left -= chunk.byteLength;
        if (left <= 0) throw away();
      },
    });
    return { ...object, body: object.body.pipeThrough(breaking) };
  }
}

function away(): StorageError {
  const details = { code: "unavailable", operation: "StorageProvider", retryable: true } as const;
  return new StorageError("Cannot reach the storage: it is away", details);
}
