import type { Environment } from "../../core/environment.ts";
import type { RabbitMqConnection } from "../../messaging/adapters/rabbitmq/connection.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { roundTrips } from "./round_trips.ts";

/** The oldest that the library is for. */
const MINIMUM = "3.10";

/** Should nobody delete it, the server does, after a minute. */
const QUEUE = {
  durable: true,
  arguments: { "x-queue-type": "quorum", "x-expires": 60_000 },
};

/**
 * Checks the server of `RABBITMQ_URL`. The only way to learn whether it has quorum queues, and whether the user may
 * create them, is to create one, which is deleted again. It does not tell its time.
 */
export async function checkRabbitMq(
  diagnosis: Diagnosis,
  { RABBITMQ_URL: url = "" }: Environment,
): Promise<void> {
  // Loaded only here, because the client takes its time to load.
  const { checkConfig } = await import("../../messaging/adapters/rabbitmq/config.ts");
  const { RabbitMqConnection } = await import("../../messaging/adapters/rabbitmq/connection.ts");
  const connectTimeoutMs = diagnosis.call.timeoutMs;
  const targetOf = (): string => {
    const { host, port, virtualHost, username } = checkConfig({ url }).address;
    return `${host}:${port}, virtual host ${virtualHost}, user ${username}`;
  };
  const open = async (): Promise<RabbitMqConnection> =>
    await RabbitMqConnection.open(checkConfig({ url, connectTimeoutMs }));
  const connection = await diagnosis.connect(targetOf, open);
  if (!connection) return;
  try {
    diagnosis.version("RabbitMQ", connection.serverVersion ?? "unknown", MINIMUM);
    await checkQuorumQueues(diagnosis, connection);
    await checkLatency(diagnosis, connection);
  } finally {
    await connection.close();
  }
}

async function checkQuorumQueues(
  diagnosis: Diagnosis,
  connection: RabbitMqConnection,
): Promise<void> {
  const fix = "Let the user configure queues, and the server have quorum queues";
  await diagnosis.look("quorum queues", fix, async () => {
    const queue = `exchange.doctor.${crypto.randomUUID()}`;
    const call = { ...diagnosis.call, operation: "create a quorum queue" };
    await connection.withChannel(call, async (channel) => {
      await channel.assertQueue(queue, QUEUE);
      await channel.deleteQueue(queue);
    });
    diagnosis.ok("quorum queues", "the user may create them");
  });
}

/** `basic.qos` changes only the channel, and is confirmed. */
async function checkLatency(diagnosis: Diagnosis, connection: RabbitMqConnection): Promise<void> {
  const call = { ...diagnosis.call, operation: "measure round trips" };
  await diagnosis.look("latency", "Look at the load of the server", async () => {
    const trips = await connection.withChannel(
      call,
      (channel) => roundTrips(() => channel.prefetch(1), 5),
    );
    diagnosis.latency(trips);
  });
}
