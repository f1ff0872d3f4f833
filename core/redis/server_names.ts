import { parseUrl } from "../url_text.ts";

/** What is used of a client's options, or of those of a node of a cluster, to say where it connects to. */
export interface NamedServer {
  /** Where to find the server, and who asks. */
  readonly url?: string;
  /** The same, where there is no URL. */
  readonly socket?: { readonly host?: string; readonly port?: number; readonly path?: string };
}

/**
 * Where some servers are, for an error: `host:port`, or the path of a Unix socket. Nothing else of a URL, which may
 * hold a password.
 */
export function serverNames(servers: readonly NamedServer[]): string {
  return servers.map(nameOf).join(" and ");
}

function nameOf({ url, socket }: NamedServer): string {
  if (socket?.path) return socket.path;
  const { hostname, port } = parseUrl(url) ?? { hostname: "", port: "" };
  const host = hostname || socket?.host || "localhost";
  const shown = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return `${shown}:${port || socket?.port || 6379}`;
}
