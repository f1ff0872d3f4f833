import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { defaultHttpClient } from "../../../storage/adapters/s3/http_client.ts";
import { HttpSource } from "../../../storage/adapters/s3/http_source.ts";
import type { ResponseBody } from "../../../storage/adapters/s3/response_body.ts";
import { Transport } from "../../../storage/adapters/s3/transport.ts";
import type { Span } from "../../../storage/range.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";
import { answerOf, RawHttpServer } from "../../support/raw_http_server.ts";
import { until } from "../../support/until.ts";

const OBJECT = "abcdefghijklmnopqrstuvwxyz";
/** Only the source itself looks at the clock. */
const PATIENT = { responseTimeoutMs: 1_000_000, idleTimeoutMs: 1_000_000 };
const never = new AbortController().signal;

/** Answers with what is asked for of the object. */
type Answer = (socket: Socket, rest: string) => void;

const whole: Answer = (socket, rest) => void socket.write(answerOf(rest));

/** Says that everything comes, and gives some bytes for now. */
function pausing(bytes: number): Answer {
  return (socket, rest) => {
    const headers = { "content-length": rest.length };
    socket.write(answerOf(rest.slice(0, bytes), { headers }));
  };
}

interface Opened extends AsyncDisposable {
  readonly source: HttpSource;
  readonly server: RawHttpServer;
  readonly clock: ManualClock;
  /** Where the rest was asked for, in order. */
  readonly positions: number[];
  readonly signals: AbortSignal[];
  /** Asks for the bytes from a position on. */
  readonly request: (position: number, signal: AbortSignal) => Promise<ResponseBody>;
}

/** Lets happen what happens in a turn of the event loop, such as a connection that comes free or closes. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}

/** Each request gets the next answer about the object up to `end`, those behind the last one all of it. */
function serve(answers: readonly Answer[], end: number): Promise<RawHttpServer> {
  const rest = [...answers];
  return RawHttpServer.start((socket, { target }) => {
    const answer = rest.shift() ?? whole;
    answer(socket, OBJECT.slice(Number(target.slice(1)), end));
  });
}

/** Opens a span of an object. */
async function open(
  answers: readonly Answer[],
  { start, end }: Span = { start: 0, end: OBJECT.length },
  beforeReopening: () => void = () => {},
): Promise<Opened> {
  const server = await serve(answers, end);
  const clock = new ManualClock();
  const client = await defaultHttpClient();
  const transport = new Transport({ ...PATIENT, client: Promise.resolve(client), clock });
  const request: Opened["request"] = async (position, signal) => {
    const url = `${server.url}/${position}`;
    return (await transport.send({ method: "GET", url, headers: {} }, signal)).body;
  };
  const positions: number[] = [];
  const signals: AbortSignal[] = [];
  const source = new HttpSource(await request(start, never), { start, end }, {
    operation: "downloadStream",
    maxAttempts: 3,
    clock,
    idleTimeoutMs: 1_000,
    reopen: async (position, signal) => {
      positions.push(position);
      signals.push(signal);
      beforeReopening();
      return await request(position, signal);
    },
  });
  return {
    source,
    server,
    clock,
    positions,
    signals,
    request,
    async [Symbol.asyncDispose](): Promise<void> {
      client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Reads up to `end`, at most `length` bytes at a time. */
async function readUpTo(
  source: HttpSource,
  start: number,
  end: number,
  length = 100,
): Promise<string> {
  let text = "";
  while (start + text.length < end) {
    const chunk = await source.read(
      start + text.length,
      Math.min(length, end - start - text.length),
    );
    assert.ok(chunk.byteLength > 0 && chunk.byteLength <= length);
    text += new TextDecoder().decode(chunk);
  }
  return text;
}

test("a span is read in pieces of any length, over one connection that is then free", async () => {
  for (const length of [1, 7, 100]) {
    await using opened = await open([], { start: 3, end: 20 });
    const { source, server, positions, request } = opened;
    assert.equal(await readUpTo(source, 3, 20, length), OBJECT.slice(3, 20));
    await source.close();
    await server.firstIsUsedAgain(async () => (await request(3, never)).bytes(17));
    assert.deepEqual(positions, []);
  }
});

test("close() behind the last byte waits for the end of the answer, so the connection is free", async () => {
  const arrived = Promise.withResolvers<Socket>();
  const endless: Answer = (socket, rest) => {
    const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    socket.write(`${head}${rest.length.toString(16)}\r\n${rest}\r\n`);
    arrived.resolve(socket);
  };
  await using opened = await open([endless]);
  const { source, server, request } = opened;
  await readUpTo(source, 0, 26);
  const closed = source.close();
  (await arrived.promise).write("0\r\n\r\n");
  await closed;
  await server.firstIsUsedAgain(async () => (await request(0, never)).bytes(26));
});

test("when the connection breaks, it goes on from there, as often as something comes", async () => {
  await using opened = await open([5, 1, 1, 1, 1].map(pausing));
  const { source, server, positions } = opened;
  for (const [start, end] of [[0, 5], [5, 6], [6, 7], [7, 8], [8, 9]] as const) {
    assert.equal(await readUpTo(source, start, end), OBJECT.slice(start, end));
    server.closeConnections();
  }
  assert.equal(await readUpTo(source, 9, 26, 3), OBJECT.slice(9));
  assert.deepEqual(positions, [5, 6, 7, 8, 9]);
});

test("what was received and not yet read is not asked for again", async () => {
  await using opened = await open([pausing(10)]);
  const { source, server, positions } = opened;
  assert.equal(await readUpTo(source, 0, 4, 2), "abcd");
  server.closeConnections();
  assert.equal(await readUpTo(source, 4, 26, 5), OBJECT.slice(4));
  assert.deepEqual(positions, [10]);
});

test("a body that ends again and again without a byte in between is given up", async () => {
  const empty: Answer = (socket) => void socket.write(answerOf(""));
  await using opened = await open([pausing(5), empty, empty]);
  const { source, server, positions } = opened;
  await readUpTo(source, 0, 5);
  server.closeConnections();
  const failed = { name: "IntegrityError", message: /its bytes end too early/ };
  await assert.rejects(source.read(5, 21), failed);
  assert.deepEqual(positions, [5, 5]);
});

test("an answer that ends too early by its own word is asked for again, too", async () => {
  const short: Answer = (socket, rest) => void socket.write(answerOf(rest.slice(0, 4)));
  await using opened = await open([short]);
  assert.equal(await readUpTo(opened.source, 0, 26), OBJECT);
  assert.deepEqual(opened.positions, [4]);
});

test("more bytes than there are is a failure, and ends the exchange", async () => {
  const long: Answer = (socket, rest) => {
    socket.write(answerOf(`${rest}!`, { headers: { "content-length": 1_000 } }));
  };
  await using opened = await open([long], { start: 0, end: 5 });
  const failed = { name: "IntegrityError", message: /it has too many bytes/ };
  await assert.rejects(opened.source.read(0, 5), failed);
  await until("the connection is closed", () => opened.server.openConnections === 0);
});

test("why it cannot go on is told as it is", async () => {
  const failure = new Error("another version");
  const refusal = (): never => {
    throw failure;
  };
  await using opened = await open([pausing(5)], undefined, refusal);
  await readUpTo(opened.source, 0, 5);
  opened.server.closeConnections();
  await assert.rejects(opened.source.read(5, 21), (error) => error === failure);
  assert.deepEqual(opened.positions, [5]);
});

test("a reader who pauses gives the connection back, and goes on from where it was", async () => {
  await using opened = await open([pausing(10), pausing(5)]);
  const { source, server, clock, positions } = opened;
  assert.equal(await readUpTo(source, 0, 6, 6), "abcdef");
  clock.advance(999);
  await settle();
  assert.equal(server.openConnections, 1);
  clock.advance(1);
  await until("the connection is closed", () => server.openConnections === 0);
  // What had come by then is not lost.
  assert.equal(await readUpTo(source, 6, 10), "ghij");
  assert.deepEqual(positions, []);
  assert.equal(await readUpTo(source, 10, 13), "klm");
  clock.advance(300);
  assert.equal(await readUpTo(source, 13, 15), "no");
  clock.advance(999);
  await settle();
  assert.equal(server.openConnections, 1);
  clock.advance(1);
  await until("the connection is closed", () => server.openConnections === 0);
  assert.equal(await readUpTo(source, 15, 26), OBJECT.slice(15));
  assert.deepEqual(positions, [10, 15]);
});

test("a reader who never begins gives the connection back, too", async () => {
  await using opened = await open([pausing(0)]);
  opened.clock.advance(1_000);
  await until("the connection is closed", () => opened.server.openConnections === 0);
  assert.equal(await readUpTo(opened.source, 0, 26), OBJECT);
  assert.deepEqual(opened.positions, [0]);
});

test("a reader who waits for the server does not pause", async () => {
  const arrived = Promise.withResolvers<Socket>();
  const slow: Answer = (socket, rest) => {
    pausing(5)(socket, rest);
    arrived.resolve(socket);
  };
  await using opened = await open([slow]);
  const { source, clock, positions } = opened;
  await readUpTo(source, 0, 5);
  const reading = readUpTo(source, 5, 26);
  clock.advance(5_000);
  (await arrived.promise).write(OBJECT.slice(5));
  assert.equal(await reading, OBJECT.slice(5));
  assert.deepEqual(positions, []);
});

test("close() ends the exchange, what is being asked for, and the looking at the clock", async () => {
  await using opened = await open([pausing(5), () => {}]);
  const { source, server, clock, signals } = opened;
  await readUpTo(source, 0, 5);
  clock.advance(1_000);
  await until("the connection is closed", () => server.openConnections === 0);
  const reading = source.read(5, 21);
  await until("the rest is asked for", () => server.requests.length === 2);
  await source.close();
  await assert.rejects(reading);
  assert.ok(signals.every(({ aborted }) => aborted));
  assert.equal(clock.pendingTimers, 0);
  await until("the connection is closed", () => server.openConnections === 0);
});

test("close() before the end closes the connection", async () => {
  await using opened = await open([pausing(5)]);
  await readUpTo(opened.source, 0, 5);
  await opened.source.close();
  assert.equal(opened.clock.pendingTimers, 0);
  await until("the connection is closed", () => opened.server.openConnections === 0);
});
