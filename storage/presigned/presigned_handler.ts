import { quoteEtag } from "../etag.ts";
import type { StorageProvider } from "../storage.ts";
import { writeConditions } from "./conditional_request.ts";
import { readForm } from "./presigned_form.ts";
import { answerRead } from "./presigned_read.ts";
import { Refusal, refuse } from "./refusal.ts";
import type { SignedRequest, UrlSigner, Verdict } from "./url_signer.ts";

/** A signed request of one method. */
type Signed<M extends SignedRequest["method"]> = Extract<SignedRequest, { method: M }>;

/** Answers a request by doing in `storage` what `signer` has signed. Never rejects. */
export async function handlePresigned(
  storage: StorageProvider,
  signer: UrlSigner,
  request: Request,
): Promise<Response> {
  try {
    const signed = requireSigned(signer.verify(request.method, new URL(request.url)));
    if (signed.method === "GET") return await answerRead(storage, signed, request.headers);
    if (signed.method === "PUT") return await answerWrite(storage, signed, request);
    return await answerForm(storage, signed, request);
  } catch (error) {
    return refuse(error);
  }
}

function requireSigned(verdict: Verdict): SignedRequest {
  if (verdict === "elsewhere") throw new Refusal(404, "There is nothing here");
  if (verdict === "unsigned") throw new Refusal(403, "The URL is not signed for this");
  if (verdict === "expired") throw new Refusal(403, "The URL has expired");
  return verdict;
}

async function answerWrite(
  storage: StorageProvider,
  { bucket, key, contentType: signedType }: Signed<"PUT">,
  { headers, body }: Request,
): Promise<Response> {
  const contentType = headers.get("content-type") ?? undefined;
  if (signedType !== undefined && contentType !== signedType) {
    throw new Refusal(403, "The content type must be the signed one");
  }
  if (headers.has("content-range")) throw new Refusal(400, "Only whole objects can be written");
  // Not every server notices that a body ends early.
  const length = headers.get("content-length");
  const { etag } = await storage.upload(bucket, key, body ?? new Uint8Array(), {
    ...writeConditions(headers),
    contentType,
    size: length === null ? undefined : Number(length),
  });
  return new Response(null, { status: 200, headers: { etag: quoteEtag(etag) } });
}

async function answerForm(
  storage: StorageProvider,
  signed: Signed<"POST">,
  request: Request,
): Promise<Response> {
  const { bucket, key, contentType } = signed;
  const file = await readForm(request, signed);
  const { etag } = await storage.upload(bucket, key, file, { contentType });
  return new Response(null, { status: 204, headers: { etag: quoteEtag(etag) } });
}
