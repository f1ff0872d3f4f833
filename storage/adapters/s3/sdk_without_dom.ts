import type { S3Client } from "@aws-sdk/client-s3";
import { parseXml } from "./xml.ts";

/** What the SDK has below its public face. */
interface SdkProtocol {
  readonly deserializer?: {
    readonly codecDeserializer?: { parseXml?(text: string): unknown };
  };
}

/**
 * Lets a client of the SDK read XML by {@linkcode parseXml}. Bundlers for the edge take its build for browsers, which
 * wants their `DOMParser`, and the edge has none. Throws an `Error` where the SDK has changed, so that an update of
 * it shows this at the first command.
 */
export function readXmlWithoutDom(client: S3Client): void {
  const { deserializer } = client.config.protocol as unknown as SdkProtocol;
  const reader = deserializer?.codecDeserializer;
  if (!reader?.parseXml) throw new Error("Cannot read XML without a DOM: the SDK has changed");
  reader.parseXml = (text) => text === "" ? {} : parseXml(text);
}
