// A real browser, driven by its own protocol over a pipe (--remote-debugging-pipe), the way a person
// would: the mouse moves and clicks, keys are pressed, and what is asserted is what is seen.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const PATIENCE_MS = 20_000;

export class Browser {
  #process;
  #profile = mkdtempSync(join(tmpdir(), 'halyard-browser-'));
  #replies = new Map();
  #listeners = [];
  #lastId = 0;

  constructor(program) {
    this.#process = spawn(program, [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--hide-scrollbars', '--force-color-profile=srgb', '--remote-debugging-pipe',
      `--user-data-dir=${this.#profile}`, 'about:blank',
    ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    let rest = '';
    this.#process.stdio[4].setEncoding('utf8').on('data', (text) => {
      const messages = (rest + text).split('\0');
      rest = messages.pop();
      for (const message of messages) this.#take(JSON.parse(message));
    });
  }

  #take(message) {
    if (message.id === undefined) {
      for (const listener of this.#listeners) listener(message);
      return;
    }
    const { resolve, reject } = this.#replies.get(message.id);
    this.#replies.delete(message.id);
    if (message.error) reject(new Error(message.error.message));
    else resolve(message.result);
  }

  send(method, params = {}, sessionId = undefined) {
    const id = ++this.#lastId;
    this.#process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => { this.#replies.set(id, { resolve, reject }); });
  }

  onEvent(listener) { this.#listeners.push(listener); }

  // A page of `width` x `height` px; { phone: true } has a finger and a dense screen, { dark: true } a
  // reader who prefers dark.
  async open(file, width, height, { phone = false, dark = false } = {}) {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, sessionId, targetId);
    await page.load(file, width, height, phone, dark);
    return page;
  }

  async close() {
    const ended = new Promise((resolve) => { this.#process.once('exit', resolve); });
    await this.send('Browser.close').catch(() => {});
    await ended;
    rmSync(this.#profile, { recursive: true, force: true });
  }
}

class Page {
  complaints = [];  // console errors and warnings, uncaught exceptions
  requests = [];    // of anything but the file itself
  openedInMs = 0;   // until the page said that it was drawn
  #browser;
  #session;
  #target;

  constructor(browser, session, target) {
    this.#browser = browser;
    this.#session = session;
    this.#target = target;
  }

  #send(method, params) { return this.#browser.send(method, params, this.#session); }

  async load(file, width, height, phone, dark) {
    const url = pathToFileURL(file).href;
    this.#browser.onEvent(({ method, params, sessionId }) => {
      if (sessionId !== this.#session) return;
      if (method === 'Network.requestWillBeSent' && params.request.url !== url) this.requests.push(params.request.url);
      if (method === 'Runtime.exceptionThrown') this.complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
      if (method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(params.type)) this.complaints.push(params.args.map((a) => a.value ?? a.description).join(' '));
      if (method === 'Log.entryAdded' && params.entry.level !== 'verbose' && params.entry.level !== 'info') this.complaints.push(params.entry.text);
      // Whatever a page asks by a dialog would be something that the log put into it.
      if (method === 'Page.javascriptDialogOpening') this.complaints.push(`dialog: ${params.message}`);
    });
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await this.#send(`${domain}.enable`);
    await this.#send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: phone ? 2 : 1, mobile: phone });
    await this.#send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }, { name: 'prefers-reduced-motion', value: 'reduce' }] });
    const begin = performance.now();
    await this.#send('Page.navigate', { url });
    await this.until(() => document.documentElement?.dataset.ready === 'true', 'the page to be drawn');
    // Painted as well: two frames later.
    await this.run(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(() => done(true))); }));
    this.openedInMs = performance.now() - begin;
  }

  // Runs a function in the page with JSON arguments.
  async run(f, ...args) {
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', {
      expression: `(${f})(...${JSON.stringify(args)})`, returnByValue: true, awaitPromise: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async until(condition, what, ...args) {
    const end = performance.now() + PATIENCE_MS;
    while (performance.now() < end) {
      if (await this.run(condition, ...args)) return;
      await new Promise((wake) => { setTimeout(wake, 20); });
    }
    throw new Error(`waited ${PATIENCE_MS / 1000} s for ${what}; the console: ${this.complaints.join('; ')}`);
  }

  // What a reader sees of an element, blanks as one.
  text(selector) {
    return this.run((s) => document.querySelector(s).innerText.replace(/\s+/g, ' ').trim(), selector);
  }

  texts(selector) {
    return this.run((s) => [...document.querySelectorAll(s)].map((e) => e.innerText.replace(/\s+/g, ' ').trim()), selector);
  }

  // Middle of an element after it was scrolled to, or of the button, link or heading of that text in it.
  #middle(selector, text) {
    return this.run((s, t) => {
      const all = [...document.querySelectorAll(s)];
      const found = t === null ? all[0] : all.find((e) => e.innerText.trim() === t);
      if (!found) throw new Error(`there is no ${s} ${t ?? ''}`);
      found.scrollIntoView({ block: 'center', behavior: 'instant' });
      const { left, top, width, height } = found.getBoundingClientRect();
      return { x: left + width / 2, y: top + height / 2 };
    }, selector, text ?? null);
  }

  async moveTo(x, y) { await this.#send('Input.dispatchMouseEvent', { type: 'mouseMoved', x, y }); }

  async click(selector, text = undefined) {
    const at = await this.#middle(selector, text);
    await this.moveTo(at.x, at.y);
    for (const type of ['mousePressed', 'mouseReleased']) {
      await this.#send('Input.dispatchMouseEvent', { type, ...at, button: 'left', clickCount: 1 });
    }
  }

  // Drags from one share of an element's box to another.
  async drag(selector, from, to) {
    await this.#middle(selector);
    const box = await this.run((s) => document.querySelector(s).getBoundingClientRect().toJSON(), selector);
    const at = ([x, y]) => ({ x: box.left + x * box.width, y: box.top + y * box.height });
    await this.moveTo(at(from).x, at(from).y);
    await this.#send('Input.dispatchMouseEvent', { type: 'mousePressed', ...at(from), button: 'left', clickCount: 1 });
    for (const share of [0.3, 0.7, 1]) {
      const [a, b] = [at(from), at(to)];
      await this.#send('Input.dispatchMouseEvent', { type: 'mouseMoved', x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y), button: 'left', buttons: 1 });
    }
    await this.#send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...at(to), button: 'left', clickCount: 1 });
  }

  async press(key) {
    for (const type of ['rawKeyDown', 'keyUp']) {
      const codes = { ArrowDown: 40, ArrowRight: 39, ArrowLeft: 37, Enter: 13, Tab: 9 };
      await this.#send('Input.dispatchKeyEvent', { type, key, code: key, windowsVirtualKeyCode: codes[key] });
    }
    if (key === 'Enter') await this.#send('Input.dispatchKeyEvent', { type: 'char', text: '\r' });
  }

  async type(selector, text) {
    await this.click(selector);
    await this.run((s) => document.querySelector(s).select(), selector);
    await this.#send('Input.insertText', { text });
  }

  // All of the page, or of one element.
  async screenshot(file, selector = 'html') {
    const clip = await this.run((s) => {
      const { left, top, width, height } = document.querySelector(s).getBoundingClientRect();
      return { x: left + scrollX, y: top + scrollY, width, height, scale: 1 };
    }, selector);
    const { data } = await this.#send('Page.captureScreenshot', { captureBeyondViewport: true, clip });
    writeFileSync(file, Buffer.from(data, 'base64'));
  }

  close() { return this.#browser.send('Target.closeTarget', { targetId: this.#target }); }
}
