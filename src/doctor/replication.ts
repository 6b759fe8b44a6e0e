/**
 * How the server is set up for its replicas, and how long an outage may last.
 *
 * @module
 */

import { duration, type Finding, size } from "./finding.ts";
import { type Fields, numberField } from "./info.ts";

/** An outage that should be survived without a new snapshot, in seconds. */
const OUTAGE = 60;
/** What a network or a disk carries of a snapshot, in bytes per second: no more than a guess. */
const TRANSFER = 50 << 20;
/** Below so many bytes per second a server counts as idle: questions such as ours make some, too. */
const IDLE = 100;

/** INFO at some time, in ms. */
export interface Sample {
  readonly at: number;
  readonly info: Fields | undefined;
}

/** How fast the stream grows. */
export interface WriteRate {
  /** Bytes per second. */
  readonly bytes: number;
  /** It may be less: what clients sent was measured, reads included. */
  readonly atMost: boolean;
}

/** The write rate between two samples; `undefined` where it cannot be seen. */
export function writeRate(before: Sample, after: Sample): WriteRate | undefined {
  const seconds = (after.at - before.at) / 1000;
  // Without a backlog the offset does not count bytes.
  const active = after.info?.get("repl_backlog_active") === "1";
  const field = active ? "master_repl_offset" : "total_net_input_bytes";
  const from = numberField(before.info, field);
  const to = numberField(after.info, field);
  if (from === undefined || to === undefined || seconds <= 0 || to < from) return undefined;
  const bytes = (to - from) / seconds;
  return { bytes: bytes < IDLE ? 0 : bytes, atMost: !active };
}

/** How long an outage can be resumed. */
export function backlogFinding(info: Fields | undefined, rate: WriteRate | undefined): Finding {
  const backlog = numberField(info, "repl_backlog_size");
  if (backlog === undefined || rate === undefined) {
    return {
      check: "backlog",
      state: "unknown",
      message: "How long an outage can be resumed cannot be seen: that takes the right +info.",
    };
  }
  const active = info?.get("repl_backlog_active") === "1";
  const data = { backlogBytes: backlog, active, bytesPerSecond: Math.round(rate.bytes) };
  const made = active ? "" : ", which is there once a replica is";
  const what = `The backlog is ${size(backlog)}${made}.`;
  if (rate.bytes === 0) {
    const message =
      `${what} There are no writes at present: an outage of any length can be resumed.`;
    return { check: "backlog", state: "ok", message, data };
  }
  const seconds = backlog / rate.bytes;
  const least = rate.atMost ? "at least " : "";
  const measured = `${rate.atMost ? "at most " : ""}${size(rate.bytes)} a second`;
  const message = `${what} Writes are ${measured}: an outage of ${least}${
    duration(seconds)
  } can be resumed.`;
  const figures = { ...data, outageSeconds: Math.round(10 * seconds) / 10 };
  if (seconds >= OUTAGE) return { check: "backlog", state: "ok", message, data: figures };
  const enough = 2 ** Math.ceil(Math.log2(rate.bytes * 5 * OUTAGE));
  const advice = `For ${5 * OUTAGE / 60} minutes: CONFIG SET repl-backlog-size ${enough}.`;
  return { check: "backlog", state: "warning", message, advice, data: figures };
}

/** Whether the server's output buffer for a replica can hold what is written during a snapshot. */
export function outputBufferFinding(
  config: Fields | undefined,
  info: Fields | undefined,
  rate: WriteRate | undefined,
): Finding {
  const text = config?.get("client-output-buffer-limit");
  const found = /(?:slave|replica) (\d+) (\d+) (\d+)/.exec(text ?? "");
  if (found === null) {
    return {
      check: "output-buffer",
      state: "unknown",
      message:
        "The output-buffer limit for replicas cannot be seen: that takes the right +config|get.",
    };
  }
  const [hard, soft, softSeconds] = found.slice(1).map(Number);
  const data = { hardBytes: hard, softBytes: soft, softSeconds };
  if (hard === 0 && soft === 0) {
    const message = "The output buffer for a replica has no limit.";
    return { check: "output-buffer", state: "ok", message, data };
  }
  const limits = [
    ...(hard === 0 ? [] : [size(hard)]),
    ...(soft === 0 ? [] : [`${size(soft)} for ${softSeconds} s`]),
  ];
  const message = `A replica is cut off when ${limits.join(", or ")} wait for it.`;
  const memory = numberField(info, "used_memory") ?? 0;
  const seconds = memory / TRANSFER;
  const waits = (rate?.bytes ?? 0) * seconds;
  const over = (hard !== 0 && waits > hard) ||
    (soft !== 0 && waits > soft && seconds > softSeconds);
  if (!over) return { check: "output-buffer", state: "ok", message, data };
  return {
    check: "output-buffer",
    state: "warning",
    message: `${message} During a snapshot of ${size(memory)}, writes may be ${size(waits)}.`,
    advice: "Raise client-output-buffer-limit replica above that, or the link may never come up.",
    data,
  };
}

/** What a full synchronization will be like. */
export function snapshotFinding(config: Fields | undefined, info: Fields | undefined): Finding {
  const memory = numberField(info, "used_memory");
  const keys = [...info ?? []].reduce((sum, [name, value]) => {
    const counted = /^db\d+$/.test(name) ? /keys=(\d+)/.exec(value) : null;
    return sum + Number(counted?.[1] ?? 0);
  }, 0);
  const content = memory === undefined ? "" : ` There are ${keys} keys, ${size(memory)} in memory.`;
  const sizes = { keys: memory === undefined ? undefined : keys, memoryBytes: memory };
  const failed = info?.get("rdb_last_bgsave_status") === "err";
  const diskless = config?.get("repl-diskless-sync");
  if (failed && diskless !== "yes") {
    return {
      check: "snapshot",
      state: "warning",
      message: `The server's last attempt to make a snapshot failed.${content}`,
      advice: "See its log: memory or disk may be short.",
      data: sizes,
    };
  }
  if (diskless === undefined) {
    const message =
      `How a snapshot is sent cannot be seen: that takes the right +config|get.${content}`;
    return { check: "snapshot", state: "unknown", message, data: sizes };
  }
  if (diskless === "no") {
    const message = `A snapshot is written to the server's disk and sent from there.${content}`;
    return { check: "snapshot", state: "ok", message, data: { ...sizes, diskless: false } };
  }
  const delay = numberField(config, "repl-diskless-sync-delay") ?? 0;
  const message =
    `A snapshot is sent without a file, ${delay} s after the first replica asks for it.${content}`;
  const data = { ...sizes, diskless: true, delaySeconds: delay };
  return { check: "snapshot", state: "ok", message, data };
}

/** Whether both sides agree on how long silence may last. */
export function timeoutFinding(config: Fields | undefined, replTimeout: number): Finding {
  const timeout = numberField(config, "repl-timeout");
  const ping = numberField(config, "repl-ping-replica-period") ??
    numberField(config, "repl-ping-slave-period");
  if (timeout === undefined || ping === undefined) {
    const message = "The server's repl-timeout cannot be seen: that takes the right +config|get.";
    return { check: "timeout", state: "unknown", message };
  }
  const data = { replTimeoutSeconds: timeout, pingSeconds: ping };
  const message =
    `The server pings every ${ping} s, and drops a replica that says nothing for ${timeout} s.`;
  if (1000 * ping >= replTimeout) {
    const advice = `Raise the option replTimeout (${replTimeout}) above that, or lower ` +
      "repl-ping-replica-period: an idle link is lost again and again.";
    return { check: "timeout", state: "warning", message, advice, data };
  }
  if (timeout <= ping) {
    const advice = "Raise repl-timeout above repl-ping-replica-period.";
    return { check: "timeout", state: "warning", message, advice, data };
  }
  return { check: "timeout", state: "ok", message, data };
}
