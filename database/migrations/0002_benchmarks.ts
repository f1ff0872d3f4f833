/** Benchmarks, their versions and test cases. */
export const sql: string = /* sql */ `
-- array_to_string is only stable in general; for text arrays its result depends on nothing else.
create function benchmark_search_document(name text, description text, tags text[])
returns tsvector language sql immutable parallel safe as $$
  select setweight(to_tsvector('pg_catalog.english', name), 'A')
    || setweight(to_tsvector('pg_catalog.english', array_to_string(tags, ' ')), 'B')
    || setweight(to_tsvector('pg_catalog.english', description), 'C')
$$;

create table benchmarks (
  id uuid primary key,
  slug text not null,
  name text not null,
  description text not null default '',
  category text not null,
  status text not null default 'draft',
  license text,
  citation text,
  tags text[] not null default '{}',
  created_by uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  revision integer not null default 1,
  search_document tsvector not null
    generated always as (benchmark_search_document(name, description, tags)) stored,
  constraint benchmarks_slug_key unique (slug),
  constraint benchmarks_slug_check check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 100),
  constraint benchmarks_name_check check (name <> ''),
  constraint benchmarks_category_check check (
    category in ('performance', 'accuracy', 'reliability', 'safety', 'cost', 'capability')
  ),
  constraint benchmarks_status_check check (
    status in ('draft', 'under_review', 'active', 'deprecated', 'archived')
  ),
  constraint benchmarks_created_by_fkey foreign key (created_by) references users (id)
);

create index benchmarks_created_at_idx on benchmarks (created_at desc, id desc);
create index benchmarks_category_idx on benchmarks (category, created_at desc, id desc);
create index benchmarks_created_by_idx on benchmarks (created_by);
create index benchmarks_tags_idx on benchmarks using gin (tags);
create index benchmarks_search_document_idx on benchmarks using gin (search_document);

create table benchmark_maintainers (
  benchmark_id uuid not null,
  user_id uuid not null,
  constraint benchmark_maintainers_pkey primary key (benchmark_id, user_id),
  constraint benchmark_maintainers_benchmark_id_fkey
    foreign key (benchmark_id) references benchmarks (id) on delete cascade,
  -- Named after the field of a benchmark.
  constraint benchmark_maintainers_maintainers_fkey foreign key (user_id) references users (id)
);

create index benchmark_maintainers_user_id_idx on benchmark_maintainers (user_id);

create table benchmark_versions (
  id uuid primary key,
  benchmark_id uuid not null,
  version text not null,
  -- Sorts bytewise as SemVer 2.0.0 precedence does, so that "latest" is an index lookup.
  precedence text collate "C" not null,
  changelog text not null default '',
  evaluation jsonb not null,
  execution jsonb not null default '{}',
  datasets jsonb not null default '[]',
  created_by uuid not null,
  created_at timestamptz not null default now(),
  -- Read by the leaderboard for every submission; the evaluation criteria stay the only source.
  higher_is_better boolean not null
    generated always as ((evaluation #>> '{primaryMetric,higherIsBetter}')::boolean) stored,
  score_min float8 generated always as ((evaluation #>> '{primaryMetric,range,min}')::float8) stored,
  score_max float8 generated always as ((evaluation #>> '{primaryMetric,range,max}')::float8) stored,
  constraint benchmark_versions_version_key unique (benchmark_id, precedence),
  constraint benchmark_versions_datasets_check check (jsonb_typeof(datasets) = 'array'),
  constraint benchmark_versions_execution_check check (jsonb_typeof(execution) = 'object'),
  constraint benchmark_versions_benchmark_id_fkey
    foreign key (benchmark_id) references benchmarks (id) on delete cascade,
  constraint benchmark_versions_created_by_fkey foreign key (created_by) references users (id)
);

create table test_cases (
  version_id uuid not null,
  position integer not null,
  name text not null,
  input jsonb not null,
  expected jsonb,
  evaluation_method text not null,
  weight float8 not null default 1,
  tags text[] not null default '{}',
  constraint test_cases_pkey primary key (version_id, position),
  constraint test_cases_name_key unique (version_id, name),
  constraint test_cases_weight_check check (weight >= 0 and weight < 'infinity'),
  constraint test_cases_version_id_fkey
    foreign key (version_id) references benchmark_versions (id) on delete cascade
);

create trigger benchmarks_created_by before insert on benchmarks
for each row execute function refuse_deleted_user('created_by', 'benchmarks_created_by_fkey');
create trigger benchmark_maintainers_user_id before insert on benchmark_maintainers
for each row execute function
  refuse_deleted_user('user_id', 'benchmark_maintainers_maintainers_fkey');
create trigger benchmark_versions_created_by before insert on benchmark_versions
for each row execute function
  refuse_deleted_user('created_by', 'benchmark_versions_created_by_fkey');

create trigger benchmark_versions_immutable before update on benchmark_versions
for each statement execute function refuse_change();
create trigger test_cases_immutable before update on test_cases
for each statement execute function refuse_change();
`;
