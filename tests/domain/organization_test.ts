import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInput } from "../../core/validation.ts";
import { newId } from "../../domain/ids.ts";
import {
  MEMBER_ROLES,
  memberRoleSchema,
  type NewOrganization,
  newOrganizationSchema,
  ORGANIZATION_TYPES,
  organizationChangesSchema,
  organizationTypeSchema,
} from "../../domain/organization.ts";

const organization: NewOrganization = {
  slug: "open-eval",
  name: "Open Eval",
  type: "open_source",
  ownerId: newId(),
};

test("an organization needs little, and keeps all it is given", () => {
  assert.deepEqual(parseInput(newOrganizationSchema, organization, "organization"), organization);
  const full = {
    ...organization,
    id: newId(),
    description: "",
    website: "https://example.org",
  };
  assert.deepEqual(parseInput(newOrganizationSchema, full, "organization"), full);
});

const REFUSED: readonly [field: string, change: Record<string, unknown>][] = [
  ["organization", { verified: true }],
  ["organization.id", { id: "1" }],
  ["organization.slug", { slug: "Open Eval" }],
  ["organization.slug", { slug: "a".repeat(101) }],
  ["organization.name", { name: "" }],
  ["organization.name", { name: "a".repeat(201) }],
  ["organization.type", { type: "university" }],
  ["organization.description", { description: "a\0" }],
  ["organization.website", { website: "example.org" }],
  ["organization.ownerId", { ownerId: undefined }],
];

for (const [field, change] of REFUSED) {
  test(`an organization with ${JSON.stringify(change).slice(0, 60)} is refused for its ${field}`, () => {
    const value = { ...organization, ...change };
    assert.throws(() => parseInput(newOrganizationSchema, value, "organization"), { field });
  });
}

test("changes can remove the description and the website, and nothing else", () => {
  assert.ok(organizationChangesSchema.safeParse({ description: null, website: null }).success);
  for (const field of ["slug", "name", "type"]) {
    assert.throws(() => parseInput(organizationChangesSchema, { [field]: null }, "changes"), {
      field: `changes.${field}`,
    });
  }
});

test("changes cannot name what has a method of its own", () => {
  for (const field of ["id", "verified", "ownerId", "revision"]) {
    assert.throws(() => parseInput(organizationChangesSchema, { [field]: true }, "changes"), {
      field: "changes",
    });
  }
});

test("kinds and roles are those of the exchange", () => {
  assert.deepEqual(ORGANIZATION_TYPES.map((type) => organizationTypeSchema.parse(type)), [
    "llm_provider",
    "research_institution",
    "enterprise",
    "open_source",
    "individual",
  ]);
  assert.deepEqual(MEMBER_ROLES.map((role) => memberRoleSchema.parse(role)), [
    "member",
    "admin",
    "owner",
  ]);
  assert.equal(memberRoleSchema.safeParse("guest").success, false);
});
