import assert from "node:assert/strict";
import type { DatabasePool } from "../../../database/database_pool.ts";
import { appendEvent } from "../../../database/outbox/append_event.ts";
import type { NewOutboxEvent } from "../../../database/outbox/outbox_event.ts";
import { newId } from "../../../domain/ids.ts";
import type { DatabaseHarness } from "../../conformance/database_harness.ts";
import type { TestFn } from "../../conformance/test_fn.ts";
import { onPglite, onPostgres } from "../../support/databases.ts";
import { lazily } from "../../support/lazily.ts";

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const EVENT: NewOutboxEvent = {
  type: "Paid",
  aggregateType: "order",
  aggregateId: "o/1",
  payload: { amount: 1 },
};

/** What is malformed, and the field that the error names. */
const REFUSED: readonly [rest: Record<string, unknown>, field: string][] = [
  [{ id: "1" }, "id"],
  [{ type: "" }, "type"],
  [{ type: "é" }, "type"],
  [{ type: "a".repeat(201) }, "type"],
  [{ aggregateType: "a\nb" }, "aggregateType"],
  [{ aggregateType: undefined }, "aggregateType"],
  [{ aggregateId: "\u0000" }, "aggregateId"],
  [{ aggregateId: 7 }, "aggregateId"],
  [{ payload: undefined }, "payload"],
  [{ payload: { a: NaN } }, "payload.a"],
  [{ payload: ["\ud800"] }, "payload[0]"],
  [{ payload: { a: "\u0000" } }, "payload.a"],
  [{ payload: 1n }, "payload"],
  [{ payload: "a".repeat(999_999) }, "payload"],
  [{ payload: "é".repeat(500_000) }, "payload"],
  [{ correlationId: "" }, "correlationId"],
  [{ traceparent: TRACEPARENT.toUpperCase() }, "traceparent"],
  [
    { traceparent: TRACEPARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0".repeat(32)) },
    "traceparent",
  ],
  [{ tracestate: "a=1" }, "tracestate"],
  [{ traceparent: TRACEPARENT, tracestate: "a".repeat(513) }, "tracestate"],
];

function appendSuite(test: TestFn, { name, open }: DatabaseHarness): void {
  const opened = lazily(open);
  const append = (rest: object, pool: DatabasePool): Promise<string> =>
    appendEvent(pool, { ...EVENT, ...rest });

  test(`${name}: an event is stored as it was given`, async () => {
    const pool = await opened();
    const id = newId();
    const payload = { text: `a"b'c\\d`, list: [1, null, { x: true }], nothing: undefined };
    const rest = { correlationId: "c", traceparent: TRACEPARENT, tracestate: "a=1" };
    assert.equal(await append({ id: id.toUpperCase(), payload, ...rest }, pool), id);
    const { rows: [row] } = await pool.execute("select * from outbox_events where id = $1", [id]);
    const { position: _, time, available_at: __, ...columns } = row!;
    assert.ok(time instanceof Date);
    assert.deepEqual(columns, {
      id,
      aggregate_type: "order",
      aggregate_id: "o/1",
      type: "Paid",
      payload: { text: `a"b'c\\d`, list: [1, null, { x: true }] },
      correlation_id: "c",
      traceparent: TRACEPARENT,
      tracestate: "a=1",
      attempts: 0,
      claimed_by: null,
      claimed_until: null,
      last_error: null,
      dead_at: null,
    });
  });

  test(`${name}: an event goes with its transaction`, async () => {
    const pool = await opened();
    const [kept, undone] = [newId(), newId()];
    await pool.transaction((transaction) => appendEvent(transaction, { ...EVENT, id: kept }));
    const failure = new Error("no");
    const call = pool.transaction(async (transaction) => {
      await appendEvent(transaction, { ...EVENT, id: undone });
      throw failure;
    });
    await assert.rejects(call, failure);
    const text = "select id from outbox_events where id = any($1::text::uuid[])";
    const { rows } = await pool.execute(text, [`{${kept},${undone}}`]);
    assert.deepEqual(rows, [{ id: kept }]);
  });

  test(`${name}: a malformed event is refused, and its transaction goes on`, async () => {
    const pool = await opened();
    for (const [rest, field] of REFUSED) {
      await pool.transaction(async (transaction) => {
        const call = appendEvent(transaction, { ...EVENT, ...rest } as NewOutboxEvent);
        await assert.rejects(call, { code: "invalid_input", field }, field);
        await transaction.execute("select 1");
      });
    }
  });

  test(`${name}: the limit of a payload is in bytes, and can be another`, async () => {
    const pool = await opened();
    // Two more for the quotes.
    await append({ payload: "a".repeat(999_998) }, pool);
    await append({ payload: "é".repeat(499_999) }, pool);
    const event = { ...EVENT, payload: "aaaaaaaa" };
    await appendEvent(pool, event, { maxPayloadBytes: 10 });
    const refusal = { code: "invalid_input", field: "payload" };
    await assert.rejects(appendEvent(pool, event, { maxPayloadBytes: 9 }), refusal);
  });

  test(`${name}: the pool closes`, async () => await (await opened()).close());
}

onPglite(appendSuite);
await onPostgres(appendSuite);
