import type { Environment } from "../../core/environment.ts";
import type { NatsServer } from "../../messaging/adapters/nats/server.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { roundTrips } from "./round_trips.ts";

/** The oldest that the library is for. */
const MINIMUM = "2.9";

/** Checks the server of `NATS_URL`, changing nothing. It does not tell its time. */
export async function checkNats(
  diagnosis: Diagnosis,
  { NATS_URL: url = "" }: Environment,
): Promise<void> {
  // Loaded only here, because the client takes its time to load.
  const { checkConfig } = await import("../../messaging/adapters/nats/config.ts");
  const { NatsServer } = await import("../../messaging/adapters/nats/server.ts");
  const connectTimeoutMs = diagnosis.call.timeoutMs;
  const targetOf = (): string => {
    const { servers } = checkConfig({ url });
    return servers.map(({ hostname, port }) => `${hostname}:${port}`).join(" and ");
  };
  const open = async (): Promise<NatsServer> =>
    await NatsServer.connect(checkConfig({ url, connectTimeoutMs }));
  const server = await diagnosis.connect(targetOf, open);
  if (!server) return;
  try {
    diagnosis.version("NATS", String(server.description["version"]), MINIMUM);
    await checkJetStream(diagnosis, server);
    await checkLatency(diagnosis, server);
  } finally {
    await server.close();
  }
}

async function checkJetStream(diagnosis: Diagnosis, server: NatsServer): Promise<void> {
  const fix = "Start the server with --jetstream, and let the account use it";
  await diagnosis.look("JetStream", fix, async () => {
    const call = server.begin({ ...diagnosis.call, operation: "use JetStream" });
    const account = await server.run(call, "not-applied", ({ jsm }) => jsm.getAccountInfo());
    diagnosis.ok("JetStream", `enabled, ${account.streams} streams`);
  });
}

async function checkLatency(diagnosis: Diagnosis, server: NatsServer): Promise<void> {
  await diagnosis.look("latency", "Look at the load of the server", async () => {
    const trips = await roundTrips(() => {
      const call = server.begin({ ...diagnosis.call, operation: "ping NATS" });
      return server.run(call, "not-applied", ({ nc }) => nc.rtt());
    }, 5);
    diagnosis.latency(trips);
  });
}
