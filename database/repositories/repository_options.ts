/** How a repository works. */
export interface RepositoryOptions {
  /**
   * Whether every change writes its event into the outbox, in the transaction of the change. Turn it off where no relay
   * runs: nobody else takes them out. Default: `true`.
   */
  readonly events?: boolean | undefined;
}
