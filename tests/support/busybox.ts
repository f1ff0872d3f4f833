import { type DebianContainer, openContainer } from "./debian_container.ts";
import { type DebianRoot, installDebian } from "./debian_root.ts";

/** The smallest of all programs, for tests of containers. */
export const BUSYBOX: DebianRoot = {
  name: "busybox",
  suites: ["trixie"],
  packages: ["busybox-static"],
};

/** Where BusyBox sees the folder of its container. */
export const BUSYBOX_FOLDER = "/home";

/** Opens a container that has BusyBox. */
export async function openBusybox(): Promise<DebianContainer> {
  return await openContainer({ root: await installDebian(BUSYBOX), mountPoint: BUSYBOX_FOLDER });
}

/** A command of the shell of BusyBox, as arguments. */
export function shell(command: string): [string, string, string, string] {
  return ["/bin/busybox", "sh", "-c", command];
}
