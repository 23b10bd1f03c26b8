// A headless Chromium, driven over its DevTools protocol: no package is needed but node.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Chrome {
  static async start(binary) {
    const profile = mkdtempSync(join(tmpdir(), 'wordspace-browser-'));
    const child = spawn(
      binary,
      [
        '--headless=new',
        '--no-sandbox',
        '--remote-debugging-pipe',
        `--user-data-dir=${profile}`,
        '--no-first-run',
        '--disable-extensions',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--ignore-certificate-errors',
        '--use-angle=swiftshader',
        '--enable-unsafe-swiftshader',
        '--hide-scrollbars',
        'about:blank',
      ],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
    );
    return new Chrome(child, profile);
  }

  constructor(child, profile) {
    Object.assign(this, { child, profile, last: 0, waiting: new Map(), listeners: [], left: '' });
    this.ended = new Promise(resolve => child.on('exit', resolve));
    child.stdio[4].setEncoding('utf8').on('data', data => {
      // Messages end with a zero.
      const parts = (this.left + data).split('\0');
      this.left = parts.pop();
      for (const part of parts) this.hear(JSON.parse(part));
    });
  }

  hear(told) {
    if (!told.id) {
      for (const listener of this.listeners) listener(told);
      return;
    }
    const { resolve, reject, method } = this.waiting.get(told.id);
    this.waiting.delete(told.id);
    if (told.error) reject(new Error(`${method}: ${told.error.message}`));
    else resolve(told.result);
  }

  send(method, params = {}, sessionId = undefined) {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, method });
      this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  // A page of its own, with nothing kept from others.
  async page({ width = 1280, height = 800, dark = false, touch = false } = {}) {
    const { browserContextId } = await this.send('Target.createBrowserContext');
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank', browserContextId });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, sessionId, browserContextId);
    this.listeners.push(told => told.sessionId === sessionId && page.hear(told));
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await page.send(`${domain}.enable`);
    await page.size(width, height, touch);
    await page.send('Emulation.setEmulatedMedia', {
      features: [
        { name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' },
        { name: 'prefers-reduced-motion', value: 'reduce' },
      ],
    });
    return page;
  }

  async end() {
    this.send('Browser.close').catch(() => {});
    await this.ended;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Page {
  constructor(chrome, session, context) {
    Object.assign(this, { chrome, session, context, errors: [], requests: [] });
  }

  // What a user would find in the console, and what leaves for where.
  hear({ method, params }) {
    if (method === 'Runtime.exceptionThrown')
      this.errors.push(params.exceptionDetails.exception?.description || params.exceptionDetails.text);
    if (method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(params.type)) {
      this.errors.push(params.args.map(one => one.value ?? one.description).join(' '));
    }
    if (method === 'Log.entryAdded' && ['error', 'warning'].includes(params.entry.level))
      this.errors.push(`${params.entry.text} ${params.entry.url || ''}`);
    if (method === 'Network.requestWillBeSent') this.requests.push(params.request.url);
  }

  send(method, params) {
    return this.chrome.send(method, params, this.session);
  }

  size(width, height, touch = false) {
    return this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: touch });
  }

  async go(url) {
    await this.send('Page.navigate', { url });
    await this.until('document.readyState === "complete"');
  }

  async run(script) {
    const told = await this.send('Runtime.evaluate', { expression: script, awaitPromise: true, returnByValue: true });
    if (told.exceptionDetails) throw new Error(`${script}: ${told.exceptionDetails.exception?.description}`);
    return told.result.value;
  }

  // Waits until a script is true; says what the page shows if it never is.
  async until(script, seconds = 60) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const value = await this.run(`(() => { try { return ${script} } catch { return false } })()`).catch(() => false);
      if (value) return value;
      if (Date.now() > end) {
        const text = await this.run('document.body.innerText.slice(0, 1500)').catch(() => '');
        throw new Error(`never true: ${script}\n${text}\n${this.errors.join('\n')}`);
      }
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  shows(text, seconds) {
    return this.until(`document.body.innerText.includes(${JSON.stringify(text)})`, seconds);
  }

  async click(x, y, { shift = false } = {}) {
    const base = { x, y, button: 'left', clickCount: 1, modifiers: shift ? 8 : 0 };
    await this.send('Input.dispatchMouseEvent', { ...base, type: 'mousePressed' });
    await this.send('Input.dispatchMouseEvent', { ...base, type: 'mouseReleased' });
  }

  async drag(path, { shift = false } = {}) {
    const base = { button: 'left', modifiers: shift ? 8 : 0 };
    await this.send('Input.dispatchMouseEvent', {
      ...base,
      type: 'mousePressed',
      x: path[0][0],
      y: path[0][1],
      clickCount: 1,
    });
    for (const [x, y] of path.slice(1))
      await this.send('Input.dispatchMouseEvent', { ...base, type: 'mouseMoved', x, y, buttons: 1 });
    const [x, y] = path[path.length - 1];
    await this.send('Input.dispatchMouseEvent', { ...base, type: 'mouseReleased', x, y, clickCount: 1 });
  }

  // Drops files of this machine.
  async drop(x, y, files) {
    const data = { items: [], files, dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'])
      await this.send('Input.dispatchDragEvent', { type, x, y, data });
  }

  // What the page holds when what it let go of is gone.
  async held() {
    await this.send('HeapProfiler.enable');
    // What is let go of lets go of more.
    for (let i = 0; i < 3; i++) await this.send('HeapProfiler.collectGarbage');
    const { usedSize } = await this.send('Runtime.getHeapUsage');
    const { nodes, jsEventListeners } = await this.send('Memory.getDOMCounters');
    return { heap: usedSize, nodes, listeners: jsEventListeners };
  }

  async type(text) {
    await this.send('Input.insertText', { text });
  }

  async press(key, { text = undefined, modifiers = 0 } = {}) {
    const code = { Enter: 13, Escape: 27, ArrowDown: 40, ArrowUp: 38, Tab: 9 }[key];
    const base = { key, windowsVirtualKeyCode: code, modifiers, text: text ?? (key === 'Enter' ? '\r' : undefined) };
    await this.send('Input.dispatchKeyEvent', { ...base, type: 'keyDown' });
    await this.send('Input.dispatchKeyEvent', { ...base, type: 'keyUp' });
  }

  // The page as PNG.
  async shot() {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(data, 'base64');
  }

  async picture(file) {
    writeFileSync(file, await this.shot());
  }

  end() {
    return this.chrome.send('Target.disposeBrowserContext', { browserContextId: this.context });
  }
}
