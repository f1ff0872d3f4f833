/** Users, organizations and who belongs to what. */
export const sql: string = /* sql */ `
create table users (
  id uuid primary key,
  email text not null,
  username text not null,
  display_name text,
  role text not null default 'registered',
  profile jsonb not null default '{}',
  password_hash text,
  email_verified boolean not null default false,
  last_active_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  revision integer not null default 1,
  constraint users_email_check check (email ~ '^[^@[:space:]]+@[^@[:space:]]+$' and length(email) <= 254),
  constraint users_username_check check (username ~ '^[A-Za-z0-9_-]{2,40}$'),
  constraint users_role_check
    check (role in ('anonymous', 'registered', 'contributor', 'reviewer', 'admin')),
  constraint users_profile_check check (jsonb_typeof(profile) = 'object')
);

-- A deleted user keeps the row, for what refers to it, but not the names. The collation folds A to Z
-- only: others make a Turkish I differ from i, and the Kelvin sign, in a stranger's address, equal to k.
create unique index users_email_key on users (lower(email collate "C")) where deleted_at is null;
create unique index users_username_key
  on users (lower(username collate "C")) where deleted_at is null;
create index users_created_at_idx on users (created_at desc, id desc);

create table organizations (
  id uuid primary key,
  slug text not null,
  name text not null,
  type text not null,
  description text,
  website text,
  verified boolean not null default false,
  verified_at timestamptz,
  created_by uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  revision integer not null default 1,
  constraint organizations_slug_check
    check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 100),
  constraint organizations_name_check check (name <> ''),
  constraint organizations_type_check check (
    type in ('llm_provider', 'research_institution', 'enterprise', 'open_source', 'individual')
  ),
  constraint organizations_verified_at_check check (verified = (verified_at is not null)),
  constraint organizations_created_by_fkey foreign key (created_by) references users (id)
);

create unique index organizations_slug_key on organizations (slug) where deleted_at is null;
create index organizations_created_at_idx on organizations (created_at desc, id desc);

create table organization_members (
  organization_id uuid not null,
  user_id uuid not null,
  role text not null,
  joined_at timestamptz not null default now(),
  -- The key is why a member has at most one role.
  constraint organization_members_pkey primary key (organization_id, user_id),
  constraint organization_members_role_check check (role in ('member', 'admin', 'owner')),
  constraint organization_members_organization_id_fkey
    foreign key (organization_id) references organizations (id) on delete cascade,
  constraint organization_members_user_id_fkey foreign key (user_id) references users (id)
);

create index organization_members_user_id_idx on organization_members (user_id);

-- What was published or submitted is never rewritten: for triggers before an update.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'it cannot be changed' using errcode = 'check_violation',
    table = tg_table_name, constraint = tg_table_name || '_immutable_check';
end $$;

-- A foreign key sees the row that a deleted user keeps: for triggers on the column of the first
-- argument, which fail as the foreign key of the second argument does.
create function refuse_deleted_user() returns trigger language plpgsql as $$
begin
  if exists (
    select from users
    where id = (to_jsonb(new) ->> tg_argv[0])::uuid and deleted_at is not null
  ) then
    raise exception 'deleted user' using errcode = 'foreign_key_violation',
      table = tg_table_name, constraint = tg_argv[1];
  end if;
  return new;
end $$;
`;
