/** Fencing tokens: a sequence is not rolled back, so that a later holder of any lock has a greater one. */
export const sql: string = /* sql */ `
create sequence lock_tokens;
`;
