/** Path hashes: `paths, paths x (path, fields, fields x (field, value))`. */
import { corrupt } from "./error.ts";
import { readCount } from "./count.ts";
import { Length, readLength } from "./length.ts";
import { In, OK, Out, room, safePoint, word } from "./memory.ts";
import { copyString } from "./string.ts";
import { Value } from "./value_state.ts";

/** Steps: between two paths, and between two fields of one. */
const PATHS = 1;
const FIELDS = 2;

/** Fields of the path at hand that are still to come. */
let fields: u64 = 0;

/** Where the path at hand began: its first byte from `In.src`, and tape and arena there. */
let pathStart: usize = 0;
let pathTape: usize = 0;
let pathArena: usize = 0;

/** Goes back to the last place between two paths: only there can the value be split. */
export function backToPath(): void {
  if (Value.step != FIELDS) return;
  In.pos = In.src + pathStart;
  Out.tape = pathTape;
  Out.arena = Out.arenaStart + pathArena;
  Value.step = PATHS;
}

/** Goes on with a path hash: OK when it is complete. */
export function pathHash(): i32 {
  let r = readCount();
  if (r != OK) return r;
  while (Value.left > 0) {
    if (Value.step == PATHS) {
      r = path();
      if (r != OK) return r;
    }
    while (fields > 0) {
      r = copyString();
      if (r == OK) r = copyString();
      if (r != OK) return r;
      fields--;
      safePoint();
    }
    Value.step = PATHS;
    Value.left--;
    Value.count++;
    safePoint();
  }
  return OK;
}

function path(): i32 {
  const start = In.pos - In.src;
  const tape = Out.tape;
  const arena = Out.arena - Out.arenaStart;
  let r = room(12, 0);
  if (r == OK) r = copyString();
  if (r == OK) r = readLength();
  if (r != OK) return r;
  if (Length.value == 0 || Length.value > 0xffffffff) return corrupt();
  fields = Length.value;
  pathStart = start;
  pathTape = tape;
  pathArena = arena;
  word(<u32>fields);
  Value.step = FIELDS;
  safePoint();
  return OK;
}
