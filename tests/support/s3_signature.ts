import { createHash, createHmac } from "node:crypto";
import type { Fault, ProxiedRequest } from "./http_faults.ts";
import { type HeaderLine, headerValue } from "./http_messages.ts";

const AUTHORIZATION = /^AWS4-HMAC-SHA256 Credential=[^/]+\/([^,]+), *SignedHeaders=([^,]+)/;

/**
 * Signs a request anew (AWS Signature Version 4) after another fault has changed its headers, so
 * that the server carries it out. Signed headers that are missing now are not signed any more. Only
 * for signatures in the `Authorization` header.
 */
export function signAgain(secretAccessKey: string): Fault {
  return (request, forward) => {
    const headers = request.headers.map(([name, value]): HeaderLine => [
      name,
      name.toLowerCase() === "authorization" ? signed(request, value, secretAccessKey) : value,
    ]);
    return forward({ ...request, headers });
  };
}

function signed(request: ProxiedRequest, authorization: string, secretAccessKey: string): string {
  const [, scope = "", names = ""] = AUTHORIZATION.exec(authorization) ?? [];
  const signedNames = names.split(";").filter((name) => valueOf(request, name) !== undefined);
  const signedHeaders = signedNames.join(";");
  const [path = "", query = ""] = request.target.split("?");
  const canonicalRequest = [
    request.method,
    path,
    query.split("&").map((pair) => !pair || pair.includes("=") ? pair : `${pair}=`).sort().join(
      "&",
    ),
    ...signedNames.map((name) => `${name}:${valueOf(request, name)}`),
    "",
    signedHeaders,
    valueOf(request, "x-amz-content-sha256"),
  ].join("\n");
  const toSign = [
    "AWS4-HMAC-SHA256",
    valueOf(request, "x-amz-date"),
    scope,
    createHash("sha256").update(canonicalRequest, "latin1").digest("hex"),
  ].join("\n");
  const key = scope.split("/").reduce<string | Uint8Array>(
    (key, part) => createHmac("sha256", key).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  const signature = createHmac("sha256", key).update(toSign).digest("hex");
  return authorization
    .replace(/SignedHeaders=[^,]+/, `SignedHeaders=${signedHeaders}`)
    .replace(/Signature=.*/, `Signature=${signature}`);
}

function valueOf({ headers }: ProxiedRequest, name: string): string | undefined {
  return headerValue(headers, name)?.trim().replace(/ +/g, " ");
}
