/** Registers a test, as `test` of `node:test` does; the suites take it as a parameter. */
export type TestFn = (name: string, fn: () => Promise<void>) => unknown;
