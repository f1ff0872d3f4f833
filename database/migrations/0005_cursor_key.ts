/** The key that signs cursors: 244 random bits, the same for every process on this database. */
export const sql: string = /* sql */ `
create table cursor_key (
  id boolean primary key default true,
  key text not null,
  constraint cursor_key_id_check check (id)
);

insert into cursor_key (key)
values (replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''));
`;
