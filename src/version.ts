/**
 * The package's version.
 *
 * @module
 */

/** The version that deno.json and package.json give, too. */
export const VERSION: string = "0.1.0";
