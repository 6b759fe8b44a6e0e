/** How the core is compiled. */
export const ASC_OPTIONS = [
  ...["--optimizeLevel", "3", "--shrinkLevel", "0", "--noAssert"],
  ...["--runtime", "stub", "--enable", "simd"],
  // Below lies the control block of wasm/abi.ts.
  ...["--memoryBase", "1024"],
];
