const BEGIN = /(^|;)\s*(begin|start\s+transaction)\b/i;
const END = /^\s*(commit|end|rollback|abort)\b(?!\s+to\b)/i;

/**
 * Whether a statement may begin a transaction, for clients that hide what the server says about it.
 * The body of a function can look like it, too: to be wrong then costs a connection, not a mistake.
 */
export function beginsTransaction(text: string): boolean {
  return BEGIN.test(text);
}

/** Whether a statement that succeeded has ended the transaction. */
export function endsTransaction(text: string): boolean {
  return END.test(text) && !BEGIN.test(text);
}
