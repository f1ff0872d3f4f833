import assert from "node:assert/strict";
import { test } from "node:test";
import { failoverBody } from "../../../storage/adapters/replicated/failover_body.ts";
import type { Location } from "../../../storage/adapters/replicated/locations.ts";
import { RECORD } from "../../../storage/adapters/replicated/record.ts";
import { sha256Hex } from "../../../storage/digest.ts";
import type { ObjectStream, UserMetadata } from "../../../storage/storage.ts";
import { Reports } from "../../support/faulty_redis.ts";
import { until } from "../../support/until.ts";
import { FaultyStorage } from "../../support/faulty_storage.ts";

const BYTES = new Uint8Array(1_000_000).map((_, i) => i % 251);
const DIGEST = sha256Hex(BYTES);
const address = { bucket: "bucket", key: "key" };

async function location(name: string, digest = DIGEST, bytes = BYTES) {
  const faulty = new FaultyStorage();
  await faulty.intact.createBucket("bucket");
  const metadata: UserMetadata = digest === "" ? {} : { [RECORD]: digest };
  await faulty.intact.upload("bucket", "key", bytes, { metadata });
  return { faulty, location: { name, storage: faulty.storage } };
}

async function open(
  one: Location,
  others: readonly Location[],
  { reports = new Reports(), signal = new AbortController().signal, offset = 0 } = {},
): Promise<ObjectStream["body"]> {
  const range = { offset };
  const object = await one.storage.downloadStream("bucket", "key", { range, signal });
  const span = { start: offset, end: object.metadata.size };
  const settings = { failoverMs: 5_000, observer: reports, signal };
  return failoverBody({ ...object, address, span, location: one, others }, settings);
}

const digestOf = async (body: ObjectStream["body"]): Promise<string> =>
  sha256Hex(new Uint8Array(await new Response(body).arrayBuffer()));

test("a body that breaks goes on where it was, at the next location", async () => {
  const [one, two, three] = [await location("1"), await location("2"), await location("3")];
  one.faulty.breaksAfter = 300_000;
  two.faulty.breaksAfter = 400_000;
  const reports = new Reports();
  const others = [two.location, three.location];
  assert.equal(await digestOf(await open(one.location, others, { reports })), DIGEST);
  assert.deepEqual(reports.of("storage.failed_over"), [
    { location: "1", code: "unavailable" },
    { location: "2", code: "unavailable" },
  ]);
});

test("a range goes on within the range", async () => {
  const [one, two] = [await location("1"), await location("2")];
  one.faulty.breaksAfter = 300_000;
  const body = await open(one.location, [two.location], { offset: 500_000 });
  assert.equal(await digestOf(body), sha256Hex(BYTES.subarray(500_000)));
});

test("other bytes are not gone on with, nor bytes that nothing is known of", async () => {
  const other = new Uint8Array(1_000_000);
  const cases = [
    [await location("1"), await location("2", sha256Hex(other), other)],
    [await location("1", ""), await location("2", "")],
  ] as const;
  for (const [one, two] of cases) {
    one.faulty.breaksAfter = 300_000;
    const body = await open(one.location, [two.location]);
    await assert.rejects(digestOf(body), { code: "unavailable" });
    assert.deepEqual(two.faulty.bodies.ended, two.faulty.bodies.opened);
  }
});

test("a location that is away is passed over", async () => {
  const [one, two, three] = [await location("1"), await location("2"), await location("3")];
  one.faulty.breaksAfter = 0;
  two.faulty.isAway = true;
  const body = await open(one.location, [two.location, three.location]);
  assert.equal(await digestOf(body), DIGEST);
});

test("a body that was cancelled while it looked for another location leaves none open", async () => {
  const [one, two] = [await location("1"), await location("2")];
  one.faulty.breaksAfter = 0;
  two.faulty.before = () => reader.cancel();
  const reader = (await open(one.location, [two.location])).getReader();
  while (!(await reader.read()).done);
  await until("a body is opened", () => two.faulty.bodies.opened === 1);
  await until("it is cancelled", () => two.faulty.bodies.ended === 1);
  assert.deepEqual(two.faulty.calls, ["downloadStream key"]);
});

test("an aborted signal ends it, without another location", async () => {
  const [one, two] = [await location("1"), await location("2")];
  const aborter = new AbortController();
  const body = await open(one.location, [two.location], { signal: aborter.signal });
  const reader = body.getReader();
  await reader.read();
  aborter.abort();
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  }, { code: "aborted" });
  assert.deepEqual(two.faulty.calls, []);
});
