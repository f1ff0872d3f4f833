import assert from "node:assert/strict";
import { test } from "node:test";
import { beginsTransaction, endsTransaction } from "../../../database/drivers/transaction_text.ts";

test("a text that begins a transaction somewhere begins one", () => {
  for (const text of ["begin", " START  transaction read only", "begin; select 1", "x;\nBegin"]) {
    assert.equal(beginsTransaction(text), true, text);
  }
  for (const text of ["select 'begin'", "beginning", "start", "savepoint begin", ""]) {
    assert.equal(beginsTransaction(text), false, text);
  }
});

test("a commit and a rollback end it, one to a savepoint does not, nor one with a new beginning", () => {
  for (const text of ["commit", " ROLLBACK", "end", "abort;", "commit and no chain"]) {
    assert.equal(endsTransaction(text), true, text);
  }
  for (const text of ["rollback to savepoint a", "commit; begin", "select 1", "ending"]) {
    assert.equal(endsTransaction(text), false, text);
  }
});
