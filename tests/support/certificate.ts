import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChecked } from "./run_command.ts";

/** A certificate that vouches for itself, and its key, as PEM texts. */
export interface Certificate {
  /** Also what a client has to trust. */
  readonly certificate: string;
  /** The private key. */
  readonly key: string;
}

/** Makes a certificate for a name such as `DNS:localhost` or `IP:127.0.0.1`; needs `openssl`. */
export async function createCertificate(subjectAltName: string): Promise<Certificate> {
  const directory = await mkdtemp(join(tmpdir(), "exchange-certificate-"));
  try {
    const arguments_ = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 " +
      `-subj /CN=exchange-tests -addext subjectAltName=${subjectAltName} -keyout key -out crt`;
    await runChecked("openssl", arguments_.split(" "), { cwd: directory });
    return {
      certificate: await readFile(join(directory, "crt"), "utf8"),
      key: await readFile(join(directory, "key"), "utf8"),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
