import {
  type Benchmark,
  type DatasetReference,
  type Infrastructure,
  type NewBenchmark,
  type Organization,
  putDataset,
  StoragePath,
  type TestCase,
  type User,
} from "../../mod.ts";

/** Where datasets are. */
export const BUCKET = "exchange-datasets";

/** The scores that the benchmarks accept: percentages. */
export const SCORES = { min: 0, max: 100 };

/** The people of the demo. */
export interface People {
  readonly maintainer: User;
  readonly submitter: User;
  readonly reviewer: User;
  readonly organization: Organization;
}

/** A benchmark that accepts submissions. */
export interface PublishedBenchmark {
  readonly benchmark: Benchmark;
}

/** The four benchmarks of the EvalPlus leaderboard: their names and how many tasks they have. */
const DEFINITIONS = [
  { slug: "humaneval", name: "HumanEval", tests: "base", task: "HumanEval", tasks: 164 },
  { slug: "humaneval-plus", name: "HumanEval+", tests: "plus", task: "HumanEval", tasks: 164 },
  { slug: "mbpp", name: "MBPP", tests: "base", task: "Mbpp", tasks: 378 },
  { slug: "mbpp-plus", name: "MBPP+", tests: "plus", task: "Mbpp", tasks: 378 },
] as const;

/** What a row of results calls them. */
export const SLUGS: readonly string[] = DEFINITIONS.map(({ slug }) => slug);

type Definition = typeof DEFINITIONS[number];

/** Finds the people, or makes them at the first run. */
export async function ensurePeople(exchange: Infrastructure): Promise<People> {
  const maintainer = await ensureUser(exchange, "maintainer", "contributor");
  const submitter = await ensureUser(exchange, "submitter", "contributor");
  const reviewer = await ensureUser(exchange, "reviewer", "reviewer");
  const organization = await exchange.organizations.getBySlug("evalplus") ??
    await createOrganization(exchange, maintainer);
  // An earlier run may have ended between two of these steps.
  const members = await exchange.organizations.getMembers(organization.id);
  if (!members.items.some(({ userId }) => userId === submitter.id)) {
    await exchange.organizations.addMember(organization.id, submitter.id, "member");
  }
  if (!organization.verified) await exchange.organizations.verify(organization.id);
  return { maintainer, submitter, reviewer, organization };
}

async function createOrganization(
  exchange: Infrastructure,
  maintainer: User,
): Promise<Organization> {
  return await exchange.organizations.create({
    slug: "evalplus",
    name: "EvalPlus",
    type: "research_institution",
    website: "https://evalplus.github.io",
    ownerId: maintainer.id,
  });
}

async function ensureUser(
  exchange: Infrastructure,
  username: string,
  role: User["role"],
): Promise<User> {
  const found = await exchange.users.getByUsername(username);
  if (found) return found;
  return await exchange.users.create({ email: `${username}@example.org`, username, role });
}

/** Finds the benchmarks, or publishes them with their datasets at the first run. */
export async function ensureBenchmarks(
  exchange: Infrastructure,
  people: People,
): Promise<ReadonlyMap<string, PublishedBenchmark>> {
  if (!await exchange.storage.bucketExists(BUCKET)) await exchange.storage.createBucket(BUCKET);
  const published = new Map<string, PublishedBenchmark>();
  for (const definition of DEFINITIONS) {
    const dataset = await ensureDataset(exchange, definition);
    const benchmark = await exchange.benchmarks.getBySlug(definition.slug) ??
      await createBenchmark(exchange, people, definition, dataset);
    published.set(definition.slug, { benchmark: await activate(exchange, benchmark) });
  }
  return published;
}

async function ensureDataset(
  exchange: Infrastructure,
  { slug, ...definition }: Definition,
): Promise<DatasetReference> {
  const key = StoragePath.benchmarkDataset(slug, "1.0.0", "tasks.jsonl");
  const lines = testCases(definition).map(({ name, input }) => JSON.stringify({ name, input }));
  const address = { name: "tasks", bucket: BUCKET, key };
  return await putDataset(exchange.storage, address, `${lines.join("\n")}\n`, {
    contentType: "application/jsonl",
  });
}

async function createBenchmark(
  exchange: Infrastructure,
  { maintainer }: People,
  definition: Definition,
  dataset: DatasetReference,
): Promise<Benchmark> {
  return await exchange.benchmarks.create(newBenchmark(definition, dataset, maintainer));
}

/** Publishes a benchmark, wherever an earlier run may have stopped. */
async function activate(
  { benchmarks }: Infrastructure,
  benchmark: Benchmark,
): Promise<Benchmark> {
  const { id, status } = benchmark;
  if (status === "draft") await benchmarks.updateStatus(id, "under_review");
  if (status !== "draft" && status !== "under_review") return benchmark;
  return await benchmarks.updateStatus(id, "active");
}

function newBenchmark(
  definition: Definition,
  dataset: DatasetReference,
  maintainer: User,
): NewBenchmark {
  const { slug, name, tests, tasks } = definition;
  return {
    slug,
    name,
    description: `${tasks} Python programming tasks, judged by their ${tests} tests`,
    category: "capability",
    license: "MIT",
    tags: ["code", "python", tests],
    maintainers: [maintainer.id],
    createdBy: maintainer.id,
    version: {
      version: "1.0.0",
      evaluation: {
        primaryMetric: {
          name: "pass@1",
          type: "accuracy",
          unit: "percent",
          higherIsBetter: true,
          range: SCORES,
        },
        aggregation: "mean",
      },
      datasets: [dataset],
      testCases: testCases(definition),
    },
  };
}

function testCases(
  { task, tasks, tests }: Pick<Definition, "task" | "tasks" | "tests">,
): TestCase[] {
  return Array.from({ length: tasks }, (_, number) => ({
    name: `${task}/${number}`,
    input: { task: `${task}/${number}`, tests },
    expected: { passed: true },
    evaluationMethod: "unit_tests",
  }));
}
