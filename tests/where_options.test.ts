import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { NsyncError } from "../mod.ts";
import { addressText } from "../src/endpoint.ts";
import { type Where, whereOf, type WhereOptions } from "../src/where_options.ts";

const SECRET = "s3cr3t";

function hosts(options: WhereOptions): string[] {
  const where = whereOf(options);
  assert.ok(where.kind === "hosts");
  return where.hosts.map(({ address }) => addressText(address));
}

function sentinels(options: WhereOptions): Extract<Where, { readonly kind: "sentinels" }> {
  const where = whereOf(options);
  assert.ok(where.kind === "sentinels");
  return where;
}

/** The options must be refused, in such words, and without showing a password. */
function refused(options: unknown, says: RegExp): void {
  // @ts-expect-error what JavaScript may pass
  assert.throws(() => whereOf(options), (error) => {
    assert.ok(NsyncError.is(error));
    assert.equal(error.code, "OPTION");
    assert.match(error.message, says);
    assert.doesNotMatch(`${error.message}${error.stack}`, new RegExp(SECRET));
    return true;
  });
}

describe("where the server is", () => {
  it("is one host by default", () => {
    assert.deepEqual(hosts({}), ["127.0.0.1:6379"]);
    assert.deepEqual(hosts({ url: "redis://h:1", host: "g" }), ["g:1"]);
    assert.deepEqual(hosts({ path: "/tmp/s" }), ["unix:/tmp/s"]);
  });

  it("may be several hosts, in every form", () => {
    assert.deepEqual(
      hosts({
        hosts: [
          "a",
          "b:7000",
          "[::1]:7001",
          "::2",
          "fe80::1",
          "/tmp/s",
          "unix:/tmp/t",
          "redis://c:7002",
          new URL("valkey://d"),
          { host: "e", port: 7003 },
          { host: "[::3]" },
          { path: "/tmp/u" },
          "redis://f,g:7004",
        ],
      }),
      [
        "a:6379",
        "b:7000",
        "[::1]:7001",
        "[::2]:6379",
        "[fe80::1]:6379",
        "unix:/tmp/s",
        "unix:/tmp/t",
        "c:7002",
        "d:6379",
        "e:7003",
        "[::3]:6379",
        "unix:/tmp/u",
        "f:6379",
        "g:7004",
      ],
    );
  });

  it("may be several hosts in a URL, with the same credentials", () => {
    const where = whereOf({ url: `rediss://me:a%2C${SECRET}@a:1,b,[::1]:3/0` });
    assert.ok(where.kind === "hosts");
    const addresses = where.hosts.map(({ address }) => addressText(address));
    assert.deepEqual(addresses, ["a:1", "b:6379", "[::1]:3"]);
    for (const { username, password, tls } of where.hosts) {
      assert.deepEqual([username, password], ["me", `a,${SECRET}`]);
      assert.equal(tls?.rejectUnauthorized, true);
    }
    assert.deepEqual(hosts({ url: `redis://:a,${SECRET}@h:1` }), ["h:1"]);
  });

  it("takes credentials and TLS from each host, else from all", () => {
    const where = whereOf({
      hosts: ["a", "redis://you:hers@b", { host: "c", password: "theirs" }, "rediss://d", {
        host: "e",
        tls: { serverName: "name" },
      }],
      username: "me",
      password: "mine",
    });
    assert.ok(where.kind === "hosts");
    assert.deepEqual(
      where.hosts.map(({ username, password, tls }) => [username, password, tls?.serverName, !tls]),
      [
        ["me", "mine", undefined, true],
        ["you", "hers", undefined, true],
        [undefined, "theirs", undefined, true],
        ["me", "mine", undefined, false],
        ["me", "mine", "name", false],
      ],
    );
    const all = whereOf({ hosts: ["a", { host: "b", tls: false }], tls: true });
    assert.ok(all.kind === "hosts");
    assert.deepEqual(all.hosts.map(({ tls }) => tls === undefined), [false, true]);
  });

  it("may be known to Sentinels, with their own credentials and TLS", () => {
    const where = sentinels({
      sentinels: ["a", "redis://:hers@b:1", "rediss://c", {
        host: "d",
        port: 2,
        username: "x",
        password: "y",
      }],
      name: "mymaster",
      username: "me",
      password: "mine",
      tls: true,
      sentinelUsername: "watcher",
      sentinelPassword: "theirs",
    });
    assert.deepEqual(
      where.sentinels.map((one) => [
        addressText(one.address),
        one.username,
        one.password,
        one.tls !== undefined,
      ]),
      [
        ["a:26379", "watcher", "theirs", false],
        ["b:1", undefined, "hers", false],
        ["c:26379", "watcher", "theirs", true],
        ["d:2", "x", "y", false],
      ],
    );
    assert.deepEqual([where.name, where.role], ["mymaster", "master"]);
    const { username, password, tls } = where.access;
    assert.deepEqual([username, password, tls !== undefined], ["me", "mine", true]);
    const secure = sentinels({ sentinels: ["a"], name: "m", sentinelTls: { serverName: "s" } });
    assert.deepEqual([secure.sentinels[0].tls?.serverName, secure.access.tls], ["s", undefined]);
  });

  it("takes the name of the master, and how to come in, from a URL", () => {
    const where = sentinels({ url: "rediss://me:mine@MyMaster", sentinels: ["a"] });
    assert.equal(where.name, "MyMaster");
    assert.deepEqual([where.access.username, where.access.password], ["me", "mine"]);
    assert.ok(where.access.tls !== undefined);
    assert.equal(sentinels({ url: "redis://x:1", name: "y", sentinels: ["a"] }).name, "y");
  });

  it("must be said once, and whole", () => {
    refused({ hosts: ["a"], url: "redis://b" }, /hosts and url/);
    refused({ hosts: ["a"], port: 1 }, /hosts and port/);
    refused({ sentinels: ["a"], hosts: ["b"], name: "m" }, /sentinels and hosts/);
    refused({ sentinels: ["a"], host: "b", name: "m" }, /sentinels and host/);
    refused({ sentinels: ["a"] }, /need the name/);
    refused({ sentinels: ["a"], name: "" }, /need the name/);
    refused({ sentinels: ["a"], name: 5 }, /name must be a string/);
    refused({ sentinels: ["a"], url: `redis://:${SECRET}@10.0.0.1:6379` }, /redis:.*@mymaster/);
    refused({ sentinels: ["a"], url: "unix:/tmp/s" }, /@mymaster/);
    refused({ name: "m" }, /name goes with sentinels/);
    refused({ sentinelPassword: SECRET }, /sentinelPassword goes with sentinels/);
    refused({ role: "slave" }, /master, replica, prefer-replica/);
  });

  it("must be an array of servers", () => {
    for (const option of ["hosts", "sentinels"]) {
      const list = (value: unknown) => ({
        [option]: value,
        ...(option === "sentinels" && { name: "m" }),
      });
      for (const value of [[], "a", null, 5]) refused(list(value), /at least one server/);
      const first = `${option}\\[0\\]`;
      refused(list([`a:b:${SECRET}`]), new RegExp(`${first} must be a host`));
      refused(list([`me:${SECRET}@a`]), new RegExp(`${first} must be a host`));
      refused(list([""]), new RegExp(`${first} must be a host`));
      refused(list(["a:99999"]), new RegExp(`${first}.port must be an integer`));
      refused(list([{}]), new RegExp(`${first} needs a host`));
      refused(list([{ port: 1 }]), new RegExp(`${first} needs a host`));
      refused(list([{ host: 5 }]), new RegExp(`${first}.host must be a string`));
      refused(list([{ host: "a", hots: 1 }]), new RegExp(`${first} has no option`));
      refused(list([null]), new RegExp(`options of ${first}`));
      refused(list([5]), new RegExp(`options of ${first}`));
      refused(
        list([{ host: "a", username: "u" }]),
        new RegExp(`${first}.username needs a password`),
      );
      refused(list([{ host: "a", tls: 5 }]), new RegExp(`${first}.tls must be true`));
      refused(list([{ path: "/tmp/s", tls: true }]), /no TLS over a unix socket/);
      refused(list([`http://:${SECRET}@a`]), /starts with redis/);
    }
    refused({ url: `redis://:${SECRET}@a,b:x` }, /The URL is not one/);
    refused({ sentinels: ["a"], name: "m", sentinelUsername: "x" }, /sentinelPassword/);
    refused({ sentinels: ["a"], name: "m", sentinelTls: 5 }, /sentinelTls must be true/);
  });
});
