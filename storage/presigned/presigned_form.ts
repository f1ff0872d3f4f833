import { Refusal } from "./refusal.ts";
import type { SignedRequest } from "./url_signer.ts";

/** How much longer than its file a form may be: the field, headers of parts and boundaries. */
const ALLOWANCE_BYTES = 16_384;

/**
 * Reads a form that was signed and returns its file, which is in memory then; throws a
 * {@linkcode Refusal} for any other form. Never reads more than the largest file that is allowed, and
 * a little.
 */
export async function readForm(
  request: Request,
  { contentType, minBytes, maxBytes }: Extract<SignedRequest, { method: "POST" }>,
): Promise<Blob> {
  const fields = [...await parse(request, maxBytes + ALLOWANCE_BYTES)];
  const [name, file] = fields.pop() ?? [];
  if (name !== "file" || !(file instanceof Blob)) {
    throw new Refusal(400, "The last field must be the file");
  }
  if (fields.length !== 1 || fields[0]?.[0] !== "Content-Type" || fields[0][1] !== contentType) {
    throw new Refusal(403, "The fields must be those of the presigned form");
  }
  if (file.size >= minBytes && file.size <= maxBytes) return file;
  throw new Refusal(400, `The file must have ${minBytes} to ${maxBytes} bytes`);
}

async function parse(request: Request, maxBytes: number): Promise<FormData> {
  const tooLarge = new Refusal(413, "The form is too large");
  // Answered before anything is read: who still sends might never see a later answer.
  if (Number(request.headers.get("content-length")) > maxBytes) throw tooLarge;
  let readBytes = 0;
  const limited = request.body?.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller): void {
        readBytes += chunk.byteLength;
        if (readBytes > maxBytes) throw tooLarge;
        controller.enqueue(chunk);
      },
    }),
  );
  const headers = { "content-type": request.headers.get("content-type") ?? "" };
  try {
    return await new Response(limited, { headers }).formData();
  } catch {
    throw readBytes > maxBytes ? tooLarge : new Refusal(400, "The form is malformed");
  }
}
