/**
 * The best entry of each model, kept up to date by a trigger in the transaction that changes a
 * submission, so that a board is right at every commit, whoever writes.
 *
 * `leaderboard_entries` holds one row per version, minimum verification level and model. Reading the
 * top of a board is an index scan over lines that are ready to be sent. `leaderboard_buckets` counts
 * entries by score range, so that a rank is a sum over the buckets above and a count inside one,
 * whatever the size of the board.
 */
export const sql: string = /* sql */ `
create function verification_level(verification text) returns smallint
language sql immutable strict parallel safe as $$
  select case verification
    when 'unverified' then 0 when 'community_verified' then 1
    when 'platform_verified' then 2 when 'audited' then 3
  end::smallint
$$;

-- The sign, the exponent and nine bits of the fraction: order-preserving, for any finite score,
-- 512 buckets between a number and its double.
create function leaderboard_bucket(sort_score float8) returns integer
language plpgsql immutable strict parallel safe as $$
declare
  bytes bytea := float8send(sort_score);
  bits integer := (get_byte(bytes, 0) << 13) | (get_byte(bytes, 1) << 5) | (get_byte(bytes, 2) >> 3);
begin
  return case when bits < 1048576 then bits + 1048576 else 2097151 - bits end;
end $$;

-- What readers of a board get for a submission, made when it is written instead of at every reading.
-- The time is in microseconds since 1970, which a JavaScript number holds exactly. A strict function
-- would not be inlined, and take longer than the rest of the trigger.
create function leaderboard_entry(submission submissions) returns json
language sql stable parallel safe as $$
  select json_build_array(
    submission.id, submission.model_provider, submission.model_name, submission.model_version,
    submission.model_official, submission.score, submission.verification,
    (extract(epoch from submission.created_at) * 1000000)::bigint
  )
$$;

create table leaderboard_entries (
  model_key uuid not null,
  version_id uuid not null,
  level smallint not null,
  bucket integer not null,
  -- Where the entry was counted before the last improvement; lets an upsert say what it replaced.
  previous_bucket integer,
  -- Higher is better, whatever the direction of the metric.
  sort_score float8 not null,
  submitted_at timestamptz not null,
  submission_id uuid not null,
  entry json not null,
  constraint leaderboard_entries_pkey primary key (model_key, version_id, level)
);

create index leaderboard_entries_order_idx on leaderboard_entries
  (version_id, level, bucket desc, sort_score desc, submitted_at, submission_id);

create table leaderboard_buckets (
  version_id uuid not null,
  level smallint not null,
  bucket integer not null,
  models integer not null,
  constraint leaderboard_buckets_pkey primary key (version_id, level, bucket)
) with (fillfactor = 50);

-- Finds the best submission of one model again, for every level.
create function leaderboard_refresh(in_version uuid, in_model_key uuid)
returns void language plpgsql as $$
declare
  old_levels smallint[];
  old_buckets integer[];
begin
  -- Two refreshes of one model would lock its entries in any order, and lose sight of entries that
  -- the other one puts in again. 1,024 locks bound what a transaction over many models holds.
  perform pg_advisory_xact_lock(1886220131, hashtext(in_model_key::text) & 1023);
  -- The lock on the entries comes before the search, so that the search sees what it waited for.
  -- "is not distinct from" keeps a plan made on an empty table from walking the whole board.
  with gone as (
    delete from leaderboard_entries e
    where e.model_key = in_model_key and e.version_id is not distinct from in_version
    returning e.level, e.bucket
  )
  select array_agg(level), array_agg(bucket) into old_levels, old_buckets from gone;
  with best as (
    select distinct on (l.level) l.level, s.sort_score, s.created_at, s.id,
      leaderboard_entry(s) as entry
    from submissions s
    join (values (0::smallint), (1), (2), (3)) as l (level)
      on l.level <= verification_level(s.verification)
    where s.version_id = in_version and s.model_key = in_model_key and s.score is not null
      and s.visibility = 'public' and s.deleted_at is null
    order by l.level, s.sort_score desc, s.created_at, s.id
  ), entry as (
    insert into leaderboard_entries as e
    select in_model_key, in_version, level, leaderboard_bucket(sort_score), null, sort_score,
      created_at, id, best.entry
    from best
    -- Only a concurrent insert can be in the way; the better one stays.
    on conflict (model_key, version_id, level) do update set
      previous_bucket = e.bucket, bucket = excluded.bucket, sort_score = excluded.sort_score,
      submitted_at = excluded.submitted_at, submission_id = excluded.submission_id,
      entry = excluded.entry
    where (excluded.sort_score, e.submitted_at, e.submission_id)
      > (e.sort_score, excluded.submitted_at, excluded.submission_id)
    returning e.level, e.bucket, e.previous_bucket
  ), change as (
    select level, bucket, -1 as models from unnest(old_levels, old_buckets) as o (level, bucket)
    union all select level, bucket, 1 from entry
    union all select level, previous_bucket, -1 from entry where previous_bucket is not null
  )
  insert into leaderboard_buckets as b (version_id, level, bucket, models)
  select in_version, level, bucket, sum(models) from change
  -- In ascending order, so that two writers cannot deadlock.
  group by level, bucket having sum(models) <> 0 order by level, bucket
  on conflict (version_id, level, bucket) do update set models = b.models + excluded.models;
end $$;

-- A new submission is unverified as a rule and then concerns one board only.
create function leaderboard_offer() returns trigger language plpgsql as $$
declare
  in_bucket integer;
  replaced integer;
begin
  if new.verification <> 'unverified' then
    perform leaderboard_refresh(new.version_id, new.model_key);
    return null;
  end if;
  loop
    -- Most submissions do not beat what their model has. Its entry is touched, so that a concurrent
    -- refresh with an older snapshot fails and is retried.
    update leaderboard_entries e set previous_bucket = null
    where e.model_key = new.model_key
      and (e.version_id, e.level) is not distinct from (new.version_id, 0::smallint)
      and (e.sort_score, new.created_at, new.id)
        >= (new.sort_score, e.submitted_at, e.submission_id);
    if found then return null; end if;
    in_bucket := leaderboard_bucket(new.sort_score);
    insert into leaderboard_entries as e values (
      new.model_key, new.version_id, 0, in_bucket, null, new.sort_score, new.created_at, new.id,
      leaderboard_entry(new)
    ) on conflict (model_key, version_id, level) do update set
      previous_bucket = e.bucket, bucket = excluded.bucket, sort_score = excluded.sort_score,
      submitted_at = excluded.submitted_at, submission_id = excluded.submission_id,
      entry = excluded.entry
    where (excluded.sort_score, e.submitted_at, e.submission_id)
      > (e.sort_score, excluded.submitted_at, excluded.submission_id)
    returning e.previous_bucket into replaced;
    -- Not if a better one came between the two statements.
    exit when found;
  end loop;
  if replaced is null then
    insert into leaderboard_buckets as b (version_id, level, bucket, models)
    values (new.version_id, 0, in_bucket, 1)
    on conflict (version_id, level, bucket) do update set models = b.models + 1;
  elsif replaced <> in_bucket then
    insert into leaderboard_buckets as b (version_id, level, bucket, models)
    select new.version_id, 0, c.bucket, c.models
    from (values (in_bucket, 1), (replaced, -1)) as c (bucket, models) order by c.bucket
    on conflict (version_id, level, bucket) do update set models = b.models + excluded.models;
  end if;
  return null;
end $$;

create trigger submissions_offer after insert on submissions
for each row when (new.score is not null and new.visibility = 'public' and new.deleted_at is null)
execute function leaderboard_offer();

create function leaderboard_follow() returns trigger language plpgsql as $$
begin
  perform leaderboard_refresh(old.version_id, old.model_key);
  return null;
end $$;

-- What a submission claims never changes; what can change about it is listed here.
create trigger submissions_follow
after delete or update of verification, visibility, deleted_at on submissions
for each row execute function leaderboard_follow();

create trigger submissions_immutable
before update of id, version_id, benchmark_id, model_provider, model_name, model_version,
  model_official, submitted_by, organization_id, verified_provider, status, score, sort_score,
  interval_low, interval_high, interval_level, failure, execution, created_at
on submissions for each statement execute function refuse_change();
`;
