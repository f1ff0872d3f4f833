import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpPipelines } from "../../../core/redis/http_pipelines.ts";
import type { HttpReply } from "../../../core/redis/http_server.ts";
import { ErrorReply } from "../../../core/redis/redis_error.ts";

interface Sent {
  readonly commands: readonly (readonly string[])[];
  readonly signal: AbortSignal;
  readonly answer: (replies: HttpReply[]) => void;
  readonly fail: (error: unknown) => void;
}

const live = (): AbortSignal => new AbortController().signal;

/** A server that a test plays itself. */
class PlayedServer {
  readonly sent: Sent[] = [];
  readonly pipelines: HttpPipelines = new HttpPipelines({
    send: (commands, signal) =>
      new Promise((answer, fail) => this.sent.push({ commands, signal, answer, fail })),
  });

  get names(): string[] {
    return this.sent.map(({ commands }) => commands.map(([name]) => name).join());
  }
}

/** Lets what is settled have its effects. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

test("commands of one turn are one request, in their order, and each has its own reply", async () => {
  const { pipelines, sent } = new PlayedServer();
  const replies = [["A"], ["B"], ["C"]].map((words) => pipelines.send(words, live()));
  await turn();
  const later = pipelines.send(["D"], live());
  await turn();
  assert.deepEqual(sent.map(({ commands }) => commands), [[["A"], ["B"], ["C"]], [["D"]]]);
  const error = new ErrorReply("ERR no");
  sent[1]!.answer([{ result: 4 }]);
  sent[0]!.answer([{ result: 1 }, { error }, { result: null }]);
  assert.equal(await later, 4);
  assert.deepEqual(await Promise.allSettled(replies), [
    { status: "fulfilled", value: 1 },
    { status: "rejected", reason: error },
    { status: "fulfilled", value: null },
  ]);
});

test("a request that fails fails all its commands", async () => {
  const { pipelines, sent } = new PlayedServer();
  const replies = [["A"], ["B"]].map((words) => pipelines.send(words, live()));
  await turn();
  const error = new TypeError("broken");
  sent[0]!.fail(error);
  const settled = await Promise.allSettled(replies);
  assert.ok(settled.every((one) => one.status === "rejected" && one.reason === error));
});

test("a request has at most 128 commands, and a quarter of a million characters unless one has more", async () => {
  const server = new PlayedServer();
  for (let i = 0; i < 130; i++) void server.pipelines.send(["S"], live());
  await turn();
  assert.deepEqual(server.sent.map(({ commands }) => commands.length), [128, 2]);
  server.sent.length = 0;
  const sizes = { A: 200_000, B: 100_000, C: 100_000, D: 1_000_000, E: 1 };
  for (const [name, size] of Object.entries(sizes)) {
    void server.pipelines.send([name, "x".repeat(size)], live());
  }
  await turn();
  assert.deepEqual(server.names, ["A", "B,C", "D", "E"]);
});

test("what is given up before it is sent is not sent", async () => {
  const { pipelines, sent } = new PlayedServer();
  const gaveUp = new AbortController();
  const late = pipelines.send(["A"], AbortSignal.abort("before"));
  const given = pipelines.send(["B"], gaveUp.signal);
  void pipelines.send(["C"], live());
  gaveUp.abort("meanwhile");
  await assert.rejects(late, (reason) => reason === "before");
  await assert.rejects(given, (reason) => reason === "meanwhile");
  await turn();
  assert.deepEqual(sent.map(({ commands }) => commands), [[["C"]]]);
});

test("who gives up stops waiting alone; with the last one the request ends", async () => {
  const { pipelines, sent } = new PlayedServer();
  const [one, two] = [new AbortController(), new AbortController()];
  const first = pipelines.send(["A"], one.signal);
  const second = pipelines.send(["B"], two.signal);
  await turn();
  one.abort("enough");
  await assert.rejects(first, (reason) => reason === "enough");
  assert.equal(sent[0]!.signal.aborted, false);
  two.abort("enough");
  await assert.rejects(second, (reason) => reason === "enough");
  assert.equal(sent[0]!.signal.aborted, true);
});
