import type { DeliveryProblem, Message } from "../../messaging/messaging.ts";
import type { Command } from "../command.ts";
import type { CommandLine } from "../command_line.ts";
import type { CliIo } from "../io.ts";
import { type Paint, paintFor, printable } from "../output.ts";
import { requiredVariable } from "../variables.ts";

/** All channels of the library. */
const DEFAULT_PATTERN = "events:*";

/** How long the last events may take to be written, in milliseconds. */
const CLOSE_MS = 2_000;

/** Prints events as they happen. */
export const TAIL: Command = {
  help: `Prints events as they happen on the server of REDIS_URL, until Ctrl-C.

  events tail [--channel PATTERN] [--json]

  --channel PATTERN  of these channels, with * for any characters; ${DEFAULT_PATTERN} if left out
  --json             each event as one line of JSON, with its payload

What happened before, or while the server was away, is not shown; gaps are told on the error
stream. The same events in streams and in the outbox stay where they are.

Examples
  events tail
  events tail --channel 'events:benchmark:*'
  events tail --json | jq .payload

Ends with 0 after Ctrl-C, with 1 if it failed, with 2 if it is used wrongly.
`,
  options: { channel: "text", json: "flag" },
  run: tail,
};

async function tail(line: CommandLine, io: CliIo): Promise<number> {
  const url = requiredVariable(io.environment, "REDIS_URL");
  const pattern = line.text("channel") ?? DEFAULT_PATTERN;
  const format = line.has("json") ? formatJson : formatLine(paintFor(io));
  // Loaded only here, because the client takes its time to load.
  const { RedisEventBus } = await import("../../messaging/adapters/redis.ts");
  const bus = await RedisEventBus.connect({ url });
  try {
    await bus.psubscribe(pattern, (message) => io.stdout.write(`${format(message)}\n`), {
      signal: io.signal,
      onProblem: (problem) => io.stderr.write(`${formatProblem(problem)}\n`),
    });
    await io.stderr.write(`Listening to ${printable(pattern)}, until Ctrl-C\n`);
    await aborted(io.signal);
    return 0;
  } finally {
    // It rejects if the reader of the output does not read any more, and then nothing can be done.
    await bus.close({ timeoutMs: CLOSE_MS }).catch(() => {});
  }
}

function formatJson({ deserialize: _, payload, ...attributes }: Message): string {
  return JSON.stringify({ ...attributes, payload: JSON.parse(payload) });
}

function formatLine(paint: Paint): (message: Message) => string {
  return ({ time, channel, type, id, payload }) =>
    `${paint("faint", printable(time))} ${printable(channel)} ${paint("good", printable(type))} ${
      paint("faint", printable(id))
    } ${printable(payload)}`;
}

function formatProblem(problem: DeliveryProblem): string {
  switch (problem.kind) {
    case "gap":
      return problem.lost === undefined
        ? "gap: the connection was lost, and perhaps events"
        : `gap: ${problem.lost} events are missing`;
    case "undecodable":
      return `not an event: ${problem.error.bytes.length} bytes on ${printable(problem.channel)}`;
    case "handler_failed":
      return `not shown: event ${printable(problem.message.id)}`;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
