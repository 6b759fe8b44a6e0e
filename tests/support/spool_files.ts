import { existsSync, readdirSync, readlinkSync } from "node:fs";

/** Open files can be looked at here. */
export const seesOpenFiles: boolean = existsSync("/proc/self/fd");

/** The open files of spools, which have no names of their own, of this process or another one. */
export function openSpoolFiles(pid: number | "self" = "self"): string[] {
  const dir = `/proc/${pid}/fd`;
  return readdirSync(dir).map((fd) => `${dir}/${fd}`)
    .filter((path) => /nsync-spool-\S+ \(deleted\)$/.test(target(path)));
}

function target(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed meanwhile
  }
}
