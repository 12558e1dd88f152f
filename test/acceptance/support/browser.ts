import { type Browser, chromium } from 'playwright-core'

/** Debian's Chromium. The flags keep it from asking anybody but the pages it is shown. */
const OPTIONS = {
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--autoplay-policy=no-user-gesture-required',
  ],
}

/** Starts a browser with a profile of its own; the caller closes it. */
export const openBrowser = (): Promise<Browser> => chromium.launch(OPTIONS)
