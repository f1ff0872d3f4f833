import type { DatabasePool } from "../../../database/database_pool.ts";
import { PostgresOrganizationRepository } from "../../../database/repositories/organization_repository.ts";
import { PostgresUserRepository } from "../../../database/repositories/user_repository.ts";
import { newId } from "../../../domain/ids.ts";
import type { NewOrganization, Organization } from "../../../domain/organization.ts";
import type { NewUser, User } from "../../../domain/user.ts";
import type { DatabaseHarness } from "../database_harness.ts";
import type { TestFn } from "../test_fn.ts";

/** Both repositories, and what makes people for one test. */
export interface People {
  readonly pool: DatabasePool;
  readonly users: PostgresUserRepository;
  readonly organizations: PostgresOrganizationRepository;
  /** Lower-case letters and digits that no other test uses; in every name that is made here. */
  readonly word: string;
  /** Creates a user. */
  user(rest?: Partial<NewUser>): Promise<User>;
  /** Creates an organization, with an owner of its own unless one is given. */
  organization(rest?: Partial<NewOrganization>): Promise<Organization>;
}

/** Registers a test that gets people of its own in a database that all tests of a suite share. */
export type PeopleTest = (name: string, fn: (people: People) => Promise<void>) => void;

/** Makes the function that registers tests, and the one that registers the end of the suite. */
export function peopleTests(
  test: TestFn,
  harness: DatabaseHarness,
): { readonly peopleTest: PeopleTest; readonly end: () => void } {
  let opened: Promise<DatabasePool> | undefined;
  const open = (): Promise<DatabasePool> => opened ??= harness.open();
  return {
    peopleTest: (name, fn) => {
      test(`${harness.name}: ${name}`, async () => await fn(makePeople(await open())));
    },
    end: () => {
      test(`${harness.name}: the pool closes`, async () => await (await open()).close());
    },
  };
}

/** Makes people for one test. */
function makePeople(pool: DatabasePool): People {
  const users = new PostgresUserRepository(pool);
  const organizations = new PostgresOrganizationRepository(pool);
  const word = `w${newId().slice(-12)}`;
  let made = 0;
  const user = async (rest: Partial<NewUser> = {}): Promise<User> => {
    const username = `${word}-${++made}`;
    return await users.create({ username, email: `${username}@example.org`, ...rest });
  };
  return {
    pool,
    users,
    organizations,
    word,
    user,
    organization: async (rest = {}) => {
      const ownerId = rest.ownerId ?? (await user()).id;
      const slug = `${word}-${++made}`;
      return await organizations.create({
        slug,
        name: `Name ${slug}`,
        type: "enterprise",
        ...rest,
        ownerId,
      });
    },
  };
}
