// A part of a fleet: follows a server with many links, says how they do, and ends with its input.
// Arguments: the URL, how many links.
import process from "node:process";
import { nsync } from "../../mod.ts";

const [url, count] = process.argv.slice(2);
const done = new Array<number>(Number(count)).fill(0);
let resets = 0;
let resumes = 0;
let told = 0;

const links = done.map((_, i) =>
  nsync(url, {
    clientName: `fleet-${i}`,
    callback({ type }) {
      if (type === "reset") resets++;
      if (type === "resume") resumes++;
      if (type === "eof" || type === "resume") came(i);
    },
  })
);

/** The link is live, once more. */
function came(i: number): void {
  done[i]++;
  const round = Math.min(...done);
  if (round === told) return;
  told = round;
  console.log(`round ${round}: ${resets} resets ${resumes} resumes.`);
}

process.stdin.resume();
process.stdin.once("end", async () => {
  await Promise.all(links.map((link) => link.close()));
  console.log("closed");
});
