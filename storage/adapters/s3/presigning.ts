import { encodeBase64 } from "../../../core/base64.ts";
import { ValidationError } from "../../../core/errors.ts";
import type { ObjectAddress } from "../../driver.ts";
import type { PresignPostRequest, PresignRequest } from "../../requests.ts";
import type { PresignedPost } from "../../storage.ts";
import type { S3Settings } from "./config.ts";
import { ObjectUrls } from "./object_urls.ts";
import type { Signer } from "./signer.ts";

/** Makes URLs and forms that work without credentials, at the public address of the server. */
export class Presigning {
  readonly #signer: Signer;
  readonly #urls: ObjectUrls;

  /** Creates it. */
  constructor(signer: Signer, { publicEndpoint, addressing }: S3Settings) {
    this.#signer = signer;
    this.#urls = new ObjectUrls(publicEndpoint, addressing);
  }

  /** A URL for one object. */
  url(at: ObjectAddress, request: PresignRequest): Promise<string> {
    const { method, contentType, expiresInMs } = request;
    const headers: Record<string, string> = contentType === undefined
      ? {}
      : { "content-type": contentType };
    return this.#signer.presign({ method, ...at, headers }, this.#urls, expiresInMs);
  }

  /** A form for one object ("Browser-based uploads using POST" of Amazon S3). */
  async post(at: ObjectAddress, request: PresignPostRequest): Promise<PresignedPost> {
    if (at.key.includes("${filename}")) {
      throw new ValidationError("key", "a form cannot have a key with ${filename} in it");
    }
    const { contentType, minBytes, maxBytes, expiresInMs } = request;
    const expiration = new Date(this.#signer.now() + expiresInMs).toISOString();
    let fields: Record<string, string> = {};
    const { signature } = await this.#signer.signText(({ credential, date, sessionToken }) => {
      const signed = {
        key: at.key,
        "Content-Type": contentType,
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": credential,
        "X-Amz-Date": date,
        ...(sessionToken === undefined ? {} : { "X-Amz-Security-Token": sessionToken }),
      };
      const conditions = [
        { bucket: at.bucket },
        ["content-length-range", minBytes, maxBytes],
        ...Object.entries(signed).map(([name, value]) => ({ [name]: value })),
      ];
      const json = new TextEncoder().encode(JSON.stringify({ expiration, conditions }));
      const policy = encodeBase64(json);
      fields = { ...signed, Policy: policy };
      return policy;
    });
    return {
      url: this.#urls.of(at.bucket).href,
      fields: { ...fields, "X-Amz-Signature": signature },
    };
  }
}
