/**
 * Events that wait to be published, and those that consumers have handled.
 *
 * A claim changes no column that an index has, and pages keep room for it, so that it is a heap-only update.
 * What is published is deleted: the table is as large as what waits.
 */
export const sql: string = /* sql */ `
-- A UUID of version 7 (RFC 9562), which keeps the keys of consumers' tables close together.
create function outbox_event_id() returns uuid language plpgsql volatile parallel safe as $$
declare
  bytes bytea := uuid_send(gen_random_uuid());
begin
  bytes := overlay(bytes
    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
    from 1 for 6);
  return encode(set_byte(bytes, 6, (get_byte(bytes, 6) & 15) | 112), 'hex')::uuid;
end $$;

create table outbox_events (
  -- Taken while the row of the aggregate is locked, and without a cache of the sequence: inside one
  -- aggregate it is the order of commits. Between aggregates it is not.
  position bigint generated always as identity,
  id uuid not null default outbox_event_id(),
  aggregate_type text not null,
  aggregate_id text not null,
  type text not null,
  payload jsonb not null,
  time timestamptz not null default now(),
  correlation_id text,
  traceparent text,
  tracestate text,
  -- How often the publisher has refused it.
  attempts integer not null default 0,
  -- Not now(): a clock that is set back would hold back what is new.
  available_at timestamptz not null default '-infinity',
  claimed_by uuid,
  claimed_until timestamptz,
  last_error text,
  dead_at timestamptz,
  constraint outbox_events_pkey primary key (position)
) with (fillfactor = 70);

create index outbox_events_aggregate_idx on outbox_events (aggregate_type, aggregate_id, position)
  where dead_at is null;
create index outbox_events_dead_idx on outbox_events (position) where dead_at is not null;

-- Wakes relays at the commit. Transactions that notify commit one after the other, each with its own flush to disk; so
-- only one at a time does. The others are found by relays that look again soon after they had something to do.
create function outbox_wake() returns void language plpgsql as $$
begin
  if pg_try_advisory_xact_lock(1886220131, -1) then
    perform pg_notify('exchange_outbox', '');
  end if;
end $$;

create table inbox (
  consumer text not null,
  event_id text not null,
  processed_at timestamptz not null default now(),
  constraint inbox_pkey primary key (consumer, event_id)
);

create index inbox_processed_at_idx on inbox (processed_at);
`;
