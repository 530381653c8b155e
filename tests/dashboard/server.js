// The real program as a child process, on a data file of its own.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { atEnd } from "./testing.js";
import { PATIENCE_MS } from "./wait.js";

const execute = promisify(execFile);
const ROOT = resolve(import.meta.dirname, "../..");
const PROGRAM = resolve(ROOT, process.env.AGENTMAP || "target/debug/agentmap");
const ASSETS = process.env.AGENTMAP_ASSETS && resolve(ROOT, process.env.AGENTMAP_ASSETS);

// Nothing of the user's settings reaches the program.
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("AGENTMAP")));

class Server {
  #folder;
  #args;
  #child;
  #exited;
  #log = "";
  #kill = () => this.#child?.kill("SIGKILL");
  // Where the server listens, such as http://127.0.0.1:34567.
  url;

  constructor(folder, args) {
    this.#folder = folder;
    this.#args = args;
    process.on("exit", this.#kill);
  }

  // Starts the program, at the port that it had before if it ran before, and waits until it says that it listens.
  async start() {
    assert.equal(this.#child, undefined, "the server runs already");
    const port = this.url ? new URL(this.url).port : "0";
    const args = [...this.#args, "--port", port, "--log", "warn"];
    if (ASSETS) args.push("--assets", ASSETS);
    this.#child = spawn(PROGRAM, args, { cwd: this.#folder, env: environment, stdio: ["ignore", "pipe", "pipe"] });
    await once(this.#child, "spawn");
    this.#exited = once(this.#child, "close");
    this.#child.stderr.setEncoding("utf8").on("data", (text) => { this.#log += text; });
    const late = setTimeout(this.#kill, PATIENCE_MS);
    for await (const line of createInterface({ input: this.#child.stdout })) {
      const listens = / listens on (http:\/\/\S+)/.exec(line);
      if (!listens) continue;
      clearTimeout(late);
      this.#child.stdout.resume();
      this.url = listens[1];
      return;
    }
    await this.#exited;
    clearTimeout(late);
    throw new Error(`${PROGRAM} ${args.join(" ")} does not listen: ${this.#log}`);
  }

  // Ends the program as Ctrl-C does; the data stays. Fails when it does not end by that.
  async stop() {
    this.#child.kill("SIGINT");
    const late = setTimeout(this.#kill, PATIENCE_MS);
    const [, signal] = await this.#exited;
    clearTimeout(late);
    this.#child = undefined;
    assert.notEqual(signal, "SIGKILL", `the server did not stop within ${PATIENCE_MS} ms; its log: ${this.#log}`);
  }

  // What another command on the same data prints.
  async run(...args) {
    return this.#execute(args, "");
  }

  // What the hook answers to an event of a runtime; nothing where it says nothing.
  async hook(event, ...args) {
    const answer = await this.#execute(["hook", ...args], JSON.stringify(event));
    return answer === "" ? undefined : JSON.parse(answer).hookSpecificOutput;
  }

  async #execute(args, input) {
    const running = execute(PROGRAM, [...args, "--data", join(this.#folder, "data.redb")], {
      cwd: this.#folder, env: environment, timeout: PATIENCE_MS,
    });
    running.child.stdin.end(input);
    return (await running).stdout;
  }

  async restart() {
    await this.stop();
    await this.start();
  }

  // Ends the program, removes its data, and fails on what its log should not hold.
  async close() {
    try {
      if (this.#child) await this.stop();
    } finally {
      process.off("exit", this.#kill);
      await rm(this.#folder, { recursive: true });
    }
    assert.doesNotMatch(this.#log, /panicked at|ERROR/, "the server's log tells of a failure");
  }
}

// Starts `agentmap serve`, or another command that serves, with these further arguments.
export async function startServer(command = "serve", ...args) {
  const folder = await mkdtemp(join(tmpdir(), "agentmap-"));
  const server = new Server(folder, [command, "--data", join(folder, "data.redb"), ...args]);
  try {
    await server.start();
  } catch (failure) {
    await rm(folder, { recursive: true });
    throw failure;
  }
  return server;
}

// The same for one test, with which it ends.
export async function testServer(t, ...args) {
  const server = await startServer(...args);
  atEnd(t, () => server.close());
  return server;
}
