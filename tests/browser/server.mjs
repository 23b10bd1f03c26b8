// `wordspace serve` in a folder of its own, and what is asked of it beside the page.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Server {
  static async start(binary, folder = mkdtempSync(join(tmpdir(), 'wordspace-page-')), listen = '127.0.0.1:0') {
    const child = spawn(binary, ['serve', '--listen', listen, '--data', folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const url = await new Promise((resolve, reject) => {
      let told = '';
      child.stderr.on('data', data => {
        told += data;
        const found = told.match(/http:\/\/\S+/);
        if (found) resolve(found[0].trim());
      });
      child.on('exit', () => reject(new Error(`the server ended: ${told.slice(-500)}`)));
    });
    return new Server(binary, child, url, folder);
  }

  constructor(binary, child, url, folder) {
    Object.assign(this, { binary, child, url, folder });
  }

  // A command of the command line.
  run(args, input = undefined) {
    return execFileSync(this.binary, [...args, '--server', this.url], {
      input,
      stdio: ['pipe', 'pipe', 'pipe'],
    }).toString();
  }

  async ask(path, body) {
    const options = body && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    const answer = await fetch(`${this.url}/v1/${path}`, options);
    return answer.json();
  }

  async stop() {
    const ended = new Promise(resolve => this.child.on('exit', resolve));
    this.child.kill('SIGTERM');
    await ended;
  }

  async remove() {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
