import { type Browser, chromium } from 'playwright-core'
import { requireProgram } from './debian.ts'

/** Debian's Chromium. The flags keep it from asking anybody but the pages it is shown. */
const OPTIONS = {
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
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ ...OPTIONS, executablePath: requireProgram('/usr/bin/chromium', 'chromium') })
