/** Registers a test; `test` of `node:test` is one. A suite takes it, so that any runner will do. */
export type TestFn = (name: string, fn: () => Promise<void>) => unknown;
