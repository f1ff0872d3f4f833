import type {
  $Command,
  S3Client,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from "@aws-sdk/client-s3";
import { isEdge } from "../../../core/edge.ts";
import { InfrastructureError } from "../../../core/errors.ts";
import { Attempts } from "./attempts.ts";
import type { S3Settings } from "./config.ts";
import { type FailureDetails, S3Failure } from "./failure.ts";
import { encodeQuery, ObjectUrls } from "./object_urls.ts";
import { type S3Request, Signer } from "./signer.ts";
import { readXmlWithoutDom } from "./sdk_without_dom.ts";
import type { HttpClient, HttpRequest } from "./http_client.ts";
import { type HttpResponse, Transport } from "./transport.ts";

/** The SDK, loaded when the first request needs it. */
type Sdk = typeof import("@aws-sdk/client-s3");
type SdkCommand<I extends ServiceInputTypes, O extends ServiceOutputTypes> = $Command<
  I,
  O,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>;

/** How far a clock may be off until servers refuse what it signs: fifteen minutes, less what the way takes. */
const MAX_SKEW_MS = 840_000;

/** How long a request may take that nobody waits for. */
const BACKGROUND_LIMIT_MS = 30_000;

/** More than a listing of 1,000 of the longest keys can have. */
const MAX_XML_BYTES = 16_777_216;

/**
 * Sends requests to one server, each as often as {@linkcode Attempts} allows. What moves bytes is signed and sent
 * here, for the SDK takes twice the time; what speaks XML goes through the SDK, over the same transport.
 */
export class S3Server {
  /** How it is talked to. */
  readonly settings: S3Settings;
  /** Where its objects are. */
  readonly urls: ObjectUrls;
  /** Signs for it. */
  readonly signer: Signer;
  readonly #attempts: Attempts;
  readonly #client: Promise<HttpClient>;
  readonly #transport: Transport;
  readonly #background = new Set<Promise<void>>();
  #sdk: Promise<{ readonly sdk: Sdk; readonly client: S3Client }> | undefined;

  /** Creates it; connects when the first request is sent. */
  constructor(settings: S3Settings) {
    this.settings = settings;
    this.urls = new ObjectUrls(settings.endpoint, settings.addressing);
    this.signer = new Signer(settings);
    this.#attempts = new Attempts(settings);
    this.#client = settings.client();
    this.#transport = new Transport({ ...settings, client: this.#client });
  }

  /** Sends a request; resolves once the headers of a good answer are there. Rejects with an `S3Failure`. */
  send(signal: AbortSignal, request: S3Request): Promise<HttpResponse> {
    return this.#attempts.run(signal, async () => {
      return await this.exchange(await this.signer.sign(request, this.urls), signal);
    });
  }

  /** Sends a request whose answer is in its headers. */
  sendOnly(signal: AbortSignal, request: S3Request): Promise<Headers> {
    return this.#attempts.run(signal, async () => {
      const signed = await this.signer.sign(request, this.urls);
      const { headers, body } = await this.exchange(signed, signal);
      await body.bytes(MAX_XML_BYTES);
      return headers;
    });
  }

  /** Sends a command of the SDK. Rejects with an `S3Failure`. */
  command<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    signal: AbortSignal,
    commandOf: (sdk: Sdk) => SdkCommand<I, O>,
  ): Promise<O> {
    return this.#attempts.run(signal, async () => {
      const { sdk, client } = await this.#loadSdk();
      client.config.systemClockOffset = this.signer.now() - Date.now();
      try {
        return await client.send(commandOf(sdk), { abortSignal: signal });
      } catch (error) {
        signal.throwIfAborted();
        throw error instanceof InfrastructureError ? error : failureOfSdk(error);
      }
    });
  }

  /** Sends a request that nobody waits for but {@linkcode S3Server.close}, and gives it up after a while. */
  sendInBackground(request: S3Request): void {
    const limit = new AbortController();
    const cancelTimer = this.settings.clock.after(BACKGROUND_LIMIT_MS, () => limit.abort());
    const sent = this.sendOnly(limit.signal, request).then(() => {}, () => {});
    const ended: Promise<void> = sent.then(() => {
      cancelTimer();
      this.#background.delete(ended);
    });
    this.#background.add(ended);
  }

  /** Waits for what goes on in the background, and closes connections that nobody uses. */
  async close(): Promise<void> {
    await Promise.all(this.#background);
    (await this.#client).close();
  }

  /** Sends a signed request once; an answer that is no success is a failure. */
  async exchange(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const response = await this.#transport.send(request, signal);
    if (response.status < 300) return response;
    const failure = new S3Failure(await describeFailure(response, this.signer.now()));
    if (failure.reason === "RequestTimeTooSkewed" && failure.serverMs !== undefined) {
      this.signer.correctClock(failure.serverMs);
    }
    throw failure;
  }

  #loadSdk(): Promise<{ readonly sdk: Sdk; readonly client: S3Client }> {
    this.#sdk ??= import("@aws-sdk/client-s3").then((sdk) => {
      const client = this.#newClient(sdk);
      if (isEdge()) readXmlWithoutDom(client);
      return { sdk, client };
    });
    return this.#sdk;
  }

  #newClient(sdk: Sdk): S3Client {
    const { endpoint, region, credentials, addressing } = this.settings;
    const client = new sdk.S3Client({
      endpoint: endpoint.origin,
      region,
      // Without an end, the SDK would keep them for ever; who keeps them is our function.
      credentials: async () => ({ ...await credentials(), expiration: new Date(0) }),
      forcePathStyle: addressing === "path",
      maxAttempts: 1,
      // By default it adds checksums that other servers refuse.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      // What is not given, it looks for in the environment and in files of the user.
      retryMode: "standard",
      defaultsMode: "standard",
      useFipsEndpoint: false,
      useDualstackEndpoint: false,
      useArnRegion: false,
      disableMultiregionAccessPoints: true,
      disableS3ExpressSessionAuth: true,
      userAgentAppId: "",
      authSchemePreference: [],
      sigv4aSigningRegionSet: [],
      disableClockSkewCorrection: false,
      defaultUserAgentProvider: () => Promise.resolve([["benchmark-exchange"]]),
      requestHandler: {
        handle: (request: SdkRequest, { abortSignal }: { abortSignal?: unknown } = {}) =>
          this.#handle(request, abortSignal),
        updateHttpClientConfig: () => {},
        httpHandlerConfigs: () => ({}),
      },
    });
    // It marks what a Lambda sends, which it learns from the environment at every request.
    client.middlewareStack.remove("recursionDetectionMiddleware");
    return client;
  }

  /** Sends for the SDK. */
  async #handle(
    request: SdkRequest,
    abortSignal: unknown,
  ): Promise<{ response: SdkResponse }> {
    const signal = abortSignal instanceof AbortSignal ? abortSignal : new AbortController().signal;
    const { status, headers, body } = await this.exchange(fromSdk(request), signal);
    const bytes = await body.bytes(MAX_XML_BYTES);
    return {
      response: { statusCode: status, headers: Object.fromEntries(headers), body: bytes },
    };
  }
}

/** What the SDK sends. */
interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  readonly path: string;
  readonly query?: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What the SDK reads. */
interface SdkResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

function fromSdk(request: SdkRequest): HttpRequest {
  const { method, protocol, hostname, port, path, body } = request;
  const { host: _, "content-length": __, ...headers } = request.headers;
  const query = queryOfSdk(request.query);
  return {
    method,
    url: `${protocol}//${hostname}${port ? `:${port}` : ""}${path}${query && `?${query}`}`,
    headers,
    body: typeof body === "string" ? new TextEncoder().encode(body) : undefined,
  };
}

function queryOfSdk(query: unknown): string {
  return Object.entries(query ?? {}).map(([name, value]) => {
    return typeof value === "string" ? encodeQuery({ [name]: value }) : encodeQuery({ [name]: "" });
  }).join("&");
}

/** The failure that an answer tells. */
async function describeFailure(response: HttpResponse, nowMs: number): Promise<FailureDetails> {
  const { status, headers, body } = response;
  const text = new TextDecoder().decode(await body.bytes(65_536).catch(() => new Uint8Array()));
  const serverMs = Date.parse(headers.get("date") ?? "");
  const name = /<Code>([\w.]+)<\/Code>/.exec(text)?.[1];
  // The answer to a HEAD has no text that says so.
  const isSkewed = status === 403 && text === "" && Math.abs(serverMs - nowMs) > MAX_SKEW_MS;
  return {
    status,
    name: isSkewed ? "RequestTimeTooSkewed" : name,
    region: headers.get("x-amz-bucket-region") ?? undefined,
    retryAfterMs: retryAfter(headers.get("retry-after"), nowMs),
    ...(Number.isNaN(serverMs) ? {} : { serverMs }),
  };
}

/** Seconds or a date (RFC 9110, 10.2.3). */
function retryAfter(value: string | null, nowMs: number): number {
  if (value === null) return 0;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Math.max(0, Number.isNaN(ms) ? 0 : ms);
}

/** Amazon answers some commands with status 200 before it knows that they fail; the SDK finds the error in the body. */
function failureOfSdk(error: unknown): unknown {
  if (error instanceof S3Failure || !(error instanceof Error)) return error;
  const { $metadata, name } = error as Error & { $metadata?: { httpStatusCode?: number } };
  // The SDK puts another status in the place of that of the answer.
  return $metadata?.httpStatusCode === undefined ? error : new S3Failure({ status: 500, name });
}
