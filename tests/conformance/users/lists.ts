import assert from "node:assert/strict";
import type { User } from "../../../domain/user.ts";
import { assertChecksLimit, assertGuardsCursors, readAll } from "../people/pages.ts";
import type { PeopleTest } from "../people/fixture.ts";

/** Listing accounts. */
export function testLists(test: PeopleTest): void {
  test("users are listed newest first, whole, page by page", async (people) => {
    const { users, word } = people;
    const made: User[] = [];
    for (let i = 0; i < 5; i++) made.unshift(await people.user({ displayName: `Name ${i}` }));
    for (const limit of [1, 2, 4, 5, 6]) {
      const read = await readAll((page) => users.list({ search: word, ...page }), limit);
      assert.deepEqual(read, made);
    }
  });

  test("the last page has no cursor, and the total is counted where asked for", async (people) => {
    const { users, word } = people;
    for (let i = 0; i < 3; i++) await people.user();
    const first = await users.list({ search: word, limit: 2, withTotal: true });
    assert.equal(first.total, 3);
    const last = await users.list({ search: word, limit: 2, cursor: first.nextCursor! });
    assert.deepEqual(Object.keys(last), ["items"]);
    assert.equal(await users.count({ search: word }), 3);
    const nobody = await users.list({ search: `${word}x`, withTotal: true });
    assert.deepEqual(nobody, { items: [], total: 0 });
  });

  test("users are filtered by role", async (people) => {
    const { users, word } = people;
    const admin = await people.user({ role: "admin" });
    const reviewer = await people.user({ role: "reviewer" });
    const names = async (filter: { role?: User["role"] }): Promise<string[]> =>
      (await users.list({ ...filter, search: word })).items.map(({ id }) => id);
    assert.deepEqual(await names({ role: "admin" }), [admin.id]);
    assert.deepEqual(await names({ role: "reviewer" }), [reviewer.id]);
    assert.deepEqual(await names({ role: "contributor" }), []);
    assert.deepEqual(await names({}), [reviewer.id, admin.id]);
    assert.equal(await users.count({ role: "admin", search: word }), 1);
    const all = await users.list({ role: "admin", limit: 1_000 });
    assert.ok(all.items.every(({ role }) => role === "admin"));
  });

  test("the search looks into username, display name and e-mail address, in any case", async (people) => {
    const { users, word } = people;
    const byName = await people.user({ username: `A${word}name` });
    const byDisplay = await people.user({ displayName: `The ${word} Display É` });
    const byEmail = await people.user({ email: `b${word}mail@example.org` });
    const found = async (search: string): Promise<string[]> =>
      (await users.list({ search })).items.map(({ id }) => id);
    assert.deepEqual(await found(`a${word}NAME`), [byName.id]);
    assert.deepEqual(await found(`${word} display`.toUpperCase()), [byDisplay.id]);
    assert.deepEqual(await found(`B${word}MAIL@`), [byEmail.id]);
    assert.equal((await found(word)).length, 3);
  });

  test("wildcards and the escape of patterns stand for themselves in a search", async (people) => {
    const { users, word } = people;
    const displayNames = [`${word}%b`, `${word}_b`, `${word}\\b`, `${word}\\%b`, `${word}cb`];
    for (const displayName of displayNames) await people.user({ displayName });
    for (const search of displayNames) {
      const { items } = await users.list({ search });
      assert.deepEqual(items.map(({ displayName }) => displayName), [search]);
    }
    assert.deepEqual((await users.list({ search: `${word}%%b` })).items, []);
    assert.equal(await users.count({ search: `${word}\\` }), 2);
  });

  test("users who come or go between two pages neither repeat nor hide others", async (people) => {
    const { users, word } = people;
    const made: User[] = [];
    for (let i = 0; i < 7; i++) made.unshift(await people.user());
    const gone = made.pop()!;
    const read = await readAll((page) => users.list({ search: word, ...page }), 2, async () => {
      await people.user();
      if (await users.getById(gone.id)) await users.delete(gone.id);
    });
    assert.deepEqual(read, made);
  });

  test("users made in the same microsecond are paged exactly", async (people) => {
    const { pool, users, word } = people;
    await pool.execute(
      `insert into users (id, email, username, created_at)
      select gen_random_uuid(), '${word}-' || i || '@example.org', '${word}-' || i,
        timestamptz '2026-01-02 03:04:05.000001+00' + (i % 3) * interval '1 microsecond'
      from generate_series(1, 60) i`,
    );
    const { rows } = await pool.execute(
      "select id from users where username like $1 order by created_at desc, id desc",
      [`${word}-%`],
    );
    for (const limit of [1, 7, 20, 59, 60]) {
      const read = await readAll((page) => users.list({ search: word, ...page }), limit);
      assert.deepEqual(read.map(({ id }) => id), rows.map(({ id }) => id));
    }
  });

  test("a cursor that was changed, or is of another list, is refused", async (people) => {
    const { users, organizations, word } = people;
    const owner = await people.user();
    await people.organization({ ownerId: owner.id });
    await people.organization({ ownerId: owner.id });
    await people.user();
    await assertGuardsCursors((page) => users.list({ search: word, ...page }), [
      (page) => users.list(page),
      (page) => users.list({ search: `${word}x`, ...page }),
      (page) => users.list({ search: word, role: "registered", ...page }),
      (page) => organizations.list({ search: word, ...page }),
      (page) => users.getOrganizations(owner.id, page),
    ]);
  });

  test("the size of a page is 1 to 1,000", async ({ users }) => {
    await assertChecksLimit((page) => users.list(page));
  });

  test("a filter that does not exist, or has a wrong value, is refused", async ({ users }) => {
    const refused: Record<string, object> = {
      "filter": { rol: "admin" },
      "filter.role": { role: "boss" },
      "filter.search": { search: "" },
    };
    for (const [field, filter] of Object.entries(refused)) {
      await assert.rejects(users.list(filter), { code: "invalid_input", field });
      await assert.rejects(users.count(filter), { code: "invalid_input", field });
    }
  });
}
