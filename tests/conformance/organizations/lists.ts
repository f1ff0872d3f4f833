import assert from "node:assert/strict";
import type { Organization, OrganizationFilter } from "../../../domain/organization.ts";
import type { PeopleTest } from "../people/fixture.ts";
import { assertChecksLimit, assertGuardsCursors, readAll } from "../people/pages.ts";

/** Listing organizations. */
export function testLists(test: PeopleTest): void {
  test("organizations are listed newest first, whole, page by page", async (people) => {
    const { organizations, word } = people;
    const made: Organization[] = [];
    for (let i = 0; i < 5; i++) made.unshift(await people.organization());
    for (const limit of [1, 2, 5, 6]) {
      assert.deepEqual(
        await readAll((page) => organizations.list({ search: word, ...page }), limit),
        made,
      );
      assert.deepEqual(await readAll((page) => organizations.search(word, page), limit), made);
    }
    const page = await organizations.list({ search: word, limit: 2, withTotal: true });
    assert.equal(page.total, 5);
    assert.equal(await organizations.count({ search: word }), 5);
  });

  test("organizations are filtered by type and by verification, alone and together", async (people) => {
    const { organizations, word } = people;
    const lab = await people.organization({ type: "research_institution" });
    const company = await people.organization({ type: "enterprise" });
    const trusted = await people.organization({ type: "enterprise" });
    await organizations.verify(trusted.id);
    const found = async (filter: OrganizationFilter): Promise<string[]> =>
      (await organizations.list({ search: word, ...filter })).items.map(({ id }) => id);
    assert.deepEqual(await found({}), [trusted.id, company.id, lab.id]);
    assert.deepEqual(await found({ type: "research_institution" }), [lab.id]);
    assert.deepEqual(await found({ type: "llm_provider" }), []);
    assert.deepEqual(await found({ verified: true }), [trusted.id]);
    assert.deepEqual(await found({ verified: false }), [company.id, lab.id]);
    assert.deepEqual(await found({ type: "enterprise", verified: false }), [company.id]);
    assert.equal(await organizations.count({ search: word, type: "enterprise" }), 2);
    const byType = await organizations.getByType("enterprise", { search: word });
    assert.deepEqual(byType.items.map(({ id }) => id), [trusted.id, company.id]);
    const all = await organizations.getByType("research_institution", { limit: 1_000 });
    assert.ok(all.items.every(({ type }) => type === "research_institution"));
  });

  test("the search looks into slug, name and description, in any case", async (people) => {
    const { organizations, word } = people;
    const bySlug = await people.organization({ slug: `a-${word}-slug`, name: "A" });
    const byName = await people.organization({ slug: `b${word}`, name: `The ${word} Lab` });
    const byDescription = await people.organization({ description: `We are ${word}s` });
    const found = async (text: string): Promise<string[]> =>
      (await organizations.search(text)).items.map(({ id }) => id);
    assert.deepEqual(await found(`A-${word}-SLUG`), [bySlug.id]);
    assert.deepEqual(await found(`the ${word.toUpperCase()} lab`), [byName.id]);
    assert.deepEqual(await found(`are ${word}s`), [byDescription.id]);
  });

  test("wildcards and the escape of patterns stand for themselves in a search", async (people) => {
    const { organizations, word } = people;
    const names = [`${word}%b`, `${word}_b`, `${word}\\b`, `${word}\\_b`, `${word}cb`];
    for (const name of names) await people.organization({ name });
    for (const name of names) {
      const { items } = await organizations.search(name);
      assert.deepEqual(items.map((one) => one.name), [name]);
    }
    assert.deepEqual((await organizations.search(`${word}__b`)).items, []);
  });

  test("organizations that come or go between two pages neither repeat nor hide others", async (people) => {
    const { organizations, word } = people;
    const made: Organization[] = [];
    for (let i = 0; i < 7; i++) made.unshift(await people.organization());
    const gone = made.pop()!;
    const read = (page: object) => organizations.list({ search: word, ...page });
    const all = await readAll(read, 2, async () => {
      await people.organization();
      if (await organizations.getById(gone.id)) await organizations.delete(gone.id);
    });
    assert.deepEqual(all, made);
  });

  test("organizations made in the same microsecond are paged exactly", async (people) => {
    const { pool, organizations, word } = people;
    const { id } = await people.user();
    await pool.execute(
      `insert into organizations (id, slug, name, type, created_by, created_at)
      select gen_random_uuid(), '${word}-' || i, 'Name', 'enterprise', $1,
        timestamptz '2026-01-02 03:04:05.000001+00' + (i % 3) * interval '1 microsecond'
      from generate_series(1, 60) i`,
      [id],
    );
    const { rows } = await pool.execute(
      "select id from organizations where slug like $1 order by created_at desc, id desc",
      [`${word}-%`],
    );
    for (const limit of [1, 7, 20, 59, 60]) {
      const read = await readAll((page) => organizations.search(word, page), limit);
      assert.deepEqual(read.map(({ id }) => id), rows.map(({ id }) => id));
    }
  });

  test("a cursor that was changed, or is of another list, is refused", async (people) => {
    const { organizations, users, word } = people;
    await people.organization();
    const { id } = await people.organization();
    await assertGuardsCursors((page) => organizations.search(word, page), [
      (page) => organizations.list(page),
      (page) => organizations.search(`${word}x`, page),
      (page) => organizations.list({ search: word, verified: false, ...page }),
      (page) => organizations.getByType("enterprise", { search: word, ...page }),
      (page) => users.list({ search: word, ...page }),
      (page) => organizations.getMembers(id, page),
    ]);
  });

  test("the size of a page is 1 to 1,000", async ({ organizations }) => {
    await assertChecksLimit((page) => organizations.list(page));
  });

  test("a filter that does not exist, or has a wrong value, is refused", async ({ organizations }) => {
    const refused: Record<string, object> = {
      "filter": { kind: "enterprise" },
      "filter.type": { type: "company" },
      "filter.verified": { verified: "true" },
      "filter.search": { search: "a".repeat(201) },
    };
    for (const [field, filter] of Object.entries(refused)) {
      await assert.rejects(organizations.list(filter), { code: "invalid_input", field });
      await assert.rejects(organizations.count(filter), { code: "invalid_input", field });
    }
    const missing = undefined as unknown as "enterprise";
    await assert.rejects(organizations.getByType(missing), { field: "filter.type" });
    await assert.rejects(organizations.search(missing), { field: "filter.search" });
  });
}
