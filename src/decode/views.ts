/**
 * Records of the tape as events.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import type { NsyncEvent } from "../events.ts";
import type { TapeBatch } from "./batch.ts";
import { CommandView } from "./command_view.ts";
import { HashView, ModuleView, StreamView } from "./load_views.ts";
import { ArrayView, CronView, GcraView, PathHashView } from "./rare_views.ts";
import {
  AuxView,
  EofView,
  FunctionView,
  ModuleAuxView,
  PassedView,
  SlotView,
} from "./record_views.ts";
import { LIST, SET, STRING, ValueView, ZSET } from "./value_view.ts";

/** The event whose record starts at word `at`. */
export function eventAt(batch: TapeBatch, at: number): NsyncEvent {
  const head = batch.tape[at];
  switch (head & 0xff) {
    case abi.TAG_CMD:
      return new CommandView(batch, at);
    case abi.TAG_LOAD:
      return loadAt(batch, at, head >>> 24);
    case abi.TAG_AUX:
      return new AuxView(batch, at);
    case abi.TAG_FUNCTION:
      return new FunctionView(batch, at);
    case abi.TAG_MODULE_AUX:
      return new ModuleAuxView(batch, at);
    case abi.TAG_SLOT:
    case abi.TAG_SLOT_IMPORT:
      return new SlotView(batch, at);
    case abi.TAG_PASSED:
      return new PassedView(batch, at);
    case abi.TAG_EOF:
      return new EofView(batch);
    default:
      throw new TypeError(`no event has tag ${head & 0xff}`);
  }
}

function loadAt(batch: TapeBatch, at: number, kind: number): NsyncEvent {
  switch (kind) {
    case abi.KIND_STRING:
      return new ValueView(batch, at, STRING);
    case abi.KIND_LIST:
      return new ValueView(batch, at, LIST);
    case abi.KIND_SET:
      return new ValueView(batch, at, SET);
    case abi.KIND_HASH:
      return new HashView(batch, at);
    case abi.KIND_ZSET:
      return new ValueView(batch, at, ZSET);
    case abi.KIND_STREAM:
      return new StreamView(batch, at);
    case abi.KIND_MODULE:
      return new ModuleView(batch, at);
    case abi.KIND_ARRAY:
      return new ArrayView(batch, at);
    case abi.KIND_PATHHASH:
      return new PathHashView(batch, at);
    case abi.KIND_GCRA:
      return new GcraView(batch, at);
    case abi.KIND_CRON:
      return new CronView(batch, at);
    default:
      throw new TypeError(`no value has kind ${kind}`);
  }
}
