#!/usr/bin/env node
/**
 * The command line of the package: migrations, a doctor for servers, events, a demo. It is a program, not a library: to
 * load it runs it. `--help` tells the rest.
 *
 * ```sh
 * deno run -A jsr:@benchmark-exchange/infrastructure/cli --help
 * ```
 *
 * @module
 */

import process from "node:process";
import { readEnvironment } from "../core/environment.ts";
import type { CliOutput } from "./io.ts";
import { runCli } from "./run_cli.ts";
import { CLI_VARIABLES } from "./variables.ts";

const stop = new AbortController();

function outputTo(stream: NodeJS.WriteStream, onGone = () => {}): CliOutput {
  stream.on("error", onGone);
  return {
    isTerminal: stream.isTTY === true,
    write: (text) => new Promise((resolve) => stream.write(text, () => resolve())),
  };
}

// Once: a second Ctrl-C ends the process, whatever it waits for.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

process.exitCode = await runCli(process.argv.slice(2), {
  environment: readEnvironment(CLI_VARIABLES),
  // Whoever reads may stop before the end, such as `head`: then there is nothing left to do.
  stdout: outputTo(process.stdout, () => stop.abort()),
  stderr: outputTo(process.stderr),
  signal: stop.signal,
});
