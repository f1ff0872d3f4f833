import assert from "node:assert/strict";
import type { UpdateOptions } from "../../../database/repositories/revision.ts";
import { newId } from "../../../domain/ids.ts";
import type { DatabaseHarness } from "../database_harness.ts";
import type { People, PeopleTest } from "../people/fixture.ts";

const LONG_AGO = new Date("2001-02-03T04:05:06Z");

/** Every method that changes an organization and takes the expected revision. */
const UPDATES: Readonly<
  Record<string, (people: People, id: string, options?: UpdateOptions) => Promise<unknown>>
> = {
  update: ({ organizations }, id, options) => organizations.update(id, { name: "B" }, options),
  verify: ({ organizations }, id, options) => organizations.verify(id, options),
  unverify: ({ organizations }, id, options) => organizations.unverify(id, options),
  delete: ({ organizations }, id, options) => organizations.delete(id, options),
};

/** Creating, finding, changing and deleting organizations. */
export function testRecords(test: PeopleTest, { capabilities }: DatabaseHarness): void {
  test("an organization is created with what it needs, and an owner", async (people) => {
    const { organizations, word } = people;
    const owner = await people.user();
    const organization = await organizations.create({
      slug: word,
      name: "Name",
      type: "individual",
      ownerId: owner.id.toUpperCase(),
    });
    const { id, createdAt, updatedAt, ...rest } = organization;
    assert.ok(createdAt instanceof Date);
    assert.deepEqual(updatedAt, createdAt);
    assert.deepEqual(rest, {
      slug: word,
      name: "Name",
      type: "individual",
      description: undefined,
      website: undefined,
      verified: false,
      verifiedAt: undefined,
      createdBy: owner.id,
      revision: 1,
    });
    const members = await organizations.getMembers(id);
    assert.deepEqual(members.items.map(({ userId, role }) => [userId, role]), [[
      owner.id,
      "owner",
    ]]);
  });

  test("an organization is created with everything that is given, and found", async (people) => {
    const { organizations, word } = people;
    const given = {
      id: newId(),
      slug: `${word}-0-a`,
      name: 'Åbo\'s "Labs" \\ 🧪',
      type: "research_institution" as const,
      description: "",
      website: "https://example.org/?a=1",
    };
    const organization = await people.organization(given);
    const { id, slug, name, type, description, website } = organization;
    assert.deepEqual({ id, slug, name, type, description, website }, given);
    assert.deepEqual(await organizations.getById(id), organization);
    assert.deepEqual(await organizations.getBySlug(slug), organization);
    assert.equal(await organizations.slugExists(slug), true);
  });

  test("what no organization has finds undefined", async ({ organizations, word }) => {
    assert.equal(await organizations.getById(newId()), undefined);
    assert.equal(await organizations.getBySlug(word), undefined);
    assert.equal(await organizations.getBySlug("Not a slug"), undefined);
    assert.equal(await organizations.slugExists(word), false);
  });

  test("an organization is not created without its owner", async (people) => {
    const gone = await people.user();
    await people.users.delete(gone.id);
    for (const ownerId of [newId(), gone.id]) {
      const created = people.organization({ ownerId, slug: people.word });
      await assert.rejects(created, { code: "not_found", resource: "user" });
    }
    assert.equal(await people.organizations.slugExists(people.word), false);
  });

  test("slug and id are unique", async (people) => {
    const { id, slug } = await people.organization();
    const other = await people.organization();
    const conflict = { code: "already_exists" };
    await assert.rejects(people.organization({ slug }), { ...conflict, field: "slug" });
    await assert.rejects(people.organization({ id }), { ...conflict, field: "id" });
    await assert.rejects(people.organizations.update(other.id, { slug }), {
      ...conflict,
      field: "slug",
      constraint: "organizations_slug_key",
    });
    assert.equal(await people.organizations.count({ search: people.word }), 2);
  });

  test("a change replaces what is given, removes what is null and leaves the rest", async (people) => {
    const { organizations, word } = people;
    const organization = await people.organization({ description: "D", website: "https://a.org/" });
    const { id } = organization;
    const first = await organizations.update(id, { name: "New", type: "open_source" });
    const { updatedAt: _, ...rest } = first;
    assert.deepEqual({ ...rest, updatedAt: organization.updatedAt }, {
      ...organization,
      name: "New",
      type: "open_source",
      revision: 2,
    });
    const second = await organizations.update(id, { slug: `${word}-new`, description: null });
    assert.equal(second.description, undefined);
    assert.equal(second.website, "https://a.org/");
    const third = await organizations.update(id, { website: null, description: "E" });
    assert.deepEqual([third.description, third.website], ["E", undefined]);
    assert.deepEqual(await organizations.getBySlug(`${word}-new`), third);
    assert.equal(await organizations.getBySlug(organization.slug), undefined);
  });

  test("an organization is verified and unverified", async (people) => {
    const { organizations } = people;
    const { id, createdAt } = await people.organization();
    const verified = await organizations.verify(id);
    assert.ok(verified.verified && verified.verifiedAt! >= createdAt);
    await people.pool.execute("update organizations set verified_at = $1 where id = $2", [
      LONG_AGO,
      id,
    ]);
    assert.deepEqual((await organizations.verify(id)).verifiedAt, LONG_AGO);
    const unverified = await organizations.unverify(id);
    assert.deepEqual([unverified.verified, unverified.verifiedAt], [false, undefined]);
    assert.deepEqual(await organizations.getById(id), unverified);
  });

  test("every change touches one organization, its revision and the time of its change", async (people) => {
    const { organizations, pool } = people;
    const other = await people.organization();
    for (const [name, update] of Object.entries(UPDATES)) {
      if (name === "delete") continue;
      const { id } = await people.organization();
      await pool.execute("update organizations set updated_at = $1 where id = $2", [LONG_AGO, id]);
      await update(people, id, { expectedRevision: 1 });
      const after = await organizations.getById(id);
      assert.equal(after?.revision, 2, name);
      assert.ok(after.updatedAt > LONG_AGO, name);
    }
    assert.deepEqual(await organizations.getById(other.id), other);
  });

  test("a change with an old revision conflicts, says both, and changes nothing", async (people) => {
    const { organizations } = people;
    for (const [name, update] of Object.entries(UPDATES)) {
      const { id } = await people.organization();
      const current = await organizations.update(id, { name: "C" });
      for (const expectedRevision of [1, 3]) {
        await assert.rejects(update(people, id, { expectedRevision }), {
          code: "conflict",
          message: new RegExp(`expected revision ${expectedRevision}, current revision 2`),
        }, name);
      }
      assert.deepEqual(await organizations.getById(id), current, name);
      await update(people, id, { expectedRevision: 2 });
    }
  });

  test("an organization that does not exist cannot be changed", async (people) => {
    for (const [name, update] of Object.entries(UPDATES)) {
      for (const options of [{}, { expectedRevision: 1 }]) {
        const missing = { code: "not_found", resource: "organization" };
        await assert.rejects(update(people, newId(), options), missing, name);
      }
    }
  });

  test("a deleted organization is as if it had never been, and frees its slug", async (people) => {
    const { organizations, users } = people;
    const { id, slug, createdBy } = await people.organization();
    await organizations.delete(id);
    assert.equal(await organizations.getById(id), undefined);
    assert.equal(await organizations.getBySlug(slug), undefined);
    assert.equal(await organizations.slugExists(slug), false);
    assert.deepEqual((await organizations.search(slug)).items, []);
    assert.equal(await organizations.count({ search: slug }), 0);
    assert.deepEqual(await organizations.getMembers(id), { items: [] });
    assert.equal(await organizations.getMemberCount(id), 0);
    assert.deepEqual(await users.getOrganizations(createdBy), { items: [] });
    await assert.rejects(organizations.delete(id), { code: "not_found" });
    const again = await people.organization({ slug });
    assert.deepEqual(await organizations.getBySlug(slug), again);
  });

  if (!capabilities.concurrentConnections) return;

  test("of two organizations with one slug at the same time, one is created", async (people) => {
    for (let round = 0; round < 20; round++) {
      const slug = `${people.word}-r${round}`;
      const create = () => people.organization({ slug });
      const results = await Promise.allSettled([create(), create()]);
      const refused = results.filter(({ status }) => status === "rejected");
      assert.equal(refused.length, 1);
      assert.equal((refused[0] as PromiseRejectedResult).reason.field, "slug");
    }
  });
}
