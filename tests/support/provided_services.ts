import {
  findService,
  type ServiceKind,
  type ServiceName,
  SERVICES,
  serviceVariables,
} from "./services.ts";

/** The servers of one run of the suite, which all its test files share. */
export interface ProvidedServices extends AsyncDisposable {
  /** The variables that tell test files where the servers are. */
  readonly env: Readonly<Record<string, string>>;
  /** Which servers the tests will use, for people. */
  readonly description: string;
}

/**
 * Finds every server that tests know, and starts a private one where there is none and its binaries
 * are installed. Disposing stops what was started and deletes what the run left on the others.
 */
export async function provideServices(run: string): Promise<ProvidedServices> {
  const names = Object.keys(SERVICES) as ServiceName[];
  const results = await Promise.allSettled(names.map(provide));
  const provided = results.flatMap((it) => it.status === "fulfilled" ? [it.value] : []);
  const close = async (): Promise<void> => {
    await Promise.all(provided.map(({ close }) => close(run)));
  };
  const failed = results.find((it) => it.status === "rejected");
  if (failed) {
    // A server that was started would keep this process from ending.
    await close();
    throw failed.reason;
  }
  return {
    env: Object.fromEntries(provided.flatMap(({ env }) => Object.entries(env))),
    description: provided.map(({ description }) => description).join(", "),
    [Symbol.asyncDispose]: close,
  };
}

interface Provided {
  readonly env: Record<string, string>;
  readonly description: string;
  readonly close: (run: string) => Promise<void>;
}

async function provide(name: ServiceName): Promise<Provided> {
  const { isInstalled, prepare, start, cleanUp }: ServiceKind = SERVICES[name];
  const service = await findService(name);
  // Without a network this fails, and so do the tests that start servers, but no others.
  const canStart = isInstalled() && await prepare?.().then(() => true, () => false) !== false;
  if ("url" in service) {
    return {
      env: serviceVariables(name, service.url),
      description: `${name} at ${new URL(service.url).host}`,
      close: (run) => cleanUp(run, service.url),
    };
  }
  if (!canStart) {
    return { env: {}, description: service.missing, close: () => Promise.resolve() };
  }
  const server = await start();
  return {
    env: serviceVariables(name, server.url),
    description: `a private ${name} at ${new URL(server.url).host}`,
    close: async (run) => {
      await server[Symbol.asyncDispose]();
      await cleanUp(run, undefined);
    },
  };
}
