/** Submitted results. */
export const sql: string = /* sql */ `
-- Identifies a model in indexes: 16 bytes of SHA-256, so that nobody can make two models collide.
-- The names hold no control character, so the separator is unambiguous.
create function model_key(provider text, name text, version text) returns uuid
language plpgsql immutable strict parallel safe as $$
begin
  return encode(
    substring(sha256(convert_to(provider || chr(31) || name || chr(31) || version, 'UTF8')) for 16),
    'hex'
  )::uuid;
end $$;

create table submissions (
  id uuid primary key,
  version_id uuid not null,
  benchmark_id uuid not null,
  model_provider text not null,
  model_name text not null,
  model_version text not null default '',
  model_key uuid not null
    generated always as (model_key(model_provider, model_name, model_version)) stored,
  model_official boolean not null default false,
  submitted_by uuid not null,
  organization_id uuid,
  verified_provider boolean not null default false,
  status text not null,
  score float8,
  -- Higher is better, whatever the direction of the metric; set when the row is inserted.
  sort_score float8,
  interval_low float8,
  interval_high float8,
  interval_level float8,
  failure text,
  execution jsonb not null default '{}',
  verification text not null default 'unverified',
  verified_by uuid,
  verified_at timestamptz,
  verification_notes text,
  visibility text not null default 'public',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  revision integer not null default 1,
  -- NaN and the infinities pass ">= 0"; NaN sorts above all, so it fails "< infinity".
  constraint submissions_score_check check (score > '-infinity' and score < 'infinity'),
  constraint submissions_status_check check (status in ('completed', 'failed')),
  constraint submissions_status_score_check check ((status = 'completed') = (score is not null)),
  constraint submissions_status_failure_check check ((status = 'failed') = (failure is not null)),
  -- All or none: a comparison with null is null, which a check lets pass.
  constraint submissions_interval_check check (
    num_nonnulls(interval_low, interval_high, interval_level) in (0, 3)
    and interval_low > '-infinity' and interval_low <= interval_high and interval_high < 'infinity'
    and interval_level > 0 and interval_level < 1
  ),
  constraint submissions_model_check check (
    model_provider <> '' and model_name <> ''
    and (model_provider || model_name || model_version) !~ '[[:cntrl:]]'
  ),
  constraint submissions_verification_check check (
    verification in ('unverified', 'community_verified', 'platform_verified', 'audited')
  ),
  constraint submissions_visibility_check check (visibility in ('public', 'unlisted', 'private')),
  constraint submissions_execution_check check (jsonb_typeof(execution) = 'object'),
  constraint submissions_version_id_fkey foreign key (version_id) references benchmark_versions (id),
  constraint submissions_benchmark_id_fkey foreign key (benchmark_id) references benchmarks (id),
  constraint submissions_submitted_by_fkey foreign key (submitted_by) references users (id),
  constraint submissions_organization_id_fkey foreign key (organization_id) references organizations (id),
  constraint submissions_verified_by_fkey foreign key (verified_by) references users (id)
);

create index submissions_model_idx on submissions (version_id, model_key);
create index submissions_benchmark_idx on submissions (benchmark_id, created_at desc, id desc);
create index submissions_submitted_by_idx on submissions (submitted_by, created_at desc, id desc);
create index submissions_organization_idx on submissions (organization_id, created_at desc, id desc)
  where organization_id is not null;
create index submissions_created_at_idx on submissions (created_at desc, id desc);

-- What a submission has to do with other rows, in one look at them: whom it refers to is not deleted
-- (as refuse_deleted_user has it), and its score is in the range of the metric and sorts in its direction.
create function submission_relate() returns trigger language plpgsql as $$
declare
  related record;
  refused text;
begin
  select v.higher_is_better,
    new.score < v.score_min or new.score > v.score_max as out_of_range,
    exists (
      select from users where id = new.submitted_by and deleted_at is not null
    ) as user_deleted,
    exists (
      select from organizations where id = new.organization_id and deleted_at is not null
    ) as organization_deleted
  into related from benchmark_versions v where v.id = new.version_id;
  if related.out_of_range then
    raise exception 'score out of range' using errcode = 'check_violation',
      table = 'submissions', constraint = 'submissions_score_range_check';
  end if;
  refused := case
    when related.user_deleted then 'submissions_submitted_by_fkey'
    when related.organization_deleted then 'submissions_organization_id_fkey'
  end;
  if refused is not null then
    raise exception 'deleted' using errcode = 'foreign_key_violation', table = 'submissions',
      constraint = refused;
  end if;
  -- Adding zero turns a negative zero, which would be a place of its own on a board, into zero.
  new.sort_score := case when related.higher_is_better then new.score else -new.score end + 0.0;
  return new;
end $$;

create trigger submissions_relate before insert on submissions
for each row execute function submission_relate();
create trigger submissions_verified_by before insert or update of verified_by on submissions
for each row when (new.verified_by is not null)
execute function refuse_deleted_user('verified_by', 'submissions_verified_by_fkey');

create table submission_metrics (
  submission_id uuid not null,
  name text not null,
  value float8 not null,
  constraint submission_metrics_pkey primary key (submission_id, name),
  constraint submission_metrics_value_check check (value > '-infinity' and value < 'infinity'),
  constraint submission_metrics_submission_id_fkey
    foreign key (submission_id) references submissions (id) on delete cascade
);

create table submission_results (
  submission_id uuid not null,
  position integer not null,
  case_name text not null,
  passed boolean,
  score float8,
  duration_ms float8,
  output text,
  constraint submission_results_pkey primary key (submission_id, position),
  constraint submission_results_score_check check (score > '-infinity' and score < 'infinity'),
  constraint submission_results_duration_ms_check check (duration_ms >= 0 and duration_ms < 'infinity')
);

-- The foreign key of results, checked once per statement instead of once per row, which would take
-- longer than storing 10,000 rows. Like a foreign key, it keeps the submission from going meanwhile.
create function submission_results_belong() returns trigger language plpgsql as $$
declare
  expected bigint;
  found_submissions bigint;
begin
  select count(distinct submission_id) into expected from added;
  select count(*) into found_submissions from (
    select from submissions s where s.id in (select submission_id from added) for key share
  ) as s;
  if found_submissions < expected then
    raise exception 'no such submission' using errcode = 'foreign_key_violation',
      table = 'submission_results', constraint = 'submission_results_submission_id_fkey';
  end if;
  return null;
end $$;

create trigger submission_results_belong
after insert on submission_results referencing new table as added
for each statement execute function submission_results_belong();

create function submissions_cascade() returns trigger language plpgsql as $$
begin
  delete from submission_results where submission_id = old.id;
  return null;
end $$;

create trigger submissions_cascade after delete on submissions
for each row execute function submissions_cascade();

create trigger submission_results_immutable before update on submission_results
for each statement execute function refuse_change();
create trigger submission_metrics_immutable before update on submission_metrics
for each statement execute function refuse_change();
`;
