import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate and its key, in PEM. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** What stands in a certificate. */
export interface CertificateOptions {
  /** Whose it is, such as `DNS:localhost,IP:127.0.0.1`. */
  readonly names?: string;
  /** Between which times it is valid, as YYYYMMDDHHMMSSZ; by default from today on. */
  readonly valid?: readonly [from: string, to: string];
  /** The authority that signs it; by default it signs itself. */
  readonly by?: Certificate;
  /** Whether it may sign others. */
  readonly authority?: boolean;
  /** Arguments of `openssl req -newkey`; by default a key on a curve. */
  readonly newKey?: readonly string[];
}

/** The names of a server on this machine. */
export const LOCAL = "DNS:localhost,IP:127.0.0.1,IP:::1";

const CURVE = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];

/** Is `openssl` here? */
export function hasOpenssl(): boolean {
  return spawnSync("openssl", ["version"]).status === 0;
}

/** Certificates made by `openssl`, in a directory that goes with them. */
export class Certificates implements Disposable {
  readonly #dir: string = mkdtempSync(join(tmpdir(), "nsync-tls-"));

  /** Makes one; `name` is its subject, and that of its files. */
  make(name: string, options: CertificateOptions = {}): Certificate {
    const { names, valid = ["", ""], by, authority = false, newKey = CURVE } = options;
    const file = (suffix: string) => join(this.#dir, `${name}.${suffix}`);
    const [certFile, keyFile] = [file("crt"), file("key")];
    const config = file("cnf");
    const issued = file("issued");
    mkdirSync(issued);
    writeFileSync(join(issued, "index"), "");
    writeFileSync(
      config,
      [
        ...["[ca]", "default_ca=this", "[this]", `new_certs_dir=${issued}`, "policy=any"],
        ...[`database=${join(issued, "index")}`, "rand_serial=yes", "default_md=sha256"],
        ...["default_days=2", "[any]", "commonName=supplied", "[extensions]"],
        `basicConstraints=critical,CA:${authority ? "true" : "false"}`,
        ...(names === undefined ? [] : [`subjectAltName=${names}`]),
        "",
      ].join("\n"),
    );
    this.run(
      ...["req", "-new", "-nodes", "-newkey", ...newKey, "-keyout", keyFile],
      ...["-out", file("csr"), "-subj", `/CN=${name}`],
    );
    this.run(
      ...["ca", "-batch", "-notext", "-config", config, "-extensions", "extensions"],
      ...["-in", file("csr"), "-out", certFile],
      ...(by === undefined
        ? ["-selfsign", "-keyfile", keyFile]
        : ["-cert", by.certFile, "-keyfile", by.keyFile]),
      ...(valid[0] === "" ? [] : ["-startdate", valid[0], "-enddate", valid[1]]),
    );
    return {
      certFile,
      keyFile,
      cert: readFileSync(certFile, "utf8"),
      key: readFileSync(keyFile, "utf8"),
    };
  }

  /** Runs `openssl`; gives what it prints. */
  run(...args: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** The path of another file in the directory, with that content. */
  write(name: string, content: string): string {
    const path = join(this.#dir, name);
    writeFileSync(path, content);
    return path;
  }

  /** Removes the directory. */
  [Symbol.dispose](): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
