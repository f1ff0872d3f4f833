/** The modules of Node that the library takes where it finds them. */
interface NodeModules {
  readonly "node:async_hooks": typeof import("node:async_hooks");
  readonly "node:crypto": typeof import("node:crypto");
  readonly "node:fs": typeof import("node:fs");
  readonly "node:fs/promises": typeof import("node:fs/promises");
  readonly "node:http": typeof import("node:http");
  readonly "node:https": typeof import("node:https");
  readonly "node:path": typeof import("node:path");
  readonly "node:timers": typeof import("node:timers");
}

/** What every runtime with modules of Node has, and others do not. */
interface NodeGlobals {
  readonly process?: { getBuiltinModule?(name: string): unknown };
}

/**
 * A module of Node, or `undefined` in a runtime that has none, such as `workerd` without `nodejs_compat`. An import
 * would keep all that imports it from being loaded there.
 */
export function nodeModule<Name extends keyof NodeModules>(
  name: Name,
): NodeModules[Name] | undefined {
  const { process } = globalThis as NodeGlobals;
  return process?.getBuiltinModule?.(name) as NodeModules[Name] | undefined;
}

/**
 * The same for files that every runtime can load and only those with modules of Node can use: without the module, its
 * functions are missing.
 */
export function assumedNodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] {
  return nodeModule(name) ?? {} as NodeModules[Name];
}
