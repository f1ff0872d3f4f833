import { NatsStreamBus, type NatsStreamBusConfig } from "../../messaging/adapters/nats.ts";
import type { InfrastructureError } from "../../core/errors.ts";
import type { StreamProblem } from "../../messaging/streams.ts";
import { Recorder } from "../conformance/messaging/support.ts";
import { type NatsOptions, type PrivateNats, startNats } from "./private_nats.ts";

/** What a test of faults works with. */
export interface FaultyNats {
  /** The server, to be harmed. */
  readonly server: PrivateNats;
  /** A bus on it. */
  readonly bus: NatsStreamBus;
  /** The problems of its subscriptions. */
  readonly problems: Recorder<StreamProblem>;
}

/** Runs `use` with a server of its own. */
export async function withNatsServer(
  options: NatsOptions,
  use: (server: PrivateNats) => Promise<void>,
): Promise<void> {
  const server = await startNats(options);
  try {
    await use(server);
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

/** Runs `use` with a server and a bus of its own. */
export async function withNatsBus(
  use: (parts: FaultyNats) => Promise<void>,
  options: NatsOptions = {},
  config: NatsStreamBusConfig = {},
): Promise<void> {
  await withNatsServer(options, async (server) => {
    const problems = new Recorder<StreamProblem>();
    const onProblem = problems.add;
    const bus = await NatsStreamBus.connect({ url: server.url, onProblem, ...config });
    try {
      await use({ server, bus, problems });
    } finally {
      await bus.close({ timeoutMs: 100 });
    }
  });
}

/** The error that a call rejects with. */
export async function failureOf(call: Promise<unknown>): Promise<InfrastructureError> {
  try {
    await call;
  } catch (error) {
    return error as InfrastructureError;
  }
  throw new Error("It did not fail");
}
