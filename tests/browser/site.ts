/**
 * A web site of one page, with a bundle of `./rdb` and the snapshots of the tests.
 *
 * @module
 */

import * as esbuild from "esbuild";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { corpusDir } from "../support/fixtures.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A program as esbuild bundles it for a browser that is told nothing else. */
export interface Bundle {
  readonly code: string;
  /** What esbuild had to say. */
  readonly warnings: readonly string[];
  /** What the bundle leaves to be imported when it runs. */
  readonly imports: readonly string[];
  /** The files that it is made of, from the root of the project or of the package. */
  readonly inputs: readonly string[];
}

async function bundle(directory: string, entry: string): Promise<Bundle> {
  const { outputFiles, warnings, metafile } = await esbuild.build({
    stdin: {
      contents: `import * as rdb from ${JSON.stringify(entry)};
        import { install } from ${JSON.stringify(join(root, "tests/browser/page.ts"))};
        install(rdb);`,
      resolveDir: directory,
    },
    absWorkingDir: directory,
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  return {
    code: outputFiles[0].text,
    warnings: warnings.map(({ text }) => text),
    imports: Object.values(metafile.outputs).flatMap((output) =>
      output.imports.map(({ path }) => path)
    ),
    inputs: Object.keys(metafile.inputs).map((path) => relative(root, join(directory, path))),
  };
}

/** Bundles the page's program with `./rdb` of the npm package in dist/, and with its source. */
export async function bundles(): Promise<{ readonly package: Bundle; readonly source: Bundle }> {
  const project = mkdtempSync(join(tmpdir(), "nsync-browser-"));
  try {
    const installed = join(project, "node_modules/nsync");
    mkdirSync(installed, { recursive: true });
    cpSync(join(root, "package.json"), join(installed, "package.json"));
    cpSync(join(root, "dist"), join(installed, "dist"), { recursive: true });
    return {
      package: await bundle(project, "nsync/rdb"),
      source: await bundle(root, "./src/rdb/mod.ts"),
    };
  } finally {
    rmSync(project, { recursive: true });
    // Its process would keep this one alive.
    await esbuild.stop();
  }
}

/** A site that runs. */
export interface Site {
  readonly origin: string;
  close(): Promise<void>;
}

/**
 * Serves `/<name>`, a page that runs the program `/<name>.js` of `programs` under `policies[name]`,
 * and below `/fixtures/` the snapshots.
 */
export async function serve(
  programs: Readonly<Record<string, string>>,
  policies: Readonly<Record<string, string>>,
): Promise<Site> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const name = path.slice(1).replace(/\.js$/, "");
    if (path.startsWith("/fixtures/") && path.endsWith(".rdb")) {
      response.setHeader("content-type", "application/octet-stream");
      response.end(readFileSync(join(corpusDir(), path.slice("/fixtures/".length))));
    } else if (path === `/${name}.js` && name in programs) {
      response.setHeader("content-type", "text/javascript");
      response.end(programs[name]);
    } else if (name in programs) {
      response.setHeader("content-type", "text/html");
      response.setHeader("content-security-policy", policies[name]);
      response.end(`<!doctype html><title>${name}</title><link rel="icon" href="data:,">
        <input type="file"><script type="module" src="/${name}.js"></script>`);
    } else {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The server has no port.");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
