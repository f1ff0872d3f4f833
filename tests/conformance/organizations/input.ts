import assert from "node:assert/strict";
import type { Page } from "../../../core/page.ts";
import { newId } from "../../../domain/ids.ts";
import type {
  MemberRole,
  NewOrganization,
  Organization,
  OrganizationChanges,
  OrganizationType,
} from "../../../domain/organization.ts";
import { INJECTIONS, UNSTORABLE } from "../hostile_text.ts";
import type { People, PeopleTest } from "../people/fixture.ts";
import { tableContents } from "../people/tables.ts";

/** A call, and the field that it refuses. */
type Call = readonly [field: string, call: () => Promise<unknown>];

/** What comes from outside. */
export function testInput(test: PeopleTest): void {
  test("an organization with bad input is refused, and the field named", async (people) => {
    const { organizations, word } = people;
    const ownerId = (await people.user()).id;
    const good: NewOrganization = { slug: word, name: "Name", type: "enterprise", ownerId };
    for (const [field, changes] of badValues("organization")) {
      const organization = { ...good, ...changes } as NewOrganization;
      await assert.rejects(organizations.create(organization), { code: "invalid_input", field });
    }
    for (const organization of [null, undefined, "name"] as unknown as NewOrganization[]) {
      await assert.rejects(organizations.create(organization), { field: "organization" });
    }
    for (const id of ["", "1", newId() + "0"]) {
      for (const field of ["id", "ownerId"]) {
        const bad = { code: "invalid_input", field: `organization.${field}` };
        await assert.rejects(organizations.create({ ...good, [field]: id }), bad);
      }
    }
    assert.equal(await organizations.slugExists(word), false);
  });

  test("a change with bad input is refused, names the field and changes nothing", async (people) => {
    const { organizations } = people;
    const organization = await people.organization();
    const { id } = organization;
    for (const [field, changes] of badValues("changes")) {
      const update = organizations.update(id, changes as OrganizationChanges);
      await assert.rejects(update, { code: "invalid_input", field });
    }
    for (const name of ["slug", "name", "type"]) {
      const update = organizations.update(id, { [name]: null });
      await assert.rejects(update, { code: "invalid_input", field: `changes.${name}` });
    }
    for (const expectedRevision of [0, -1, 1.5, NaN, 2 ** 31, "1" as unknown as number]) {
      const verify = organizations.verify(id, { expectedRevision });
      await assert.rejects(verify, { code: "invalid_input", field: "expectedRevision" });
    }
    assert.deepEqual(await organizations.getById(id), organization);
  });

  test("an id, role or type that is none is refused by every method", async (people) => {
    const { organizations, users } = people;
    const { id, createdBy } = await people.organization();
    const none = "' or true --";
    const calls: Call[] = [
      ["id", () => organizations.getById(none)],
      ["id", () => organizations.update(none, {})],
      ["id", () => organizations.verify(none)],
      ["id", () => organizations.unverify(none)],
      ["id", () => organizations.delete(none)],
      ["organizationId", () => organizations.addMember(none, createdBy, "member")],
      ["userId", () => organizations.addMember(id, none, "member")],
      ["organizationId", () => organizations.removeMember(none, createdBy)],
      ["userId", () => organizations.removeMember(id, none)],
      ["organizationId", () => organizations.getMembers(none)],
      ["organizationId", () => organizations.getMemberCount(none)],
      ["role", () => organizations.addMember(id, newId(), none as MemberRole)],
      ["role", () => users.updateOrganizationRole(createdBy, id, none as MemberRole)],
      ["filter.role", () => organizations.getMembers(id, { role: none as MemberRole })],
      ["filter", () => organizations.getMembers(id, { roles: [] } as object)],
      ["filter.type", () => organizations.getByType(none as OrganizationType)],
    ];
    for (const [field, call] of calls) {
      await assert.rejects(call(), { code: "invalid_input", field });
    }
  });

  test("text that no store keeps is refused wherever text is looked for", async (people) => {
    for (const text of UNSTORABLE) {
      for (const [field, call] of textCalls(people.organizations, text)) {
        await assert.rejects(call(), { code: "invalid_input", field });
      }
    }
  });

  test("no text becomes a part of a statement, or of a pattern", async (people) => {
    await people.organization({ description: "Nothing special" });
    const before = await tableContents(people.pool);
    for (const text of INJECTIONS) {
      for (const [, call] of textCalls(people.organizations, text)) {
        const found = await call();
        assert.ok(found === undefined || found === false || isSearch(found, text), text);
      }
    }
    assert.deepEqual(await tableContents(people.pool), before);
  });

  test("text that looks like a statement is kept as it is", async (people) => {
    const { organizations, word } = people;
    for (const [i, text] of INJECTIONS.entries()) {
      const name = `${word}${i}${text}`;
      const { id } = await people.organization({ name, description: text });
      const { items } = await organizations.search(name);
      assert.deepEqual(items.map((one) => [one.id, one.description]), [[id, text]]);
    }
  });

  test("a call whose signal has fired rejects and changes nothing", async (people) => {
    const { organizations, word } = people;
    const { id, slug, createdBy: ownerId } = await people.organization();
    const before = await tableContents(people.pool);
    const options = { signal: AbortSignal.abort() };
    const calls = [
      organizations.create({ slug: word, name: "Name", type: "enterprise", ownerId }, options),
      organizations.getById(id, options),
      organizations.getBySlug(slug, options),
      organizations.slugExists(slug, options),
      organizations.list(options),
      organizations.getByType("enterprise", options),
      organizations.search(slug, options),
      organizations.count({}, options),
      organizations.update(id, {}, options),
      organizations.verify(id, options),
      organizations.unverify(id, options),
      organizations.delete(id, options),
      organizations.addMember(id, newId(), "member", options),
      organizations.removeMember(id, newId(), options),
      organizations.getMembers(id, options),
      organizations.getMemberCount(id, options),
    ];
    for (const result of await Promise.allSettled(calls)) {
      assert.equal(result.status === "rejected" && result.reason.code, "aborted");
    }
    assert.deepEqual(await tableContents(people.pool), before);
  });
}

function* badValues(root: string): Generator<[field: string, values: object]> {
  for (const text of UNSTORABLE) {
    yield [`${root}.slug`, { slug: text }];
    yield [`${root}.name`, { name: text }];
    yield [`${root}.description`, { description: text }];
    yield [`${root}.website`, { website: `https://example.org/${text}` }];
  }
  for (const slug of ["", "A", "a b", "-a", "a-", "a--b", "ä", "a\n", "a".repeat(101)]) {
    yield [`${root}.slug`, { slug }];
  }
  yield [`${root}.name`, { name: "" }];
  yield [`${root}.name`, { name: "a".repeat(201) }];
  yield [`${root}.type`, { type: "company" }];
  yield [`${root}.website`, { website: "javascript:alert(1)" }];
  yield [root, { verified: true }];
  yield [root, JSON.parse('{"__proto__":{"verified":true}}')];
}

/** Every method that looks for text, and the field that it names. */
function textCalls(organizations: People["organizations"], text: string): Call[] {
  return [
    ["slug", () => organizations.getBySlug(text)],
    ["slug", () => organizations.slugExists(text)],
    ["filter.search", () => organizations.list({ search: text })],
    ["filter.search", () => organizations.search(text)],
  ];
}

/** Whether every organization of a page has the text that was looked for. */
function isSearch(found: unknown, text: string): boolean {
  return (found as Page<Organization>).items.every(({ slug, name, description }) =>
    `${slug} ${name} ${description}`.toLowerCase().includes(text.toLowerCase())
  );
}
